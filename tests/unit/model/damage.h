/* Damage to files, the same in every run. */
#ifndef CSG_TEST_DAMAGE_H
#define CSG_TEST_DAMAGE_H

#include "scratch.h"

void damage_seed(uint64_t seed);
/* A number below n; 0 where n is 0. */
size_t below(size_t n);
/* Flips, overwrites, removes or repeats a few bytes from `from` on, over `reach` bytes; the count may shrink. */
void damage(struct bytes *b, size_t from, size_t reach);

#endif
