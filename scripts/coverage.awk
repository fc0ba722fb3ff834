# Reads the output of "gcov -b -n", a few lines per source file. A file's path starts with "root"
# (with its final slash) or, with ccache, is relative to the build folder: "../../base/arena.c".
/^File / {
    file = substr($0, 7, length($0) - 7)
    ours = (index(file, root) == 1 || file ~ /^\.\.\//) && file ~ /\.c$/
    if (index(file, root) == 1)
        file = substr(file, length(root) + 1)
    sub(/^(\.\.\/)+/, "", file)
}
# a second figure after the last file is the sum of all
/^Lines executed:/ && (file in total) { ours = 0 }
ours && /^Lines executed:/ { split($0, p, /[:% ]+/); total[file] = p[5]; hit[file] = p[3] * p[5] / 100 }
ours && /^Taken at least once:/ { split($0, p, /[:% ]+/); branches[file] = p[7]; taken[file] = p[5] * p[7] / 100 }

function print_figures(name, lines, hits, branches, taken, to)
{
    printf "%-24s lines %5.1f %% of %5d   branches %5.1f %% of %5d\n", name, 100 * hits / lines, lines,
           branches ? 100 * taken / branches : 100, branches | to
}

END {
    for (file in total) {
        folder = file
        sub(/\/[^\/]*$/, "", folder)
        lines[folder] += total[file]
        hits[folder] += hit[file]
        all_branches[folder] += branches[file]
        all_taken[folder] += taken[file]
    }
    for (folder in lines) {
        print_figures(folder, lines[folder], hits[folder], all_branches[folder], all_taken[folder], "sort")
        if (folder ~ /^bench(\/|$)/)
            continue
        sum_lines += lines[folder]
        sum_hits += hits[folder]
        sum_branches += all_branches[folder]
        sum_taken += all_taken[folder]
    }
    close("sort")
    print "least covered:"
    for (file in total)
        printf "%5.1f %% %s\n", 100 * hit[file] / total[file], file | "sort -n | head -n 10"
    close("sort -n | head -n 10")
    if (sum_lines)
        print_figures("all but bench", sum_lines, sum_hits, sum_branches, sum_taken, "cat")
}
