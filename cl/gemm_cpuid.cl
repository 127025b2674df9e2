/* Whether the processor that runs this has products of bfloat16 pairs (AVX-512 BF16), and a system that keeps its vectors: the driver's
 * compiler may know neither. */
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
    uint state = 0, high = 0;
    *there = 0;
    if (csg_cpuid(0, 0).s0 < 7 || !(csg_cpuid(1, 0).s2 & keeps_state))
        return;
    uint4 features = csg_cpuid(7, 0);
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    *there = (state & vectors) == vectors && (features.s1 & avx512f) && features.s0 >= 1 && (csg_cpuid(7, 1).s0 & bf16);
}
