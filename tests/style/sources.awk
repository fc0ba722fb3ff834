# Reads names of source files from stdin; closes as every test program does.
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

# A line that clang-format could not break: a string or a macro's.
function unbreakable(line)
{
    return line ~ /"/ || line ~ /\\$/
}

function count_contract(line)
{
    if (line ~ /^[ \t]*$/)
        return
    header_lines++
    if (in_comment || line ~ /\/\*|\/\//)
        contract_lines++
    if (line ~ /\/\*/)
        in_comment = line !~ /\/\*.*\*\//
    else if (line ~ /\*\//)
        in_comment = 0
}

function check_file(file, line, number)
{
    number = in_comment = 0
    while ((getline line < file) > 0) {
        number++
        if (number == 1 && line !~ /^\/\*/)
            complain(file, 1, "does not open with a comment that says its role")
        if (length(line) > 100 && !unbreakable(line))
            complain(file, number, length(line) " columns")
        if (line ~ /^\/[\/*] ?[-=]{3}/ && (line !~ /^\/\* ---- .* -+ \*\/$/ || length(line) != 100))
            complain(file, number, "a section is marked /* ---- name ---- ... */, 100 columns wide")
        if (file ~ /\.h$/ && file !~ /^tests\//)
            count_contract(line)
    }
    close(file)
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
            print "ok   style__sources " folder
            passed++
        }
    }
    if (n_files < 100) {
        print "FAIL only " n_files + 0 " files found"
        failed++
    }
    printf "%d of %d lines of headers are contract\n", contract_lines, header_lines
    if (contract_lines < 0.4 * header_lines) {
        print "FAIL that is less than 40 %"
        failed++
    }
    printf "%d passed, %d failed, 0 skipped\n", passed, failed
    exit failed > 0
}
