/* The threads that drive host lanes. */
#include "model/engine/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct crew_thread {
    struct crew *crew;
    pthread_t thread;
    int index;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t work; /* there may be work, or the crew is stopping */
    pthread_cond_t done; /* a piece is done */
    const struct crew_ops *ops;
    void *arg;
    bool ending;
    int n_threads; /* started */
    struct crew_thread *threads;
};

static void *drive(void *arg)
{
    struct crew_thread *self = arg;
    struct crew *crew = self->crew;
    void *work;
    bool notify;

    pthread_mutex_lock(&crew->lock);
    while (!crew->ending) {
        work = crew->ops->next(crew->arg);
        if (!work) {
            pthread_cond_wait(&crew->work, &crew->lock);
            continue;
        }
        pthread_mutex_unlock(&crew->lock);
        crew->ops->run(crew->arg, work, self->index);
        pthread_mutex_lock(&crew->lock);
        notify = crew->ops->done(crew->arg, work);
        pthread_cond_broadcast(&crew->work);
        pthread_cond_broadcast(&crew->done);
        if (notify) {
            pthread_mutex_unlock(&crew->lock);
            crew->ops->notify(crew->arg);
            pthread_mutex_lock(&crew->lock);
        }
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct crew_thread *thread)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread->thread, NULL, drive, thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int crew_new(int n_threads, const struct crew_ops *ops, void *arg, struct crew **out,
             struct err *err)
{
    struct crew *crew = calloc(1, sizeof(*crew));

    if (!crew)
        return err_set(err, ERR_NOMEM, "crew: out of memory");
    *crew = (struct crew){.ops = ops, .arg = arg};
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->done, NULL);
    crew->threads = calloc((size_t)n_threads, sizeof(*crew->threads));
    if (!crew->threads) {
        crew_free(crew);
        return err_set(err, ERR_NOMEM, "crew: out of memory");
    }
    for (int i = 0; i < n_threads; i++) {
        struct crew_thread *thread = &crew->threads[i];
        int rc;
        *thread = (struct crew_thread){.crew = crew, .index = i};
        rc = start_thread(thread);
        if (rc) {
            crew_free(crew);
            return err_set_no_thread(err, rc, "crew");
        }
        crew->n_threads++;
    }
    *out = crew;
    return 0;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < crew->n_threads; i++)
        pthread_join(crew->threads[i].thread, NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->lock);
    free(crew->threads);
    free(crew);
}

void crew_lock(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
}

void crew_unlock(struct crew *crew)
{
    pthread_mutex_unlock(&crew->lock);
}

void crew_wake(struct crew *crew)
{
    pthread_cond_broadcast(&crew->work);
}

void crew_wait_done(struct crew *crew)
{
    pthread_cond_wait(&crew->done, &crew->lock);
}
