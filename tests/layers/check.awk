# Reads the rules, then the names of the files to check from stdin; closes as every test program does.
function complain(file, number, what)
{
    printf "FAIL %s:%d: %s\n", file, number, what
    bad[folder_of(file)]++
}

function folder_of(file)
{
    sub(/\/[^\/]*$/, "", file)
    return file
}

# The folder of the table that holds for this file.
function layer_of(file, at)
{
    at = folder_of(file)
    while (!(at in see) && at ~ /\//)
        sub(/\/[^\/]*$/, "", at)
    return at
}

function allowed(text, prefixes, n, i, list)
{
    n = split(prefixes, list, " ")
    for (i = 1; i <= n; i++)
        if (index(text, list[i]) == 1)
            return 1
    return 0
}

function check_include(file, number, header, quoted, layer, i)
{
    layer = layer_of(file)
    if (quoted) {
        if (index(header, "/") == 0)
            complain(file, number, "\"" header "\": included from the root only")
        else if (index(header, layer "/") != 1 && !allowed(header, see[layer]))
            complain(file, number, layer " may not see \"" header "\"")
        return
    }
    for (i = 1; i <= n_libraries; i++)
        if (header ~ library[i] && !allowed(file, where[i]))
            complain(file, number, "<" header "> has no place in " layer)
}

function check_file(file, line, number, quoted)
{
    number = 0
    while ((getline line < file) > 0) {
        number++
        if (line ~ /^[ \t]*#[ \t]*include[ \t]*["<]/) {
            quoted = line ~ /"/
            sub(/^[^"<]*["<]/, "", line)
            sub(/[">].*/, "", line)
            check_include(file, number, line, quoted)
        } else if (line ~ /(^|[^A-Za-z0-9_.>"])(exit|_exit|_Exit|quick_exit|abort)[ ]*\(/ && line !~ /^ *(\/?\*|\/\/)/ &&
                   file !~ may_exit) {
            complain(file, number, "only main.c ends the process")
        }
    }
    close(file)
}

BEGIN {
    while ((getline rule < rules) > 0) {
        colon = match(rule, /: *[^:]*$/)
        head = substr(rule, 1, RSTART - 1)
        tail = substr(rule, RSTART + 1)
        if (rule ~ /^see /) {
            see[substr(head, 5)] = tail
        } else if (rule ~ /^library /) {
            library[++n_libraries] = substr(head, 9)
            where[n_libraries] = tail
        } else if (rule ~ /^exit:/) {
            gsub(/^ +| +$/, "", tail)
            gsub(/ +/, "|", tail)
            may_exit = tail
        }
    }
}

{
    seen[folder_of($0)] = 1
    n_files++
    check_file($0)
}

END {
    for (folder in seen) {
        if (bad[folder]) {
            failed++
        } else {
            print "ok   layers__" folder
            passed++
        }
    }
    if (n_files < 10) {
        print "FAIL only " n_files + 0 " files found"
        failed++
    }
    printf "%d passed, %d failed, 0 skipped\n", passed, failed
    exit failed > 0
}
