/* adrank-bench --swap-every: models change under load and no request is lost. */
#include "base/file.h"
#include "tests/e2e/bench_run.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

#define MODEL "tests/golden/models/e2e"

static struct driver d;
static struct bench_run run;
static const char *models[2]; /* folders of two models that differ in their weights */

static void change_weights(const char *folder)
{
    struct buf bytes AT_END(buf_release) = BUF_INIT;
    struct err err;
    char path[128];

    snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    CHECK_OK(file_read(path, 1 << 24, &bytes, &err), err);
    bytes.ptr[bytes.len - 1] = (char)(bytes.ptr[bytes.len - 1] ^ 0x80); /* a sign */
    CHECK_OK(file_write(path, buf_view(&bytes), &err), err);
}

static void start(void)
{
    char model[128];

    for (int i = 0; i < 2; i++) {
        models[i] = shell_folder();
        CHECK_INT(shell(NULL, "cp " MODEL "/* %s", models[i]), 0);
    }
    change_weights(models[1]);
    snprintf(model, sizeof(model), "{'model':{'path':'%s'}}", models[0]);
    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config(model, NULL)});
}

static const char *digest(void)
{
    static char kept[2][64];
    static int turn;
    const json_t *answer =
        driver_json(driver_rank(&d, "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"));
    char *out = kept[turn++ % 2];

    snprintf(out, sizeof(kept[0]), "%s",
             json_string_value(json_object_get(answer, "model_digest")));
    return out;
}

TEST(bench_reload__swaps_two_models)
{
    const char *before;
    int swaps;

    start();
    before = digest();
    CHECK_INT(bench_daemon(&run, &d,
                           "--rate 50 --duration 2 --warmup 0 --tmax 10000 " BENCH_SHORT
                           "--config %s/config.json --swap %s,%s --swap-every 0.3",
                           d.folder, models[0], models[1]),
              0);
    swaps = (int)bench_figure(&run, "/swaps");
    printf("     %d swaps\n", swaps);
    CHECK(swaps >= 2);
    CHECK(bench_figure(&run, "/reloads_failed") == 0);
    CHECK(bench_figure(&run, "/outcomes/failed") == 0);
    CHECK(bench_figure(&run, "/outcomes/ok") == bench_figure(&run, "/intended"));
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 1 + swaps);
    CHECK((strcmp(before, digest()) != 0) == (swaps % 2 == 1));
    CHECK(strstr(run.output, "model swaps"));
}

/* A model that cannot be opened is counted; the old one keeps answering. */
TEST(bench_reload__counts_swaps_that_fail)
{
    start();
    CHECK_INT(bench_daemon(&run, &d,
                           "--rate 50 --duration 1 --warmup 0 --tmax 10000 " BENCH_SHORT
                           "--config %s/config.json --swap %s,/nowhere --swap-every 0.4",
                           d.folder, models[0]),
              0);
    CHECK(bench_figure(&run, "/swaps") >= 1);
    CHECK(bench_figure(&run, "/reloads_failed") >= 1);
    CHECK(bench_figure(&run, "/outcomes/ok") == bench_figure(&run, "/intended"));
}
