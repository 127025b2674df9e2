/* y = act(x W^T + bias) + residual with W in 16 bits an element, on the matrix units of NVIDIA's GPUs (compute capability 8.0 and later)
 * through PTX, which no other device may be given. W is plain, [n, k]; every row of every operand begins at a multiple of 16 bytes.
 * x is rounded to the type of W before it is multiplied; sums are single precision.
 *
 * A work-group of CSG_BM / CSG_WM x CSG_BN / CSG_WN warps makes a block of CSG_BM x CSG_BN, a warp CSG_WM x CSG_WN of it. Slices of
 * CSG_BK columns of x and W lie in local memory, CSG_STAGES of them: while one is multiplied the others are on their way, for a
 * matrix of few blocks is all waiting. Dimension 2 of the groups splits k; y is then [splits, rows, n], summed by gemm_sum.
 *   CSG_HALF   1: f16; 2: bfloat16
 *   CSG_ASYNC  1: memory is copied to local memory by cp.async; 0: through registers, without the overlap */
#define CSG_ALIGNED 1
#include "activation.clh"
#include "gemm.clh"

#define CSG_BK 32
#define CSG_ITEMS (CSG_BM / CSG_WM * (CSG_BN / CSG_WN) * 32)
#define CSG_A_CHUNKS (CSG_BM * CSG_BK / 4) /* of 16 bytes, in a slice */
#define CSG_B_CHUNKS (CSG_BN * CSG_BK / 8)

#if CSG_HALF == 1
#define CSG_TYPE "f16"
#else
#define CSG_TYPE "bf16"
#endif

/* Two numbers rounded to the type, the first in the lower half. */
__attribute__((always_inline)) uint csg_pair(float first, float second)
{
    uint pair;
    __asm__("cvt.rn." CSG_TYPE "x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
}

/* 16 bytes to local memory, or zeros. */
__attribute__((always_inline)) void csg_copy(__local uint4 *to, __global const void *from, bool inside)
{
#if CSG_ASYNC
    __asm__ volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                     :
                     : "l"((ulong)to), "l"((ulong)from), "r"(inside ? 16 : 0)
                     : "memory");
#else
    *to = inside ? *(__global const uint4 *)from : (uint4)(0);
#endif
}

#if CSG_ASYNC
#define CSG_COMMIT() __asm__ volatile("cp.async.commit_group;" : : : "memory")
#define CSG_WAIT(left) __asm__ volatile("cp.async.wait_group %0;" : : "n"(left) : "memory")
#else
#define CSG_COMMIT()
#define CSG_WAIT(left)
#endif

__kernel __attribute__((reqd_work_group_size(CSG_ITEMS, 1, 1))) void
gemm_mma(__global const float *restrict x, ulong x_at, __global const ushort *restrict w, __global const float *restrict bias,
         ulong bias_at, __global const float *residual, ulong residual_at, __global float *y, ulong y_at, ulong x_stride,
         ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k, ulong parts, ulong act)
{
    /* Chunks of a row change places so that the lanes of a warp, which read the rows below each other, meet different banks. */
    __local uint4 a[CSG_STAGES][CSG_A_CHUNKS], b[CSG_STAGES][CSG_B_CHUNKS];
    const uint item = (uint)get_local_id(0), lane = item % 32, g = lane / 4, t = lane % 4;
    const uint warp_row = item / 32 / (CSG_BN / CSG_WN) * CSG_WM, warp_column = item / 32 % (CSG_BN / CSG_WN) * CSG_WN;
    const ulong row = get_group_id(1) * CSG_BM, column = get_group_id(0) * CSG_BN;
    const uint slices = (uint)((k + CSG_BK - 1) / CSG_BK), splits = (uint)get_num_groups(2);
    const uint each = (slices + splits - 1) / splits, first = min((uint)get_group_id(2) * each, slices);
    const uint last = min(first + each, slices);
    float sums[CSG_WM / 16][CSG_WN / 8][4];
#pragma unroll
    for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
        for (uint j = 0; j < CSG_WN / 8; j++)
#pragma unroll
            for (uint e = 0; e < 4; e++)
                sums[i][j][e] = 0.0f;
    x += x_at;
    /* Rows and columns behind the last are the last again: nothing of them is stored. */
#define CSG_AHEAD(slice, stage)                                                                                                  \
    _Pragma("unroll") for (uint i = 0; i < CSG_A_CHUNKS; i += CSG_ITEMS)                                                         \
    {                                                                                                                            \
        uint r = (i + item) / 8, c = (i + item) % 8;                                                                             \
        ulong at = (ulong)(slice)*CSG_BK + c * 4;                                                                                \
        csg_copy(&a[stage][r * 8 + (c ^ (r % 2 * 4))], x + min(row + r, rows - 1) * x_stride + (at < k ? at : 0), at < k);       \
    }                                                                                                                            \
    _Pragma("unroll") for (uint i = 0; i < CSG_B_CHUNKS; i += CSG_ITEMS)                                                         \
    {                                                                                                                            \
        uint r = (i + item) / 4, c = (i + item) % 4;                                                                             \
        ulong at = (ulong)(slice)*CSG_BK + c * 8;                                                                                \
        csg_copy(&b[stage][r * 4 + (c ^ (r / 2 % 2 * 2))], w + min(column + r, n - 1) * k + (at < k ? at : 0), at < k);          \
    }
    for (uint s = 0; s < CSG_STAGES - 1; s++) {
        if (first + s < last) {
            CSG_AHEAD(first + s, s)
        }
        CSG_COMMIT();
    }
    uint stage = 0, free = CSG_STAGES - 1;
    for (uint slice = first; slice < last; slice++) {
        CSG_WAIT(CSG_STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (slice + CSG_STAGES - 1 < last) {
            CSG_AHEAD(slice + CSG_STAGES - 1, free)
        }
        CSG_COMMIT();
        __local const float4 *as = (__local const float4 *)a[stage];
        __local const uint2 *bs = (__local const uint2 *)b[stage];
        /* The instruction wants columns 2t, 2t + 1, 2t + 8 and 2t + 9 of lane t. They are 4t up to 4t + 3 here, of both
         * matrices: the order of a sum's terms is free, and so each is one load. */
#pragma unroll
        for (uint s = 0; s < CSG_BK / 16; s++) {
            uint p[CSG_WM / 16][4];
            uint2 q[CSG_WN / 8];
#pragma unroll
            for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
                for (uint h = 0; h < 2; h++) {
                    uint r = warp_row + i * 16 + h * 8 + g;
                    float4 v = as[r * 8 + ((s * 4 + t) ^ (r % 2 * 4))];
                    p[i][h] = csg_pair(v.x, v.y);
                    p[i][2 + h] = csg_pair(v.z, v.w);
                }
#pragma unroll
            for (uint j = 0; j < CSG_WN / 8; j++) {
                uint r = warp_column + j * 8 + g;
                q[j] = bs[r * 8 + ((s * 4 + t) ^ (r / 2 % 2 * 4))];
            }
#pragma unroll
            for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
                for (uint j = 0; j < CSG_WN / 8; j++)
                    __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32." CSG_TYPE "." CSG_TYPE ".f32 "
                                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                                     : "+f"(sums[i][j][0]), "+f"(sums[i][j][1]), "+f"(sums[i][j][2]), "+f"(sums[i][j][3])
                                     : "r"(p[i][0]), "r"(p[i][1]), "r"(p[i][2]), "r"(p[i][3]), "r"(q[j].x), "r"(q[j].y));
        }
        stage = stage + 1 == CSG_STAGES ? 0 : stage + 1;
        free = free + 1 == CSG_STAGES ? 0 : free + 1;
    }
    y += y_at + get_group_id(2) * rows * y_stride;
    bias += bias_at;
    residual += residual_at;
#pragma unroll
    for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
        for (uint j = 0; j < CSG_WN / 8; j++)
#pragma unroll
            for (uint h = 0; h < 2; h++)
                csg_finish2((float2)(sums[i][j][2 * h], sums[i][j][2 * h + 1]), row + warp_row + i * 16 + h * 8 + g,
                            column + warp_column + j * 8 + t * 2, rows, n, bias, residual, residual_stride, y, y_stride, parts,
                            act);
}
