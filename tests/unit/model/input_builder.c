/* From a request to segments: order, limits and special tokens, by kind. */
#include "adrank/model.h"

#include "base/clock.h"
#include "model/model_struct.h"
#include "tests/js.h"

#define PREFIX "tests/golden/requests/two-layers" /* context 72, ad 20 */
#define CROSS "tests/golden/requests/cross"       /* context 40, ad 16 */
#define BASE_MS 1790000000000

struct built {
    struct model *model;
    struct arena scratch;
    struct input input;
    bool truncated;
};

static struct err err;

static const struct input_ad two_ads[] = {{.text = {"red shoes", 9}}, {.text = {"tea", 3}}};

static void built_open(struct built *b, const char *dir)
{
    *b = (struct built){0};
    arena_init(&b->scratch, 4096, 0);
    CHECK_OK(model_open(dir, &b->model, &err), err);
}

static void built_close(struct built *b)
{
    input_release(&b->input);
    arena_release(&b->scratch);
    model_unref(b->model);
}

static void build(struct built *b, struct input_args args)
{
    static const struct imp imp = {.bidfloor = 0};
    static const struct impression_request nothing = {.devicetype = -1};

    args.imp = &imp;
    args.now_ms = BASE_MS;
    if (!args.request)
        args.request = &nothing;
    CHECK_OK(model_input(b->model, &args, &b->scratch, &b->input, &b->truncated, &err), err);
}

static void build_behaviours(struct built *b, const struct behaviour *behaviours, int n)
{
    build(b, (struct input_args){
                 .behaviours = behaviours, .n_behaviours = n, .ads = two_ads, .n_ads = 1});
}

static void pair(struct built *b, const char *text, const char *second, int max_tokens)
{
    CHECK_OK(model_input_pair(b->model, view_of(text), view_of(second ? second : ""),
                              second != NULL, max_tokens, &b->scratch, &b->input, &err),
             err);
}

/* Ids of text, at most 600. */
static int ids_of(struct built *b, const char *text, int32_t *ids)
{
    int32_t *room = arena_array(
        &b->scratch, tokenizer_max_ids(b->model->tokenizer, strlen(text)) + 1, sizeof(*room));
    int n = tokenizer_encode(b->model->tokenizer, view_of(text), &b->scratch, room);

    CHECK(n >= 0 && n <= 600);
    memcpy(ids, room, (size_t)n * sizeof(*ids));
    return n;
}

/* The segment is exactly [CLS] text [SEP] and, where given, second [SEP]. */
static void check_segment(struct built *b, int i, const char *text, const char *second)
{
    const struct segment *s = &b->input.segments[i];
    const int32_t *ids = b->input.ids + s->start;
    int32_t want[1300];
    int n = 0;

    want[n++] = tokenizer_facts(b->model->tokenizer)->cls;
    n += ids_of(b, text, want + n);
    want[n++] = tokenizer_facts(b->model->tokenizer)->sep;
    if (second) {
        n += ids_of(b, second, want + n);
        want[n++] = tokenizer_facts(b->model->tokenizer)->sep;
    }
    CHECK_INT(s->len, n);
    for (int k = 0; k < n; k++)
        CHECK_INT(ids[k], want[k]);
}

static const char empty_context[] = " |           | ";

TEST(input_builder__prefix_is_a_parent_and_children)
{
    struct built b AT_END(built_close);
    const struct impression_request request = {.devicetype = -1, .search = VIEW_LIT("trail")};

    built_open(&b, PREFIX);
    build(&b, (struct input_args){.request = &request, .ads = two_ads, .n_ads = 2});
    CHECK(!b.truncated);
    CHECK_INT(b.input.n_segments, 3);
    CHECK_INT(b.input.n_read, 2);
    check_segment(&b, 0, "trail |           | ", NULL);
    check_segment(&b, 1, "red shoes", NULL);
    check_segment(&b, 2, "tea", NULL);
    CHECK(!b.input.segments[0].read && b.input.segments[0].parent == -1);
    CHECK_INT(b.input.segments[0].position, 0);
    for (int i = 1; i < 3; i++) {
        CHECK(b.input.segments[i].read);
        CHECK_INT(b.input.segments[i].parent, 0);
        CHECK_INT(b.input.segments[i].position, b.input.segments[0].len);
        CHECK_INT(b.input.types[b.input.segments[i].start], 1);
    }
    CHECK_INT(b.input.types[0], 0);
}

TEST(input_builder__cross_is_a_segment_a_pair)
{
    struct built b AT_END(built_close);

    built_open(&b, CROSS);
    build(&b, (struct input_args){.ads = two_ads, .n_ads = 2});
    CHECK_INT(b.input.n_segments, 2);
    CHECK_INT(b.input.n_read, 2);
    check_segment(&b, 0, empty_context, "red shoes");
    check_segment(&b, 1, empty_context, "tea");
    for (int i = 0; i < 2; i++) {
        const struct segment *s = &b.input.segments[i];
        int first = 0;
        while (b.input.ids[s->start + first] != tokenizer_facts(b.model->tokenizer)->sep)
            first++;
        CHECK_INT(s->parent, -1);
        CHECK_INT(s->position, 0);
        for (int k = 0; k < s->len; k++)
            CHECK_INT(b.input.types[s->start + k], k > first);
    }
}

/* Newest first and whole; the first that does not fit ends the list. */
TEST(input_builder__behaviours_newest_first_until_the_limit)
{
    /* 62 tokens, 64 with "buy" before and ";" behind. The context has 2 of the 70 that there is
     * room for. */
    char long_text[2 * 62 + 1];
    struct behaviour behaviours[] = {
        {.t_ms = 1, .type = BEHAVIOUR_CLICK, .text = VIEW_LIT("red shoes")},
        {.t_ms = 2, .type = BEHAVIOUR_VIEW},
        {.t_ms = 3, .type = BEHAVIOUR_BUY, .text = VIEW_LIT("")},
        {.t_ms = 4, .type = BEHAVIOUR_BUY, .text = VIEW_LIT("tea")},
    };
    struct built b AT_END(built_close);

    for (int i = 0; i < 62; i++)
        memcpy(long_text + (size_t)2 * (size_t)i, "a ", 2);
    long_text[2 * 62] = '\0';
    built_open(&b, PREFIX);
    test_row("all fit, those without text are silently omitted");
    build_behaviours(&b, behaviours, 4);
    check_segment(&b, 0, " |           | buy tea ; click red shoes ; ", NULL);
    CHECK(!b.truncated);
    test_row("the long one does not fit, and ends the list");
    behaviours[2].text = view_of(long_text);
    build_behaviours(&b, behaviours, 4);
    check_segment(&b, 0, " |           | buy tea ; ", NULL);
    CHECK(b.truncated);
    test_row("alone it fits");
    build_behaviours(&b, behaviours + 2, 1);
    CHECK_INT(b.input.segments[0].len, 2 + 2 + 62 + 2);
    CHECK(!b.truncated);
}

/* Whole ones up to the last token: 70 are the room, 2 the context's, 4 each of 17 behaviours. */
TEST(input_builder__fills_the_room_to_the_last_token)
{
    struct behaviour behaviours[18];
    struct built b AT_END(built_close);

    for (int i = 0; i < 18; i++)
        behaviours[i] =
            (struct behaviour){.t_ms = i, .type = BEHAVIOUR_BUY, .text = VIEW_LIT("dog cat")};
    built_open(&b, PREFIX);
    build_behaviours(&b, behaviours, 17);
    CHECK_INT(b.input.segments[0].len, 72);
    CHECK(!b.truncated);
    build_behaviours(&b, behaviours, 18);
    CHECK_INT(b.input.segments[0].len, 72);
    CHECK(b.truncated);
}

/* A text as large as the body costs no more than one that fits, and gives the ids of its start. */
TEST(input_builder__examines_only_the_start_of_a_long_text)
{
    enum { BYTES = 240000, ENOUGH = 3000 };
    char *words = malloc(BYTES);
    struct built all, part;

    CHECK(words != NULL);
    for (size_t i = 0; i < BYTES; i += 6)
        memcpy(words + i, "a1 \u8dd1", 6);
    built_open(&all, PREFIX);
    built_open(&part, PREFIX);
    for (int i = 0; i < 2; i++) {
        struct built *b = i ? &part : &all;
        const struct view text = {words, i ? ENOUGH : BYTES};
        const struct impression_request request = {.devicetype = -1, .search = text};
        const struct input_ad ads[] = {{.text = text}};

        build(b, (struct input_args){.request = &request, .ads = ads, .n_ads = 1});
        CHECK(b->truncated);
    }
    CHECK_INT(all.input.n_tokens, part.input.n_tokens);
    CHECK_INT(memcmp(all.input.ids, part.input.ids, (size_t)all.input.n_tokens * sizeof(int32_t)),
              0);
    /* the rendered texts, and little beside them; all the ids would take 16 bytes for a byte of
     * text */
    CHECK(all.scratch.used_bytes < 4 * BYTES);
    built_close(&all);
    built_close(&part);
    free(words);
}

TEST(input_builder__cuts_contexts_and_ads_at_their_limits)
{
    static const struct {
        const char *dir;
        int context, ad; /* largest segment, specials included */
    } rows[] = {{PREFIX, 72, 20}, {CROSS, 40, 16}};
    char words[3000];

    for (int i = 0; i < 1000; i++)
        memcpy(words + (size_t)3 * (size_t)i, "a1 ", 3);
    for (size_t i = 0; i < 2; i++) {
        struct built b AT_END(built_close);
        const struct view text = {words, sizeof(words)};
        const struct impression_request request = {.devicetype = -1, .search = text};
        const struct input_ad ads[] = {{.text = text}};
        test_row("%s", rows[i].dir);
        built_open(&b, rows[i].dir);
        build(&b, (struct input_args){.request = &request, .ads = two_ads, .n_ads = 1});
        CHECK(b.truncated);
        if (b.input.n_segments == 2)
            CHECK_INT(b.input.segments[0].len, rows[i].context);
        build(&b, (struct input_args){.ads = ads, .n_ads = 1});
        CHECK(b.truncated);
        if (b.input.n_segments == 2)
            CHECK_INT(b.input.segments[1].len, rows[i].ad);
        build(&b, (struct input_args){.request = &request, .ads = ads, .n_ads = 1});
        CHECK_INT(b.input.n_tokens, rows[i].context + rows[i].ad);
        CHECK(b.input.n_tokens <= model_max_tokens(b.model));
    }
}

TEST(input_builder__no_ads_is_an_input_too)
{
    struct built b AT_END(built_close);

    built_open(&b, PREFIX);
    build(&b, (struct input_args){0});
    CHECK_INT(b.input.n_read, 0);
    CHECK_INT(b.input.n_segments, 1);
}

static const char catalog_lines[] =
    "{'adid':'a1','title':'red shoes','desc':'for running','bid':1,'bid_type':'cpm'}\n"
    "{'adid':'a2','title':'\xe8\x8c\xb6\xe6\x9d\xaf','bid':1,'bid_type':'cpm'}\n"
    "{'adid':'a3','title':'a b c d e f g h i j k l m n o p q r s t u v w x y z','bid':1,"
    "'bid_type':'cpm'}\n";

TEST(input_builder__encoded_ads_give_the_same_input)
{
    struct encoded_ads *encoded;
    struct catalog *catalog;
    struct input direct = {0};
    struct input_ad ads[4];
    const struct ad *list;
    struct built b AT_END(built_close);
    bool truncated;
    int n;

    CHECK_OK(catalog_parse("c", view_of(js("%s", catalog_lines)), NULL, &catalog, &err), err);
    list = catalog_ads(catalog, &n);
    CHECK_INT(n, 3);
    for (int i = 0; i < 3; i++)
        ads[i] = (struct input_ad){.ad = &list[i]};
    ads[3] = (struct input_ad){.ad = &list[0], .text = VIEW_LIT("its own text wins")};
    built_open(&b, PREFIX);
    CHECK(!encoded_ads_need_engine(b.model));
    CHECK_OK(encoded_ads_begin(b.model, catalog, &encoded, &err), err);
    CHECK_OK(encoded_ads_step(encoded, NULL, &err), err);
    build(&b, (struct input_args){.ads = ads, .n_ads = 4});
    direct = b.input;
    truncated = b.truncated;
    b.input = (struct input){0};
    build(&b, (struct input_args){.ads = ads, .n_ads = 4, .encoded = encoded});
    CHECK_INT(b.input.n_tokens, direct.n_tokens);
    CHECK_INT(b.input.n_segments, direct.n_segments);
    CHECK(memcmp(b.input.ids, direct.ids, (size_t)direct.n_tokens * sizeof(int32_t)) == 0);
    CHECK(memcmp(b.input.types, direct.types, (size_t)direct.n_tokens * sizeof(int32_t)) == 0);
    CHECK(truncated && b.truncated); /* a3 is too long */
    check_segment(&b, 1, "red shoes for running", NULL);
    check_segment(&b, 4, "its own text wins", NULL);
    input_release(&direct);
    encoded_ads_free(encoded);
    catalog_unref(catalog);
}

TEST(input_builder__pairs_are_truncated_longest_first)
{
    struct built b AT_END(built_close);

    built_open(&b, CROSS);
    pair(&b, "a b c d e f", "g h", 8);
    check_segment(&b, 0, "a b c", "g h");
    pair(&b, "a b c d e f", "", 0);
    check_segment(&b, 0, "a b c d e f", "");
    pair(&b, "a b c d e f", NULL, 6);
    check_segment(&b, 0, "a b c d", NULL);
    CHECK_ERR(model_input_pair(b.model, VIEW_LIT("a"), VIEW_LIT("b"), true, 2, &b.scratch, &b.input,
                               &err),
              err, "not even the special ones");
}

/* The text is the parent, its pair the one child: what a request of these texts without a template
 * gives. */
TEST(input_builder__pairs_of_kind_prefix_are_parent_and_child)
{
    struct built b AT_END(built_close);
    const struct segment *child;

    built_open(&b, PREFIX);
    pair(&b, "a b c", "g h", 0);
    child = &b.input.segments[1];
    CHECK_INT(b.input.n_segments, 2);
    CHECK_INT(b.input.n_read, 1);
    CHECK_INT(b.input.segments[0].len, 5);
    CHECK_INT(child->len, 4);
    CHECK_INT(child->parent, 0);
    CHECK_INT(child->position, 5);
    CHECK(!b.input.segments[0].read && child->read);
    CHECK_INT(b.input.types[0], 0);
    CHECK_INT(b.input.types[5], 1);
    pair(&b, "a b c d e f", "g h", 9);
    CHECK_INT(b.input.n_tokens, 9);
    CHECK_INT(b.input.segments[1].len, 4);
    CHECK_ERR(model_input_pair(b.model, VIEW_LIT("a"), VIEW_LIT(""), false, 0, &b.scratch, &b.input,
                               &err),
              err, "kind prefix also needs a text_pair");
}

/* Scratch that runs out is an error, never a shorter input. */
TEST(input_builder__reports_out_of_memory)
{
    static const struct behaviour behaviours[] = {
        {.t_ms = 1, .type = BEHAVIOUR_CLICK, .text = {"red shoes", 9}}};
    static const struct impression_request request = {.devicetype = 4};
    static const struct imp imp = {.bidfloor = 0};
    const struct input_args args = {.request = &request,
                                    .imp = &imp,
                                    .behaviours = behaviours,
                                    .n_behaviours = 1,
                                    .ads = two_ads,
                                    .n_ads = 2};
    struct built b AT_END(built_close);
    int failed = 0, want_tokens = 0;

    built_open(&b, PREFIX);
    for (size_t limit = 200000; limit > 100; limit = limit * 9 / 10) {
        struct arena small;
        bool truncated;
        arena_init(&small, 256, limit);
        if (model_input(b.model, &args, &small, &b.input, &truncated, &err)) {
            CHECK_INT(err.code, ERR_NOMEM);
            failed++;
        } else {
            CHECK(failed == 0);
            CHECK(want_tokens == 0 || b.input.n_tokens == want_tokens);
            want_tokens = b.input.n_tokens;
        }
        arena_release(&small);
    }
    CHECK(failed > 3 && want_tokens > 0);
}
