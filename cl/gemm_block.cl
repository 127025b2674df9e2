/* y = act(x W^T + bias) + residual for GPUs: W is plain, [n, k]. A work-group makes a block of CSG_BM x CSG_BN from slices of CSG_BK
 * columns of x and W, two of which are in local memory: while one is multiplied the next is on its way through registers. A work-item
 * makes CSG_TM x CSG_TN, in runs of four beside each other, so that each turn of the inner loop reads vectors from different banks.
 * Dimension 2 of the groups splits k where the matrix has too few blocks for the device; y is then [splits, rows, n], summed by
 * gemm_sum.
 *   CSG_HALF     0: W is float; 1: f16; 2: bfloat16; in the last two x is rounded to the same type before it is multiplied
 *   CSG_ALIGNED  1: every row of every operand begins at a multiple of four elements, and so does what stands behind the last one */
#include "activation.clh"
#include "gemm.clh"

#define CSG_ITEMS (CSG_BM / CSG_TM * CSG_BN / CSG_TN)
#define CSG_A_EACH (CSG_BM * CSG_BK / 4 / CSG_ITEMS)
#define CSG_B_EACH (CSG_BN * CSG_BK / 4 / CSG_ITEMS)
#define CSG_INLINE __attribute__((always_inline))

#if CSG_HALF == CSG_F16
typedef half csg_weight;
#define csg_widen(p) vload_half(0, p)
#define csg_widen4(p) vload_half4(0, p)
#elif CSG_HALF == CSG_BF16
typedef ushort csg_weight;
#define csg_widen(p) as_float((uint) * (p) << 16)
#define csg_widen4(p) as_float4(convert_uint4(*(__global const ushort4 *)(p)) << 16)
#else
typedef float csg_weight;
#define csg_widen(p) (*(p))
#define csg_widen4(p) (*(__global const float4 *)(p))
#endif

#define CSG_LOAD4(name, type, widen, widen4)                                                                                     \
    CSG_INLINE float4 name(__global const type *row, ulong c, ulong end)                                                         \
    {                                                                                                                            \
        float4 v = (float4)(0.0f);                                                                                               \
        if (CSG_ALIGNED) {                                                                                                       \
            if (c < end)                                                                                                         \
                v = widen4(row + c);                                                                                             \
        } else {                                                                                                                 \
            v.x = c < end ? widen(row + c) : 0.0f;                                                                               \
            v.y = c + 1 < end ? widen(row + c + 1) : 0.0f;                                                                       \
            v.z = c + 2 < end ? widen(row + c + 2) : 0.0f;                                                                       \
            v.w = c + 3 < end ? widen(row + c + 3) : 0.0f;                                                                       \
        }                                                                                                                        \
        return v;                                                                                                                \
    }
#define CSG_PLAIN(p) (*(p))
#define CSG_PLAIN4(p) (*(__global const float4 *)(p))
CSG_LOAD4(csg_load_x, float, CSG_PLAIN, CSG_PLAIN4)
CSG_LOAD4(csg_load_w, csg_weight, csg_widen, csg_widen4)

CSG_INLINE float4 csg_round4(float4 v)
{
#if CSG_HALF
    return (float4)(csg_round(v.x), csg_round(v.y), csg_round(v.z), csg_round(v.w));
#else
    return v;
#endif
}

__kernel __attribute__((reqd_work_group_size(CSG_ITEMS, 1, 1))) void
gemm_block(__global const float *restrict x, ulong x_at, __global const csg_weight *restrict w,
           __global const float *restrict bias, ulong bias_at, __global const float *residual, ulong residual_at,
           __global float *y, ulong y_at, ulong x_stride, ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k,
           ulong parts, ulong act)
{
    __local float4 a[2][CSG_BK][CSG_BM / 4 + 1], b[2][CSG_BK][CSG_BN / 4 + 1];
    __local float *al = (__local float *)a, *bl = (__local float *)b;
    const uint item = (uint)get_local_id(0), tx = item % (CSG_BN / CSG_TN), ty = item / (CSG_BN / CSG_TN);
    const ulong row = get_group_id(1) * CSG_BM, column = get_group_id(0) * CSG_BN;
    const ulong slices = (k + CSG_BK - 1) / CSG_BK, each = (slices + get_num_groups(2) - 1) / get_num_groups(2);
    const ulong begin = get_group_id(2) * each * CSG_BK, end = min(begin + each * CSG_BK, k);
    float sums[CSG_TM][CSG_TN];
    float4 next_a[CSG_A_EACH], next_b[CSG_B_EACH];
#pragma unroll
    for (uint i = 0; i < CSG_TM; i++)
#pragma unroll
        for (uint j = 0; j < CSG_TN; j++)
            sums[i][j] = 0.0f;
    x += x_at;
    uint now = 0;
    /* Rows and columns behind the last are the last again: nothing of them is stored. */
#define CSG_AHEAD(from)                                                                                                          \
    _Pragma("unroll") for (uint i = 0; i < CSG_A_EACH; i++)                                                                      \
    {                                                                                                                            \
        uint e = item + i * CSG_ITEMS;                                                                                           \
        next_a[i] = csg_load_x(x + min(row + e / (CSG_BK / 4), rows - 1) * x_stride, (from) + e % (CSG_BK / 4) * 4, end);        \
    }                                                                                                                            \
    _Pragma("unroll") for (uint i = 0; i < CSG_B_EACH; i++)                                                                      \
    {                                                                                                                            \
        uint e = item + i * CSG_ITEMS;                                                                                           \
        next_b[i] = csg_load_w(w + min(column + e / (CSG_BK / 4), n - 1) * k, (from) + e % (CSG_BK / 4) * 4, end);               \
    }
#define CSG_PUT(to, at, width, v)                                                                                                \
    {                                                                                                                            \
        __local float *p = (to) + ((at) % (CSG_BK / 4) * 4) * ((width) + 4) + (at) / (CSG_BK / 4);                               \
        float4 f = (v);                                                                                                          \
        p[0] = f.x;                                                                                                              \
        p[(width) + 4] = f.y;                                                                                                    \
        p[2 * ((width) + 4)] = f.z;                                                                                              \
        p[3 * ((width) + 4)] = f.w;                                                                                              \
    }
#define CSG_KEEP(slot)                                                                                                           \
    _Pragma("unroll") for (uint i = 0; i < CSG_A_EACH; i++)                                                                      \
        CSG_PUT(al + (slot)*CSG_BK * (CSG_BM + 4), item + i * CSG_ITEMS, CSG_BM, csg_round4(next_a[i]))                          \
            _Pragma("unroll") for (uint i = 0; i < CSG_B_EACH; i++)                                                              \
                CSG_PUT(bl + (slot)*CSG_BK * (CSG_BN + 4), item + i * CSG_ITEMS, CSG_BN, next_b[i])

    CSG_AHEAD(begin)
    CSG_KEEP(0)
    barrier(CLK_LOCAL_MEM_FENCE);
    for (ulong from = begin; from < end; from += CSG_BK) {
        bool more = from + CSG_BK < end;
        if (more) {
            CSG_AHEAD(from + CSG_BK)
        }
#pragma unroll
        for (uint c = 0; c < CSG_BK; c++) {
            float p[CSG_TM], q[CSG_TN];
#pragma unroll
            for (uint i = 0; i < CSG_TM / 4; i++) {
                float4 v = a[now][c][i * (CSG_BM / CSG_TM) + ty];
                p[4 * i] = v.x, p[4 * i + 1] = v.y, p[4 * i + 2] = v.z, p[4 * i + 3] = v.w;
            }
#pragma unroll
            for (uint j = 0; j < CSG_TN / 4; j++) {
                float4 v = b[now][c][j * (CSG_BN / CSG_TN) + tx];
                q[4 * j] = v.x, q[4 * j + 1] = v.y, q[4 * j + 2] = v.z, q[4 * j + 3] = v.w;
            }
#pragma unroll
            for (uint i = 0; i < CSG_TM; i++)
#pragma unroll
                for (uint j = 0; j < CSG_TN; j++)
                    sums[i][j] = csg_fma(p[i], q[j], sums[i][j]);
        }
        if (more) {
            CSG_KEEP(now ^ 1)
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        now ^= 1;
    }
    y += y_at + get_group_id(2) * rows * y_stride;
    bias += bias_at;
    residual += residual_at;
#pragma unroll
    for (uint i = 0; i < CSG_TM; i++)
#pragma unroll
        for (uint j = 0; j < CSG_TN / 4; j++) {
            ulong r = row + i / 4 * (CSG_BM / CSG_TM * 4) + ty * 4 + i % 4;
            ulong c = column + (j * (CSG_BN / CSG_TN) + tx) * 4;
            csg_finish4((float4)(sums[i][4 * j], sums[i][4 * j + 1], sums[i][4 * j + 2], sums[i][4 * j + 3]), r, c, rows, n, bias,
                        residual, residual_stride, y, y_stride, parts, act);
        }
}
