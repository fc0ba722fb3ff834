/*
 * Golden requests: existing ones, given ones, or built-in texts that the model scores differently;
 * their logits, and the largest error that each precision may have.
 *
 * A bound is a multiple of the error measured here: in f32 by the engine, in f16 and bf16 by the
 * CPU with the result of every operation rounded as a device of that precision would
 * (kernels/cpu/rounded.c). Such a device rounds as often, or inside an operation once more, and
 * sums in another order: its errors are other draws of about the same size. On the golden models
 * its largest was .4 to 1.5 times the one measured here (tests/golden/test_bounds.c).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/pack.h"

/* slack: times the measured error. least: the lowest bound, for where the maximum is over few, or
 * fortunate, pairs; f16 has three bits more than bf16. */
static const struct {
    double slack, least;
} bounds[PRECISIONS] = {
    [PRECISION_F32] = {2, 1e-4},
    [PRECISION_BF16] = {3, 0.02},
    [PRECISION_F16] = {3, 0.02 / 8},
};

/* ---- given lines ----------------------------------------------------------------------------- */

/* The text becomes the search, its pair the only candidate. */
static json_t *request_of_pair(const json_t *doc)
{
    return json_pack("{s:I,s:{s:{s:O},s:{s:[{s:s,s:O}]}}}", "now_ms", (json_int_t)PACK_NOW_MS,
                     "request", "site", "search", json_object_get(doc, "text"), "rank",
                     "candidates", "adid", "ad", "text", json_object_get(doc, "text_pair"));
}

static json_t *request_of_line(json_t *doc)
{
    json_t *request = json_object_get(doc, "request"), *now = json_object_get(doc, "now_ms");
    json_t *logits = json_object_get(doc, "logits"), *out;

    if (!request)
        return json_pack("{s:I,s:O}", "now_ms", (json_int_t)PACK_NOW_MS, "request", doc);
    if (!now)
        now = json_object_get(json_array_get(json_object_get(doc, "shown"), 0), "t");
    out = json_pack("{s:I,s:O}", "now_ms",
                    json_is_integer(now) ? json_integer_value(now) : (json_int_t)PACK_NOW_MS,
                    "request", request);
    if (out && logits)
        json_object_set(out, "logits", logits);
    return out;
}

static int on_line(void *arg, struct view line, struct err *err)
{
    json_t *requests = arg, *doc, *entry;
    int rc = 0;

    if (line_parse(line, &doc, err))
        return -1;
    if (!json_is_object(doc))
        rc = err_set(err, ERR_DATA, "want an object, this is %s", json_kind(doc));
    else if (json_object_get(doc, "text") && (!json_is_string(json_object_get(doc, "text")) ||
                                              !json_is_string(json_object_get(doc, "text_pair"))))
        rc = err_set(err, ERR_DATA, "/text and /text_pair: want strings");
    else if (json_object_get(doc, "text") && json_object_get(doc, "logits"))
        rc = err_set(err, ERR_DATA,
                     "/logits: of a pair without its template; give the request instead");
    if (rc == 0) {
        entry = json_object_get(doc, "text") ? request_of_pair(doc) : request_of_line(doc);
        if (!entry || json_array_append_new(requests, entry))
            rc = err_set(err, ERR_NOMEM, "out of memory");
    }
    json_decref(doc);
    return rc;
}

/* ---- logits ---------------------------------------------------------------------------------- */

static int score(struct pack *p, struct engine *engine, const json_t *requests, size_t i,
                 struct err *err)
{
    const json_t *entry = json_array_get(requests, i);

    if (pack_score_request(p, engine, json_object_get(entry, "request"),
                           json_integer_value(json_object_get(entry, "now_ms")), err))
        return err_prefix(err, "golden request %zu", i);
    return 0;
}

int pack_set_logits(struct pack *p, json_t *requests, bool only_missing, struct err *err)
{
    for (size_t i = 0; i < json_array_size(requests); i++) {
        json_t *logits;
        if (only_missing && json_object_get(json_array_get(requests, i), "logits"))
            continue;
        if (score(p, p->scorer.engine, requests, i, err))
            return -1;
        logits = json_array();
        for (int k = 0; k < p->last.input.n_read; k++)
            json_array_append_new(logits, json_real(pack_logit(p, k)));
        if (json_array_size(logits) != (size_t)p->last.input.n_read ||
            json_object_set_new(json_array_get(requests, i), "logits", logits))
            return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

/* Standard deviation of all logits, and how many there are. */
static double spread_of(const json_t *requests, int *n_pairs)
{
    double sum = 0, squares = 0;
    int n = 0;

    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *logits = json_object_get(json_array_get(requests, i), "logits");
        for (size_t k = 0; k < json_array_size(logits); k++, n++) {
            const double logit = json_number_value(json_array_get(logits, k));
            sum += logit;
            squares += logit * logit;
        }
    }
    *n_pairs = n;
    return pack_spread(sum, squares, n);
}

/* The largest |error| of the engine over the spread; infinite if the number of logits differs. */
static int measure(struct pack *p, struct engine *engine, const json_t *requests, double spread,
                   double *error, struct err *err)
{
    *error = 0;
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *logits = json_object_get(json_array_get(requests, i), "logits");
        if (score(p, engine, requests, i, err))
            return -1;
        if (json_array_size(logits) != (size_t)p->last.input.n_read)
            *error = INFINITY;
        for (int k = 0; k < p->last.input.n_read; k++)
            *error = fmax(*error, fabs(pack_logit(p, k) -
                                       json_number_value(json_array_get(logits, (size_t)k))) /
                                      spread);
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int read_given(struct pack *p, json_t **out, struct err *err)
{
    *out = json_array();
    if (!*out)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (lines_read(p->options->golden_file, on_line, *out, err))
        return -1;
    p->golden_origin = "given";
    return pack_set_logits(p, *out, true, err);
}

/* Keeps logits that the engine reproduces, since they may be a reference; else recomputes all. */
static int keep_or_refresh(struct pack *p, json_t **out, struct err *err)
{
    const json_t *allowed = json_object_get(json_object_get(p->golden, "max_error"), "f32");
    double limit =
               json_is_number(allowed) ? json_number_value(allowed) : bounds[PRECISION_F32].least,
           error, spread;
    int n;

    *out = json_deep_copy(json_object_get(p->golden, "requests"));
    if (!*out)
        return err_set(err, ERR_NOMEM, "out of memory");
    p->golden_origin = "kept";
    spread = spread_of(*out, &n);
    if (spread > 0 && measure(p, p->scorer.engine, *out, spread, &error, err))
        return -1;
    if (spread > 0 && error <= limit)
        return 0;
    p->golden_origin = "refreshed";
    return pack_set_logits(p, *out, false, err);
}

static int make_requests(struct pack *p, json_t **out, struct err *err)
{
    const json_t *have = json_object_get(p->golden, "requests");
    const char *file = p->options->golden_file;
    const bool builtin = file && strcmp(file, "built-in") == 0;

    if (file && !builtin)
        return read_given(p, out, err);
    if (!builtin && json_is_array(have) && json_array_size(have) > 0)
        return keep_or_refresh(p, out, err);
    p->golden_origin = "built in";
    return pack_builtin(p, out, err);
}

static int check_spread(struct pack *p, const json_t *requests, struct err *err)
{
    p->golden_spread = spread_of(requests, &p->golden_pairs);
    if (p->golden_pairs < GOLDEN_MIN_PAIRS)
        return err_set(err, ERR_DATA, "%d golden pairs, want at least %d; give more with --golden",
                       p->golden_pairs, GOLDEN_MIN_PAIRS);
    if (!(p->golden_spread >= GOLDEN_MIN_SPREAD))
        return err_set(err, ERR_DATA,
                       "logits of the golden pairs (%s) have a standard deviation of %.3g, want at "
                       "least %g: an untrained head, or texts it cannot tell apart; give "
                       "others with --golden",
                       p->golden_origin, p->golden_spread, GOLDEN_MIN_SPREAD);
    return 0;
}

static int set_error(json_t *max_error, enum precision precision, double measured, struct err *err)
{
    const double allowed =
        ceil(fmax(bounds[precision].slack * measured, bounds[precision].least) * 1e4) / 1e4;

    if (measured > GOLDEN_MAX_ERROR) {
        json_object_del(max_error, precision_names[precision]);
        fprintf(stderr, "adrank-model: %s loses %.3g of the spread, more than %g: omitted\n",
                precision_names[precision], measured, GOLDEN_MAX_ERROR);
        return 0;
    }
    if (json_object_set_new(max_error, precision_names[precision],
                            json_real(fmin(allowed, GOLDEN_MAX_ERROR))))
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

static int measure_rounded_by(struct pack *p, const json_t *requests, enum precision precision,
                              double *error, struct err *err)
{
    struct options options = *p->options;
    struct scorer scorer;
    int rc;

    options.ops = &backend_rounded;
    options.precision = precision;
    options.quiet = true;
    if (scorer_open(&options, p->model, model_max_tokens(p->model), 1, true, &scorer, err))
        return -1;
    rc = measure(p, scorer.engine, requests, p->golden_spread, error, err);
    scorer_close(&scorer);
    return rc;
}

/* Numbers beyond the precision's range are an error like others. */
static int measure_rounded(struct pack *p, const json_t *requests, enum precision precision,
                           json_t *max_error, struct err *err)
{
    double error;

    if (measure_rounded_by(p, requests, precision, &error, err)) {
        if (err->code != ERR_DATA)
            return -1;
        error = INFINITY;
    }
    return set_error(max_error, precision, error, err);
}

/* Limits of kept requests stay; missing ones, and those of other requests, are measured. */
static int make_max_error(struct pack *p, const json_t *requests, json_t *max_error,
                          struct err *err)
{
    static const enum precision rounded[] = {PRECISION_BF16, PRECISION_F16};
    bool kept = strcmp(p->golden_origin, "kept") == 0;
    double error;

    if (json_object_update(max_error, json_object_get(p->golden, "max_error")) &&
        json_object_get(p->golden, "max_error"))
        return err_set(err, ERR_NOMEM, "out of memory");
    if (!kept || !json_object_get(max_error, "f32")) {
        if (measure(p, p->scorer.engine, requests, p->golden_spread, &error, err))
            return -1;
        if (!(error <= GOLDEN_MAX_ERROR))
            return err_set(
                err, ERR_DATA,
                "golden logits (%s) and this model's differ by %.3g of their spread, more "
                "than %g",
                p->golden_origin, error, GOLDEN_MAX_ERROR);
        if (set_error(max_error, PRECISION_F32, error, err))
            return -1;
    }
    for (int i = 0; i < 2; i++)
        if ((!kept || !json_object_get(max_error, precision_names[rounded[i]])) &&
            measure_rounded(p, requests, rounded[i], max_error, err))
            return -1;
    return 0;
}

int pack_golden(struct pack *p, json_t **out, struct err *err)
{
    json_t *requests = NULL, *max_error = json_object();
    int rc = -1;

    *out = NULL;
    if (make_requests(p, &requests, err) || check_spread(p, requests, err) ||
        make_max_error(p, requests, max_error, err))
        goto out;
    *out = json_pack("{s:O,s:O}", "max_error", max_error, "requests", requests);
    rc = *out ? 0 : err_set(err, ERR_NOMEM, "out of memory");
out:
    json_decref(requests);
    json_decref(max_error);
    return rc;
}
