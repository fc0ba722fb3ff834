/* Tests of model/files/safetensors.c. */
#include "model/files/safetensors.h"

#include "base/buf.h"
#include "tests/test.h"

/* A file of the header and so many bytes of data, which count up from 0. */
static struct buf file_of(const char *header, size_t n_data)
{
    struct buf out = BUF_INIT;
    uint64_t len = strlen(header);

    buf_add(&out, &len, sizeof(len));
    buf_add(&out, header, len);
    for (size_t i = 0; i < n_data; i++)
        buf_add(&out, &(char){(char)i}, 1);
    CHECK(!buf_failed(&out));
    return out;
}

/* Of the exact size, so that a read beyond the end is seen by the sanitizer. */
static int parse(struct view bytes, struct safetensors *out, struct err *err)
{
    static char *exact;

    free(exact);
    exact = malloc(bytes.len + !bytes.len);
    CHECK(exact);
    memcpy(exact, bytes.ptr, bytes.len);
    return safetensors_init(out, "f", (struct view){exact, bytes.len}, err);
}

#define A(dtype, shape, from, to)                                                                  \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}}"
#define B(from, to) "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" from "," to "]}"
#define C(from, to) "\"c\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[" from "," to "]}"

static const struct {
    const char *name, *header;
    size_t n_data;
    const char *error; /* part of it; NULL: is taken */
} files[] = {
    {"one tensor", A("F32", "[2]", "0", "8"), 8, NULL},
    {"two, not in order", "{" C("8", "12") "," B("0", "8") "}", 12, NULL},
    {"metadata", "{\"__metadata__\":{\"format\":\"pt\"}," B("0", "8") "}", 8, NULL},
    {"a scalar", A("F32", "[]", "0", "4"), 4, NULL},
    {"an empty tensor", A("F32", "[0,7]", "0", "0"), 0, NULL},
    {"blanks after the header", A("F32", "[1]", "0", "4") "    ", 4, NULL},
    {"no tensors", "{}", 0, NULL},
    {"no tensors but bytes", "{}", 3, "f: 3 bytes after the last tensor"},
    {"not JSON", "{\"a\":", 0, "f: header: not JSON"},
    {"no object", "[1]", 0, "f: header: not a JSON object"},
    {"empty header", "", 0, "f: header: not JSON"},
    {"the same name twice", "{" B("0", "8") "," B("8", "16") "}", 16, "duplicate key"},
    {"key twice in a tensor",
     "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "duplicate key"},
    {"overlap", "{" B("0", "8") "," C("6", "10") "}", 10, "tensor c: it overlaps"},
    {"the same bytes twice",
     "{" B("0", "8") ",\"d\":{\"dtype\":\"F64\",\"shape\":[1],"
                     "\"data_offsets\":[0,8]}}",
     8, "it overlaps"},
    {"hole", "{" B("0", "8") "," C("10", "14") "}", 14, "tensor c: there is a hole"},
    {"hole at the start", A("F32", "[1]", "4", "8"), 8, "tensor a: there is a hole"},
    {"trailing bytes", A("F32", "[1]", "0", "4"), 5, "f: 1 bytes after"},
    {"truncated data", A("F32", "[2]", "0", "8"), 7, "tensor a: it reaches beyond the end"},
    {"far beyond", A("F32", "[2]", "0", "9223372036854775807"), 8, "tensor a: it reaches beyond"},
    {"backwards", A("F32", "[2]", "8", "0"), 8, "tensor a: it ends before it begins"},
    {"negative offset", A("F32", "[2]", "-8", "0"), 8, "tensor a: data_offsets is not"},
    {"offset beyond 64 bits", A("F32", "[2]", "0", "18446744073709551616"), 8,
     "tensor a: data_offsets is not"},
    {"offset with a fraction", A("F32", "[2]", "0", "8.0"), 8, "tensor a: data_offsets is not"},
    {"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
     "tensor a: data_offsets is not"},
    {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, "tensor a: data_offsets is not"},
    {"shape and bytes", A("F32", "[3]", "0", "8"), 8, "tensor a: its shape and its bytes"},
    {"dtype and bytes", A("F16", "[2]", "0", "8"), 8, "tensor a: its shape and its bytes"},
    {"shape overflows", A("F32", "[1099511627776,1099511627776,4]", "0", "0"), 0,
     "tensor a: its shape is too large"},
    {"shape wraps to 0", A("F32", "[4294967296,1073741824,4]", "0", "0"), 0,
     "tensor a: its shape is too large"},
    {"negative dimension", A("F32", "[-2]", "0", "8"), 8, "tensor a: a dimension"},
    {"huge dimension", A("F32", "[1099511627777]", "0", "8"), 8, "tensor a: a dimension"},
    {"dimension no integer", A("F32", "[2.0]", "0", "8"), 8, "tensor a: a dimension"},
    {"nine dimensions", A("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8"), 8, "more than 8 dimensions"},
    {"shape no array", A("F32", "2", "0", "8"), 8, "tensor a: no shape"},
    {"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor a: no dtype"},
    {"unknown dtype", A("F31", "[2]", "0", "8"), 8, "tensor a: unknown dtype"},
    {"unknown key", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
     "tensor a: its entry has an unknown key"},
    {"entry no object", "{\"a\":7}", 0, "tensor a: its entry is not an object"},
    {"empty name", "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "name is empty"},
    {"newline in a name", "{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "not printable"},
    {"metadata no object", "{\"__metadata__\":1}", 0, "__metadata__ is not an object"},
    {"metadata no strings", "{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ holds more"},
};

TEST(safetensors__takes_what_is_right_and_refuses_what_is_not)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct buf bytes = file_of(files[i].header, files[i].n_data);
        struct safetensors st;
        struct err err = {0};
        int rc = parse(buf_view(&bytes), &st, &err);
        test_row("%s", files[i].name);
        if (files[i].error) {
            CHECK_ERR(rc, err, files[i].error);
            CHECK_INT(err.code, ERR_DATA);
        } else {
            CHECK_OK(rc, err);
            safetensors_release(&st);
        }
        buf_release(&bytes);
    }
}

TEST(safetensors__refuses_every_truncation)
{
    struct buf bytes AT_END(buf_release) = file_of("{" B("0", "8") "," C("8", "12") "}", 12);
    struct safetensors st AT_END(safetensors_release);
    struct err err;

    for (size_t len = 0; len < bytes.len; len++)
        CHECK_INT(parse((struct view){bytes.ptr, len}, &st, &err), -1);
    CHECK_OK(parse(buf_view(&bytes), &st, &err), err);
}

TEST(safetensors__refuses_header_lengths_beyond_limit_and_file)
{
    static const struct {
        uint64_t len;
        const char *error;
    } rows[] = {
        {UINT64_MAX, "the limit is 1048576"},
        {(uint64_t)1 << 63, "the limit is 1048576"},
        {SAFETENSORS_MAX_HEADER + 1, "the limit is 1048576"},
        {SAFETENSORS_MAX_HEADER, "extends past the end"},
        {57, "extends past the end"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char bytes[64] = {0};
        struct safetensors st;
        struct err err;
        test_row("%llu", (unsigned long long)rows[i].len);
        memset(bytes + 8, ' ', sizeof(bytes) - 8);
        memcpy(bytes, &rows[i].len, 8);
        CHECK_ERR(parse((struct view){bytes, sizeof(bytes)}, &st, &err), err, rows[i].error);
    }
}

/* Deep nesting is the parser's to refuse, not the stack's to bear. */
TEST(safetensors__refuses_deep_nesting)
{
    static char header[200001];
    struct safetensors st;
    struct err err;
    struct buf bytes AT_END(buf_release);

    memset(header, '[', sizeof(header) - 1);
    bytes = file_of(header, 0);
    CHECK_ERR(parse(buf_view(&bytes), &st, &err), err, "not JSON");
}

static void check_values(const char *dtype, const void *elements, size_t size, int n,
                         const float *want, const char *error)
{
    char header[200];
    struct buf bytes AT_END(buf_release);
    struct safetensors st AT_END(safetensors_release);
    struct safetensor *a;
    struct err err;
    float got[16];

    snprintf(header, sizeof(header),
             "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%zu]}}", dtype, n,
             size * (size_t)n);
    bytes = file_of(header, size * (size_t)n);
    memcpy(bytes.ptr + bytes.len - size * (size_t)n, elements, size * (size_t)n);
    CHECK_OK(parse(buf_view(&bytes), &st, &err), err);
    a = safetensors_find(&st, "a");
    CHECK(a && !safetensors_find(&st, "b"));
    if (error) {
        CHECK_ERR(safetensors_read_f32(a, got, &err), err, error);
    } else {
        CHECK_OK(safetensors_read_f32(a, got, &err), err);
        for (int i = 0; i < n; i++)
            CHECK(memcmp(&got[i], &want[i], sizeof(float)) == 0);
    }
}

TEST(safetensors__converts_to_f32_exactly)
{
    static const uint16_t f16[] = {0x3c00, 0xc000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0x8000, 0x3555};
    static const float f16_want[] = {1,        -2,       0x1p-24F, -0x1.ff8p-15F,
                                     0x1p-14F, 65504.0F, -0.0F,    0x1.554p-2F};
    static const uint16_t bf16[] = {0x3f80, 0xc040, 0x0001, 0x7f7f, 0x8000};
    static const float bf16_want[] = {1, -3, 0x1p-133F, 0x1.fep127F, -0.0F};
    static const float f32[] = {1.5F, -0.0F, 3e38F, 1e-45F};

    check_values("F16", f16, 2, 8, f16_want, NULL);
    check_values("BF16", bf16, 2, 5, bf16_want, NULL);
    check_values("F32", f32, 4, 4, f32, NULL);
}

TEST(safetensors__refuses_what_is_not_finite_and_other_dtypes)
{
    static const float f32_inf[] = {1, -INFINITY}, f32_nan[] = {NAN, 1};
    static const uint16_t f16_inf[] = {0x7c00}, f16_nan[] = {0x3c00, 0xfe01};
    static const uint16_t bf16_inf[] = {0xff80}, bf16_nan[] = {0x7fc0};
    static const int64_t i64[] = {1};

    check_values("F32", f32_inf, 4, 2, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("F32", f32_nan, 4, 2, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("F16", f16_inf, 2, 1, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("F16", f16_nan, 2, 2, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("BF16", bf16_inf, 2, 1, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("BF16", bf16_nan, 2, 1, NULL, "f: tensor a: contains a NaN or an infinity");
    check_values("I64", i64, 8, 1, NULL, "f: tensor a: dtype I64, want F32, F16 or BF16");
}
