/* What an opened CPU backend says of itself, and what it refuses. */
#include "kernels/cpu/cpuid.h"

#include "kernels/backend.h"
#include "kernels/cpu/bf16.h"
#include "tests/test.h"

static struct backend *must_open(enum precision precision, const char *linear)
{
    const struct backend_open_args args = {.device = "", .precision = precision, .linear = linear};
    struct backend *backend;
    struct err err;

    CHECK_OK(backend_cpu.open(&args, &backend, &err), err);
    return backend;
}

TEST(cpu__describes_itself)
{
    struct backend *backend = must_open(PRECISION_F32, "");
    const struct backend_caps *caps = backend_cpu.caps(backend);
    struct cpuid cpu;

    cpuid_detect(&cpu);
    printf("     %s\n", caps->device);
    CHECK(cpu.cores >= 1);
    CHECK(strstr(caps->device, cpu.isa) != NULL);
    CHECK(strstr(caps->device, "oneDNN") != NULL);
    CHECK_INT(caps->precision, PRECISION_F32);
    CHECK_STR(caps->note, "");
    CHECK_INT(caps->operand_bytes, 4);
    CHECK_INT(caps->stream_bytes, 4);
    CHECK(caps->host_lanes && caps->outside_parents);
    backend_cpu.close(backend);
}

TEST(cpu__falls_back_from_bf16_and_says_so)
{
    struct backend *backend = must_open(PRECISION_BF16, NULL);
    const struct backend_caps *caps = backend_cpu.caps(backend);
    struct cpuid cpu;

    cpuid_detect(&cpu);
    printf("     note: %s\n", caps->note);
    if (cpu.bf16_products) {
        CHECK_INT(caps->precision, PRECISION_BF16);
        CHECK_INT(caps->operand_bytes, 2);
    } else {
        CHECK_INT(caps->precision, PRECISION_F32);
        CHECK(strstr(caps->note, "AVX512-BF16") != NULL);
        CHECK_INT(caps->operand_bytes, 4);
    }
    backend_cpu.close(backend);
}

TEST(cpu__runs_bf16_in_plain_c_anywhere)
{
    struct backend *backend = must_open(PRECISION_BF16, "plain");

    CHECK_INT(backend_cpu.caps(backend)->precision, PRECISION_BF16);
    CHECK_INT(backend_cpu.caps(backend)->operand_bytes, 2);
    CHECK_INT(backend_cpu.caps(backend)->stream_bytes, 4);
    CHECK_STR(backend_cpu.caps(backend)->note, "");
    backend_cpu.close(backend);
}

static void check_refused(enum precision precision, const char *linear, const char *why)
{
    const struct backend_open_args args = {.device = "", .precision = precision, .linear = linear};
    struct backend *backend;
    struct err err;

    test_row("%s %s", precision_names[precision], linear);
    CHECK_ERR(backend_cpu.open(&args, &backend, &err), err, why);
    CHECK_INT(err.code, ERR_CONFIG);
}

TEST(cpu__refuses_by_name_what_it_has_not)
{
    check_refused(PRECISION_F16, "", "precision f16");
    check_refused(PRECISION_INT8, "", "precision int8");
    check_refused(PRECISION_F32, "mkl", "no provider \"mkl\"");
}

TEST(cpu__hands_out_zeroed_aligned_memory)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    struct backend *backend = must_open(PRECISION_F32, "");
    struct err err;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *memory = backend_cpu.alloc(backend, sizes[i], &err);

        CHECK(memory != NULL);
        CHECK_INT((uintptr_t)memory % 64, 0);
        for (size_t b = 0; b < sizes[i]; b++)
            CHECK(memory[b] == 0);
        backend_cpu.free(backend, memory);
    }
    CHECK(backend_cpu.alloc(backend, SIZE_MAX - 10, &err) == NULL);
    CHECK_INT(err.code, ERR_NOMEM);
    backend_cpu.free(backend, NULL);
    backend_cpu.close(backend);
}

TEST(bf16__rounds_to_nearest_even)
{
    static const struct {
        float in;
        uint16_t out;
    } rows[] = {
        {1.0F, 0x3f80},
        {-0.0F, 0x8000},
        {0x1.01p0F, 0x3f80},       /* halfway, down to even */
        {0x1.03p0F, 0x3f82},       /* halfway, up to even */
        {0x1.010002p0F, 0x3f81},   /* just above halfway */
        {0x1.fffffep127F, 0x7f80}, /* the largest float becomes infinity */
        {INFINITY, 0x7f80},
        {-INFINITY, 0xff80},
        {0x1p-149F, 0x0000},
    };
    uint32_t quiet = 0x7f800001; /* a NaN whose payload is cut off */
    float nan;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("%a", (double)rows[i].in);
        CHECK_INT(bf16_from_f32(rows[i].in), rows[i].out);
    }
    memcpy(&nan, &quiet, sizeof(nan));
    CHECK(isnan(bf16_to_f32(bf16_from_f32(nan))));
    for (uint32_t b = 0; b < 0x7f80; b++)
        CHECK_INT(bf16_from_f32(bf16_to_f32((bf16)b)), b);
}

TEST_MAIN
