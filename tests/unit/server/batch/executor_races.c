/* Jobs submitted at the very moment an executor breaks, repeatedly: none is left in a queue that is
 * never served. */
#include "tests/unit/server/batch/executor_rig.h"

enum { SUBMITTERS = 2, JOBS_OF_EACH = 12 };

/* Each submits until a submit fails. */
struct submitter {
    pthread_t thread;
    struct rig_worker worker;
    struct served_model *served;
    _Atomic bool *go;
};

static void *submit_all(void *arg)
{
    struct submitter *submitter = arg;

    while (!*submitter->go)
        ;
    for (enum submit answer = SUBMIT_ADMITTED; answer != SUBMIT_FAILED;) {
        struct batch_job *job = rig_new_job(&submitter->worker, submitter->served, 1, 3, FOR_EVER);
        if (job)
            answer = rig_submit(&submitter->worker, job);
        else
            mailbox_drain(&submitter->worker.box, &submitter->worker);
    }
    return NULL;
}

static void race(int fail_after)
{
    struct submitter submitters[SUBMITTERS];
    _Atomic bool go = false;

    stub_scripts[0].batch_us = 0;
    struct executor *executor = rig_open_executor("0", 1);
    struct served_model *served = rig_open_model(1, executor, NULL);
    stub_scripts[0].fail_after = fail_after;
    for (int i = 0; i < SUBMITTERS; i++) {
        submitters[i].served = served;
        submitters[i].go = &go;
        rig_init_worker(&submitters[i].worker, JOBS_OF_EACH);
        CHECK(pthread_create(&submitters[i].thread, NULL, submit_all, &submitters[i]) == 0);
    }
    go = true;
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(submitters[i].thread, NULL);
    for (int i = 0; i < SUBMITTERS; i++) {
        struct rig_worker *worker = &submitters[i].worker;
        CHECK(rig_settle(worker));
        CHECK_INT(worker->wrong, 0);
        rig_release_worker(worker);
    }
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__breaks_a_thousand_times)
{
    for (int round = 0; round < 1000; round++)
        race(round % 4);
}
