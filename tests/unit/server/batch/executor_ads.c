/* Encoding a catalog's ads for a served model: on which thread, with which engine, and for how
 * long. */
#include "tests/unit/server/batch/executor_rig.h"

/* A kind's ads, scripted; its functions stand in for model/encoded_ads.c. */
struct encoded_ads {
    int steps;
};

static struct {
    bool needs_engine;
    int last, fails_at; /* steps; 0: none */
    int begun, freed, with_engine, elsewhere;
    pthread_t caller;
    atomic_bool stop;
    int stops_at;
} script;

bool encoded_ads_need_engine(const struct model *model)
{
    (void)model;
    return script.needs_engine;
}

int encoded_ads_begin(const struct model *model, const struct catalog *catalog,
                      struct encoded_ads **out, struct err *err)
{
    (void)model;
    (void)catalog;
    *out = calloc(1, sizeof(**out));
    script.begun++;
    return *out ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int encoded_ads_step(struct encoded_ads *ads, struct engine *engine, struct err *err)
{
    script.with_engine += engine != NULL;
    script.elsewhere += !pthread_equal(script.caller, pthread_self());
    if (++ads->steps == script.fails_at)
        return err_set(err, ERR_DATA, "step %d fails", ads->steps);
    if (ads->steps == script.stops_at)
        atomic_store(&script.stop, true);
    return ads->steps == script.last ? 0 : 1;
}

void encoded_ads_free(struct encoded_ads *ads)
{
    script.freed += ads != NULL;
    free(ads);
}

TEST(executor__encodes_ads_where_the_kind_needs_it)
{
    static const struct {
        const char *name;
        int last, fails_at, stops_at, steps;
        const char *error;
    } rows[] = {
        {"all steps", .last = 5, .steps = 5},
        {"a step fails", .last = 5, .fails_at = 3, .steps = 3, .error = "step 3 fails"},
        {"stopped", .last = 5, .stops_at = 2, .steps = 2,
         .error = "encoding the catalog: stopping"},
    };
    struct executor *executor;
    struct served_model *served;

    executor = rig_open_executor("0", 4);
    served = rig_open_model(1, executor, NULL);
    for (int i = 0; i < 6; i++) {
        struct encoded_ads *ads = NULL;
        int row = i / 2, rc;
        struct err err;

        memset(&script, 0, sizeof(script));
        script.needs_engine = i % 2;
        script.last = rows[row].last;
        script.fails_at = rows[row].fails_at;
        script.stops_at = rows[row].stops_at;
        script.caller = pthread_self();
        test_row("%s, engine needed: %d", rows[row].name, i % 2);
        rc = served_model_encode_ads(served, NULL, &script.stop, &ads, &err);
        CHECK_INT(script.with_engine, i % 2 ? rows[row].steps : 0);
        CHECK_INT(script.elsewhere, script.with_engine);
        CHECK_INT(script.begun, 1);
        CHECK_INT(script.freed, rows[row].error != NULL);
        if (rows[row].error) {
            CHECK_ERR(rc, err, rows[row].error);
        } else {
            CHECK_OK(rc, err);
            CHECK_INT(ads->steps, rows[row].steps);
            encoded_ads_free(ads);
        }
    }
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
}
