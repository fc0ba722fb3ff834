/* The models of test_logits on a device that queues: CUDA, or the backend in the environment's
 * ADRANK_GOLDEN_BACKEND (a name or a module's path). */
#include <dirent.h>

#include <jansson.h>

#include "kernels/module.h"
#include "tests/golden/golden_pairs.h"
#include "tests/test.h"

#define FOLDER "tests/golden/logits"

/* Largest error over the spread: f32 as on the CPU; 16 bits by PyTorch's own bf16 error, of which
 * f16 has an eighth. */
static double bound(enum precision precision, const struct golden_pairs *pairs)
{
    switch (precision) {
    case PRECISION_F32:
        return 1e-4;
    case PRECISION_F16:
        return 1.2 * pairs->bf16_error / 4;
    default:
        return 1.2 * pairs->bf16_error;
    }
}

static const char *backend_name(void)
{
    const char *named = getenv("ADRANK_GOLDEN_BACKEND");
    return named ? named : "cuda";
}

/* SKIPs where CUDA is not named and not there. Returns what a model's widths are multiples of. */
static int need_backend(void)
{
    const struct backend_ops *ops;
    struct device *device;
    struct err err;
    int multiple;

    if (backend_find(backend_name(), &ops, &err) || ops->device_open("", &device, &err)) {
        if (getenv("ADRANK_GOLDEN_BACKEND"))
            FAIL("%s", err.text);
        SKIP("no GPU: %s", err.text);
    }
    multiple = ops->device_caps(device)->width_multiple;
    ops->device_close(device);
    return multiple;
}

static bool takes(const char *dir, int multiple)
{
    char file[600];
    json_t *config;
    json_int_t hidden, inner;

    snprintf(file, sizeof(file), "%s/config.json", dir);
    config = json_load_file(file, 0, NULL);
    hidden = json_integer_value(json_object_get(config, "hidden_size"));
    inner = json_integer_value(json_object_get(config, "intermediate_size"));
    json_decref(config);
    CHECK(hidden > 0 && inner > 0);
    return multiple == 0 || (hidden % multiple == 0 && inner % multiple == 0);
}

static void check(const char *name, enum precision precision)
{
    struct golden_engine g AT_END(golden_engine_close);
    float few[256][GOLDEN_MAX_LABELS];
    char dir[512], golden[600];
    struct golden_pairs pairs;
    double error;

    snprintf(dir, sizeof(dir), FOLDER "/%s", name);
    snprintf(golden, sizeof(golden), "%s/golden.json", dir);
    golden_engine_open(&g, &(struct golden_engine_args){
                               .dir = dir, .backend = backend_name(), .precision = precision});
    golden_pairs_open(&pairs, golden, g.model);
    error = golden_pairs_score(&pairs, &g, 3);
    test_row("%s %s: error over spread %.3g", precision_names[precision], name, error);
    printf("     %-4s %-14s error over spread %.2e (%.2e)\n", precision_names[precision], name,
           error, bound(precision, &pairs));
    CHECK(error <= bound(precision, &pairs));
    memcpy(few, pairs.got, (size_t)pairs.n * sizeof(few[0]));
    test_row("%s %s: the same bits in larger batches", precision_names[precision], name);
    golden_pairs_score(&pairs, &g, 49);
    CHECK(memcmp(few, pairs.got, (size_t)pairs.n * sizeof(few[0])) == 0);
    golden_pairs_close(&pairs);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void check_all(enum precision precision)
{
    int multiple = need_backend(), checked = 0;
    struct dirent **list;
    int n = scandir(FOLDER, &list, visible, alphasort);

    for (int i = 0; i < n; i++) {
        char dir[512];
        snprintf(dir, sizeof(dir), FOLDER "/%s", list[i]->d_name);
        if (takes(dir, multiple)) {
            check(list[i]->d_name, precision);
            checked++;
        }
        free(list[i]);
    }
    free(list);
    CHECK(checked >= 5);
}

TEST(device__f32_equals_transformers)
{
    check_all(PRECISION_F32);
}

TEST(device__f16_loses_no_more_than_pytorch)
{
    check_all(PRECISION_F16);
}

TEST(device__bf16_loses_no_more_than_pytorch)
{
    check_all(PRECISION_BF16);
}
