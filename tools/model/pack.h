/* adrank-model pack: one file for each part of adrank.json. */
#ifndef TOOLS_MODEL_PACK_H
#define TOOLS_MODEL_PACK_H

#include <jansson.h>
#include <math.h>

#include "model/engine/engine_state.h"
#include "model/engine/opening.h"
#include "model/request_input.h"
#include "tools/model/command.h"

#define PACK_NOW_MS INT64_C(1790000000000) /* of requests that state no time */

struct pack {
    const struct options *options;
    char *path;          /* DIR/adrank.json */
    json_t *doc;         /* the document that is made, without /golden */
    json_t *golden;      /* /golden as it was read; NULL: there was none */
    struct model *model; /* opened with doc */
    struct scorer scorer;
    struct request_input requests;
    struct arena arena;
    struct scored last; /* what was scored last */
    /* for the report */
    const char *golden_origin; /* "kept", "refreshed", "given", "built in" */
    int golden_pairs;
    double golden_spread;
    json_t *calibration; /* what was fitted; NULL: not requested */
};

/* Reads what is there and puts what the command line names into p->doc (pack_document.c). */
int pack_document(struct pack *p, struct err *err) MUST_CHECK;
/* Writes out the defaults in effect, with keys in the order of the schema: the file is meant to be
 * read. p->model is open (pack_document.c). */
int pack_state_defaults(struct pack *p, struct err *err) MUST_CHECK;
/* Fits a calibration to the labelled lines of --calibrate (pack_calibrate.c). */
int pack_calibrate(struct pack *p, struct err *err) MUST_CHECK;
/* Sets *out to the object of /golden: requests and max_error (pack_golden.c). */
int pack_golden(struct pack *p, json_t **out, struct err *err) MUST_CHECK;

/* Sets the logits of every golden request to the model's; with only_missing of those without
 * (pack_golden.c). */
int pack_set_logits(struct pack *p, json_t *requests, bool only_missing,
                    struct err *err) MUST_CHECK;
/* Requests of the built-in texts with their logits; the caller decrefs, also after a failure
 * (pack_builtin.c). */
int pack_builtin(struct pack *p, json_t **out, struct err *err) MUST_CHECK;

/* One request's or pair's logits (as model_logit) into p->last, n_read of them. engine:
 * p->scorer's, or one of another precision (cmd_pack.c). */
int pack_score_request(struct pack *p, struct engine *engine, const json_t *request, int64_t now_ms,
                       struct err *err) MUST_CHECK;
int pack_score_pair(struct pack *p, const json_t *text, const json_t *pair,
                    struct err *err) MUST_CHECK;
/* Of candidate i of what was scored last. */
double pack_logit(const struct pack *p, int i);

/* Standard deviation of n logits from their sum and the sum of their squares. */
static inline double pack_spread(double sum, double squares, int n)
{
    return n ? sqrt(fmax(0, squares / n - sum * sum / n / n)) : 0;
}

/* Requests of the built-in texts, one for each context, every ad a candidate (pack_texts.c). The
 * caller decrefs; NULL: out of memory. */
json_t *pack_builtin_requests(void);

#endif
