/* Imps of a request that are scored together by one job, since their contexts are equal. */
#ifndef SERVER_REQUEST_SCORE_GROUP_H
#define SERVER_REQUEST_SCORE_GROUP_H

#include "server/batch/job.h"
#include "server/request/request_state.h"

struct world_model;

struct score_group {
    const struct imp *imp; /* the first of them */
    const struct world_model *model;
    struct batch_job *job; /* at the executor or back; NULL: none */
    bool out;              /* at the executor */
    bool scored;           /* logits are valid */
    const float *logits;   /* (ads.n, model_out_width), in the job */
};

/* After candidates. -1: out of memory. */
int score_groups_init(struct request *r) MUST_CHECK;
/* Takes a job and fills in the group's input; does not submit it. LATE: no job is free, or the
 * request has used its share of text; ENDED: failed and answered. */
enum step_result score_group_build(struct request *r, struct score_group *group);

#endif
