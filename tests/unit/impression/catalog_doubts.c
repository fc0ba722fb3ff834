/* Tests of impression/catalog_doubts.c. */
#include "impression/catalog_doubts.h"

#include "tests/js.h"
#include "tests/test.h"

#define AD(members) "{'adid':'a','title':'t','bid':1" members "}\n"

static struct catalog *parse(const char *lines)
{
    struct catalog *catalog;
    struct err err;

    CHECK_OK(catalog_parse("ads", view_of(js("%s", lines)), NULL, &catalog, &err), err);
    return catalog;
}

/* want NULL: nothing is doubtful. */
static void check(const char *lines, const char *want)
{
    struct catalog *catalog = parse(lines);
    const struct views *doubts = catalog_doubts(catalog);

    CHECK_INT(doubts->n, want ? 1 : 0);
    if (want)
        CHECK_VIEW(doubts->items[0], want);
    catalog_unref(catalog);
}

TEST(catalog_doubts__times)
{
    static const struct {
        const char *members, *want;
    } rows[] = {
        {",'start':0", NULL},
        {",'start':978307200000,'end':4133980799999", NULL},
        {",'start':1764279600000", NULL},
        {",'end':9223372036854775807", NULL}, /* as if there were none */
        {",'start':1", "/start: 1 is before 2001"},
        {",'start':978307199999", "/start: 978307199999 is before 2001"},
        {",'start':978307200", "/start: 978307200 looks like seconds"},
        {",'end':1764279600", "/end: 1764279600 looks like seconds"},
        {",'end':4133980799", "/end: 4133980799 looks like seconds"},
        {",'end':4133980800", "/end: 4133980800 is before 2001"},
        {",'end':4133980800000", "/end: 4133980800000 is after 2100"},
        {",'end':1764279600000000", "/end: 1764279600000000 looks like microseconds"},
        {",'start':1764279600000000000", "/start: 1764279600000000000 looks like nanoseconds"},
        {",'end':9223372036854775806", "/end: 9223372036854775806 is after 2100"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        const char *want = rows[i].want;

        test_row("%s", rows[i].members);
        if (want)
            want = js("line 1: %s; unix milliseconds are expected", want);
        check(js(AD("%s"), rows[i].members), want);
    }
}

/* Each type by itself; what is 0 is no bid to go by. */
TEST(catalog_doubts__bids)
{
    static const struct {
        const char *name;
        double cpm[5], cpc[5];
        const char *want;
    } rows[] = {
        {"alone", {5000}, {0}, NULL},
        {"another type", {5000, 5000}, {1, 1}, NULL},
        {"999 times", {1, 1, 999}, {0}, NULL},
        {"1,000 times",
         {1, 1, 1000},
         {0},
         "line 3: /bid: 1000 is 1000 times the median of the cpm bids, 1"},
        {"of two",
         {0.5, 750},
         {0},
         "line 2: /bid: 750 is 1500 times the median of the cpm bids, 0.5"},
        {"zeros", {0, 0, 0, 0, 9000}, {0}, NULL},
        {"clicks",
         {9000, 9000},
         {0.1, 0.2, 0.2, 900},
         "line 9: /bid: 900 is 4500 times the median of the cpc bids, 0.2"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct buf *lines = js_buf();

        test_row("%s", rows[i].name);
        for (int k = 0; k < 10; k++) {
            double bid = k < 5 ? rows[i].cpm[k] : rows[i].cpc[k - 5];

            if (bid == 0 && strcmp(rows[i].name, "zeros") != 0)
                buf_add_str(lines, "\n");
            else
                buf_printf(lines, "{'adid':'%d','title':'t','bid':%g,'bid_type':'%s'}\n", k, bid,
                           k < 5 ? "cpm" : "cpc");
        }
        check(buf_str(lines), rows[i].want);
    }
}

TEST(catalog_doubts__rates_and_texts)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {AD(",'prior_ctr':0.5"), NULL},
        {AD(",'prior_ctr':1e-6"), NULL},
        {AD(",'prior_ctr':1"), "line 1: /prior_ctr: 1 is too high for a click-through rate; a "
                               "fraction is expected, not a percentage"},
        {AD(",'prior_ctr':0.51"), "line 1: /prior_ctr: 0.51 is too high for a click-through "
                                  "rate; a fraction is expected, not a percentage"},
        {AD(",'prior_ctr':0"), "line 1: /prior_ctr: 0 means that the ad is never clicked"},
        {"{'adid':'a','title':' \\t\\u00a0\\u3000','bid':1}",
         "line 1: /title: blank: the model has no text to read"},
        {"{'adid':'a','title':' ','desc':'\\ufeff ','bid':1}",
         "line 1: /title: blank: the model has no text to read"},
        {"{'adid':'a','title':' ','desc':'tea','bid':1}", NULL},
        {"{'adid':'a','title':'\xe8\x8c\xb6','bid':1}", NULL},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].line);
        check(rows[i].line, rows[i].want);
    }
}

TEST(catalog_doubts__domains)
{
    static const char *const good[] = {
        "shop.example",     "www.Shop.example",
        "a.b.c.d.example.", "https://shop.example/x?y",
        " shop.example",    "shop.example:443",
        "xn--e1a.example",  "\xd1\x8f\xd0\xb4.\xd1\x80\xd1\x84",
        "_x.example",       "you@shop.example",
        "*.shop.example",
    };
    static const char *const bad[] = {
        "shop",
        "shop example",
        "a..example",
        ".example",
        "shop,example",
        "IAB7-1 x",
        "http://",
        "shop.example tea.example",
        "-",
        "*.example",
    };
    for (int i = 0; i < COUNT(good); i++) {
        test_row("%s", good[i]);
        check(js(AD(",'adomain':['%s']"), good[i]), NULL);
    }
    for (int i = 0; i < COUNT(bad); i++) {
        test_row("%s", bad[i]);
        check(js(AD(",'adomain':['x.example','%s']"), bad[i]),
              js("line 1: /adomain/1: '%s' is not a domain", bad[i]));
    }
    /* A long one is quoted in part, and never half a character. */
    check(js(AD(",'adomain':['%063d\u044f']"), 0),
          js("line 1: /adomain/0: '%063d' is not a domain", 0));
}

TEST(catalog_doubts__ten_of_a_kind_are_shown)
{
    for (int n = 10; n <= 12; n++) {
        struct catalog *catalog =
            parse(js("%s" AD(",'prior_ctr':0"),
                     js_repeat(n, "\n{'adid':'#','title':'t','bid':1,'start':5}\n")));
        const struct views *doubts = catalog_doubts(catalog);

        test_row("%d", n);
        CHECK_INT(doubts->n, n == 10 ? 11 : 12);
        CHECK_VIEW(doubts->items[9],
                   "line 20: /start: 5 is before 2001; unix milliseconds are expected");
        if (n > 10)
            CHECK_VIEW(doubts->items[10], n == 11 ? "/start: 1 more line like these"
                                                  : "/start: 2 more lines like these");
        catalog_unref(catalog);
    }
}
