/* adrank-model verify: opens a model and compares its golden requests. */
#include <stdio.h>

#include "json/writer.h"
#include "model/engine/engine_state.h"
#include "tools/model/command.h"

static int report(const struct model *m, const struct engine *engine, struct err *err)
{
    const struct golden *golden = &m->adrank.golden;
    const struct engine_cost *cost = engine_cost(engine);
    struct buf out = BUF_INIT;
    struct json_writer w;
    int pairs = 0, rc;
    double limit;

    for (int i = 0; i < golden->n_requests; i++)
        pairs += golden->requests[i].n_logits;
    json_writer_init(&w, &out);
    jw_object_begin(&w);
    jw_member_str(&w, "model", model_name(m));
    jw_member_str(&w, "digest", model_digest(m));
    jw_member_str(&w, "device", engine->caps.device);
    jw_member_str(&w, "precision", precision_names[engine->caps.precision]);
    jw_member_str(&w, "activation", engine_gelu(engine)->name);
    jw_member_int(&w, "golden_pairs", pairs);
    jw_member_number(&w, "golden_error", engine->golden_error, 3);
    if (pairs && golden_limit(golden, engine->caps.precision, &limit, err) == 0)
        jw_member_double(&w, "golden_max_error", limit);
    jw_member_object(&w, "cost_us");
    jw_member_number(&w, "fixed", cost->fixed_us, 4);
    jw_member_number(&w, "per_token", cost->per_token_us, 4);
    jw_member_number(&w, "per_attention", cost->per_attention_us, 4);
    jw_member_number(&w, "per_segment", cost->per_segment_us, 4);
    jw_object_end(&w);
    jw_member_number(&w, "lanes", cost->lanes, 3);
    jw_object_end(&w);
    rc = document_write(NULL, &out, err);
    if (rc == 0 && pairs == 0)
        fprintf(stderr,
                "adrank-model: no golden pairs: nothing was verified; run adrank-model pack %s\n",
                m->dir);
    return rc;
}

static int run(const struct options *options, struct model *model, struct err *err)
{
    int max_tokens = model_max_tokens(model) > 8192 ? model_max_tokens(model) : 8192;
    struct scorer scorer;
    int rc;

    if (scorer_open(options, model, max_tokens, 1, false, &scorer, err))
        return -1;
    rc = report(model, scorer.engine, err);
    scorer_close(&scorer);
    return rc;
}

const struct command command_verify = {
    .name = "verify",
    .bit = COMMAND_VERIFY,
    .opens_model = true,
    .help = "opens it as the daemon would, golden requests included",
    .run = run,
};
