/* A device that fails or hangs under a serving daemon (CONTRACT 2, model.on_device_failure): the
 * processor goes on, or the daemon ends with 69. Nothing stays unanswered, no answer is unmarked.
 */
#include <signal.h>

#include "tests/e2e/contract.h"

#define LARGER_BATCH "{\"batch\":{\"max_tokens\":16384}}" /* opens new engines */
#define ONE_AD "{'tmax':9000,'rank':{'candidates':[{'adid':'a1'}]}}"
#define AT_ONCE "{'tmax':300,'rank':{'candidates':[{'adid':'a1'}]}}"

static struct driver d, cpu;

/* By the word for the module "failing". */
static const struct failure {
    const char *word, *reason, *event;
    bool unanswered; /* the request on the device then is answered by its deadline */
} failures[] = {
    {"submit", "error", "backend_broken", false},
    {"query", "error", "backend_broken", false},
    {"hang", "hang", "backend_hangs", false},
    {"stuck", "hang", "backend_hangs", true},
};

/* A device that hangs is leaked, a thread that hangs in it is not joined. */
static void start(const char *then)
{
    const char *options = getenv("TSAN_OPTIONS");

    driver_start(&d,
                 &(struct driver_args){
                     .backend = "failing",
                     .env = {js("TSAN_OPTIONS=%s:report_thread_leaks=0", options ? options : ""),
                             "LSAN_OPTIONS=detect_leaks=0"},
                     .sets = {js("model.on_device_failure=%s", then), "batch.hang_ms=100"}});
}

/* Also of the request that is on the device when it fails. */
static void fail_device(const struct failure *failure, const char *degraded, const char *source)
{
    json_t *answer;

    driver_write(&d, "device", failure->word);
    answer = contract_rank(&d, "%s", failure->unanswered ? AT_ONCE : ONE_AD);
    CHECK_STR(answer_degraded(answer), failure->unanswered ? "deadline" : degraded);
    answer_check_source(answer, failure->unanswered ? "prior" : source);
    driver_wait_log(&d, "event=device_failed");
    CHECK_INT(driver_logged(&d, js("event=%s", failure->event)), 1);
}

static const json_t *ready(void)
{
    const struct driver_response *r = driver_call(d.admin, "GET", "/readyz?verbose=1", NULL);

    CHECK_INT(r->status, 200);
    return driver_json(r);
}

static void check_before(void)
{
    const json_t *state = ready();

    CHECK_STR(driver_text(state, "/backend/name"), "failing");
    CHECK_STR(driver_text(state, "/backend/state"), "serving");
    CHECK_STR(driver_text(state, "/fallback/name"), "cpu");
    CHECK_STR(driver_text(state, "/fallback/state"), "serving");
    CHECK(json_is_false(driver_at(state, "/on_fallback")));
    CHECK(!driver_at(state, "/backend/error"));
    CHECK_STR(answer_degraded(contract_rank(&d, ONE_AD)), "");
    CHECK_INT(driver_metric(&d, "adrank_device_failed{reason=\"error\"}"), 0);
    CHECK_INT(driver_metric(&d, "adrank_device_failed{reason=\"hang\"}"), 0);
}

static void check_reports(const struct failure *failure)
{
    const json_t *state = ready();
    const char *metrics;

    CHECK_STR(driver_text(state, "/backend/state"), "broken");
    CHECK(*driver_text(state, "/backend/error"));
    CHECK(json_is_true(driver_at(state, "/on_fallback")));
    CHECK_STR(driver_text(state, "/model/precision"), "f32");
    CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 200);
    CHECK_INT(driver_call(d.admin, "GET", "/livez", NULL)->status, 200);
    CHECK_INT(driver_metric(&d, js("adrank_device_failed{reason=\"%s\"}", failure->reason)), 1);
    metrics = driver_call(d.admin, "GET", "/metrics", NULL)->body;
    CHECK(strstr(strstr(metrics, "adrank_model_info{"), "precision=\"f32\",backend=\"cpu\""));
    CHECK_INT(driver_logged(&d, "event=device_failed"), 1);
    driver_check_log(&d, js("reason=%s then=cpu", failure->reason));
}

/* Bit by bit those of a daemon whose backend is the processor, and marked. */
static void check_scores(void)
{
    static const char *const bodies[] = {
        "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'},{'adid':'a5'}]}}",
        "{'site':{'domain':'tea.example','search':'green tea'},'rank':{'top_n':50}}",
        "{'rank':{'behaviour':[{'t':1,'type':'click','text':'a pot of tea'}],'candidates':[{'adid':"
        "'a2'},{'adid':'x','text':'a mat','bid':1}]}}",
    };

    for (int i = 0; i < COUNT(bodies); i++) {
        json_t *mine = contract_rank(&d, "%s", js("%s", bodies[i]));
        json_t *theirs = contract_rank(&cpu, "%s", js("%s", bodies[i]));

        CHECK(strstr(answer_degraded(mine), "model"));
        CHECK(!strstr(answer_degraded(theirs), "model"));
        answer_check_source(mine, "model");
        CHECK(answer_size(mine) > 1);
        CHECK(answer_same_scores(mine, theirs));
    }
}

/* The new model is opened for the processor alone, which the answer says. */
static void check_reload(void)
{
    const struct driver_response *r = driver_reload(&d, LARGER_BATCH);

    CHECK_INT(r->status, 200);
    CHECK_STR(driver_text(driver_json(r), "/status"), "applied");
    CHECK(driver_lists(driver_json(r), "/warnings", "the device failed"));
    CHECK_INT(driver_int(ready(), "/model/generation"), 2);
}

TEST(device_fallback__the_processor_goes_on)
{
    driver_start(&cpu, &(struct driver_args){.backend = "cpu"});
    for (int i = 0; i < COUNT(failures); i++) {
        test_row("%s", failures[i].word);
        start("cpu");
        check_before();
        fail_device(&failures[i], "model", "model");
        check_scores();
        check_reports(&failures[i]);
        check_reload();
        check_scores();
        driver_end(&d);
    }
}

TEST(device_fallback__exit_drains_and_ends)
{
    for (int i = 0; i < COUNT(failures); i++) {
        const struct failure *failure = &failures[i];

        test_row("%s", failure->word);
        start("exit");
        CHECK(!driver_at(ready(), "/fallback"));
        fail_device(failure, "model", "prior");
        driver_check_log(&d, js("reason=%s then=exit", failure->reason));
        CHECK_INT(driver_wait(&d, 20000), 69);
        driver_check_log(&d, "adrankd: backend failing failed: ");
        driver_check_log(&d, "event=drained");
    }
}
