/* Attention with q, k and v in 16 bits on the matrix units of NVIDIA's GPUs, as gemm_mma.cl; softmax and sums are single precision, the
 * weights are rounded before they meet the values. Arguments and paths as attention.cl; every row of every head begins at a multiple of
 * 16 bytes, heads have a multiple of 16 channels.
 *
 * A work-group owns CSG_QUERIES queries of one head in one path, a warp 16 of them, whose scores and results stay in its registers:
 * what the instruction leaves of a product is laid out as it wants the weights of the next. Keys and values pass through local memory
 * in slices of CSG_KEYS, the next of which is on its way in registers while one is used.
 *   CSG_HALF  1: f16; 2: bfloat16 */
#include "mma.clh"

#define CSG_QK 1
#define CSG_VV 2
#define CSG_ITEMS (CSG_QUERIES * 2)
#define CSG_QUADS (CSG_HEAD_DIM / 4)
#define CSG_KEY_COPIES (CSG_KEYS * CSG_QUADS / CSG_ITEMS)
#define CSG_VALUE_COPIES (CSG_KEYS / 2 * CSG_QUADS / CSG_ITEMS)
#define CSG_LOG2_E 1.44269504088896341f

/* The greatest, or the sum, of four lanes beside each other. */
__attribute__((always_inline)) float csg_neighbour(float x, int mask)
{
    float other;
    __asm__ volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(other) : "f"(x), "r"(mask));
    return other;
}

__kernel __attribute__((reqd_work_group_size(CSG_ITEMS, 1, 1))) void
attention_mma(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict seq, ulong seq_at,
              __global float *restrict qk, ulong qk_at, __global float *restrict vv, ulong vv_at, ulong qkv_stride,
              ulong qk_stride, ulong vv_stride, ulong heads, float scale, ulong causal, ulong paths)
{
    /* Pairs: of channels of a key; of keys beside each other in a channel of the values, those that one lane wants beside each other.
     * Rows are 8 words longer, so that what a warp reads meets different banks. */
    __local uint key[CSG_KEYS][CSG_HEAD_DIM / 2 + 8], value[CSG_HEAD_DIM][CSG_KEYS / 2 + 8];
    const uint item = (uint)get_local_id(0), g = item % 32 / 4, t = item % 4, warp = item / 32;
    const ulong both = paths == (CSG_QK | CSG_VV) ? 2 : 1, sequence = get_group_id(2) / both;
    const bool surgery = paths == CSG_VV || get_group_id(2) % both == 1;
    const ulong first = get_group_id(0) * CSG_QUERIES, head = get_group_id(1), width = heads * CSG_HEAD_DIM;
    const ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin;
    if (first >= n)
        return;
    __global const float *q = qkv + qkv_at + begin * qkv_stride + head * CSG_HEAD_DIM, *v = q + 2 * width;
    __global const float *k = surgery ? v : q + width;
    const ulong row[2] = {first + warp * 16 + g, first + warp * 16 + g + 8};
    const float factor = scale * CSG_LOG2_E;
    float out[CSG_HEAD_DIM / 8][4], most[2] = {-INFINITY, -INFINITY}, sum[2] = {0.0f, 0.0f};
    uint own[CSG_HEAD_DIM / 16][4];
    float4 next_key[CSG_KEY_COPIES], next_value[CSG_VALUE_COPIES][2];
    if (surgery)
        q = v;
#pragma unroll
    for (uint c = 0; c < CSG_HEAD_DIM / 8; c++)
#pragma unroll
        for (uint e = 0; e < 4; e++)
            out[c][e] = 0.0f;
#pragma unroll
    for (uint s = 0; s < CSG_HEAD_DIM / 16; s++)
#pragma unroll
        for (uint h = 0; h < 2; h++) {
            float4 f = *(__global const float4 *)(q + min(row[h], n - 1) * qkv_stride + s * 16 + t * 4);
            own[s][h] = csg_pair(f.x, f.y);
            own[s][2 + h] = csg_pair(f.z, f.w);
        }
    /* Rows behind the last are the last again: their weights are 0. */
#define CSG_AHEAD_KEYS(from)                                                                                                     \
    _Pragma("unroll") for (uint i = 0; i < CSG_KEY_COPIES; i++)                                                                  \
    {                                                                                                                            \
        uint e = item + i * CSG_ITEMS;                                                                                           \
        next_key[i] = *(__global const float4 *)(k + min((from) + e / CSG_QUADS, n - 1) * qkv_stride + e % CSG_QUADS * 4);       \
    }
    const ulong end = causal ? min(n, first + CSG_QUERIES) : n;
    CSG_AHEAD_KEYS((ulong)0)
    for (ulong from = 0; from < end; from += CSG_KEYS) {
#pragma unroll
        for (uint i = 0; i < CSG_KEY_COPIES; i++) {
            uint e = item + i * CSG_ITEMS;
            *(__local uint2 *)&key[e / CSG_QUADS][e % CSG_QUADS * 2] =
                (uint2)(csg_pair(next_key[i].x, next_key[i].y), csg_pair(next_key[i].z, next_key[i].w));
        }
#pragma unroll
        for (uint i = 0; i < CSG_VALUE_COPIES; i++) {
            uint e = item + i * CSG_ITEMS, r = e % (CSG_KEYS / 2) * 2, c = e / (CSG_KEYS / 2) * 4;
            next_value[i][0] = *(__global const float4 *)(v + min(from + r, n - 1) * qkv_stride + c);
            next_value[i][1] = *(__global const float4 *)(v + min(from + r + 1, n - 1) * qkv_stride + c);
        }
        CSG_MEET();
        float p[CSG_KEYS / 8][4];
#pragma unroll
        for (uint j = 0; j < CSG_KEYS / 8; j++) {
            p[j][0] = p[j][1] = p[j][2] = p[j][3] = 0.0f;
#pragma unroll
            for (uint s = 0; s < CSG_HEAD_DIM / 16; s++) {
                uint2 b = *(__local const uint2 *)&key[j * 8 + g][s * 8 + t * 2];
                CSG_MULTIPLY(p[j], own[s], b);
            }
        }
        float top[2] = {most[0], most[1]}, down[2];
#pragma unroll
        for (uint j = 0; j < CSG_KEYS / 8; j++)
#pragma unroll
            for (uint e = 0; e < 4; e++) {
                ulong seen = causal ? min(end, min(row[e / 2], n - 1) + 1) : end;
                p[j][e] = from + j * 8 + t * 2 + e % 2 < seen ? p[j][e] * factor : -INFINITY;
                top[e / 2] = fmax(top[e / 2], p[j][e]);
            }
#pragma unroll
        for (uint h = 0; h < 2; h++) {
            top[h] = fmax(top[h], csg_neighbour(top[h], 1));
            top[h] = fmax(top[h], csg_neighbour(top[h], 2));
            down[h] = exp2(most[h] - top[h]);
            most[h] = top[h];
            sum[h] *= down[h];
        }
#pragma unroll
        for (uint j = 0; j < CSG_KEYS / 8; j++)
#pragma unroll
            for (uint e = 0; e < 4; e++) {
                p[j][e] = exp2(p[j][e] - top[e / 2]);
                sum[e / 2] += p[j][e];
            }
#pragma unroll
        for (uint c = 0; c < CSG_HEAD_DIM / 8; c++)
#pragma unroll
            for (uint e = 0; e < 4; e++)
                out[c][e] *= down[e / 2];
#pragma unroll
        for (uint i = 0; i < CSG_VALUE_COPIES; i++) {
            uint e = item + i * CSG_ITEMS, r = e % (CSG_KEYS / 2), c = e / (CSG_KEYS / 2) * 4;
            uint at = r / 8 * 8 + r % 4 * 2 + r % 8 / 4;
            value[c][at] = csg_pair(next_value[i][0].x, next_value[i][1].x);
            value[c + 1][at] = csg_pair(next_value[i][0].y, next_value[i][1].y);
            value[c + 2][at] = csg_pair(next_value[i][0].z, next_value[i][1].z);
            value[c + 3][at] = csg_pair(next_value[i][0].w, next_value[i][1].w);
        }
        if (from + CSG_KEYS < end) {
            CSG_AHEAD_KEYS(from + CSG_KEYS)
        }
        CSG_MEET();
#pragma unroll
        for (uint s = 0; s < CSG_KEYS / 16; s++) {
            uint a[4] = {csg_pair(p[2 * s][0], p[2 * s][1]), csg_pair(p[2 * s][2], p[2 * s][3]),
                         csg_pair(p[2 * s + 1][0], p[2 * s + 1][1]), csg_pair(p[2 * s + 1][2], p[2 * s + 1][3])};
#pragma unroll
            for (uint c = 0; c < CSG_HEAD_DIM / 8; c++) {
                uint2 b = *(__local const uint2 *)&value[c * 8 + g][s * 8 + t * 2];
                CSG_MULTIPLY(out[c], a, b);
            }
        }
    }
    const ulong stride = surgery ? vv_stride : qk_stride;
    __global float *to = (surgery ? vv + vv_at : qk + qk_at) + begin * stride + head * CSG_HEAD_DIM;
#pragma unroll
    for (uint h = 0; h < 2; h++) {
        float all = sum[h] + csg_neighbour(sum[h], 1);
        all += csg_neighbour(all, 2);
        if (row[h] < n)
#pragma unroll
            for (uint c = 0; c < CSG_HEAD_DIM / 8; c++)
                *(__global float2 *)(to + row[h] * stride + c * 8 + t * 2) = (float2)(out[c][2 * h] / all, out[c][2 * h + 1] / all);
    }
}
