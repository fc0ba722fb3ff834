/* Encodes a catalog's ads in steps, on the thread these need; see served.h. */
#include "server/batch/served.h"

#include "server/batch/run_task.h"

struct encoding {
    struct encoded_ads *ads;
    struct engine *engine; /* NULL: none is needed */
    const atomic_bool *stop;
};

static int step(void *arg, struct err *err)
{
    const struct encoding *encoding = arg;

    if (atomic_load(encoding->stop))
        return err_set(err, ERR_UNAVAILABLE, "encoding the catalog: stopping");
    return encoded_ads_step(encoding->ads, encoding->engine, err);
}

int served_model_encode_ads(const struct served_model *served, const struct catalog *catalog,
                            const atomic_bool *stop, struct encoded_ads **out, struct err *err)
{
    const struct served_engine *engine = served_model_engine(served);
    struct encoding encoding = {.stop = stop};
    struct task task = {.step = step, .arg = &encoding, .committed = true}; /* reads the catalog */
    int rc = 1;

    if (encoded_ads_begin(served->model, catalog, &encoding.ads, err))
        return -1;
    if (encoded_ads_need_engine(served->model)) {
        encoding.engine = engine->engine;
        rc = executor_run_task(engine->executor, &task, err);
    }
    while (rc > 0)
        rc = step(&encoding, err);
    if (rc)
        encoded_ads_free(encoding.ads);
    else
        *out = encoding.ads;
    return rc;
}
