/* The generator and the distributions drawn from it. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

void rng_init(struct rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&seed);
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* Lemire 2019: multiply instead of divide, reject the few products that would cause bias. */
uint64_t rng_below(struct rng *rng, uint64_t n)
{
    uint64_t threshold = -n % n;
    unsigned __int128 product;

    do
        product = (unsigned __int128)rng_u64(rng) * n;
    while ((uint64_t)product < threshold);
    return (uint64_t)(product >> 64);
}

double rng_double(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/*
 * ln x using only +, -, * and /: libm selects code by processor, so the last bit would differ
 * between machines. x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh(t), t = (m - 1) / (m +
 * 1), |t| < .172.
 */
static double portable_log(double x)
{
    int e;
    double m = frexp(x, &e), t, tt, sum = 0;

    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    t = (m - 1) / (m + 1);
    tt = t * t;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * tt + 1.0 / k;
    return 2 * t * sum + e * 0.69314718055994531;
}

/* Marsaglia's polar method; its second number is discarded, so that a draw depends only on the
 * state. */
double rng_normal(struct rng *rng)
{
    double u, v, s;

    do {
        u = 2 * rng_double(rng) - 1;
        v = 2 * rng_double(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * portable_log(s) / s);
}

double rng_exponential(struct rng *rng)
{
    return -portable_log(1 - rng_double(rng));
}
