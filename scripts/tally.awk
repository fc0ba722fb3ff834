# Reads ctest's logs and the output of scripts/fuzz, each of which must exist and contain a test;
# sums the closing lines of all test programs; exits 1 on any failure.
function finish()
{
    if (name == "")
        return
    passed += closing[1]
    failed += closing[2]
    skipped += closing[3]
    if (!closed)
        complain(name ": no closing line")
    else if (closing[1] + closing[2] + closing[3] == 0)
        complain(name ": no cases")
    else if (!ended_well && closing[2] == 0)
        complain(name ": failed outside its cases (crash, leak or time limit)")
    else if (closing[2] > 0)
        print "FAILED " name ": " closing[2] " of its cases"
    name = ""
}

function complain(what)
{
    print "FAILED " what
    failed++
}

function begin(new_name)
{
    finish()
    n_tests[FILENAME]++
    name = FILENAME " " new_name
    sub(/^.*\//, "", name)
    closed = ended_well = closing[1] = closing[2] = closing[3] = 0
}

BEGIN {
    for (i = 1; i < ARGC; i++) {
        log_name[i] = ARGV[i]
        if ((getline line < ARGV[i]) < 0)
            ARGV[i] = "" # END complains
        close(log_name[i])
    }
}

FNR == 1 { finish() }
/^[0-9]+\/[0-9]+ Testing: / { begin(substr($0, index($0, ": ") + 2)) }
/^fuzz targets$/ { begin("targets"); ended_well = 1 }
/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
    closed = 1
    closing[1] = $1
    closing[2] = $3
    closing[3] = $5
}
/^Test Passed\.$/ { ended_well = 1 }
/^skip / && name != "" {
    print name ": " $0
    if (ENVIRON["ADRANK_ALL_DATA"] && tolower($0) !~ /cuda|gpu/)
        unexcused++
}

END {
    finish()
    for (i in log_name)
        if (!n_tests[log_name[i]])
            complain(log_name[i] ": no tests ran")
    if (unexcused) {
        print "FAILED " unexcused " skipped though the evaluation data are here"
        failed += unexcused
        skipped -= unexcused
    }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}
