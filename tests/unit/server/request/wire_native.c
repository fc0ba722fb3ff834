/* Answers of POST /rank, byte by byte. */
#include "base/arena.h"
#include "server/request/wire.h"
#include "tests/test.h"

#define NO_TIME                                                                                    \
    "Server-Timing: parse;dur=0.000, features;dur=0.000, queue;dur=0.000, infer;dur=0.000, "       \
    "rank;dur=0.000, total;dur=0.000\r\n"

/* Sets what all answers have in common. */
static void check_answer(wire_write_fn write, struct answer answer, const char *timing,
                         const char *want)
{
    struct http_response response = {0};
    struct buf body = BUF_INIT;
    struct arena arena;

    answer.request_id = VIEW_LIT("made-up");
    answer.model = "demo-ctr";
    answer.model_version = "1";
    answer.model_digest = "9f2c4e1ab03d";
    answer.generation = 8;
    answer.currency = "USD";
    arena_init(&arena, 1024, 0);
    write(&answer, &arena, &body, &response);
    CHECK_STR(buf_str(&body), want);
    CHECK_INT(response.status, 200);
    CHECK(view_is(response.headers, timing));
    arena_release(&arena);
    buf_release(&body);
}

TEST(wire_native__writes_what_the_contract_shows)
{
    static const struct view domains[] = {{"shop.example", 12}}, cats[] = {{"IAB17", 5}};
    struct ad ad = {.crid = VIEW_LIT("c7"),
                    .cid = VIEW_LIT("k3"),
                    .seat = VIEW_LIT("s1"),
                    .adomain = {domains, 1},
                    .cat = {cats, 1}};
    struct rank_ad shown = {.ad = &ad, .adid = VIEW_LIT("a7"), .bid = 0.06, .bid_type = BID_CPC};
    struct rank_result result = {
        .pos = 1, .ad = &shown, .pctr = 0.0312, .ecpm = 1.872, .source = SOURCE_MODEL};
    struct ranked ranked = {.results = &result, .n = 1, .filtered = {[FILTERED_FLOOR] = 1}};
    struct imp imp = {.id = VIEW_LIT("1")};
    struct impression_request request = {.id = VIEW_LIT("r-1"), .imps = &imp, .n_imps = 1};
    struct answer answer = {.request = &request,
                            .ranked = &ranked,
                            .timing_us = (int64_t[STAGES]){31, 420, 180, 900, 25, 1570}};

    check_answer(
        wire_native.write_answer, answer,
        "Server-Timing: parse;dur=0.031, features;dur=0.420, queue;dur=0.180, infer;dur=0.900, "
        "rank;dur=0.025, total;dur=1.570\r\n",
        "{\"id\":\"r-1\",\"model\":\"demo-ctr\",\"model_version\":\"1\",\"model_digest\":"
        "\"9f2c4e1ab03d\",\"generation\":8,\"cur\":\"USD\",\"results\":[{\"impid\":\"1\","
        "\"pos\":1,\"adid\":\"a7\",\"crid\":\"c7\",\"cid\":\"k3\",\"seat\":\"s1\","
        "\"adomain\":[\"shop.example\"],\"cat\":[\"IAB17\"],\"pctr\":0.0312,\"bid\":0.06,"
        "\"bid_type\":\"cpc\",\"ecpm\":1.872,\"source\":\"model\"}],\"filtered\":{\"floor\":1},"
        "\"degraded\":[],\"timing_us\":{\"parse\":31,\"features\":420,\"queue\":180,"
        "\"infer\":900,\"rank\":25,\"total\":1570}}");
}

TEST(wire_native__leaves_out_what_an_own_text_does_not_have)
{
    struct rank_ad shown = {
        .adid = VIEW_LIT("x\"\n"), .text = VIEW_LIT("t"), .bid = 1.0 / 3, .bid_type = BID_CPM};
    struct rank_result result = {
        .pos = 2, .ad = &shown, .pctr = 1e-7, .ecpm = 1.0 / 3, .source = SOURCE_PRIOR};
    struct ranked ranked = {.results = &result, .n = 1};
    struct imp imp = {.id = VIEW_LIT("1")};
    struct impression_request request = {.imps = &imp, .n_imps = 1};
    struct answer answer = {.request = &request,
                            .ranked = &ranked,
                            .degraded = 1u << DEGRADED_FEATURES | 1u << DEGRADED_DEADLINE,
                            .timing_us = (int64_t[STAGES]){0}};

    check_answer(
        wire_native.write_answer, answer, NO_TIME,
        "{\"id\":\"made-up\",\"model\":\"demo-ctr\",\"model_version\":\"1\",\"model_digest\":"
        "\"9f2c4e1ab03d\",\"generation\":8,\"cur\":\"USD\",\"results\":[{\"impid\":\"1\",\"pos\":2,"
        "\"adid\":"
        "\"x\\\"\\n\",\"pctr\":0.0000001,\"bid\":0.333333333,\"bid_type\":\"cpm\",\"ecpm\":"
        "0.333333333,\"source\":\"prior\"}],\"filtered\":{},\"degraded\":[\"features\","
        "\"deadline\"],\"timing_us\":{\"parse\":0,\"features\":0,\"queue\":0,\"infer\":0,"
        "\"rank\":0,\"total\":0}}");
}

TEST(wire_native__writes_an_empty_list_without_results)
{
    struct ranked ranked = {.filtered = {[FILTERED_BLOCKED] = 2}};
    struct impression_request request = {.id = VIEW_LIT("r")};
    struct answer answer = {
        .request = &request, .ranked = &ranked, .timing_us = (int64_t[STAGES]){0}};

    check_answer(
        wire_native.write_none, answer, NO_TIME,
        "{\"id\":\"r\",\"model\":\"demo-ctr\",\"model_version\":\"1\",\"model_digest\":"
        "\"9f2c4e1ab03d\",\"generation\":8,\"cur\":\"USD\",\"results\":[],\"filtered\":{"
        "\"blocked\":2},"
        "\"degraded\":[],\"timing_us\":{\"parse\":0,\"features\":0,\"queue\":0,\"infer\":0,"
        "\"rank\":0,\"total\":0}}");
}
