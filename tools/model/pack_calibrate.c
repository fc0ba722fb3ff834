/* Calibration from labelled lines: fitted on four fifths of them, kept only if it is better on the
 * rest, then fitted on all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/platt.h"
#include "tools/model/pack.h"

#define HELD_OUT_EVERY 5 /* one line in so many */

struct list {
    struct labelled *items;
    size_t n, room;
};

struct calibrating {
    struct pack *pack;
    struct list fit, held_out;
    size_t n_lines;
};

static int add(struct list *list, struct labelled one, struct err *err)
{
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 1024;
        struct labelled *more = reallocarray(list->items, room, sizeof(*more));

        if (!more)
            return err_set(err, ERR_NOMEM, "out of memory");
        list->items = more;
        list->room = room;
    }
    list->items[list->n++] = one;
    return 0;
}

/* A line is never split between the two: ads of one request are similar. */
static int add_example(struct calibrating *c, double logit, bool click, struct err *err)
{
    bool held_out = c->n_lines % HELD_OUT_EVERY == HELD_OUT_EVERY - 1;

    return add(held_out ? &c->held_out : &c->fit, (struct labelled){logit, click}, err);
}

static int read_label(const json_t *value, const char *pointer, bool *out, struct err *err)
{
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return 0;
    }
    if (!json_is_number(value) || (json_number_value(value) != 0 && json_number_value(value) != 1))
        return err_set(err, ERR_DATA, "%s: want 0 or 1", pointer);
    *out = json_number_value(value) == 1;
    return 0;
}

static int on_pair(struct calibrating *c, const json_t *doc, struct err *err)
{
    bool click;

    if (read_label(json_object_get(doc, "label"), "/label", &click, err) ||
        pack_score_pair(c->pack, json_object_get(doc, "text"), json_object_get(doc, "text_pair"),
                        err))
        return -1;
    return add_example(c, pack_logit(c->pack, 0), click, err);
}

static int find_candidate(const json_t *request, const char *adid)
{
    const json_t *list = json_object_get(json_object_get(request, "rank"), "candidates");

    for (size_t i = 0; adid && i < json_array_size(list); i++) {
        const char *have = json_string_value(json_object_get(json_array_get(list, i), "adid"));
        if (have && strcmp(have, adid) == 0)
            return (int)i;
    }
    return -1;
}

static int64_t time_of(const json_t *doc, const json_t *shown)
{
    const json_t *now = json_object_get(doc, "now_ms");

    if (!json_is_integer(now))
        now = json_object_get(json_array_get(shown, 0), "t");
    return json_is_integer(now) ? json_integer_value(now) : clock_wall_ms();
}

/* {"request":{...},"shown":[{"adid":"a7","pos":1,"click":1,"t":...}]}, as the log of impressions
 * has it. */
static int on_request(struct calibrating *c, const json_t *doc, struct err *err)
{
    const json_t *request = json_object_get(doc, "request"), *shown = json_object_get(doc, "shown");

    if (!json_is_object(request) || !json_is_array(shown) || json_array_size(shown) == 0)
        return err_set(err, ERR_DATA,
                       "want {\"text\":...,\"text_pair\":...,\"label\":0 or 1}, or "
                       "{\"request\":{...},\"shown\":[{\"adid\":...,\"click\":0 or 1}]}");
    if (pack_score_request(c->pack, c->pack->scorer.engine, request, time_of(doc, shown), err))
        return -1;
    for (size_t i = 0; i < json_array_size(shown); i++) {
        const json_t *one = json_array_get(shown, i);
        int at = find_candidate(request, json_string_value(json_object_get(one, "adid")));
        char pointer[48];
        bool click;
        snprintf(pointer, sizeof(pointer), "/shown/%zu/adid", i);
        if (at < 0 || at >= c->pack->last.input.n_read)
            return err_set(err, ERR_DATA, "%s: is not in /request/rank/candidates", pointer);
        snprintf(pointer, sizeof(pointer), "/shown/%zu/click", i);
        if (read_label(json_object_get(one, "click"), pointer, &click, err) ||
            add_example(c, pack_logit(c->pack, at), click, err))
            return -1;
    }
    return 0;
}

static int on_line(void *arg, struct view line, struct err *err)
{
    struct calibrating *c = arg;
    json_t *doc;
    int rc;

    if (line_parse(line, &doc, err))
        return -1;
    rc = (json_object_get(doc, "text") ? on_pair : on_request)(c, doc, err);
    json_decref(doc);
    c->n_lines++;
    return rc;
}

static int read_lines(struct calibrating *c, struct err *err)
{
    const char *path = c->pack->options->calibrate_file;
    size_t clicks;

    if (lines_read(path, on_line, c, err))
        return -1;
    if (c->n_lines == 0)
        return err_set(err, ERR_DATA, "%s: no labelled lines", path);
    clicks = labelled_clicks(c->held_out.items, c->held_out.n);
    if (clicks == 0 || clicks == c->held_out.n)
        return err_set(
            err, ERR_DATA,
            "%s: every fifth line is held out, and these have %zu examples with %zu clicks: "
            "too few to judge by",
            path, c->held_out.n, clicks);
    return 0;
}

/* Fits to all lines; base_rate is theirs too, unless the command line states one. */
static int fit_all(struct calibrating *c, struct calibration *out, double *rate, struct err *err)
{
    size_t n;

    for (size_t i = 0; i < c->held_out.n; i++)
        if (add(&c->fit, c->held_out.items[i], err))
            return -1;
    n = c->fit.n;
    *rate = (double)labelled_clicks(c->fit.items, n) / (double)n;
    return platt_fit(c->fit.items, n, out, err);
}

static int store(struct calibrating *c, const struct calibration *all, double rate, struct err *err)
{
    struct pack *p = c->pack;
    json_t *object = json_pack("{s:s,s:f,s:f}", "type", "platt", "a", all->a, "b", all->b);

    if (!object || json_object_set_new(p->doc, "calibration", object) ||
        (p->options->base_rate <= 0 && json_object_set_new(p->doc, "base_rate", json_real(rate))))
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

static int fit_and_judge(struct calibrating *c, struct err *err)
{
    struct pack *p = c->pack;
    const struct calibration before = p->model->adrank.calibration;
    size_t clicks =
        labelled_clicks(c->fit.items, c->fit.n) + labelled_clicks(c->held_out.items, c->held_out.n);
    struct calibration part, all;
    double ne_before, ne_after, rate;

    if (platt_fit(c->fit.items, c->fit.n, &part, err))
        return err_prefix(err, "%s", p->options->calibrate_file);
    ne_before = normalized_entropy(c->held_out.items, c->held_out.n, &before);
    ne_after = normalized_entropy(c->held_out.items, c->held_out.n, &part);
    p->calibration =
        json_pack("{s:I,s:I,s:I,s:f,s:f,s:b}", "examples", (json_int_t)(c->fit.n + c->held_out.n),
                  "clicks", (json_int_t)clicks, "held_out", (json_int_t)c->held_out.n, "ne_before",
                  ne_before, "ne_after", ne_after, "stored", ne_after < ne_before);
    if (!p->calibration)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (!(ne_after < ne_before))
        return 0;
    if (fit_all(c, &all, &rate, err))
        return err_prefix(err, "%s", p->options->calibrate_file);
    return store(c, &all, rate, err);
}

int pack_calibrate(struct pack *p, struct err *err)
{
    struct calibrating c = {.pack = p};
    int rc;

    if (!p->options->calibrate_file)
        return 0;
    rc = options_catalog(p->options, &p->requests.catalog, err) || read_lines(&c, err) ||
                 fit_and_judge(&c, err)
             ? -1
             : 0;
    /* Golden requests use no catalog. */
    catalog_unref(p->requests.catalog);
    p->requests.catalog = NULL;
    free(c.fit.items);
    free(c.held_out.items);
    return rc;
}
