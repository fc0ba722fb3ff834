/* The models of test_logits on a device that queues: CUDA, or the backend in the environment's
 * ADRANK_GOLDEN_BACKEND (a name or a module's path). */
#include <jansson.h>

#include "kernels/module.h"
#include "tests/golden/golden_pairs.h"
#include "tests/js.h"

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
    int width;

    if (backend_find(backend_name(), &ops, &err) || ops->device_open("", &device, &err)) {
        if (getenv("ADRANK_GOLDEN_BACKEND"))
            FAIL("%s", err.text);
        SKIP("no GPU: %s", err.text);
    }
    width = ops->device_caps(device)->width_multiple;
    ops->device_close(device);
    return width;
}

static int multiple, n_checked;

static bool takes(const char *dir)
{
    json_t *config = json_load_file(js("%s/config.json", dir), 0, NULL);
    json_int_t hidden, inner;

    hidden = json_integer_value(json_object_get(config, "hidden_size"));
    inner = json_integer_value(json_object_get(config, "intermediate_size"));
    json_decref(config);
    CHECK(hidden > 0 && inner > 0);
    return multiple == 0 || (hidden % multiple == 0 && inner % multiple == 0);
}

/* On a processor that stands in for a device, only in the precision that it serves: it is slow, and
 * tests/ops compares the bits of single operations in all. */
static bool compares_bits(enum precision precision)
{
    return !getenv("ADRANK_GOLDEN_BACKEND") || precision == PRECISION_F16;
}

static void check(const char *name, const struct golden_engine_args *args)
{
    struct golden_engine g AT_END(golden_engine_close);
    struct golden_pairs pairs AT_END(golden_pairs_close);
    float few[256][GOLDEN_MAX_LABELS];

    golden_engine_open(&g, args);
    golden_pairs_open(&pairs, args->dir, g.model);
    golden_pairs_check(&pairs, &g, name, 3);
    n_checked++;
    if (!compares_bits(args->precision))
        return;
    memcpy(few, pairs.got, (size_t)pairs.n * sizeof(few[0]));
    test_row("%s %s: the same bits in larger batches", precision_names[args->precision], name);
    golden_pairs_score(&pairs, &g, 49);
    CHECK(memcmp(few, pairs.got, (size_t)pairs.n * sizeof(few[0])) == 0);
}

static void check_if_taken(const char *name, const struct golden_engine_args *args)
{
    if (takes(args->dir))
        check(name, args);
}

static void check_all(enum precision precision)
{
    multiple = need_backend();
    n_checked = 0;
    golden_engine_each(
        "tests/golden/logits",
        (struct golden_engine_args){.backend = backend_name(), .precision = precision},
        check_if_taken);
    CHECK(n_checked >= 5);
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
