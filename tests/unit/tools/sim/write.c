/* Tests of tools/sim/write.c. */
#include "tools/sim/write.h"

#include "adrank/catalog.h"
#include "adrank/decode.h"
#include "tests/unit/tools/sim/world_1.h"
#include "tools/sim/visit_make.h"

/* What is written is read back with the daemon's own readers. */

TEST(write__catalog_is_valid)
{
    struct buf lines AT_END(buf_release) = BUF_INIT;
    struct catalog *catalog = NULL;
    struct arena arena AT_END(arena_release);
    struct problems problems;
    struct err err = {0};
    const struct ad *ads;
    int n = 0;

    for (int i = 0; i < SIM_CATALOG; i++) {
        struct json_writer w;
        json_writer_init(&w, &lines);
        sim_write_ad(&w, world_1(), i);
        buf_add_str(&lines, "\n");
    }
    arena_init(&arena, 4096, 0);
    problems_init(&problems, &arena, 16);
    CHECK_OK(catalog_parse("catalog.jsonl", buf_view(&lines), &problems, &catalog, &err), err);
    ads = catalog_ads(catalog, &n);
    CHECK_INT(n, SIM_CATALOG);
    CHECK_INT((int)catalog_unknown_fields(catalog), 0);
    for (int i = 0; i < n; i++)
        CHECK(view_eq(ads[i].title, world_1()->items[i].title));
    catalog_unref(catalog);
}

static void decode(struct buf *body, struct arena *arena, struct impression_request *out)
{
    static const struct decode_limits limits = {
        .max_imps = 16, .max_candidates = 200, .max_behaviour = 100, .max_top_n = 50};
    struct problems problems;
    bool truncated = false;

    problems_init(&problems, arena, 16);
    CHECK(buf_reserve(body, DECODE_PADDING));
    CHECK_INT(decode_request(buf_view(body), &limits, arena, out, &truncated, &problems),
              DECODE_OK);
    CHECK_INT((int)out->unknown_fields, 0);
}

TEST(write__request_decodes_to_the_same_values)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct impression_request request;
    struct buf body AT_END(buf_release) = BUF_INIT;
    struct json_writer w;
    struct arena arena;

    arena_init(&arena, 4096, 0);
    for (uint64_t i = 0; i < 200; i++) {
        sim_visit_make(&visit, world_1(), SIM_EVAL, i);
        buf_clear(&body);
        json_writer_init(&w, &body);
        sim_write_request(&w, &(struct sim_request_args){.world = world_1(),
                                                         .visit = &visit,
                                                         .id_prefix = "t",
                                                         .index = i,
                                                         .with_behaviour = true,
                                                         .with_candidates = true});
        decode(&body, &arena, &request);
        CHECK_INT(request.n_behaviours, visit.n_events);
        CHECK_INT(request.n_candidates, SIM_SHOWN);
        CHECK_INT(request.devicetype, visit.shopper.devicetype);
        CHECK_INT(request.utcoffset_min, visit.shopper.place->utcoffset_min);
        CHECK(view_eq(request.search,
                      visit.has_search ? buf_view(&visit.search_words) : (struct view){0}));
        for (int k = 0; k < SIM_SHOWN; k++)
            CHECK(view_eq(request.candidates[k].text, world_1()->items[visit.shown[k]].title));
        for (int k = 0; k < visit.n_events; k++)
            CHECK(view_eq(request.behaviours[k].text,
                          visit.shopper.events[visit.first_event + k].text));
        arena_reset(&arena, 1 << 20);
    }
    arena_release(&arena);
    sim_visit_release(&visit);
}

/* {"request":R,"shown":[...]} where R is the request as it would be sent. */
TEST(write__log_line_contains_the_request)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct buf line = BUF_INIT, request = BUF_INIT;
    struct sim_request_args args = {.world = world_1(), .visit = &visit, .id_prefix = "t"};
    struct json_writer w;

    sim_visit_make(&visit, world_1(), SIM_TRAIN, 5);
    json_writer_init(&w, &line);
    sim_write_logged(&w, &args);
    json_writer_init(&w, &request);
    sim_write_request(&w, &args);
    CHECK(strstr(buf_str(&line), buf_str(&request)) == line.ptr + strlen("{\"request\":"));
    CHECK(strstr(buf_str(&line), ",\"shown\":[{\"adid\":"));
    CHECK(!strstr(buf_str(&line), "\"p\":"));
    sim_visit_release(&visit);
    buf_release(&line);
    buf_release(&request);
}
