/* Generates requests, or reads them from a file. */
#include "bench/load/traffic.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "client/http_client.h"
#include "impression/request_json.h"

#define GENERATED 512
#define MAX_REPLAY_BYTES (1u << 30)

static const char *const texts[] = {
    "Lightweight trail running shoes",
    "Waterproof hiking jacket for men",
    "Electric kettle 1.7 l",
    "Yoga mat, extra thick, blue",
    "Wireless noise cancelling headphones",
    "4K television 55 inch",
    "Garden hose with spray nozzle",
    "Organic green tea, 100 bags",
    "Mountain bike helmet",
    "Children's picture book about whales",
    "轻便跑步鞋 男款",
    "防水登山外套",
    "不锈钢电热水壶",
    "加厚瑜伽垫",
    "蓝牙降噪耳机",
    "有机绿茶 100 袋",
    "儿童绘本 鲸鱼",
    "山地自行车头盔",
    "家用花园水管",
    "55 英寸 4K 电视",
};
#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))
static const char *const searches[] = {"running shoes", "kettle", "跑步鞋", "耳机", ""};

static struct view any_text(struct rng *rng)
{
    return view_of(texts[rng_below(rng, N_TEXTS)]);
}

/* Lists of the lengths in the options, in the arena. NULL: out of memory. */
static const struct behaviour *make_behaviours(struct arena *arena, int n, struct rng *rng)
{
    struct behaviour *behaviours = arena_calloc(arena, (size_t)n, sizeof(*behaviours));
    int64_t t = 1790000000000;

    for (int i = 0; behaviours && i < n; i++) {
        behaviours[i].t_ms = t += (int64_t)rng_below(rng, 3600000) + 1;
        behaviours[i].type = (enum behaviour_type)rng_below(rng, BEHAVIOUR_TYPES);
        behaviours[i].text = any_text(rng);
    }
    return behaviours;
}

static const struct candidate *make_candidates(struct arena *arena, const struct options *options,
                                               struct rng *rng)
{
    struct candidate *candidates =
        arena_calloc(arena, (size_t)options->candidates, sizeof(*candidates));

    for (int i = 0; candidates && i < options->candidates; i++) {
        const char *adid = arena_printf(arena, "a%d", i + 1);

        if (!adid)
            return NULL;
        candidates[i] = (struct candidate){.adid = view_of(adid),
                                           .bid = round(1e3 * (0.5 + rng_double(rng))) / 1e3,
                                           .bid_type = -1};
        if (!options->no_texts)
            candidates[i].text = any_text(rng);
    }
    return candidates;
}

static int write_body(struct buf *out, const struct options *options, struct rng *rng,
                      struct arena *arena)
{
    struct impression_request request = {.tmax_ms = options->tmax_ms,
                                         .domain = VIEW_LIT("shop.example")};
    uint64_t user = rng_below(rng, (uint64_t)options->users);
    const char *user_id = arena_printf(arena, "u%llu", (unsigned long long)user);
    struct json_writer w;

    request.user_id = view_of(user_id);
    request.devicetype = (int32_t)rng_below(rng, 5) + 1;
    request.os = rng_below(rng, 2) ? VIEW_LIT("android") : VIEW_LIT("ios");
    request.search = view_of(searches[rng_below(rng, 5)]);
    request.behaviours = make_behaviours(arena, options->behaviour, rng);
    request.n_behaviours = options->behaviour;
    request.candidates = make_candidates(arena, options, rng);
    request.n_candidates = options->candidates;
    request.has_candidates = options->candidates > 0;
    if (!user_id || !request.behaviours || !request.candidates)
        return -1;
    json_writer_init(&w, out);
    request_write_json(&w, &request);
    return 0;
}

static int make_room(struct traffic *traffic, struct err *err)
{
    struct view *more;

    if (traffic->n % GENERATED != 0)
        return 0;
    more = realloc(traffic->requests, ((size_t)traffic->n + GENERATED) * sizeof(struct view));
    if (!more)
        return err_set(err, ERR_NOMEM, "requests: out of memory");
    traffic->requests = more;
    return 0;
}

static int add(struct traffic *traffic, struct view body, struct buf *scratch, struct err *err)
{
    if (make_room(traffic, err))
        return -1;
    buf_clear(scratch);
    http_request_write(scratch,
                       &(struct http_request){.method = "POST", .target = "/rank", .body = body});
    traffic->requests[traffic->n] = arena_copy(&traffic->arena, buf_view(scratch));
    if (buf_failed(scratch) || !traffic->requests[traffic->n].ptr)
        return err_set(err, ERR_NOMEM, "requests: out of memory");
    traffic->n++;
    return 0;
}

static int generate(struct traffic *traffic, const struct options *options, struct err *err)
{
    struct buf body = BUF_INIT, scratch = BUF_INIT;
    struct arena arena;
    struct rng rng;
    int rc = 0;

    arena_init(&arena, 1 << 16, 0);
    rng_init(&rng, (uint64_t)options->seed);
    for (int i = 0; i < GENERATED && rc == 0; i++) {
        buf_clear(&body);
        arena_reset(&arena, SIZE_MAX);
        if (write_body(&body, options, &rng, &arena))
            rc = err_set(err, ERR_NOMEM, "requests: out of memory");
        else
            rc = add(traffic, buf_view(&body), &scratch, err);
    }
    arena_release(&arena);
    traffic->ads = options->candidates;
    buf_release(&body);
    buf_release(&scratch);
    return rc;
}

/* Sets the tmax of the options, so that goodput means the same for all requests. */
static int add_request(struct traffic *traffic, json_t *request, const struct options *options,
                       struct buf *scratch, struct err *err)
{
    char *text;
    int rc;

    if (options->tmax_ms)
        json_object_set_new(request, "tmax", json_integer(options->tmax_ms));
    text = json_dumps(request, JSON_COMPACT);
    rc =
        text ? add(traffic, view_of(text), scratch, err) : err_set(err, ERR_NOMEM, "out of memory");
    free(text);
    return rc;
}

/* A /rank body, or a line of an impression log, which contains one. */
static int add_line(struct traffic *traffic, struct view line, int number,
                    const struct options *options, struct buf *scratch, struct err *err)
{
    json_error_t why;
    json_t *whole = json_loadb(line.ptr, line.len, 0, &why);
    json_t *request = json_object_get(whole, "request");
    int rc;

    if (!whole)
        rc = err_set(err, ERR_DATA, "%s: line %d: %s", options->replay, number, why.text);
    else if (!json_is_object(whole))
        rc = err_set(err, ERR_DATA, "%s: line %d: not a JSON object", options->replay, number);
    else
        rc = add_request(traffic, json_is_object(request) ? request : whole, options, scratch, err);
    json_decref(whole);
    return rc;
}

static int replay(struct traffic *traffic, const struct options *options, struct err *err)
{
    struct buf file = BUF_INIT, scratch = BUF_INIT;
    const char *at, *end;
    int number = 0;
    int rc = file_read(options->replay, MAX_REPLAY_BYTES, &file, err);

    for (at = file.ptr, end = file.ptr + file.len; rc == 0 && at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct view line = {at, (size_t)((newline ? newline : end) - at)};

        number++;
        at = newline ? newline + 1 : end;
        if (line.len == 0)
            continue;
        rc = add_line(traffic, line, number, options, &scratch, err);
    }
    if (rc == 0 && traffic->n == 0)
        rc = err_set(err, ERR_DATA, "%s: no requests in it", options->replay);
    buf_release(&file);
    buf_release(&scratch);
    return rc;
}

int traffic_init(struct traffic *traffic, const struct options *options, struct err *err)
{
    int rc;

    *traffic = (struct traffic){0};
    arena_init(&traffic->arena, 1 << 20, 0);
    rc = options->replay ? replay(traffic, options, err) : generate(traffic, options, err);
    if (rc)
        traffic_release(traffic);
    return rc;
}

void traffic_release(struct traffic *traffic)
{
    arena_release(&traffic->arena);
    free(traffic->requests);
}
