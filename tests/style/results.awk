# What the checks of source files share: complaints, a case for each folder, the closing lines of a
# test program.
function folder_of(file)
{
    sub(/\/[^\/]*$/, "", file)
    return file
}

function begin_file(file)
{
    seen[folder_of(file)] = 1
    n_files++
}

function complain(file, number, what)
{
    printf "FAIL %s:%d: %s\n", file, number, what
    seen[folder_of(file)] = 1
    bad[folder_of(file)]++
}

function fail(what)
{
    print "FAIL " what
    failed++
}

function close_results(prefix, least_files, folder)
{
    for (folder in seen) {
        if (bad[folder]) {
            failed++
        } else {
            print "ok   " prefix folder
            passed++
        }
    }
    if (n_files < least_files)
        fail("only " n_files + 0 " files found")
    printf "%d passed, %d failed, 0 skipped\n", passed, failed
    exit failed > 0
}
