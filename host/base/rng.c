#include "base/rng.h"

#include <math.h>

static void philox_round(uint32_t counter[4], const uint32_t key[2])
{
    uint64_t a = (uint64_t)0xD2511F53u * counter[0], b = (uint64_t)0xCD9E8D57u * counter[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ counter[3] ^ key[1],
                        (uint32_t)a};
    for (int i = 0; i < 4; i++)
        counter[i] = next[i];
}

void csg_rng_init(struct csg_rng *rng, uint64_t key, uint64_t stream)
{
    /* The stream takes the upper half of the 128-bit counter, so that streams of one key never meet. */
    *rng = (struct csg_rng){.key = key, .stream = stream};
}

uint32_t csg_rng_u32(struct csg_rng *rng)
{
    if (!rng->left) {
        uint32_t counter[4] = {(uint32_t)rng->counter, (uint32_t)(rng->counter >> 32), (uint32_t)rng->stream,
                               (uint32_t)(rng->stream >> 32)};
        uint32_t key[2] = {(uint32_t)rng->key, (uint32_t)(rng->key >> 32)};
        for (int round = 0; round < 10; round++) {
            philox_round(counter, key);
            key[0] += 0x9E3779B9u;
            key[1] += 0xBB67AE85u;
        }
        for (int i = 0; i < 4; i++)
            rng->spare[i] = counter[i];
        rng->left = 4;
        rng->counter++;
    }
    return rng->spare[--rng->left];
}

float csg_rng_uniform(struct csg_rng *rng)
{
    return (float)(csg_rng_u32(rng) >> 8) * 0x1p-24f;
}

float csg_rng_normal(struct csg_rng *rng)
{
    double u = ((double)csg_rng_u32(rng) + 1.0) * 0x1p-32, v = (double)csg_rng_u32(rng) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}
