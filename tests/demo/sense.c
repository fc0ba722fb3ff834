/*
 * Requests written by hand (requests.jsonl: 10 categories, 5 English and 5 Chinese each): every one
 * has a history about its category and ten ads, one of each category, with titles the simulator
 * never generated. adrank-model scores them with the demo's model.
 */
#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/js.h"
#include "tools/sim/world.h"

#define MODEL "config/demo/model"

enum { REQUESTS = 100, ADS = 10, CATEGORIES = 10, MAX_LINE = 1 << 16 };

static json_t *requests[REQUESTS];

static void need_requests(void)
{
    FILE *file = fopen("tests/demo/requests.jsonl", "r");
    char line[MAX_LINE];
    int n = 0;

    CHECK(file);
    for (; fgets(line, sizeof(line), file); n++) {
        CHECK(n < REQUESTS);
        json_decref(requests[n]);
        requests[n] = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        CHECK(requests[n]);
    }
    fclose(file);
    CHECK_INT(n, REQUESTS);
}

static const char *str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    CHECK(s);
    return s;
}

static json_t *rank_of(const json_t *line)
{
    return json_object_get(json_object_get(line, "request"), "rank");
}

static void add_line(struct buf *out, const json_t *line)
{
    json_t *sent = json_pack("{s:O, s:O}", "now_ms", json_object_get(line, "now_ms"), "request",
                             json_object_get(line, "request"));
    char *text = sent ? json_dumps(sent, JSON_COMPACT) : NULL;

    CHECK(text);
    buf_add_str(out, text);
    buf_add_str(out, "\n");
    free(text);
    json_decref(sent);
}

/* The answers of adrank-model score, one per line. The caller releases them. */
static void score(struct buf *lines, json_t **answers, int n)
{
    struct buf out AT_END(buf_release) = BUF_INIT;
    const char *at, *end;
    char path[128];
    struct err err;
    int got = 0;

    snprintf(path, sizeof(path), "%s/lines", shell_folder());
    CHECK_OK(file_write(path, buf_view(lines), &err), err);
    CHECK_INT(shell(&out, "'%s' score " MODEL " <%s", driver_build_path("bin/adrank-model"), path),
              0);
    for (at = buf_str(&out); got < n && (end = strchr(at, '\n')); at = end + 1, got++) {
        answers[got] = json_loadb(at, (size_t)(end - at), 0, NULL);
        CHECK(answers[got]);
    }
    CHECK(got == n && !*at);
}

/* The number of ads that score above this one. */
static int rank_in(const json_t *answer, const char *adid)
{
    const json_t *scores = json_object_get(answer, "scores");
    double mine = NAN;
    int above = 0;
    size_t i;
    json_t *ad;

    json_array_foreach(scores, i, ad)
    {
        if (strcmp(str(ad, "adid"), adid) == 0)
            mine = json_real_value(json_object_get(ad, "logit"));
    }
    CHECK(isfinite(mine));
    json_array_foreach(scores, i, ad) above += json_real_value(json_object_get(ad, "logit")) > mine;
    return above;
}

/* The number of requests whose ad of the right category is among the first three. */
static int count_in_top_3(bool with_history)
{
    struct buf lines = BUF_INIT;
    json_t *answers[REQUESTS] = {NULL};
    int hits = 0;

    need_requests();
    for (int i = 0; i < REQUESTS; i++) {
        if (!with_history)
            json_object_del(rank_of(requests[i]), "behaviour");
        add_line(&lines, requests[i]);
    }
    score(&lines, answers, REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        int above = rank_in(answers[i], str(requests[i], "right"));
        hits += above < 3;
        if (with_history && above >= 3)
            printf("     %s %s: position %d\n", str(json_object_get(requests[i], "request"), "id"),
                   str(requests[i], "category"), above + 1);
        json_decref(answers[i]);
    }
    buf_release(&lines);
    printf("     right category in the top 3 of 10, %s history: %d of %d\n",
           with_history ? "with" : "without", hits, REQUESTS);
    return hits;
}

TEST(sense__right_category_is_in_the_top_3)
{
    CHECK(count_in_top_3(true) >= 90);
}

/* Chance is 30, with a standard deviation of 4.6 in a hundred draws: 40 is no more than chance. */
TEST(sense__without_history_it_is_chance)
{
    CHECK(count_in_top_3(false) <= 40);
}

static const json_t *text_of(const json_t *line, size_t i)
{
    return json_object_get(json_array_get(json_object_get(rank_of(line), "candidates"), i), "text");
}

/* The file is as described; otherwise the figures above mean nothing. */
TEST(sense__requests_are_balanced)
{
    int chinese = 0, right_at[ADS] = {0}, same = 0;

    need_requests();
    for (int i = 0; i < REQUESTS; i++) {
        const char *right = str(requests[i], "right");
        chinese += strcmp(str(requests[i], "language"), "zh") == 0;
        for (int k = 0; k < REQUESTS; k++)
            same += strcmp(str(requests[i], "category"), str(requests[k], "category")) == 0;
        CHECK_INT((int)json_array_size(json_object_get(rank_of(requests[i]), "candidates")), ADS);
        CHECK(right[0] == 'x' && atoi(right + 1) >= 1 && atoi(right + 1) <= ADS);
        right_at[atoi(right + 1) - 1]++;
    }
    CHECK_INT(chinese, REQUESTS / 2);
    CHECK_INT(same, REQUESTS * REQUESTS / CATEGORIES);
    for (int i = 0; i < ADS; i++)
        CHECK_INT(right_at[i], REQUESTS / ADS);
}

TEST(sense__titles_were_never_generated)
{
    struct sim_world *world = sim_world_new(1);

    CHECK(world);
    need_requests();
    for (int i = 0; i < REQUESTS; i++) {
        for (size_t k = 0; k < ADS; k++) {
            struct view text = view_of(json_string_value(text_of(requests[i], k)));
            for (int item = 0; item < SIM_ITEMS; item++)
                CHECK(!view_eq(text, world->items[item].title));
        }
    }
    sim_world_free(world);
}

/* Every English word and every Chinese character is an entry of the vocabulary. */
TEST(sense__words_are_known)
{
    struct buf vocab = BUF_INIT, entry = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(MODEL "/vocab.txt", 1 << 20, &vocab, &err), err);
    need_requests();
    for (int i = 0; i < REQUESTS; i++) {
        for (size_t k = 0; k < ADS; k++) {
            const char *p = json_string_value(text_of(requests[i], k));
            while (*p) {
                size_t n =
                    strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
                n = n > 0 ? n : (unsigned char)*p >= 0xe0 ? 3 : 1;
                buf_clear(&entry);
                buf_printf(&entry, "\n%.*s\n", (int)n, p);
                for (char *c = entry.ptr; *c; c++)
                    *c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
                if (*p != ' ' && !strstr(buf_str(&vocab), buf_str(&entry)))
                    FAIL("not in the vocabulary: %.*s", (int)n, p);
                p += n;
            }
        }
    }
    buf_release(&vocab);
    buf_release(&entry);
}

#define SHOPPER(lang, search, text)                                                                \
    "{'now_ms':1790000000000,'request':{'device':{'devicetype':4,'language':'" lang "'},"          \
    "'site':{'search':'" search "'},'rank':{'behaviour':["                                         \
    "{'t':1789990000000,'type':'click','text':'" text "'}],'candidates':["                         \
    "{'adid':'en-kettle','text':'Quality glass kettle'},"                                          \
    "{'adid':'en-run','text':'Jogging sneakers for athletes'},"                                    \
    "{'adid':'zh-kettle','text':'玻璃烧水壶 耐用'},"                                        \
    "{'adid':'zh-run','text':'运动员慢跑鞋 轻便'},"                                        \
    "{'adid':'en-piano','text':'Piano stool and stand'},"                                          \
    "{'adid':'zh-piano','text':'钢琴琴凳 谱架'}]}}}"

static const struct {
    const char *line, *first, *second; /* expected first, and among the first three */
} cases[] = {
    {SHOPPER("en", "", "Trail running shoes"), "en-run", "zh-run"},
    {SHOPPER("zh", "", "越野跑鞋"), "zh-run", "en-run"},
    {SHOPPER("en", "", "Whistling kettle for the stove"), "en-kettle", "zh-kettle"},
    {SHOPPER("zh", "", "电热水壶 灶台"), "zh-kettle", "en-kettle"},
    {SHOPPER("en", "kettle", "Trail running shoes"), "en-kettle", "zh-kettle"},
    {SHOPPER("zh", "水壶", "越野跑鞋"), "zh-kettle", "en-kettle"},
    {SHOPPER("en", "digital piano", "Whistling kettle for the stove"), "en-piano", "zh-piano"},
};

/* Of the ads that suit, the one in the device's language comes first; the one in the other language
 * comes before those that do not suit. */
TEST(sense__history_and_search_words_decide_the_ranking)
{
    enum { N = sizeof(cases) / sizeof(cases[0]) };
    struct buf lines AT_END(buf_release) = BUF_INIT;
    json_t *answers[N] = {NULL};

    for (int i = 0; i < N; i++) {
        buf_add_str(&lines, js("%s", cases[i].line));
        buf_add_str(&lines, "\n");
    }
    score(&lines, answers, N);
    for (int i = 0; i < N; i++) {
        test_row("%d: %s", i, cases[i].first);
        CHECK_INT(rank_in(answers[i], cases[i].first), 0);
        CHECK(rank_in(answers[i], cases[i].second) <= 2);
        json_decref(answers[i]);
    }
}
