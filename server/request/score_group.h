/* Imps of a request that are scored together, by one job: those of equal context. */
#ifndef SERVER_REQUEST_SCORE_GROUP_H
#define SERVER_REQUEST_SCORE_GROUP_H

#include "server/batch/job.h"
#include "server/request/request_state.h"

struct world_model;

struct score_group {
    const struct imp *imp; /* the first of them */
    const struct world_model *model;
    struct batch_job *job; /* lent or back; NULL: none */
    bool out;              /* lent: its letter has not come */
    bool scored;           /* logits are right */
    const float *logits;   /* (ads.n, model_out_width), in the job */
};

/* From candidates on. -1: out of memory. */
int score_groups_init(struct request *r) MUST_CHECK;
/* A job with the group's input, not yet submitted. LATE: there is none to be had, or the request
 * has had more than its share; ENDED: failed and answered. */
enum step_result score_group_build(struct request *r, struct score_group *group);

#endif
