/* Tests of server/batch/job.c. */
#include "server/batch/job.h"

#include "tests/test.h"

TEST(job__pool_lends_what_it_has_and_keeps_buffers)
{
    struct batch_jobs jobs;
    struct batch_job *job[3];
    struct err err;

    CHECK_OK(batch_jobs_init(&jobs, 3, NULL, &err), err);
    for (int i = 0; i < 3; i++)
        CHECK((job[i] = batch_jobs_take(&jobs)));
    CHECK(!batch_jobs_take(&jobs));
    CHECK_OK(input_reserve(&job[1]->input, 100, 10, &err), err);
    job[1]->input.n_read = 10;
    CHECK_OK(batch_jobs_reserve(&jobs, job[1], 2, &err), err);
    CHECK_INT(job[1]->n_out, 20);
    job[1]->out[19] = 1;
    batch_job_cancel(job[1]);
    const float *logits = job[1]->out;
    const int32_t *ids = job[1]->input.ids;
    batch_jobs_put(&jobs, job[1]);
    struct batch_job *again = batch_jobs_take(&jobs); /* the warm one comes first */
    CHECK(again == job[1] && again->out == logits && again->input.ids == ids);
    CHECK_INT(again->input.n_tokens + again->input.n_read, 0);
    CHECK(!atomic_load(&again->work.cancelled));
    again->input.n_read = 5;
    CHECK_OK(batch_jobs_reserve(&jobs, again, 1, &err), err);
    CHECK(again->out == logits); /* smaller than before: no allocation */
    for (int i = 0; i < 3; i++)
        batch_jobs_put(&jobs, job[i]);
    batch_jobs_release(&jobs);
}

/* Buffers are charged while they exist, and kept as far as keep_bytes and the budget allow. */
TEST(job__buffers_are_charged_and_kept_within_bounds)
{
    struct batch_jobs jobs;
    struct batch_job *a, *b;
    struct budget budget;
    struct err err;

    budget_init(&budget, 16 << 20, 0);
    CHECK_OK(batch_jobs_init(&jobs, 2, &budget, &err), err);
    jobs.keep_bytes = 100000;
    CHECK((a = batch_jobs_take(&jobs)) && (b = batch_jobs_take(&jobs)));
    CHECK_OK(input_reserve(&a->input, 10000, 1, &err), err);
    CHECK_OK(input_reserve(&b->input, 10000, 1, &err), err);
    CHECK_OK(batch_jobs_reserve(&jobs, a, 1, &err), err);
    CHECK_OK(batch_jobs_reserve(&jobs, b, 1, &err), err);
    CHECK(atomic_load(&budget.held_bytes) >= 160000);
    batch_jobs_put(&jobs, b);
    batch_jobs_put(&jobs, a); /* there is space for one of them */
    CHECK(atomic_load(&budget.held_bytes) <= 100000);
    CHECK(batch_jobs_take(&jobs) == b && b->input.ids);
    CHECK(batch_jobs_take(&jobs) == a && !a->input.ids);
    CHECK_OK(input_reserve(&a->input, 1 << 21, 1, &err), err); /* 16 MiB */
    CHECK_INT(batch_jobs_reserve(&jobs, a, 1, &err), -1);
    CHECK_INT(err.code, ERR_NOMEM);
    batch_jobs_put(&jobs, a);
    batch_jobs_put(&jobs, b);
    batch_jobs_reclaim(&jobs);
    CHECK_INT(atomic_load(&budget.held_bytes), 0);
    batch_jobs_release(&jobs);
}

TEST(job__is_found_from_its_letter_and_its_work)
{
    struct batch_job job = {.outcome = JOB_OK};

    CHECK(batch_job_of(&job.letter) == &job);
    CHECK(batch_job_of_work(&job.work) == &job);
}

/* A parent and children of one length; parent 0: independent segments. */
static void fill(struct input *input, int parent, int n, int len)
{
    int first = parent > 0;
    struct err err;

    CHECK_OK(input_reserve(input, parent + n * len, first + n, &err), err);
    if (first)
        input->segments[0] = (struct segment){.len = parent, .parent = -1};
    for (int i = 0; i < n; i++)
        input->segments[first + i] = (struct segment){
            .start = parent + i * len, .len = len, .parent = first ? 0 : -1, .read = true};
    input->n_tokens = parent + n * len;
    input->n_segments = first + n;
    input->n_read = n;
    memset(input->ids, 0, (size_t)input->n_tokens * sizeof(*input->ids));
    memset(input->types, 0, (size_t)input->n_tokens * sizeof(*input->types));
}

/* A job is charged what its batches cost. */
TEST(job__charges_what_its_parts_are)
{
    static const struct {
        int max_tokens, parent, n, len, want_parts;
    } rows[] = {
        {1000, 20, 8, 10, 1},     {100, 20, 8, 10, 1},     {60, 20, 8, 10, 2},
        {512, 400, 100, 56, 50},  {512, 400, 2, 57, 2},    {512, 200, 100, 100, 34},
        {768, 384, 200, 128, 67}, {512, 0, 100, 300, 100}, {8192, 300, 4096, 60, 32},
    };
    struct engine_cost engine = {.fixed_us = 100, .per_token_us = 0.7, .per_attention_us = 5e-4};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct batch_job job = {.deadline_us = 9000};
        struct input part = {0};
        struct cost cost;
        struct err err;
        double us = 0;
        int first, parts = 0;
        test_row("batches of %d, parent of %d, %d of %d", rows[i].max_tokens, rows[i].parent,
                 rows[i].n, rows[i].len);
        fill(&job.input, rows[i].parent, rows[i].n, rows[i].len);
        cost_init(&cost, &engine, 30, 8192);
        batch_job_prepare(&job, &cost, &(struct batch_options){.max_tokens = rows[i].max_tokens},
                          500);
        while (input_part(&job.input, rows[i].max_tokens, parts, &part, &first, &err) == 1) {
            struct input_shape shape = input_shape(&part);
            us += cost_base_us(&cost, &shape, 1);
            parts++;
        }
        CHECK_INT(parts, rows[i].want_parts);
        CHECK_INT(job.work.parts, parts);
        CHECK_NEAR(job.work.base_us, us, 1e-6 * us);
        CHECK_INT(job.work.arrival_us, 500);
        CHECK_INT(job.work.deadline_us, 9000);
        input_release(&job.input);
        input_release(&part);
    }
}

/* Even if a context is not read, so no part needs it. */
TEST(job__never_runs_whole_what_is_larger_than_a_batch)
{
    struct batch_job job = {.deadline_us = 9000};
    struct cost cost;

    fill(&job.input, 50, 2, 30);
    for (int i = 1; i <= 2; i++)
        job.input.segments[i].parent = -1;
    cost_init(&cost, &(struct engine_cost){.fixed_us = 100, .per_token_us = 1}, 30, 1000);
    batch_job_prepare(&job, &cost, &(struct batch_options){.max_tokens = 100}, 500);
    CHECK(job.work.parts > 1);
    input_release(&job.input);
}
