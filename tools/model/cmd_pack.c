/* Writes adrank.json: existing and given settings, a calibration, golden requests with this model's
 * logits. Never writes what the daemon would not open. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/writer.h"
#include "model/engine/compute.h"
#include "tools/model/pack.h"

/* ---- scoring --------------------------------------------------------------------------------- */

static int compute(struct pack *p, struct engine *engine, struct err *err)
{
    int64_t us;

    if (scored_reserve(&p->last, p->model, err))
        return -1;
    return engine_compute(engine, &p->last.input, p->last.logits, &us, err);
}

int pack_score_request(struct pack *p, struct engine *engine, const json_t *request, int64_t now_ms,
                       struct err *err)
{
    char *text = json_dumps(request, JSON_COMPACT);
    int rc;

    if (!text)
        return json_is_object(request) ? err_set(err, ERR_NOMEM, "out of memory")
                                       : err_set(err, ERR_DATA, "/request: want an object");
    rc = request_input_build(&p->requests, p->model, view_of(text), now_ms, &p->last.input, err);
    free(text);
    return rc ? rc : compute(p, engine, err);
}

int pack_score_pair(struct pack *p, const json_t *text, const json_t *pair, struct err *err)
{
    if (!json_is_string(text) || !json_is_string(pair))
        return err_set(err, ERR_DATA, "/text and /text_pair: want strings");
    arena_reset(&p->arena, SIZE_MAX);
    if (model_input_pair(p->model, json_view(text), json_view(pair), json_string_length(pair) > 0,
                         0, &p->arena, &p->last.input, err))
        return -1;
    return compute(p, p->scorer.engine, err);
}

double pack_logit(const struct pack *p, int i)
{
    return model_logit(p->model, p->last.logits + (ptrdiff_t)i * model_out_width(p->model));
}

/* ---- the document ---------------------------------------------------------------------------- */

static char *dump(const json_t *doc)
{
    return json_dumps(doc, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
}

/* heads comes from the classifier; with it the draft opens, which has no golden requests yet. */
static int open_draft(struct pack *p, struct err *err)
{
    const struct view none = VIEW_LIT("");
    struct view text;
    char *draft;
    int rc;

    if (model_open_with(p->options->dir, &(struct model_open_args){.adrank = &none}, &p->model,
                        err))
        return -1;
    rc = json_object_set_new(p->doc, "heads",
                             json_pack("{s:{s:i}}", "ctr", "labels", model_out_width(p->model)));
    if (rc == 0 && model_out_width(p->model) == 0)
        return err_set(err, ERR_DATA,
                       "%s: it has no classifier (architecture: %s): there is nothing to pack",
                       p->options->dir, p->model->architecture);
    model_unref(p->model);
    p->model = NULL;
    draft = rc == 0 ? dump(p->doc) : NULL;
    if (!draft)
        return err_set(err, ERR_NOMEM, "out of memory");
    text = view_of(draft);
    rc = model_open_with(p->options->dir, &(struct model_open_args){.adrank = &text, .draft = true},
                         &p->model, err);
    free(draft);
    return rc;
}

/* Opens the complete document as the daemon would. */
static int verify(struct pack *p, struct view text, struct err *err)
{
    struct model *whole;
    struct scorer scorer;
    int rc;

    if (model_open_with(p->options->dir, &(struct model_open_args){.adrank = &text}, &whole, err))
        return -1;
    rc = scorer_open(p->options, whole, model_max_tokens(whole), 1, false, &scorer, err);
    if (rc == 0)
        scorer_close(&scorer);
    model_unref(whole);
    return rc;
}

static int finish(struct pack *p, json_t *golden, char **out, struct err *err)
{
    int rc;

    if (pack_state_defaults(p, err))
        return -1;
    rc = json_object_set_new(p->doc, "weights_sha256", json_string(p->model->weights_sha256)) ||
         json_object_set(p->doc, "golden", golden);
    *out = rc ? NULL : dump(p->doc);
    if (!*out)
        return err_set(err, ERR_NOMEM, "out of memory");
    return verify(p, view_of(*out), err);
}

/* ---- report ---------------------------------------------------------------------------------- */

static void put_calibration(struct json_writer *w, const struct pack *p)
{
    const char *key;
    json_t *value;

    jw_member_object(w, "calibration");
    json_object_foreach(p->calibration, key, value)
    {
        if (json_is_real(value))
            jw_member_number(w, key, json_real_value(value), 6);
        else if (json_is_boolean(value))
            jw_member_bool(w, key, json_is_true(value));
        else
            jw_member_int(w, key, json_integer_value(value));
    }
    jw_object_end(w);
}

/* To stdout, or to stderr where stdout has the document. */
static int report(const struct pack *p, const json_t *golden, const char *path, struct err *err)
{
    struct buf out = BUF_INIT;
    const char *key;
    struct json_writer w;
    json_t *value;
    int rc;

    json_writer_init(&w, &out);
    jw_object_begin(&w);
    if (path)
        jw_member_str(&w, "written", path);
    jw_member_str(&w, "kind", model_kind(p->model));
    jw_member_str(&w, "name", model_name(p->model));
    jw_member_str(&w, "version", model_version(p->model));
    jw_member_str(&w, "golden", p->golden_origin);
    jw_member_int(&w, "golden_pairs", p->golden_pairs);
    jw_member_number(&w, "golden_spread", p->golden_spread, 4);
    jw_member_object(&w, "max_error");
    json_object_foreach(json_object_get(golden, "max_error"), key, value)
        jw_member_number(&w, key, json_number_value(value), 4);
    jw_object_end(&w);
    if (p->calibration)
        put_calibration(&w, p);
    jw_object_end(&w);
    if (path)
        return document_write(NULL, &out, err);
    rc = buf_failed(&out) ? err_set(err, ERR_NOMEM, "out of memory") : 0;
    fprintf(stderr, "%s\n", buf_str(&out));
    buf_release(&out);
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int pack(struct pack *p, struct err *err)
{
    const struct options *o = p->options;
    struct buf document = BUF_INIT;
    json_t *golden = NULL;
    const char *path;
    char *text = NULL;
    int rc = -1;

    if (pack_document(p, err) || open_draft(p, err) ||
        scorer_open(o, p->model, model_max_tokens(p->model), 1, true, &p->scorer, err) ||
        pack_calibrate(p, err) || pack_golden(p, &golden, err) || finish(p, golden, &text, err))
        goto out;
    path = o->dry_run ? NULL : o->output ? o->output : p->path;
    buf_add_str(&document, text);
    rc = document_write(path, &document, err) || report(p, golden, path, err) ? -1 : 0;
out:
    json_decref(golden);
    free(text);
    return rc;
}

static int run(const struct options *options, struct model *none, struct err *err)
{
    struct pack p = {.options = options};
    int rc;

    (void)none;
    request_input_init(&p.requests);
    arena_init(&p.arena, 64 << 10, 0);
    rc = pack(&p, err);
    scorer_close(&p.scorer);
    model_unref(p.model);
    scored_release(&p.last);
    arena_release(&p.arena);
    request_input_release(&p.requests);
    json_decref(p.doc);
    json_decref(p.golden);
    json_decref(p.calibration);
    free(p.path);
    return rc;
}

const struct command command_pack = {
    .name = "pack",
    .bit = COMMAND_PACK,
    .help = "writes adrank.json: templates, calibration, golden requests; keeps what is not named",
    .run = run,
};
