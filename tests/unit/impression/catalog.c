/* Tests of impression/catalog.c. */
#include "adrank/catalog.h"

#include <unistd.h>

#include "adrank/decode.h"
#include "base/buf.h"
#include "base/file.h"
#include "impression/catalog_read.h"
#include "tests/test.h"

static struct err err;

static struct catalog *parse(const char *lines)
{
    struct catalog *catalog;

    CHECK_OK(catalog_parse("ads.jsonl", view_of(lines), NULL, &catalog, &err), err);
    return catalog;
}

TEST(catalog__reads_every_field)
{
    struct catalog *catalog = parse(
        "{\"adid\":\"a1\",\"item\":\"sku9\",\"crid\":\"c7\",\"cid\":\"k3\",\"seat\":\"s1\","
        "\"adomain\":[\"shop.example\",\"b.example\"],\"cat\":[\"IAB17\"],\"title\":\"\\u8dd1\","
        "\"desc\":\"light\",\"bid\":0.06,\"bid_type\":\"cpc\",\"prior_ctr\":0.02,\"status\":"
        "\"paused\",\"start\":5,\"end\":9,\"emb\":{\"image\":[0.5,1],\"none\":[]}}\n"
        "{\"adid\":\"a2\",\"title\":\"kettle\",\"bid\":2}");
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
    CHECK(ad->paused);
    CHECK(ad->start_ms == 5 && ad->end_ms == 9);
    ad = &ads[1];
    CHECK_VIEW(ad->text, "kettle");
    CHECK_INT(ad->bid_type, BID_CPM);
    CHECK(isnan(ad->prior_ctr));
    CHECK(!ad->paused);
    CHECK(ad->start_ms == 0 && ad->end_ms == INT64_MAX);
    CHECK_INT(ad->adomain.n, 0);
    CHECK_INT(ad->index, 1);
    catalog_unref(catalog);
}

TEST(catalog__an_ad_is_active_by_status_and_time)
{
    struct ad ad = {.start_ms = 5, .end_ms = 9};

    CHECK(!ad_active(&ad, 4));
    CHECK(ad_active(&ad, 5));
    CHECK(ad_active(&ad, 8));
    CHECK(!ad_active(&ad, 9));
    ad.paused = true;
    CHECK(!ad_active(&ad, 5));
}

TEST(catalog__ignores_and_counts_what_it_does_not_know)
{
    struct catalog *catalog = parse("\n{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"x\":{},\"y\":1}"
                                    "\r\n \t\r\n{\"adid\":\"b\",\"title\":\"t\",\"bid\":1}\n\n");
    int n;

    (void)catalog_ads(catalog, &n);
    CHECK_INT(n, 2);
    CHECK_INT(catalog_unknown_fields(catalog), 2);
    catalog_unref(catalog);
    catalog = parse("");
    (void)catalog_ads(catalog, &n);
    CHECK_INT(n, 0);
    CHECK(!catalog_find(catalog, VIEW_LIT("a")));
    catalog_unref(catalog);
}

#define GOOD "{\"adid\":\"g\",\"title\":\"t\",\"bid\":1}\n"

TEST(catalog__refuses_bad_lines)
{
    static const struct {
        const char *line, *pointer, *detail;
    } rows[] = {
        {"{", "line 2", "not JSON"},
        {"x", "line 2", "not JSON"},
        {"{\"adid\":\"a\xff\"}", "line 2", "UTF-8"},
        {"{\"adid\":\"a\",\"adid\":\"b\",\"title\":\"t\",\"bid\":1}", "line 2", "twice"},
        {"[]", "line 2", "must be an object"},
        {"{\"title\":\"t\",\"bid\":1}", "line 2: /adid", "is missing"},
        {"{\"adid\":\"\",\"title\":\"t\",\"bid\":1}", "line 2: /adid", "must not be empty"},
        {"{\"adid\":\"a\\u0000\",\"title\":\"t\",\"bid\":1}", "line 2: /adid", "U+0000"},
        {"{\"adid\":\"g\",\"title\":\"t\",\"bid\":1}", "line 2: /adid", "earlier line"},
        {"{\"adid\":\"a\",\"bid\":1}", "line 2: /title", "is missing"},
        {"{\"adid\":\"a\",\"title\":\"\",\"bid\":1}", "line 2: /title", "must not be empty"},
        {"{\"adid\":\"a\",\"title\":7,\"bid\":1}", "line 2: /title", "must be a string"},
        {"{\"adid\":\"a\",\"title\":\"t\"}", "line 2: /bid", "is missing"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":\"1\"}", "line 2: /bid", "must be a number"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":-1}", "line 2: /bid", "must be within"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1e10}", "line 2: /bid", "must be within"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"bid_type\":\"x\"}", "line 2: /bid_type",
         "must be one of cpm, cpc, cpa"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"item\":1}", "line 2: /item", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"crid\":1}", "line 2: /crid", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"cid\":1}", "line 2: /cid", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"seat\":1}", "line 2: /seat", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"desc\":1}", "line 2: /desc", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"adomain\":\"x\"}", "line 2: /adomain",
         "an array of strings"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"adomain\":[\"\"]}", "line 2: /adomain/0",
         "must not be empty"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"cat\":[1]}", "line 2: /cat/0", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"prior_ctr\":1.1}", "line 2: /prior_ctr",
         "must be within 0 and 1"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"status\":\"on\"}", "line 2: /status",
         "must be one of active, paused"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"start\":-1}", "line 2: /start",
         "must be at least 0"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"end\":\"x\"}", "line 2: /end", "an integer"},
        /* What is lenient in requests is not in files. */
        {"{\"adid\":7,\"title\":\"t\",\"bid\":1}", "line 2: /adid", "a string"},
        {"{\"adid\":null,\"title\":\"t\",\"bid\":1}", "line 2: /adid", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":null}", "line 2: /bid", "a number"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1e999}", "line 2: /bid", "must be within"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"crid\":null}", "line 2: /crid", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"adomain\":null}", "line 2: /adomain",
         "an array of strings"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"cat\":\"IAB3\"}", "line 2: /cat",
         "an array of strings"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"cat\":[null]}", "line 2: /cat/0", "a string"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"start\":1e3}", "line 2: /start",
         "must be an integer"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"end\":null}", "line 2: /end", "an integer"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"start\":5,\"end\":5}", "line 2: /end",
         "later than start"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"emb\":[1]}", "line 2: /emb",
         "an object of arrays of numbers"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"emb\":{\"x\":1}}", "line 2: /emb",
         "an object of arrays of numbers"},
        {"{\"adid\":\"a\",\"title\":\"t\",\"bid\":1,\"emb\":{\"x\":[\"1\"]}}", "line 2: /emb",
         "an object of arrays of numbers"},
    };
    struct buf file AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct catalog *catalog = NULL;
        struct problems problems;
        struct arena arena;

        test_row("%s", rows[i].line);
        arena_init(&arena, 4096, 0);
        problems_init(&problems, &arena, 8);
        buf_clear(&file);
        buf_printf(&file, GOOD "%s\n", rows[i].line);
        CHECK_ERR(catalog_parse("ads", buf_view(&file), &problems, &catalog, &err), err,
                  "ads: line 2: ");
        CHECK_INT(err.code, ERR_DATA);
        CHECK(!catalog);
        CHECK_INT(problems.n, 1);
        CHECK_STR(problems.items[0].pointer, rows[i].pointer);
        if (!strstr(problems.items[0].detail, rows[i].detail))
            FAIL("%s", problems.items[0].detail);
        arena_release(&arena);
    }
}

TEST(catalog__tells_all_bad_lines)
{
    struct catalog *catalog;
    struct problems problems;
    struct arena arena;

    arena_init(&arena, 4096, 0);
    problems_init(&problems, &arena, 3);
    CHECK_ERR(catalog_parse("ads", VIEW_LIT("{}\n" GOOD "x\n" GOOD), &problems, &catalog, &err),
              err, "and 2 more");
    CHECK_INT(problems.n, 3);
    CHECK_INT(problems.dropped, 2);
    CHECK_STR(problems.items[0].pointer, "line 1: /adid");
    CHECK_STR(problems.items[2].pointer, "line 1: /bid");
    arena_release(&arena);
    CHECK_ERR(catalog_parse("ads", VIEW_LIT("x"), NULL, &catalog, &err), err, "ads: line 1: ");
}

TEST(catalog__finds_ads_and_item_texts)
{
    struct buf file AT_END(buf_release) = BUF_INIT;
    struct catalog *catalog;
    char name[32];

    for (int i = 0; i < 5000; i++)
        buf_printf(&file,
                   "{\"adid\":\"ad%d\",\"item\":\"i%d\",\"title\":\"title %d\",\"bid\":%d}\n", i,
                   i / 2, i, i % 7);
    catalog = parse(buf_str(&file));
    for (int i = 0; i < 5000; i++) {
        const struct ad *ad;

        snprintf(name, sizeof(name), "ad%d", i);
        ad = catalog_find(catalog, view_of(name));
        CHECK(ad && ad->index == i);
        snprintf(name, sizeof(name), "i%d", i / 2);
        CHECK(view_eq(catalog_item_text(catalog, view_of(name)),
                      catalog_ads(catalog, &(int){0})[i / 2 * 2].text));
    }
    CHECK(!catalog_find(catalog, VIEW_LIT("ad5000")));
    CHECK(!catalog_find(catalog, VIEW_LIT("")));
    CHECK_INT(catalog_item_text(catalog, VIEW_LIT("i2500")).len, 0);
    CHECK_INT(catalog_item_text(catalog, VIEW_LIT("")).len, 0);
    catalog_unref(catalog);
}

TEST(catalog__orders_by_prior_ecpm)
{
    /* 3; 1000 x .02 x .1 = 2; 1000 x .01 x .25 = 2.5; 1000 x .5 x .01 x .5 = 2.5; 2 */
    static const char *const want[] = {"a", "c", "d", "b", "e"};
    struct catalog *catalog = parse(
        "{\"adid\":\"e\",\"title\":\"t\",\"bid\":2}\n"
        "{\"adid\":\"d\",\"title\":\"t\",\"bid\":0.5,\"bid_type\":\"cpa\",\"prior_ctr\":0.5}\n"
        "{\"adid\":\"c\",\"title\":\"t\",\"bid\":0.25,\"bid_type\":\"cpc\"}\n"
        "{\"adid\":\"b\",\"title\":\"t\",\"bid\":0.1,\"bid_type\":\"cpc\",\"prior_ctr\":0.02}\n"
        "{\"adid\":\"a\",\"title\":\"t\",\"bid\":3}\n");
    const int32_t *order = catalog_by_prior_ecpm(catalog);

    for (int i = 0; i < 5; i++)
        CHECK_VIEW(catalog_ads(catalog, &(int){0})[order[i]].adid, want[i]);
    catalog_unref(catalog);
}

TEST(catalog__digest_is_of_the_bytes)
{
    struct catalog *catalog = parse("");

    CHECK_STR(catalog_digest(catalog), "e3b0c44298fc"); /* SHA-256 of nothing */
    catalog_unref(catalog);
}

TEST(catalog__lives_with_its_last_reference)
{
    struct catalog *catalog = parse(GOOD);

    CHECK(catalog_ref(catalog) == catalog);
    catalog_unref(catalog);
    CHECK(catalog_find(catalog, VIEW_LIT("g")));
    catalog_unref(catalog);
    catalog_unref(NULL);
}

/* Memory is taken for lines that may be ads, and for lines of a sane length. */
TEST(catalog__takes_no_memory_for_what_is_no_ad)
{
    static const char ad[] = "{\"adid\":\"a\",\"title\":\"t\",\"bid\":1}"; /* none is shorter */
    struct buf lines AT_END(buf_release) = BUF_INIT;
    struct catalog *catalog;
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
    CHECK_OK(catalog_parse("ads", buf_view(&lines), NULL, &catalog, &err), err);
    catalog_unref(catalog);
    buf_printf(&lines, " \n{");
    CHECK_ERR(catalog_parse("ads", buf_view(&lines), NULL, &catalog, &err), err,
              "ads: line 1: longer than 1048576 bytes");
}

TEST(catalog__opens_a_file)
{
    char path[] = "/tmp/adrank-catalog-XXXXXX";
    struct catalog *catalog;
    int fd = mkstemp(path);

    CHECK(fd != -1);
    CHECK_OK(file_write(path, VIEW_LIT(GOOD), &err), err);
    CHECK_OK(catalog_open(path, 1 << 20, NULL, &catalog, &err), err);
    CHECK(catalog_find(catalog, VIEW_LIT("g")));
    catalog_unref(catalog);
    CHECK_ERR(catalog_open(path, 10, NULL, &catalog, &err), err, "more than 10 bytes");
    CHECK_INT(err.code, ERR_DATA);
    remove(path);
    CHECK_ERR(catalog_open(path, 1 << 20, NULL, &catalog, &err), err, path);
    CHECK_INT(err.code, ERR_NOINPUT);
    close(fd);
}
