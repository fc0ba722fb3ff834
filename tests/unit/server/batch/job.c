#include "server/batch/job.h"

#include "tests/test.h"

TEST(job__pool_lends_what_it_has_and_keeps_buffers)
{
    struct batch_jobs jobs;
    struct batch_job *job[3];
    struct err err;

    CHECK_OK(batch_jobs_init(&jobs, 3, &err), err);
    for (int i = 0; i < 3; i++)
        CHECK((job[i] = batch_jobs_take(&jobs)));
    CHECK(!batch_jobs_take(&jobs));
    CHECK_OK(input_reserve(&job[1]->input, 100, 10, &err), err);
    job[1]->input.n_read = 10;
    CHECK_OK(batch_job_reserve(job[1], 2, &err), err);
    CHECK_INT(job[1]->n_logits, 20);
    job[1]->logits[19] = 1;
    batch_job_cancel(job[1]);
    const float *logits = job[1]->logits;
    const int32_t *ids = job[1]->input.ids;
    batch_jobs_put(&jobs, job[1]);
    struct batch_job *again = batch_jobs_take(&jobs); /* the warm one comes first */
    CHECK(again == job[1] && again->logits == logits && again->input.ids == ids);
    CHECK_INT(again->input.n_tokens + again->input.n_read, 0);
    CHECK(!atomic_load(&again->work.cancelled));
    again->input.n_read = 5;
    CHECK_OK(batch_job_reserve(again, 1, &err), err);
    CHECK(again->logits == logits); /* less than there is: no allocation */
    for (int i = 0; i < 3; i++)
        batch_jobs_put(&jobs, job[i]);
    batch_jobs_release(&jobs);
}

TEST(job__is_found_from_its_letter_and_its_work)
{
    struct batch_job job = {.outcome = JOB_OK};

    CHECK(batch_job_of(&job.letter) == &job);
    CHECK(batch_job_of_work(&job.work) == &job);
}

TEST(job__charges_by_its_input)
{
    struct batch_jobs jobs;
    struct cost cost;
    struct err err;

    CHECK_OK(batch_jobs_init(&jobs, 1, &err), err);
    struct batch_job *job = batch_jobs_take(&jobs);
    CHECK_OK(input_reserve(&job->input, 100, 10, &err), err);
    job->input.n_tokens = 100;
    job->input.n_segments = 9;
    for (int i = 0; i < 9; i++)
        job->input.segments[i] = (struct segment){.start = i ? 20 + 10 * (i - 1) : 0,
                                                  .len = i ? 10 : 20,
                                                  .parent = i ? 0 : -1,
                                                  .read = i > 0};
    cost_init(&cost, &(struct engine_cost){.fixed_us = 100, .per_token_us = 1}, 30, 1000);
    job->deadline_us = 9000;
    batch_job_prepare(job, &cost, &(struct batch_options){.max_tokens = 60}, 500);
    CHECK_INT(job->work.arrival_us, 500);
    CHECK_INT(job->work.deadline_us, 9000);
    CHECK_INT(job->work.parts, 2); /* 20 + 40 tokens each */
    CHECK_INT(job->work.shape.tokens, 120);
    CHECK_INT(job->work.shape.attention, 20 * 20 + 8 * 10 * 30 + 20 * 20);
    batch_jobs_put(&jobs, job);
    batch_jobs_release(&jobs);
}

TEST_MAIN
