/*
 * What a GPU's primitives do against what kernels take them to do. The emulator implements the same
 * assumptions, so this test means something on a GPU: there it comes first.
 */
#include "tests/cuda/maps.h"

#include "kernels/cpu/bf16.h"
#include "tests/cuda/tensor.h"

static void read_back(void *to, void *device, size_t bytes)
{
    CHECK_CUDA(cudaDeviceSynchronize());
    CHECK_CUDA(cudaMemcpy(to, device, bytes, cudaMemcpyDeviceToHost));
    CHECK_CUDA(cudaFree(device));
}

static void random_words(struct rng *rng, uint32_t *words, int n)
{
    for (int i = 0; i < n; i++)
        words[i] = (uint32_t)rng_u64(rng);
}

/* Small integers: every sum is exact, whatever its order. */
static void small_integers(struct rng *rng, struct tensor *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->host[i] = (float)rng_below(rng, 17) - 8;
    tensor_upload(t);
}

TEST(maps__mma_fragments)
{
    need_device();
    for (int type = CUDA_TYPE_F16; type <= CUDA_TYPE_BF16; type++) {
        struct rng rng;
        struct tensor a, b, d;
        float want[16 * 8];

        rng_init(&rng, (uint64_t)type);
        test_row("%s", type_names[type]);
        a = tensor_nan((enum cuda_type)type, 16 * 16);
        b = tensor_nan((enum cuda_type)type, 16 * 8);
        d = tensor_nan(CUDA_TYPE_F32, 16 * 8);
        small_integers(&rng, &a), small_integers(&rng, &b), small_integers(&rng, &d);
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 8; j++) {
                want[i * 8 + j] = d.host[i * 8 + j];
                for (int k = 0; k < 16; k++)
                    want[i * 8 + j] += a.host[i * 16 + k] * b.host[k * 8 + j];
            }
        CHECK_CUDA(maps_mma((enum cuda_type)type, d.device, a.device, b.device));
        tensor_read(&d);
        for (int i = 0; i < COUNT(want); i++)
            CHECK_NEAR((double)d.host[i], (double)want[i], 0);
        tensor_free(&a), tensor_free(&b), tensor_free(&d);
    }
}

TEST(maps__asynchronous_copy_fills_with_zeros)
{
    uint32_t from[128], got[128];
    int32_t valid[32];
    struct rng rng;

    need_device();
    rng_init(&rng, 1);
    random_words(&rng, from, 128);
    for (int i = 0; i < 32; i++)
        valid[i] = (int32_t)rng_below(&rng, 2);
    memset(got, 0xa5, sizeof(got));
    void *to = device_copy(got, sizeof(got)), *on_device = device_copy(from, sizeof(from));
    void *which = device_copy(valid, sizeof(valid));
    CHECK_CUDA(maps_copy(to, on_device, which));
    read_back(got, to, sizeof(got));
    CHECK_CUDA(cudaFree(on_device));
    CHECK_CUDA(cudaFree(which));
    for (int i = 0; i < 128; i++)
        CHECK_INT(got[i], valid[i / 4] ? from[i] : 0);
}

TEST(maps__permute_takes_the_first_operand_low)
{
    uint32_t a[32], b[32], selectors[32], got[32];
    struct rng rng;

    need_device();
    rng_init(&rng, 2);
    random_words(&rng, a, 32);
    random_words(&rng, b, 32);
    for (int i = 0; i < 32; i++)
        selectors[i] = i == 0 ? 0x5410 : i == 1 ? 0x7632 : (uint32_t)rng_u64(&rng) & 0x7777;
    void *on_device[] = {device_copy(a, sizeof(a)), device_copy(b, sizeof(b)),
                         device_copy(selectors, sizeof(selectors))};
    void *to = device_copy(a, sizeof(a));
    CHECK_CUDA(maps_permute(to, on_device[0], on_device[1], on_device[2]));
    read_back(got, to, sizeof(got));
    for (int i = 0; i < 3; i++)
        CHECK_CUDA(cudaFree(on_device[i]));
    CHECK_INT(got[0], (a[0] & 0xffff) | b[0] << 16);
    CHECK_INT(got[1], a[1] >> 16 | (b[1] & 0xffff0000));
    for (int i = 2; i < 32; i++)
        for (int byte = 0; byte < 4; byte++) {
            const uint32_t nibble = selectors[i] >> 4 * byte & 7;
            const uint32_t word = nibble < 4 ? a[i] : b[i];

            CHECK_INT(got[i] >> 8 * byte & 0xff, word >> 8 * (nibble % 4) & 0xff);
        }
}

TEST(maps__lanes_meet)
{
    uint32_t values[32], got[5 * 32], ballot = 0;
    struct rng rng;

    need_device();
    rng_init(&rng, 3);
    random_words(&rng, values, 32);
    for (int i = 0; i < 32; i++)
        ballot |= (values[i] & 1) << i;
    void *to = device_copy(got, sizeof(got)), *from = device_copy(values, sizeof(values));
    CHECK_CUDA(maps_meet(to, from));
    read_back(got, to, sizeof(got));
    CHECK_CUDA(cudaFree(from));
    for (int i = 0; i < 32; i++) {
        CHECK_INT(got[i], values[i ^ 5]);
        CHECK_INT(got[32 + i], values[7]);
        CHECK_INT(got[64 + i], values[i + 3 > 31 ? i : i + 3]);
        CHECK_INT(got[96 + i], ballot);
        CHECK_INT(got[128 + i], (ballot ? 1 : 0) | (ballot == 0xffffffffU ? 2 : 0));
    }
}

TEST(maps__exp2_and_reciprocal_are_close)
{
    float x[32], got[64];
    struct rng rng;

    need_device();
    rng_init(&rng, 4);
    for (int i = 0; i < 32; i++)
        x[i] = (float)(rng_normal(&rng) * 20) - 1;
    x[0] = -INFINITY;
    x[1] = -1e30F;
    x[2] = -0.0F;
    void *to = device_copy(got, sizeof(got)), *from = device_copy(x, sizeof(x));
    CHECK_CUDA(maps_arithmetic(to, from));
    read_back(got, to, sizeof(got));
    CHECK_CUDA(cudaFree(from));
    CHECK(got[0] == 0 && got[1] == 0 && got[2] == 1);
    for (int i = 3; i < 32; i++) {
        CHECK_NEAR((double)got[i] / exp2((double)x[i]), 1, 3e-7);
        CHECK_NEAR((double)got[32 + i] * (double)x[i], 1, 3e-7);
    }
}

TEST(maps__pack_rounds_to_even)
{
    need_device();
    for (int type = CUDA_TYPE_F16; type <= CUDA_TYPE_BF16; type++) {
        struct rng rng;
        struct tensor x;
        uint32_t words[32];
        float back[64];

        rng_init(&rng, 5);
        x = tensor_random(&rng, CUDA_TYPE_F32, 64, 3);
        x.host[0] = 1 + 0x1p-11F; /* ties */
        x.host[1] = 1 + 0x3p-11F;
        x.host[2] = 1 + 0x1p-8F;
        x.host[3] = 1 + 0x3p-8F;
        tensor_upload(&x);
        void *to = device_copy(words, sizeof(words)), *unpacked = device_copy(back, sizeof(back));
        CHECK_CUDA(maps_pack((enum cuda_type)type, to, unpacked, x.device));
        read_back(words, to, sizeof(words));
        read_back(back, unpacked, sizeof(back));
        for (int i = 0; i < 64; i++) {
            const uint16_t bits = (uint16_t)(words[i / 2] >> 16 * (i % 2));
            uint16_t want;

            if (type == CUDA_TYPE_F16) {
                const _Float16 half = (_Float16)x.host[i];

                memcpy(&want, &half, sizeof(want));
                CHECK_NEAR((double)back[i], (double)half, 0);
            } else {
                want = bf16_from_f32(x.host[i]);
                CHECK_NEAR((double)back[i], (double)bf16_to_f32(want), 0);
            }
            CHECK_INT(bits, want);
        }
        tensor_free(&x);
    }
}
