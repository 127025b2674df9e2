/* A counter-based generator: the same (key, counter) gives the same number everywhere (Philox 4x32-10, Salmon et al. 2011). */
#ifndef CSG_BASE_RNG_H
#define CSG_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct csg_rng {
    uint64_t key, stream, counter;
    uint32_t spare[4];
    unsigned left;
};
void csg_rng_init(struct csg_rng *rng, uint64_t key, uint64_t stream);
uint32_t csg_rng_u32(struct csg_rng *rng);
/* Uniform in [0, 1). */
float csg_rng_uniform(struct csg_rng *rng);
/* Standard normal (Box-Muller in double). */
float csg_rng_normal(struct csg_rng *rng);

#endif
