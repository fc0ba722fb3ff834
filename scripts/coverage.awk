# Reads what "gcov -b -n" prints, a few lines a source file.
/^File / {
    file = substr($0, 7, length($0) - 7)
    ours = index(file, root) == 1 && file ~ /\.c$/
    file = substr(file, length(root) + 1)
}
# a second figure after the last file is the sum of all
/^Lines executed:/ && (file in total) { ours = 0 }
ours && /^Lines executed:/ { split($0, p, /[:% ]+/); total[file] = p[5]; hit[file] = p[3] * p[5] / 100 }
ours && /^Taken at least once:/ { split($0, p, /[:% ]+/); branches[file] = p[7]; taken[file] = p[5] * p[7] / 100 }
END {
    for (file in total) {
        folder = file
        sub(/\/[^\/]*$/, "", folder)
        lines[folder] += total[file]
        hits[folder] += hit[file]
        all_branches[folder] += branches[file]
        all_taken[folder] += taken[file]
    }
    for (folder in lines)
        printf "%-24s lines %5.1f %% of %5d   branches %5.1f %% of %5d\n", folder, 100 * hits[folder] / lines[folder],
               lines[folder], all_branches[folder] ? 100 * all_taken[folder] / all_branches[folder] : 100,
               all_branches[folder] | "sort"
    close("sort")
    print "least covered:"
    for (file in total)
        printf "%5.1f %% %s\n", 100 * hit[file] / total[file], file | "sort -n | head -n 10"
}
