# Reads the rules, then the names of the files to check from stdin; prints its results as every test
# program does.

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

# A .c and its .h are one file here, named without the ending.
function stem_of(file)
{
    sub(/\.(c|h|cpp)$/, "", file)
    sub(/^include\//, "", file)
    return file
}

function add_node(name)
{
    if (!(name in order)) {
        node[++n_nodes] = name
        order[name] = n_nodes
    }
}

function connect(from, to, file, number)
{
    if (from == to || (from, to) in place_file)
        return
    place_file[from, to] = file
    place_line[from, to] = number
    targets[from] = targets[from] " " to
}

function walk(from, at, list, n, i)
{
    n = split(targets[at], list, " ")
    for (i = 1; i <= n; i++)
        if (!((from, list[i]) in reached)) {
            reached[from, list[i]] = 1
            walk(from, list[i])
        }
}

# A folder is a node, too: its name ends in "/".
function check_circle(first, i, circle, next_node)
{
    if (!((node[first], node[first]) in reached) || node[first] in in_circle)
        return
    circle = node[first]
    for (i = first + 1; i <= n_nodes; i++)
        if ((node[first], node[i]) in reached && (node[i], node[first]) in reached) {
            in_circle[node[i]] = 1
            circle = circle " " node[i]
            if ((node[first], node[i]) in place_file)
                next_node = node[i]
        }
    if (circle in known)
        delete known[circle]
    else
        complain(place_file[node[first], next_node], place_line[node[first], next_node],
                 "include circle: " circle)
}

function check_circles(i, circle)
{
    for (i = 1; i <= n_nodes; i++)
        walk(node[i], node[i])
    for (i = 1; i <= n_nodes; i++)
        check_circle(i)
    for (circle in known)
        complain("tests/layers/rules", known[circle], "no such circle any more: " circle)
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
            if (quoted) {
                connect(stem_of(file), stem_of(line), file, number)
                connect(folder_of(stem_of(file)) "/", folder_of(stem_of(line)) "/", file, number)
            }
        } else if (line ~ /(^|[^A-Za-z0-9_.>"])(exit|_exit|_Exit|quick_exit|abort)[ ]*\(/ && line !~ /^ *(\/?\*|\/\/)/ &&
                   file !~ may_exit) {
            complain(file, number, "only main.c ends the process")
        }
    }
    close(file)
}

BEGIN {
    while ((getline rule < rules) > 0) {
        n_rules++
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
        } else if (rule ~ /^circle:/) {
            gsub(/^ +| +$/, "", tail)
            known[tail] = n_rules
        }
    }
}

{
    begin_file($0)
    add_node(stem_of($0))
    add_node(folder_of(stem_of($0)) "/")
    check_file($0)
}

END {
    check_circles()
    close_results("layers__", 10)
}
