/* Tests of model/template.c. */
#include "model/template.h"

#include "tests/test.h"

static const struct impression_request request = {
    .devicetype = 4,
    .os = {"android", 7},
    .language = {"de", 2},
    .country = {"DEU", 3},
    .city = {"BER", 3},
    .utcoffset_min = 60,
    .has_utcoffset = true,
    .domain = {"shop.example", 12},
    .cat = {(const struct view[]){{"IAB1", 4}, {"IAB22", 5}}, 2},
    .search = {"trail shoes", 11},
};
static const struct imp imp = {.tagid = {"home", 4}};

/* 2026-09-21 14:13:20 UTC, a Monday */
#define NOW_MS 1790000000000

static struct err err;

static void check_render(const char *source, const struct template_fields *fields,
                         const struct template_values *values, const char *want)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct template t;
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 1024, 0);
    CHECK_OK(template_compile(&t, view_of(source), fields, "w", &arena, &err), err);
    CHECK_VIEW(template_render(&t, values, &arena), want);
    template_source(&t, &text);
    CHECK_STR(buf_str(&text), source);
}

TEST(template__grammar)
{
    static const struct {
        const char *source, *want, *error;
    } rows[] = {
        {"", "", NULL},
        {"plain text", "plain text", NULL},
        {"{search}", "trail shoes", NULL},
        {"a{os}b{os}c", "aandroidbandroidc", NULL},
        {"{{", "{", NULL},
        {"}}", "}", NULL},
        {"{{os}}", "{os}", NULL},
        {"{{{os}}}", "{android}", NULL},
        {"{{}}{{", "{}{", NULL},
        {"跑{os}步", "跑android步", NULL},
        {"{", NULL, "w: byte 0: unmatched '{'"},
        {"ab{os", NULL, "w: byte 2: unmatched '{'"},
        {"{{{", NULL, "w: byte 2: unmatched '{'"},
        {"a}b", NULL, "w: byte 1: unmatched '}'"},
        {"{os}}", NULL, "w: byte 4: unmatched '}'"},
        {"{}", NULL, "w: byte 0: unknown field \"\""},
        {"{ os}", NULL, "w: byte 0: unknown field \" os\""},
        {"{OS}", NULL, "w: byte 0: unknown field \"OS\""},
        {"{text}", NULL, "w: byte 0: unknown field \"text\""},
        {"{os{city}", NULL, "w: byte 0: unknown field \"os{city\""},
    };
    const struct template_values values = {.request = &request, .imp = &imp, .now_ms = NOW_MS};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct template t;
        struct arena arena;
        test_row("\"%s\"", rows[i].source);
        arena_init(&arena, 1024, 0);
        if (rows[i].error)
            CHECK_ERR(
                template_compile(&t, view_of(rows[i].source), &template_context, "w", &arena, &err),
                err, rows[i].error);
        else
            check_render(rows[i].source, &template_context, &values, rows[i].want);
        arena_release(&arena);
    }
}

TEST(template__refuses_too_many_pieces)
{
    char source[2 * TEMPLATE_MAX_PIECES + 3];
    struct template t;
    struct arena arena AT_END(arena_release);

    memset(source, '{', sizeof(source));
    source[2 * TEMPLATE_MAX_PIECES + 2] = '\0';
    arena_init(&arena, 1024, 0);
    CHECK_ERR(template_compile(&t, view_of(source), &template_context, "w", &arena, &err), err,
              "w: more than 128 pieces");
    source[2 * TEMPLATE_MAX_PIECES] = '\0';
    CHECK_OK(template_compile(&t, view_of(source), &template_context, "w", &arena, &err), err);
}

TEST(template__context_fields)
{
    static const char all[] =
        "{search}|{daypart}|{hour}|{weekday}|{device}|{os}|{language}|{country}|{city}|"
        "{domain}|{cat}|{tagid}";
    const struct template_values values = {.request = &request, .imp = &imp, .now_ms = NOW_MS};
    const struct impression_request nothing = {.devicetype = -1};

    check_render(
        all, &template_context, &values,
        "trail shoes|afternoon|15|monday|phone|android|de|DEU|BER|shop.example|IAB1 IAB22|home");
    check_render(all, &template_context,
                 &(struct template_values){
                     .request = &nothing, .imp = &(struct imp){.bidfloor = 0}, .now_ms = NOW_MS},
                 "|||||||||||");
}

/* 14:13 UTC on Monday, seen from elsewhere; and times before 1970, which no request has but a
 * log may. */
TEST(template__local_time)
{
    static const struct {
        int64_t now_ms;
        int32_t utcoffset;
        const char *want;
    } rows[] = {
        {NOW_MS, 0, "afternoon 14 monday"},
        {NOW_MS, 225, "afternoon 17 monday"},
        {NOW_MS, 227, "evening 18 monday"},
        {NOW_MS, 586, "evening 23 monday"},
        {NOW_MS, 587, "night 0 tuesday"},
        {NOW_MS, -480, "morning 6 monday"},
        {NOW_MS, -854, "evening 23 sunday"},
        {0, 0, "night 0 thursday"},
        {0, -1, "evening 23 wednesday"},
        {-1, 0, "evening 23 wednesday"},
        {-86400000, 0, "night 0 wednesday"},
        {3 * 86400000LL, 0, "night 0 sunday"},
        {4 * 86400000LL - 1, 0, "evening 23 sunday"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct impression_request r = {.has_utcoffset = true,
                                             .utcoffset_min = rows[i].utcoffset};
        const struct template_values values = {.request = &r, .now_ms = rows[i].now_ms};
        test_row("%lld at %d", (long long)rows[i].now_ms, rows[i].utcoffset);
        check_render("{daypart} {hour} {weekday}", &template_context, &values, rows[i].want);
    }
}

TEST(template__device_types)
{
    static const char *const want[] = {"",       "",          "mobile",    "pc", "tv", "phone",
                                       "tablet", "connected", "settopbox", "",   ""};

    for (int type = -1; type < 10; type++) {
        const struct impression_request r = {.devicetype = type};
        test_row("%d", type);
        check_render("{device}", &template_context, &(struct template_values){.request = &r},
                     want[type + 1]);
    }
}

TEST(template__behaviour_and_ad_fields)
{
    const struct behaviour b = {.type = BEHAVIOUR_CART, .item = {"sku9", 4}, .text = {"Shoes", 5}};

    check_render("{type}/{text}/{item}", &template_behaviour,
                 &(struct template_values){.behaviour = &b}, "cart/Shoes/sku9");
    check_render("{title}/{desc}/{text}", &template_ad,
                 &(struct template_values){
                     .title = VIEW_LIT("T"), .desc = VIEW_LIT("D"), .text = VIEW_LIT("T D")},
                 "T/D/T D");
}

/* With a full arena rendering fails; the text is never shortened. */
TEST(template__reports_out_of_memory)
{
    const struct template_values values = {.request = &request, .imp = &imp, .now_ms = NOW_MS};
    struct arena compile, small;
    struct template t;
    int failed = 0;

    arena_init(&compile, 1024, 0);
    CHECK_OK(template_compile(&t, VIEW_LIT("{hour} {cat} {search}"), &template_context, "w",
                              &compile, &err),
             err);
    for (size_t limit = 1; limit < 400; limit += 8) {
        struct view text;
        arena_init(&small, 256, limit);
        text = template_render(&t, &values, &small);
        failed += !text.ptr;
        if (text.ptr)
            CHECK_VIEW(text, "15 IAB1 IAB22 trail shoes");
        arena_release(&small);
    }
    CHECK(failed > 0 && failed < 50);
    arena_release(&compile);
}
