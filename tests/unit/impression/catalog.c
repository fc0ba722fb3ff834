/* Tests of impression/catalog.c. */
#include "adrank/catalog.h"

#include <unistd.h>

#include "adrank/decode.h"
#include "base/buf.h"
#include "base/file.h"
#include "impression/catalog_read.h"
#include "tests/js.h"
#include "tests/test.h"

static struct err err;

static struct catalog *catalog; /* the last one */

static void parse(const char *lines)
{
    catalog_unref(catalog);
    CHECK_OK(catalog_parse("ads.jsonl", view_of(js("%s", lines)), NULL, &catalog, &err), err);
}

TEST(catalog__reads_every_field)
{
    parse("{'adid':'a1','item':'sku9','crid':'c7','cid':'k3','seat':'s1',"
          "'adomain':['shop.example','b.example'],'cat':['IAB17'],'title':'\\u8dd1',"
          "'desc':'light','bid':0.06,'bid_type':'cpc','prior_ctr':0.02,'status':"
          "'paused','start':5,'end':9,'emb':{'image':[0.5,1],'none':[]}}\n"
          "{'adid':'a2','title':'kettle','bid':2}");
    const struct ad *ads, *ad;
    int n;

    ads = catalog_ads(catalog, &n);
    CHECK_INT(n, 2);
    ad = &ads[0];
    CHECK_VIEW(ad->adid, "a1");
    CHECK_VIEW(ad->item, "sku9");
    CHECK_VIEW(ad->crid, "c7");
    CHECK_VIEW(ad->cid, "k3");
    CHECK_VIEW(ad->seat, "s1");
    CHECK_INT(ad->adomain.n, 2);
    CHECK_VIEW(ad->adomain.items[1], "b.example");
    CHECK_INT(ad->cat.n, 1);
    CHECK_VIEW(ad->cat.items[0], "IAB17");
    CHECK_VIEW(ad->title, "\xe8\xb7\x91");
    CHECK_VIEW(ad->desc, "light");
    CHECK_VIEW(ad->text, "\xe8\xb7\x91 light");
    CHECK_NEAR(ad->bid, 0.06, 0);
    CHECK_INT(ad->bid_type, BID_CPC);
    CHECK_NEAR(ad->prior_ctr, 0.02, 0);
    CHECK_INT(ad->status, AD_PAUSED);
    CHECK(ad->start_ms == 5 && ad->end_ms == 9);
    ad = &ads[1];
    CHECK_VIEW(ad->text, "kettle");
    CHECK_INT(ad->bid_type, BID_CPM);
    CHECK(isnan(ad->prior_ctr));
    CHECK_INT(ad->status, AD_ACTIVE);
    CHECK(ad->start_ms == 0 && ad->end_ms == INT64_MAX);
    CHECK_INT(ad->adomain.n, 0);
    CHECK_INT(ad->index, 1);
}

TEST(catalog__an_ad_is_active_by_status_and_time)
{
    struct ad ad = {.start_ms = 5, .end_ms = 9};

    CHECK(!ad_active(&ad, 4));
    CHECK(ad_active(&ad, 5));
    CHECK(ad_active(&ad, 8));
    CHECK(!ad_active(&ad, 9));
    ad.status = AD_PAUSED;
    CHECK(!ad_active(&ad, 5));
}

TEST(catalog__ignores_and_counts_what_it_does_not_know)
{
    parse("\n{'adid':'a','title':'t','bid':1,'x':{},'y':1}"
          "\r\n \t\r\n{'adid':'b','title':'t','bid':1}\n\n");
    int n;

    (void)catalog_ads(catalog, &n);
    CHECK_INT(n, 2);
    CHECK_INT(catalog_unknown_fields(catalog), 2);
    parse("");
    (void)catalog_ads(catalog, &n);
    CHECK_INT(n, 0);
    CHECK(!catalog_find(catalog, VIEW_LIT("a")));
}

#define AD "{'adid':'a','title':'t','bid':1,"
#define GOOD "{'adid':'g','title':'t','bid':1}\n"

TEST(catalog__refuses_bad_lines)
{
    static const struct {
        const char *line, *pointer, *detail;
    } rows[] = {
        {"{", "", "not JSON"},
        {"x", "", "not JSON"},
        {"{'adid':'a\xff'}", "", "UTF-8"},
        {"{'adid':'a','adid':'b','title':'t','bid':1}", "", "duplicate key"},
        {"[]", "", "must be an object"},
        {"{'title':'t','bid':1}", "/adid", "is missing"},
        {"{'adid':'','title':'t','bid':1}", "/adid", "must not be empty"},
        {"{'adid':'a\\u0000','title':'t','bid':1}", "/adid", "U+0000"},
        {"{'adid':'g','title':'t','bid':1}", "/adid", "earlier line"},
        {"{'adid':'a','bid':1}", "/title", "is missing"},
        {"{'adid':'a','title':'','bid':1}", "/title", "must not be empty"},
        {"{'adid':'a','title':7,'bid':1}", "/title", "must be a string"},
        {"{'adid':'a','title':'t'}", "/bid", "is missing"},
        {"{'adid':'a','title':'t','bid':'1'}", "/bid", "must be a number"},
        {"{'adid':'a','title':'t','bid':-1}", "/bid", "must be within"},
        {"{'adid':'a','title':'t','bid':1e10}", "/bid", "must be within"},
        {AD "'bid_type':'x'}", "/bid_type", "must be one of cpm, cpc, cpa"},
        {AD "'item':1}", "/item", "a string"},
        {AD "'crid':1}", "/crid", "a string"},
        {AD "'cid':1}", "/cid", "a string"},
        {AD "'seat':1}", "/seat", "a string"},
        {AD "'desc':1}", "/desc", "a string"},
        {AD "'adomain':'x'}", "/adomain", "an array of strings"},
        {AD "'adomain':['']}", "/adomain/0", "must not be empty"},
        {AD "'cat':[1]}", "/cat/0", "a string"},
        {AD "'prior_ctr':1.1}", "/prior_ctr", "must be within 0 and 1"},
        {AD "'status':'on'}", "/status", "must be one of active, paused"},
        {AD "'start':-1}", "/start", "must be at least 0"},
        {AD "'end':'x'}", "/end", "an integer"},
        /* What is lenient in requests is not in files. */
        {"{'adid':7,'title':'t','bid':1}", "/adid", "a string"},
        {"{'adid':null,'title':'t','bid':1}", "/adid", "a string"},
        {"{'adid':'a','title':'t','bid':null}", "/bid", "a number"},
        {"{'adid':'a','title':'t','bid':1e999}", "/bid", "must be within"},
        {AD "'crid':null}", "/crid", "a string"},
        {AD "'adomain':null}", "/adomain", "an array of strings"},
        {AD "'cat':'IAB3'}", "/cat", "an array of strings"},
        {AD "'cat':[null]}", "/cat/0", "a string"},
        {AD "'start':1e3}", "/start", "must be an integer"},
        {AD "'end':null}", "/end", "an integer"},
        {AD "'start':5,'end':5}", "/end", "later than start"},
        {AD "'emb':[1]}", "/emb", "an object of arrays of numbers"},
        {AD "'emb':{'x':1}}", "/emb", "an object of arrays of numbers"},
        {AD "'emb':{'x':['1']}}", "/emb", "an object of arrays of numbers"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct catalog *none = NULL;
        struct problems problems;
        struct arena arena;
        const char *file, *pointer;

        test_row("%s", rows[i].line);
        arena_init(&arena, 4096, 0);
        problems_init(&problems, &arena, 8);
        file = js(GOOD "%s\n", rows[i].line);
        CHECK_ERR(catalog_parse("ads", view_of(file), &problems, &none, &err), err,
                  "ads: line 2: ");
        CHECK_INT(err.code, ERR_DATA);
        CHECK(!none);
        CHECK_INT(problems.n, 1);
        pointer = js("line 2%s%s", *rows[i].pointer ? ": " : "", rows[i].pointer);
        CHECK_STR(problems.items[0].pointer, pointer);
        if (!strstr(problems.items[0].detail, rows[i].detail))
            FAIL("%s", problems.items[0].detail);
        arena_release(&arena);
    }
}

TEST(catalog__reports_all_bad_lines)
{
    struct catalog *own;
    struct problems problems;
    struct arena arena;

    arena_init(&arena, 4096, 0);
    problems_init(&problems, &arena, 3);
    CHECK_ERR(catalog_parse("ads", view_of(js("{}\n" GOOD "x\n" GOOD)), &problems, &own, &err), err,
              "and 2 more");
    CHECK_INT(problems.n, 3);
    CHECK_INT(problems.dropped, 2);
    CHECK_STR(problems.items[0].pointer, "line 1: /adid");
    CHECK_STR(problems.items[2].pointer, "line 1: /bid");
    arena_release(&arena);
    CHECK_ERR(catalog_parse("ads", VIEW_LIT("x"), NULL, &own, &err), err, "ads: line 1: ");
}

TEST(catalog__finds_ads_and_item_texts)
{
    struct buf *file = js_buf();

    for (int i = 0; i < 5000; i++)
        buf_printf(file, "{'adid':'ad%d','item':'i%d','title':'title %d','bid':%d}\n", i, i / 2, i,
                   i % 7);
    parse(buf_str(file));
    for (int i = 0; i < 5000; i++) {
        const struct ad *ad;

        ad = catalog_find(catalog, view_of(js("ad%d", i)));
        CHECK(ad && ad->index == i);
        CHECK(view_eq(catalog_item_text(catalog, view_of(js("i%d", i / 2))),
                      catalog_ads(catalog, &(int){0})[i / 2 * 2].text));
    }
    CHECK(!catalog_find(catalog, VIEW_LIT("ad5000")));
    CHECK(!catalog_find(catalog, VIEW_LIT("")));
    CHECK_INT(catalog_item_text(catalog, VIEW_LIT("i2500")).len, 0);
    CHECK_INT(catalog_item_text(catalog, VIEW_LIT("")).len, 0);
}

TEST(catalog__orders_by_prior_ecpm)
{
    /* 3; 1000 x .02 x .1 = 2; 1000 x .01 x .25 = 2.5; 1000 x .5 x .01 x .5 = 2.5; 2 */
    static const char *const want[] = {"a", "c", "d", "b", "e"};
    parse("{'adid':'e','title':'t','bid':2}\n"
          "{'adid':'d','title':'t','bid':0.5,'bid_type':'cpa','prior_ctr':0.5}\n"
          "{'adid':'c','title':'t','bid':0.25,'bid_type':'cpc'}\n"
          "{'adid':'b','title':'t','bid':0.1,'bid_type':'cpc','prior_ctr':0.02}\n"
          "{'adid':'a','title':'t','bid':3}\n");
    const int32_t *order = catalog_by_prior_ecpm(catalog);

    for (int i = 0; i < 5; i++)
        CHECK_VIEW(catalog_ads(catalog, &(int){0})[order[i]].adid, want[i]);
}

TEST(catalog__digest_is_of_the_bytes)
{
    parse("");

    CHECK_STR(catalog_digest(catalog), "e3b0c44298fc"); /* SHA-256 of nothing */
}

TEST(catalog__lives_with_its_last_reference)
{
    struct catalog *own;

    CHECK_OK(catalog_parse("ads", view_of(js(GOOD)), NULL, &own, &err), err);

    CHECK(catalog_ref(own) == own);
    catalog_unref(own);
    CHECK(catalog_find(own, VIEW_LIT("g")));
    catalog_unref(own);
    catalog_unref(NULL);
}

/* Memory is taken for lines that may be ads, and for lines of a sane length. */
TEST(catalog__takes_no_memory_for_what_is_no_ad)
{
    static const char ad[] = "{\"adid\":\"a\",\"title\":\"t\",\"bid\":1}"; /* none is shorter */
    struct buf lines AT_END(buf_release) = BUF_INIT;
    struct catalog *own;
    struct problems problems;
    struct ad_table table;
    struct arena arena;

    arena_init(&arena, 4096, 256 << 10); /* for an ad each it would be 200 MiB */
    problems_init(&problems, &arena, 10);
    for (int i = 0; i < 1 << 20; i++)
        buf_add_str(&lines, "\n");
    buf_add_str(&lines, ad);
    memset(buf_reserve(&lines, DECODE_PADDING), 0, DECODE_PADDING);
    CHECK_OK(ad_table_read(&table, buf_view(&lines), &problems, &arena, &err), err);
    CHECK_INT(table.n_ads, 1);
    CHECK_INT(table.lines[0], (1 << 20) + 1);
    arena_release(&arena);

    buf_clear(&lines);
    buf_printf(&lines, "%s%*s", ad, (1 << 20) - (int)sizeof(ad) + 1, "");
    CHECK_OK(catalog_parse("ads", buf_view(&lines), NULL, &own, &err), err);
    catalog_unref(own);
    buf_printf(&lines, " \n{");
    CHECK_ERR(catalog_parse("ads", buf_view(&lines), NULL, &own, &err), err,
              "ads: line 1: longer than 1048576 bytes");
}

TEST(catalog__opens_a_file)
{
    char path[] = "/tmp/adrank-catalog-XXXXXX";
    struct catalog *own;
    int fd = mkstemp(path);

    CHECK(fd != -1);
    CHECK_OK(file_write(path, view_of(js(GOOD)), &err), err);
    CHECK_OK(catalog_open(path, 1 << 20, NULL, &own, &err), err);
    CHECK(catalog_find(own, VIEW_LIT("g")));
    catalog_unref(own);
    CHECK_ERR(catalog_open(path, 10, NULL, &own, &err), err, "more than 10 bytes");
    CHECK_INT(err.code, ERR_DATA);
    remove(path);
    CHECK_ERR(catalog_open(path, 1 << 20, NULL, &own, &err), err, path);
    CHECK_INT(err.code, ERR_NOINPUT);
    close(fd);
}
