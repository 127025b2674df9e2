/* y = act(x W^T + bias) + residual with W in 16 bits an element, on the matrix units of NVIDIA's GPUs. W is plain, [n, k]; every row of every operand begins at a multiple of 16 bytes.
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
#include "mma.clh"

#define CSG_ITEMS (CSG_BM / CSG_WM * (CSG_BN / CSG_WN) * 32)
#define CSG_A_ROW (CSG_BK / 4) /* chunks of 16 bytes */
#define CSG_B_ROW (CSG_BK / 8)
#define CSG_A_CHUNKS (CSG_BM * CSG_A_ROW)
#define CSG_B_CHUNKS (CSG_BN * CSG_B_ROW)
#define CSG_A_EACH (CSG_A_CHUNKS / CSG_ITEMS)
#define CSG_B_EACH (CSG_B_CHUNKS / CSG_ITEMS)
/* Chunks of a row change places so that the lanes of a warp, which read the rows below each other, meet different banks. */
#define CSG_A_PLACE(r, c) ((r) * CSG_A_ROW + ((c) ^ (r) % 2 * 4))
#define CSG_B_TURN(r) (CSG_B_ROW > 4 ? (r) % 4 * 2 : (r) / 2 % 2 * 2)
#define CSG_B_PLACE(r, c) ((r) * CSG_B_ROW + ((c) ^ CSG_B_TURN(r)))

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
    /* Rows and columns behind the last are the last again: nothing of them is stored. */
    const ulong a_column = item % CSG_A_ROW * 4, b_column = item % CSG_B_ROW * 8;
    __global const float *a_from[CSG_A_EACH];
    __global const ushort *b_from[CSG_B_EACH];
    x += x_at;
#pragma unroll
    for (uint i = 0; i < CSG_A_EACH; i++)
        a_from[i] = x + min(row + (i * CSG_ITEMS + item) / CSG_A_ROW, rows - 1) * x_stride + a_column;
#pragma unroll
    for (uint i = 0; i < CSG_B_EACH; i++)
        b_from[i] = w + min(column + (i * CSG_ITEMS + item) / CSG_B_ROW, n - 1) * k + b_column;
#define CSG_AHEAD(slice, stage)                                                                                                  \
    {                                                                                                                            \
        const ulong at = (ulong)(slice)*CSG_BK;                                                                                  \
        const bool a_in = at + a_column < k, b_in = at + b_column < k;                                                           \
        _Pragma("unroll") for (uint i = 0; i < CSG_A_EACH; i++)                                                                  \
            csg_copy(&a[stage][CSG_A_PLACE((i * CSG_ITEMS + item) / CSG_A_ROW, item % CSG_A_ROW)],                               \
                     a_from[i] + (a_in ? at : 0), a_in);                                                                         \
        _Pragma("unroll") for (uint i = 0; i < CSG_B_EACH; i++)                                                                  \
            csg_copy(&b[stage][CSG_B_PLACE((i * CSG_ITEMS + item) / CSG_B_ROW, item % CSG_B_ROW)],                               \
                     b_from[i] + (b_in ? at : 0), b_in);                                                                         \
    }
    for (uint s = 0; s < CSG_STAGES - 1; s++) {
        if (first + s < last)
            CSG_AHEAD(first + s, s)
        CSG_COMMIT();
    }
    uint stage = 0, free = CSG_STAGES - 1;
    for (uint slice = first; slice < last; slice++) {
        CSG_WAIT(CSG_STAGES - 2);
        CSG_MEET();
        if (slice + CSG_STAGES - 1 < last)
            CSG_AHEAD(slice + CSG_STAGES - 1, free)
        CSG_COMMIT();
        __local const float4 *as = (__local const float4 *)a[stage];
        __local const uint2 *bs = (__local const uint2 *)b[stage];
#pragma unroll
        for (uint s = 0; s < CSG_BK / 16; s++) {
            uint p[CSG_WM / 16][4];
            uint2 q[CSG_WN / 8];
#pragma unroll
            for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
                for (uint h = 0; h < 2; h++) {
                    uint r = warp_row + i * 16 + h * 8 + g;
                    float4 v = as[CSG_A_PLACE(r, s * 4 + t)];
                    p[i][h] = csg_pair(v.x, v.y);
                    p[i][2 + h] = csg_pair(v.z, v.w);
                }
#pragma unroll
            for (uint j = 0; j < CSG_WN / 8; j++) {
                uint r = warp_column + j * 8 + g;
                q[j] = bs[CSG_B_PLACE(r, s * 2 + t / 2) * 2 + t % 2];
            }
#pragma unroll
            for (uint i = 0; i < CSG_WM / 16; i++)
#pragma unroll
                for (uint j = 0; j < CSG_WN / 8; j++)
                    CSG_MULTIPLY(sums[i][j], p[i], q[j]);
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
