/* adrank-model score: collects lines until a batch is full, computes it, and reports in order. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "json/writer.h"
#include "model/engine/compute.h"
#include "model/engine/engine_state.h"
#include "model/request_input.h"
#include "tools/model/command.h"

#define MAX_LINES 256 /* of one batch */
#define MAX_BATCH_TOKENS 8192

struct pending {
    struct scored scored;
    struct engine_job job;
    json_t *doc;  /* the line */
    bool request; /* a /rank request, not a pair */
};

struct scoring {
    const struct options *options;
    struct model *model;
    struct scorer scorer;
    struct request_input requests;
    struct arena arena;
    struct pending lines[MAX_LINES];
    int n_lines;
    int64_t n_tokens;
    struct buf out;
};

/* ---- answers --------------------------------------------------------------------------------- */

static void put_pair(struct scoring *s, const struct pending *line)
{
    struct json_writer w;

    json_writer_init(&w, &s->out);
    jw_object_begin(&w);
    jw_member_array(&w, "logits");
    for (int l = 0; l < model_out_width(s->model); l++)
        jw_number(&w, line->scored.logits[l], 9);
    jw_array_end(&w);
    jw_object_end(&w);
}

static void put_request(struct scoring *s, const struct pending *line)
{
    const json_t *request = json_object_get(line->doc, "request");
    const json_t *top = request ? request : line->doc;
    const json_t *candidates = json_object_get(json_object_get(top, "rank"), "candidates");
    const char *id = json_string_value(json_object_get(top, "id"));
    struct json_writer w;

    json_writer_init(&w, &s->out);
    jw_object_begin(&w);
    if (id)
        jw_member_str(&w, "id", id);
    jw_member_array(&w, "scores");
    for (int i = 0; i < line->scored.input.n_read; i++) {
        const float *logits = line->scored.logits + (ptrdiff_t)i * model_out_width(s->model);
        const json_t *candidate = json_array_get(candidates, (size_t)i);
        jw_object_begin(&w);
        jw_member_str(&w, "adid", json_string_value(json_object_get(candidate, "adid")));
        jw_member_number(&w, "logit", model_logit(s->model, logits), 9);
        jw_member_number(&w, "pctr", model_pctr(s->model, logits), 9);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
}

static int check_finite(const struct scoring *s, const struct pending *line, struct err *err)
{
    for (int i = 0; i < line->scored.input.n_read * model_out_width(s->model); i++)
        if (!isfinite(line->scored.logits[i]))
            return err_set(err, ERR_DATA, "a logit is not finite");
    return 0;
}

static int flush(struct scoring *s, struct err *err)
{
    struct engine_job *jobs[MAX_LINES];
    struct engine_batch batch = {.jobs = jobs, .n_jobs = s->n_lines};
    int rc = 0;

    if (!s->n_lines)
        return 0;
    for (int i = 0; i < s->n_lines; i++)
        jobs[i] = &s->lines[i].job;
    rc = engine_run(s->scorer.engine, &batch, err);
    for (int i = 0; i < s->n_lines && rc == 0; i++) {
        rc = check_finite(s, &s->lines[i], err);
        if (rc)
            break;
        (s->lines[i].request ? put_request : put_pair)(s, &s->lines[i]);
        buf_add_str(&s->out, "\n");
    }
    for (int i = 0; i < s->n_lines; i++)
        json_decref(s->lines[i].doc);
    s->n_lines = 0;
    s->n_tokens = 0;
    return rc || lines_write(&s->out, err) ? -1 : 0;
}

/* A line larger than a batch is computed immediately, in parts. */
static int score_large(struct scoring *s, struct pending *line, struct err *err)
{
    int64_t us;
    int rc = engine_compute(s->scorer.engine, &line->scored.input, line->scored.logits, &us, err);

    if (rc == 0) {
        put_request(s, line);
        buf_add_str(&s->out, "\n");
        rc = lines_write(&s->out, err);
    }
    json_decref(line->doc);
    return rc;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int build_pair(struct scoring *s, struct pending *line, struct err *err)
{
    const json_t *text = json_object_get(line->doc, "text");
    const json_t *pair = json_object_get(line->doc, "text_pair");

    if (!json_is_string(text) || (pair && !json_is_string(pair)))
        return err_set(err, ERR_DATA, "/%s: want a string, this is %s",
                       json_is_string(text) ? "text_pair" : "text",
                       json_kind(json_is_string(text) ? pair : text));
    arena_reset(&s->arena, SIZE_MAX);
    /* transformers treats an empty second text as none. */
    return model_input_pair(s->model, json_view(text), json_view(pair),
                            json_string_length(pair) > 0, s->options->max_tokens, &s->arena,
                            &line->scored.input, err);
}

/* The bare request, or {"now_ms", "request"} as golden requests and logs have it. */
static int build_request(struct scoring *s, struct pending *line, struct view text, struct err *err)
{
    const json_t *request = json_object_get(line->doc, "request");
    const json_t *now = json_object_get(line->doc, "now_ms");
    int64_t now_ms = json_is_integer(now) ? json_integer_value(now) : clock_wall_ms();
    char *inner = NULL;
    int rc;

    line->request = true;
    if (now && !json_is_integer(now))
        return err_set(err, ERR_DATA, "/now_ms: want unix milliseconds, this is %s",
                       json_kind(now));
    if (request) {
        if (!json_is_object(request))
            return err_set(err, ERR_DATA, "/request: want an object, this is %s",
                           json_kind(request));
        inner = json_dumps(request, JSON_COMPACT);
        if (!inner)
            return err_set(err, ERR_NOMEM, "out of memory");
        text = view_of(inner);
    }
    rc = request_input_build(&s->requests, s->model, text, now_ms, &line->scored.input, err);
    free(inner);
    return rc;
}

static int build(struct scoring *s, struct pending *line, struct view text, struct err *err)
{
    if (!json_is_object(line->doc))
        return err_set(
            err, ERR_DATA,
            "want an object, {\"text\":...,\"text_pair\":...} or a /rank request; this is %s",
            json_kind(line->doc));
    line->request = false;
    if (json_object_get(line->doc, "text") ? build_pair(s, line, err)
                                           : build_request(s, line, text, err))
        return -1;
    return scored_reserve(&line->scored, s->model, err);
}

static int on_line(void *arg, struct view text, struct err *err)
{
    struct scoring *s = arg;
    struct pending *line = &s->lines[s->n_lines], built;

    if (line_parse(text, &line->doc, err))
        return -1;
    if (build(s, line, text, err) ||
        (s->n_tokens + line->scored.input.n_tokens > MAX_BATCH_TOKENS && flush(s, err))) {
        json_decref(line->doc);
        return -1;
    }
    /* After a flush it becomes the first line of the next batch. */
    built = *line;
    *line = s->lines[s->n_lines];
    line = &s->lines[s->n_lines];
    *line = built;
    line->job = (struct engine_job){.input = &line->scored.input, .out = line->scored.logits};
    if (line->scored.input.n_tokens > MAX_BATCH_TOKENS)
        return score_large(s, line, err);
    s->n_tokens += line->scored.input.n_tokens;
    s->n_lines++;
    return s->n_lines == MAX_LINES ? flush(s, err) : 0;
}

static int score_all(struct scoring *s, struct err *err)
{
    struct err later;
    int rc = lines_read(NULL, on_line, s, err);

    /* Lines before a bad one are still reported. */
    if (flush(s, rc ? &later : err))
        rc = -1;
    return rc;
}

static void release(struct scoring *s)
{
    for (int i = 0; i < MAX_LINES; i++)
        scored_release(&s->lines[i].scored);
    buf_release(&s->out);
    arena_release(&s->arena);
    request_input_release(&s->requests);
    scorer_close(&s->scorer);
    free(s);
}

static int run(const struct options *options, struct model *model, struct err *err)
{
    struct scoring *s = calloc(1, sizeof(*s));
    int rc = -1;

    if (!s)
        return err_set(err, ERR_NOMEM, "out of memory");
    s->options = options;
    s->model = model;
    request_input_init(&s->requests);
    arena_init(&s->arena, 64 << 10, 0);
    if (options_catalog(options, &s->requests.catalog, err) == 0 &&
        scorer_open(options, model, MAX_BATCH_TOKENS, MAX_LINES, false, &s->scorer, err) == 0)
        rc = score_all(s, err);
    release(s);
    return rc;
}

const struct command command_score = {
    .name = "score",
    .bit = COMMAND_SCORE,
    .opens_model = true,
    .help = "pairs of texts to logits, /rank requests with candidates to scores",
    .run = run,
};
