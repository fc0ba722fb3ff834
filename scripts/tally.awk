# Reads ctest's logs and the output of scripts/fuzz; sums the closing lines of all test programs; exit 1 on any failure.
function finish()
{
    if (name == "")
        return
    passed += closing[1]
    failed += closing[2]
    skipped += closing[3]
    if (!closed)
        complain(name ": no closing line")
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
    name = FILENAME " " new_name
    sub(/^.*\//, "", name)
    closed = ended_well = closing[1] = closing[2] = closing[3] = 0
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
    if (unexcused) {
        print "FAILED " unexcused " skipped though the evaluation data are here"
        failed += unexcused
        skipped -= unexcused
    }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}
