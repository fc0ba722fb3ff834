/* struct rng: xoshiro256** (Blackman and Vigna 2018) seeded by splitmix64. Same seed, same numbers,
 * everywhere. Not for secrets. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_u64(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t n); /* uniform in [0, n), n >= 1, unbiased */
double rng_double(struct rng *rng);              /* uniform in [0, 1) */
double rng_normal(struct rng *rng);              /* mean 0, deviation 1 */
double rng_exponential(struct rng *rng);         /* mean 1 */

#endif
