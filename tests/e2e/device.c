/*
 * The daemon on the CUDA backend, its kernels on the emulator (tests/simt): that what holds on the
 * processor holds there, and what it says of the device. Scores alone and in batches are compared
 * in contract_answer.c.
 */
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/contract.h"
#include "tests/e2e/shell.h"
#include "tests/redis.h"

#define USER "{'id':'r','user':{'id':'u1'},'site':{'search':'shoes'},'rank':{'top_n':9}}"
#define SMALL "batch.max_tokens=512" /* opening tries every size up to that */
#define ADS 7                        /* of driver_catalog that a model ranks */

static struct driver d;
static struct redis redis;

static const json_t *readiness(void)
{
    return driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));
}

/* ---- scores ---------------------------------------------------------------------------------- */

/* A history, so that its text is in the scores, and several imps. */
static json_t *scores_of(struct driver *driver)
{
    json_t *answer = contract_rank(driver, USER);

    CHECK_STR(answer_degraded(answer), "");
    CHECK_INT(answer_size(answer), ADS);
    answer_check_source(answer, "model");
    return answer;
}

/* Largest difference in pctr of an ad. */
static double difference(const json_t *a, const json_t *b)
{
    const json_t *result;
    double largest = 0;
    size_t i;

    json_array_foreach(json_object_get(a, "results"), i, result)
    {
        const char *adid = driver_text(result, "/adid");
        double apart = fabs(answer_pctr(a, "1", adid) - answer_pctr(b, "1", adid));
        largest = apart > largest ? apart : largest;
    }
    return largest;
}

TEST(device__scores_as_the_processor_does)
{
    static const struct {
        const char *precision, *served;
        double least, most; /* difference from f32 on the processor */
    } rows[] = {{"auto", "f16", 1e-8, 2e-3}, {"bf16", "bf16", 1e-5, 2e-2}, {"f32", "f32", 0, 1e-5}};
    struct driver on_cpu;
    json_t *want;

    redis_start(&redis, NULL);
    driver_start(&on_cpu, &(struct driver_args){.backend = "cpu",
                                                .redis = redis.url,
                                                .sets = {"model.precision=f32"}});
    driver_history(&on_cpu, redis.url, "put",
                   "{'user':'u1','t':1000,'type':'view','text':'red shoes'}\n");
    want = scores_of(&on_cpu);
    for (int i = 0; i < COUNT(rows); i++) {
        double apart;
        test_row("precision %s", rows[i].precision);
        driver_start(&d, &(struct driver_args){
                             .backend = "simt",
                             .redis = redis.url,
                             .sets = {SMALL, js("model.precision=%s", rows[i].precision)}});
        apart = difference(want, scores_of(&d));
        printf("     %s: %.2g from the processor\n", rows[i].precision, apart);
        CHECK(apart >= rows[i].least && apart <= rows[i].most);
        CHECK_STR(driver_text(readiness(), "/model/precision"), rows[i].served);
    }
    redis_stop(&redis);
}

/* ---- what it reports ------------------------------------------------------------------------- */

static void check_sample(const char *sample, double want)
{
    test_row("%s", sample);
    CHECK(driver_metric(&d, sample) == want);
}

static void check_sensors(void)
{
    WAIT_FOR(driver_metric(&d, "adrank_device_power_watts") != -1); /* the first reading */
    check_sample("adrank_device_memory_bytes{kind=\"used\"}", 3.0 * (1 << 30));
    check_sample("adrank_device_memory_bytes{kind=\"total\"}", 80.0 * (1 << 30));
    check_sample("adrank_device_utilization_ratio", .87);
    check_sample("adrank_device_power_watts", 689.5);
    check_sample("adrank_device_power_limit_watts", 700);
    check_sample("adrank_device_temperature_celsius", 64);
    check_sample("adrank_device_clock_hertz", 1410e6);
    check_sample("adrank_device_clock_max_hertz", 1980e6);
    check_sample("adrank_device_throttled{reason=\"power\"}", 1);
    check_sample("adrank_device_throttled{reason=\"heat\"}", 0);
    check_sample("adrank_device_throttled{reason=\"brake\"}", 0);
    check_sample("adrank_device_throttled{reason=\"hardware\"}", 0);
}

/* One request is one batch, far below the lowest rung of 256 tokens. */
static void check_batches(void)
{
    check_sample("adrank_batch_age_seconds", -1);
    CHECK_INT(driver_rank(&d, js("{'tmax':60000,'rank':{'candidates':[{'adid':'a1'}]}}"))->status,
              200);
    check_sample("adrank_batch_duration_seconds_count", 1);
    check_sample("adrank_batch_rung_tokens_total", 256);
    CHECK(driver_metric(&d, "adrank_batch_tokens_sum") < 256);
    CHECK(driver_metric(&d, "adrank_batch_duration_seconds_sum") > 0);
    CHECK(driver_metric(&d, "adrank_batch_age_seconds") < 60);
}

/* What model.gelu "auto" compared, whichever form it took, and the batch size in effect. */
TEST(device__reports_what_it_chose)
{
    const json_t *ready, *config;
    const char *activation;

    driver_start(&d, &(struct driver_args){.backend = "simt", .model = "config/demo/model"});
    ready = driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));
    activation = driver_text(ready, "/model/activation");
    CHECK(strcmp(activation, "gelu_erf") == 0 || strcmp(activation, "gelu_tanh") == 0);
    CHECK(json_number_value(driver_at(ready, "/model/gelu/erf_us")) > 0);
    CHECK(json_number_value(driver_at(ready, "/model/gelu/tanh_us")) > 0);
    CHECK(json_number_value(driver_at(ready, "/model/gelu/erf_error")) < .003);
    CHECK_INT(driver_logged(&d, js("event=gelu_chosen model_digest=%s activation=%s erf_us=",
                                   driver_text(ready, "/model/digest"), activation)),
              1);
    config = driver_json(driver_call(d.admin, "GET", "/admin/config", NULL));
    CHECK_INT(json_integer_value(driver_at(config, "/batch/max_tokens")), 32768);
}

static void check_names(void)
{
    const json_t *ready = readiness();
    const char *first = driver_log(&d);
    const char *named = strstr(first, " backend=cuda device=\"CUDA emulator (sm_80)");

    if (!named || named > strchr(first, '\n'))
        FAIL("the first line names no device: %s", first);
    CHECK_STR(driver_text(ready, "/backend/name"), "cuda");
    CHECK_STR(driver_text(ready, "/backend/state"), "serving");
    CHECK(strstr(driver_text(ready, "/backend/device"), "CUDA emulator"));
    CHECK(strstr(driver_call(d.admin, "GET", "/metrics", NULL)->body,
                 "precision=\"f16\",activation=\"gelu_erf\",backend=\"cuda\"} 1"));
}

TEST(device__is_named_with_its_sensors_and_batches)
{
    driver_start(&d, &(struct driver_args){.backend = "simt",
                                           .sets = {"batch.max_tokens=256"},
                                           .libraries = "lib/nvml"});
    check_names();
    check_sensors();
    check_batches();
}

/* ---- swaps ----------------------------------------------------------------------------------- */

/* The demo's model, packed with another version: of the same shape, and with golden requests. */
static const char *demo_of_version(const char *folder, int version)
{
    const char *model = js("%s/v%d", folder, version);

    CHECK_INT(shell(NULL, "cp -r config/demo/model %s && %s pack %s --version %d >/dev/null", model,
                    driver_build_path("bin/adrank-model"), model, version),
              0);
    return model;
}

static const char *config_of(const char *model)
{
    return driver_config(
        js("{'model':{'backend':'simt','path':'%s','resident':2},'batch':{'max_tokens':512},"
           "'deadline':{'max_ms':60000,'default_ms':60000}}",
           model),
        NULL);
}

/* Ranks until the model is this one. */
static void swap_to(const char *model, const char *version)
{
    json_t *answer;
    int n = 0;

    driver_write(&d, "config.json", config_of(model));
    driver_kill(&d, SIGHUP);
    do {
        answer = contract_rank(&d, USER);
        CHECK_STR(answer_degraded(answer), "");
        answer_check_source(answer, "model");
        CHECK(++n < 5000);
    } while (strcmp(driver_text(answer, "/model_version"), version) != 0);
}

TEST(device__swaps_models_while_it_serves)
{
    const char *folder = shell_folder();
    char here[PATH_MAX];
    const struct {
        const char *model, *version;
    } models[] = {{demo_of_version(folder, 1), "1"},
                  {demo_of_version(folder, 2), "2"},
                  {js("%s/" DRIVER_MODEL, getcwd(here, sizeof(here))), "0"}, /* of another shape */
                  {demo_of_version(folder, 3), "3"}};
    json_t *first;

    driver_start(&d, &(struct driver_args){.plain = true, .config = config_of(models[0].model)});
    first = contract_rank(&d, USER);
    for (int i = 1; i < COUNT(models); i++) {
        test_row("swap to version %s", models[i].version);
        swap_to(models[i].model, models[i].version);
    }
    CHECK(answer_same_scores(first, contract_rank(&d, USER)));
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), COUNT(models));
    CHECK_INT(driver_logged(&d, "event=engine_opened backend=cuda"), COUNT(models));
    CHECK_INT(driver_logged(&d, " resident=2 "), COUNT(models));
}

/* ---- what is refused ------------------------------------------------------------------------- */

/* Each reason in OPERATIONS, as the daemon gives it. */
TEST(device__says_why_there_is_none)
{
    static const struct {
        const char *set, *env, *text;
        int status;
    } rows[] = {
        {"model.device=\"1\"", NULL, "no device \"1\": 1 visible, numbered from 0", 69},
        {"model.device=\"x\"", NULL, "no device \"x\"", 69},
        {"model.device=\"0\"", "ADRANK_SIMT_DEVICES=0", "cuda: no GPU is visible", 69},
        {"model.device=\"0\"", "ADRANK_SIMT_DEVICES=-1", "cuda: no NVIDIA driver", 69},
        {"model.device=\"0\"", "ADRANK_SIMT_MEMORY_MB=31",
         "cuda: out of memory for products: 32 MiB wanted, 31 of 31 MiB are free", 69},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        const struct driver_args args = {
            .backend = "simt", .sets = {rows[i].set}, .env = {rows[i].env}};
        test_row("%s %s", rows[i].set, rows[i].env ? rows[i].env : "");
        CHECK_INT(driver_run(&args, rows[i].text), rows[i].status);
    }
}
