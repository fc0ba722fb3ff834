# Reads names of source files from stdin; closes as every test program does.
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
        if (line ~ /^\/[\/*] ?[-=][-=][-=]/ && (line !~ /^\/\* ---- .* -+ \*\/$/ || length(line) != 100))
            complain(file, number, "a section is marked /* ---- name ---- ... */, 100 columns wide")
        if (file ~ /\.h$/ && file !~ /^tests\//)
            count_contract(line)
    }
    close(file)
}

{
    begin_file($0)
    check_file($0)
}

END {
    printf "%d of %d lines of headers are contract\n", contract_lines, header_lines
    if (contract_lines < 0.4 * header_lines)
        fail("that is less than 40 %")
    close_results("style__sources ", 100)
}
