/* What an opened CPU backend reports, and what it refuses. */
#include "kernels/cpu/cpuid.h"

#include "kernels/backend.h"
#include "kernels/cpu/bf16.h"
#include "tests/test.h"

static struct device *device;
static const struct session_caps *caps;

static struct session *must_open(enum precision precision, const char *linear)
{
    const struct session_args args = {.precision = precision, .linear = linear};
    struct session *session;
    struct err err;

    CHECK_OK(backend_cpu.device_open("", &device, &err), err);
    CHECK_OK(backend_cpu.session_open(device, &args, &session, &err), err);
    caps = backend_cpu.session_caps(session);
    printf("     %s; note: %s\n", caps->device, caps->note);
    return session;
}

static void close_both(struct session *session)
{
    backend_cpu.session_close(session);
    backend_cpu.device_close(device);
}

/* Requests and what is in effect: provider and precision are in the capabilities. */
static void check_in_effect(enum precision requested, const char *linear, enum precision precision,
                            const char *provider, const char *note)
{
    struct session *session = must_open(requested, linear);

    CHECK_INT(caps->precision, precision);
    CHECK_INT(caps->operand_bytes, precision == PRECISION_BF16 ? 2 : 4);
    CHECK_INT(caps->stream_bytes, 4);
    CHECK(strstr(caps->device, provider) != NULL);
    CHECK(*note ? strstr(caps->note, note) != NULL : !*caps->note);
    close_both(session);
}

TEST(cpu__describes_itself)
{
    struct session *session = must_open(PRECISION_F32, "");
    const struct device_caps *of_device = backend_cpu.device_caps(device);
    struct cpuid cpu;

    cpuid_detect(&cpu);
    CHECK(cpu.cores >= 1);
    CHECK(strstr(caps->device, cpu.isa) != NULL);
    CHECK_STR(of_device->name, caps->device);
    CHECK(of_device->host_lanes && of_device->outside_parents);
    CHECK_INT(of_device->ladder.n, 0);
    close_both(session);
}

TEST(cpu__notes_what_is_in_effect_instead_of_the_request)
{
    struct cpuid cpu;

    cpuid_detect(&cpu);
    check_in_effect(PRECISION_F32, "", PRECISION_F32, "oneDNN", "");
    check_in_effect(PRECISION_BF16, "plain", PRECISION_BF16, "plain C", ""); /* anywhere */
    if (cpu.bf16_products)
        check_in_effect(PRECISION_BF16, NULL, PRECISION_BF16, "oneDNN", "");
    else
        check_in_effect(PRECISION_BF16, NULL, PRECISION_F32, "oneDNN", "AVX512-BF16");
}

static void check_refused(enum precision precision, const char *linear, const char *why)
{
    const struct session_args args = {.precision = precision, .linear = linear};
    struct session *session;
    struct err err;

    test_row("%s %s", precision_names[precision], linear);
    CHECK_OK(backend_cpu.device_open("", &device, &err), err);
    CHECK_ERR(backend_cpu.session_open(device, &args, &session, &err), err, why);
    CHECK_INT(err.code, ERR_CONFIG);
    backend_cpu.device_close(device);
}

TEST(cpu__names_what_it_refuses)
{
    check_refused(PRECISION_F16, "", "precision f16");
    check_refused(PRECISION_INT8, "", "precision int8");
    check_refused(PRECISION_F32, "mkl", "no provider \"mkl\"");
}

TEST(cpu__hands_out_zeroed_aligned_memory)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    struct session *session = must_open(PRECISION_F32, "");
    struct err err;

    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t bytes = sizes[i / 2];
        unsigned char *memory = i % 2 ? backend_cpu.alloc(session, bytes, &err)
                                      : backend_cpu.host_alloc(device, bytes, &err);

        CHECK(memory != NULL);
        CHECK_INT((uintptr_t)memory % 64, 0);
        for (size_t b = 0; b < bytes; b++)
            CHECK(memory[b] == 0);
        if (i % 2)
            backend_cpu.free(session, memory);
        else
            backend_cpu.host_free(device, memory);
    }
    CHECK(backend_cpu.alloc(session, SIZE_MAX - 10, &err) == NULL);
    CHECK_INT(err.code, ERR_NOMEM);
    backend_cpu.free(session, NULL);
    backend_cpu.host_free(device, NULL);
    close_both(session);
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
