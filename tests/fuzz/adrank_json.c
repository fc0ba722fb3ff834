/* adrank.json and its templates; what is taken is rendered. */

#include "model/adrank_json.h"
#include "tests/fuzz/fuzz.h"

static void render(const struct adrank_json *a, struct arena *arena)
{
    static const struct impression_request request = {
        .devicetype = 4, .has_utcoffset = true, .utcoffset_min = -90, .search = {"shoes", 5}};
    static const struct imp imp = {.tagid = {"home", 4}};
    static const struct behaviour behaviour = {.type = BEHAVIOUR_BUY, .text = {"tea", 3}};
    const struct template_values values = {.request = &request,
                                           .imp = &imp,
                                           .now_ms = 1790000000000,
                                           .behaviour = &behaviour,
                                           .title = {"T", 1},
                                           .text = {"T", 1}};

    check(template_render(&a->context, &values, arena).ptr &&
          template_render(&a->behaviour, &values, arena).ptr &&
          template_render(&a->ad, &values, arena).ptr);
}

static void fuzz(struct view input)
{
    const struct adrank_json_args args = {.file = "f", .text = input, .positions = 64};
    struct adrank_json a;
    struct arena arena;
    struct err err;

    arena_init(&arena, 256, 0);
    if (adrank_json_parse(&a, &args, &arena, &err) == 0) {
        check(a.max_context_tokens + a.max_ad_tokens <= 64);
        render(&a, &arena);
    }
    arena_release(&arena);
}
