#include <stdio.h>

#include "model/engine/engine_state.h"
#include "tools/model/command.h"
#include "json/writer.h"

static int report(const struct model *m, const struct engine *engine, struct err *err)
{
    const struct golden *golden = &m->adrank.golden;
    const struct engine_cost *cost = engine_cost(engine);
    struct buf out = BUF_INIT;
    struct json_writer w;
    int pairs = 0, rc;

    for (int i = 0; i < golden->n_requests; i++)
        pairs += golden->requests[i].n_logits;
    json_writer_init(&w, &out);
    jw_object_begin(&w);
    jw_key(&w, "model");
    jw_str(&w, model_name(m));
    jw_key(&w, "digest");
    jw_str(&w, model_digest(m));
    jw_key(&w, "device");
    jw_str(&w, engine->caps.device);
    jw_key(&w, "precision");
    jw_str(&w, precision_names[engine->caps.precision]);
    jw_key(&w, "golden_pairs");
    jw_int(&w, pairs);
    jw_key(&w, "golden_error");
    jw_number(&w, engine->golden_error, 3);
    if (pairs) {
        jw_key(&w, "golden_max_error");
        jw_double(&w, golden->max_error[engine->caps.precision]);
    }
    jw_key(&w, "cost_us");
    jw_object_begin(&w);
    jw_key(&w, "fixed");
    jw_number(&w, cost->fixed_us, 4);
    jw_key(&w, "per_token");
    jw_number(&w, cost->per_token_us, 4);
    jw_key(&w, "per_attention");
    jw_number(&w, cost->per_attention_us, 4);
    jw_key(&w, "per_segment");
    jw_number(&w, cost->per_segment_us, 4);
    jw_object_end(&w);
    jw_key(&w, "lanes");
    jw_number(&w, cost->lanes, 3);
    jw_object_end(&w);
    buf_add_str(&out, "\n");
    rc = lines_write(&out, err);
    buf_release(&out);
    if (rc == 0 && pairs == 0)
        fprintf(stderr,
                "adrank-model: no golden pairs: nothing was verified; run adrank-model pack %s\n",
                m->dir);
    return rc;
}

static int run(const struct options *options, struct err *err)
{
    struct scorer scorer;
    struct model *m;
    int rc;

    if (model_open(options->dir, &m, err))
        return -1;
    rc = scorer_open(options, m, model_max_tokens(m) > 8192 ? model_max_tokens(m) : 8192, 1, false,
                     &scorer, err);
    if (rc == 0) {
        rc = report(m, scorer.engine, err);
        scorer_close(&scorer);
    }
    model_unref(m);
    return rc;
}

const struct command command_verify = {
    .name = "verify",
    .options = OPTION_ENGINE,
    .help = "opens it as the daemon would, golden requests included",
    .run = run,
};
