/* Tests of model/tokenizer/truncate.c. */
#include "adrank/tokenizer.h"
#include "tests/unit/model/tokenizer/golden.h"

static void check_line(struct view line)
{
    int64_t strategy, max;

    CHECK_INT(number_int(golden_field(&line, ' '), 0, 2, &strategy), 0);
    CHECK_INT(number_int(golden_field(&line, ' '), 0, 12, &max), 0);
    CHECK_INT(line.len, 13 * 13 * 2);
    test_row("strategy %d to %d tokens", (int)strategy, (int)max);
    for (int i = 0; i < 13 * 13; i++) {
        const char *want = line.ptr + i * 2;
        int n1 = i / 13, n2 = i % 13;
        int cut = n1 + n2 > max;
        int rc = tokenizer_truncate((enum truncation)strategy, (int)max, &n1, &n2);

        if (want[0] == '-') {
            CHECK_INT(rc, -1);
            continue;
        }
        if (rc != cut || n1 != golden_hex(want[0]) || n2 != golden_hex(want[1]))
            FAIL("%d and %d become %d and %d, want %.2s", i / 13, i % 13, n1, n2, want);
    }
}

TEST(tokenizer_truncate__cuts_all_pairs_of_lengths_as_the_reference)
{
    struct golden_file golden AT_END(golden_close);
    struct view line;
    int n = 0;

    golden_open(&golden, GOLDEN "truncation.txt");
    for (; golden_line(&golden, &line); n++)
        check_line(line);
    CHECK_INT(n, 3 * 13);
}

TEST(tokenizer_truncate__leaves_lengths_alone_where_it_refuses)
{
    int n1 = 3, n2 = 900;

    CHECK_INT(tokenizer_truncate(TRUNCATE_ONLY_FIRST, 100, &n1, &n2), -1);
    CHECK_INT(n1, 3);
    CHECK_INT(n2, 900);
    n1 = INT32_MAX;
    n2 = INT32_MAX;
    CHECK_INT(tokenizer_truncate(TRUNCATE_LONGEST_FIRST, 101, &n1, &n2), 1);
    CHECK_INT(n1, 50);
    CHECK_INT(n2, 51);
}
