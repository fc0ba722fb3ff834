/* A device that fails or hangs under a serving daemon (CONTRACT 2, model.on_device_failure): the
 * processor takes over, or the daemon ends with 69. Nothing stays unanswered, no answer is
 * unmarked.
 */
#include <signal.h>

#include "tests/e2e/contract.h"
#include "tests/e2e/shell.h"

#define LARGER_BATCH "{\"batch\":{\"max_tokens\":512}}" /* opens new engines */
#define ONE_AD "{'tmax':60000,'rank':{'candidates':[{'adid':'a1'}]}}"
#define AT_ONCE "{'tmax':300,'rank':{'candidates':[{'adid':'a1'}]}}"

static struct driver d, cpu;

/* By the faults injected into the emulator (tests/simt/runtime.h). */
static const struct failure {
    const char *words, *reason, *event;
    bool idle;       /* noticed without a request */
    bool unanswered; /* the request on the device then is answered by its deadline */
} failures[] = {
    {"fail cudaGraphLaunch", "error", "backend_broken", false, false},
    {"fail cudaEventQuery", "error", "backend_broken", true, false},
    {"hang events", "hang", "backend_hangs", false, false},
    {"hang calls", "hang", "backend_hangs", false, true},
};

/* A device that hangs is leaked, a thread that hangs in it is not joined. */
static void start(const char *then)
{
    const char *options = getenv("TSAN_OPTIONS");

    driver_start(&d,
                 &(struct driver_args){
                     .backend = "simt",
                     .config = "{\"batch\":{\"max_tokens\":256}}",
                     .env = {js("TSAN_OPTIONS=%s:report_thread_leaks=0", options ? options : ""),
                             "LSAN_OPTIONS=detect_leaks=0"},
                     .sets = {js("model.on_device_failure=%s", then), "batch.hang_ms=1000",
                              "deadline.max_ms=60000"}});
}

/* Also of the request that is on the device when it fails. */
static void fail_device(const struct failure *failure, const char *degraded, const char *source)
{
    json_t *answer;

    driver_write(&d, "device", failure->words);
    if (!failure->idle) {
        answer = contract_rank(&d, "%s", failure->unanswered ? AT_ONCE : ONE_AD);
        CHECK_STR(answer_degraded(answer), failure->unanswered ? "deadline" : degraded);
        answer_check_source(answer, failure->unanswered ? "prior" : source);
    }
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

    CHECK_STR(driver_text(state, "/backend/name"), "cuda");
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
    CHECK(strstr(strstr(metrics, "adrank_model_info{"),
                 "precision=\"f32\",activation=\"gelu_erf\",backend=\"cpu\""));
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
        const struct failure *failure = &failures[i];

        test_row("%s", failure->words);
        start("cpu");
        check_before();
        fail_device(failure, "model", "model");
        check_scores();
        check_reports(failure);
        check_reload();
        check_scores();
        driver_end(&d);
    }
}

TEST(device_fallback__exit_drains_and_ends)
{
    for (int i = 0; i < COUNT(failures); i += 2) {
        const struct failure *failure = &failures[i];

        test_row("%s", failure->words);
        start("exit");
        CHECK(!driver_at(ready(), "/fallback"));
        CHECK_STR(answer_degraded(contract_rank(&d, ONE_AD)), "");
        fail_device(failure, "model", "prior");
        driver_check_log(&d, js("reason=%s then=exit", failure->reason));
        CHECK_INT(driver_wait(&d, 20000), 69);
        driver_check_log(&d, " failed: ");
        driver_check_log(&d, "event=drained");
    }
}

/* ---- a model that does not fit --------------------------------------------------------------- */

#define SMALL "ADRANK_SIMT_MEMORY_MB=60" /* too small for such batches */
#define LARGE "batch.max_tokens=32768"

TEST(device_fallback__a_model_that_does_not_fit_is_an_error)
{
    CHECK_INT(driver_run(&(struct driver_args){.backend = "simt", .sets = {LARGE}, .env = {SMALL}},
                         "cuda: out of memory for "),
              69);
}

/* The daemon beside a module for "cuda", as it is installed. */
TEST(device_fallback__auto_takes_the_processor_for_it)
{
    const char *at = js("%s", driver_build_path("tests/device_fallback"));

    CHECK_INT(shell(NULL,
                    "mkdir -p %s/bin %s/lib/adrank && cp %s %s/bin/ && cp %s "
                    "%s/lib/adrank/libadrank-cuda.so",
                    at, at, driver_build_path("bin/adrankd"), at,
                    driver_build_path("lib/adrank-backend-simt.so"), at),
              0);
    driver_start(&d, &(struct driver_args){.program = "tests/device_fallback/bin/adrankd",
                                           .backend = "auto",
                                           .env = {SMALL}});
    driver_check_log(&d, "event=backend_not_taken backend=cuda instead=cpu");
    driver_check_log(&d, "cuda: out of memory for ");
    CHECK_STR(driver_text(ready(), "/backend/name"), "cpu");
    CHECK_INT(driver_int(driver_json(driver_call(d.admin, "GET", "/admin/config", NULL)),
                         "/batch/max_tokens"),
              8192);
    CHECK_STR(answer_degraded(contract_rank(&d, ONE_AD)), "");
    driver_end(&d);
}
