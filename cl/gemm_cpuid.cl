/* What the processor that runs this has for bfloat16, and a system that keeps its registers: the driver's compiler may know neither. Bit 0:
 * products of pairs (AVX-512 BF16). Bit 1: tiles (AMX). */
#if !defined(__x86_64__)
#error "no x86-64"
#endif

uint4 csg_cpuid(uint leaf, uint part)
{
    uint a = leaf, b, c = part, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (uint4)(a, b, c, d);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_cpuid(__global int *there)
{
    const uint keeps_state = 1u << 27, avx512f = 1u << 16, bf16 = 1u << 5, vectors = 0xe6u;
    const uint amx = 1u << 22 | 1u << 24, tiles = 0x60000u;
    uint state = 0, high = 0;
    *there = 0;
    if (csg_cpuid(0, 0).s0 < 7 || !(csg_cpuid(1, 0).s2 & keeps_state))
        return;
    uint4 features = csg_cpuid(7, 0);
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    if ((state & vectors) == vectors && (features.s1 & avx512f) && features.s0 >= 1 && (csg_cpuid(7, 1).s0 & bf16))
        *there |= 1;
    if ((state & tiles) == tiles && (features.s3 & amx) == amx)
        *there |= 2;
}
