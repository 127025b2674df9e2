/* Both attention paths in one pass over the keys, with an online softmax: the greatest score and the sum of exponentials so far are
 * kept for each query, and what was added up before is scaled down when a greater score comes. No N x N matrix in memory.
 * paths: bit 0 q-k, bit 1 v-v. Arguments as struct csg_attention_args.
 *   CSG_HEAD_DIM  channels of a head */
#define CSG_QK 1
#define CSG_VV 2

#if CSG_ITEM_ROWS
/* For CPU devices: a work-item owns a block of CSG_QUERIES queries of one head and holds them transposed, a query in each lane, so
 * that keys and values are read as they lie and nothing is summed across lanes. Blocks of single vectors finish a sequence, so that
 * few lanes are idle.
 *   CSG_QUERY_VECTORS  vectors of queries
 *   CSG_KEY_ROWS       keys (of the scores) or channels (of the values) in one register tile */
#define CSG_QUERIES (CSG_QUERY_VECTORS * CSG_WIDTH)
#define CSG_KEYS 64 /* between two updates of the greatest score; a multiple of CSG_KEY_ROWS */
#define CSG_CHANNELS ((CSG_HEAD_DIM + CSG_KEY_ROWS - 1) / CSG_KEY_ROWS * CSG_KEY_ROWS)
#define CSG_LINES ((CSG_HEAD_DIM + CSG_LINE - 1) / CSG_LINE) /* of a key or a value in the cache */

/* 2^x within 2 ulp for x of at most 0; below -126, -infinity too, it is 0, and NaN stays NaN. As csg_exp, without a change of base: the
 * queries are scaled by log2(e) more. The polynomial is fitted within 1.6 * 2^-24. */
vecf csg_exp2(vecf x)
{
    vecf shifted = x + 12582912.0f, r = x - (shifted - 12582912.0f);
    vecf p = csg_fma((vecf)(1.32647273e-3f), r, (vecf)(9.67151299e-3f));
    p = csg_fma(p, r, (vecf)(5.55073358e-2f));
    p = csg_fma(p, r, (vecf)(2.40222424e-1f));
    p = csg_fma(p, r, (vecf)(6.93147004e-1f));
    p = csg_fma(p, r, (vecf)(1.0f));
    vecf power = csg_as_vecf((csg_as_veci(shifted) << 23) + 0x3f800000);
    return select(p * power, (vecf)(0.0f), x < (vecf)(-126.0f));
}

#define CSG_SCORES(key)                                                                                                          \
    for (ulong d = 0; d < CSG_HEAD_DIM; d++) {                                                                                   \
        _Pragma("unroll") for (int i = 0; i < CSG_KEY_ROWS; i++)                                                                 \
        {                                                                                                                        \
            vecf a = (vecf)(key[i][d]);                                                                                          \
            _Pragma("unroll") for (int j = 0; j < CSG_BLOCK; j++) sums[i][j] = csg_fma(a, state->query[d][j], sums[i][j]);       \
        }                                                                                                                        \
    }

#define CSG_NAMED_(name, size) name##_##size
#define CSG_NAMED(name, size) CSG_NAMED_(name, size)
#define CSG_BLOCK CSG_QUERY_VECTORS
#include "attention_block.clh"
#undef CSG_BLOCK
#if CSG_QUERY_VECTORS > 1
#define CSG_BLOCK 1
#include "attention_block.clh"
#undef CSG_BLOCK
#endif

/* Dimension 0 is blocks of queries, those of a head one after the other, and before them work-items that do nothing. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict seq, ulong seq_at,
          __global float *restrict qk, ulong qk_at, __global float *restrict vv, ulong vv_at, ulong qkv_stride, ulong qk_stride,
          ulong vv_stride, ulong heads, float scale, ulong causal, ulong paths)
{
    ulong blocks = get_global_size(0) / heads, idle = get_global_size(0) - blocks * heads, item = get_global_id(0) - idle;
    if (get_global_id(0) < idle)
        return;
    ulong head = item / blocks, first = (item - head * blocks) * CSG_QUERIES, sequence = get_global_id(2);
    ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin, width = heads * CSG_HEAD_DIM;
    if (first >= n)
        return;
    qkv += qkv_at + begin * qkv_stride + head * CSG_HEAD_DIM;
    qk += qk_at + begin * qk_stride + head * CSG_HEAD_DIM;
    vv += vv_at + begin * vv_stride + head * CSG_HEAD_DIM;
#define CSG_ATTEND_BLOCK(size)                                                                                                   \
    CSG_NAMED(attend_block, size)(qkv, qk, vv, qkv_stride, qk_stride, vv_stride, width, first, n, scale, causal, paths)
#if CSG_QUERY_VECTORS > 1
    if (n - first <= CSG_QUERIES - CSG_WIDTH) {
        for (; first < n; first += CSG_WIDTH)
            CSG_ATTEND_BLOCK(1);
        return;
    }
#endif
    CSG_ATTEND_BLOCK(CSG_QUERY_VECTORS);
}
#else
/* For GPUs: a work-group of CSG_LANES x CSG_QUERIES owns a block of CSG_QUERIES queries of one head; CSG_LANES work-items share a
 * query, each taking every CSG_LANES-th key of the scores and every CSG_LANES-th channel of the result. Keys and values come
 * through local memory in slices of CSG_KEYS, once for both paths. */
#define CSG_EACH ((CSG_HEAD_DIM + CSG_LANES - 1) / CSG_LANES)

__kernel __attribute__((reqd_work_group_size(CSG_LANES, CSG_QUERIES, 1))) void
attention(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict seq, ulong seq_at,
          __global float *restrict qk, ulong qk_at, __global float *restrict vv, ulong vv_at, ulong qkv_stride, ulong qk_stride,
          ulong vv_stride, ulong heads, float scale, ulong causal, ulong paths)
{
    __local float key[CSG_KEYS][CSG_HEAD_DIM + 1], value[CSG_KEYS][CSG_HEAD_DIM + 1], query[2][CSG_QUERIES][CSG_HEAD_DIM + 1];
    __local float p[2][CSG_QUERIES][CSG_KEYS + 1], part[2][CSG_QUERIES][CSG_LANES];
    uint lane = (uint)get_local_id(0), r = (uint)get_local_id(1), item = r * CSG_LANES + lane;
    ulong first = get_group_id(0) * CSG_QUERIES, head = get_group_id(1), sequence = get_group_id(2);
    ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin, width = heads * CSG_HEAD_DIM;
    if (first >= n)
        return;
    __global const float *q = qkv + qkv_at + begin * qkv_stride + head * CSG_HEAD_DIM, *k = q + width, *v = k + width;
    float out[2][CSG_EACH], most[2] = {-INFINITY, -INFINITY}, sum[2] = {0.0f, 0.0f};
    for (uint path = 0; path < 2; path++)
        for (uint t = 0; t < CSG_EACH; t++)
            out[path][t] = 0.0f;
    for (uint e = item; e < CSG_QUERIES * CSG_HEAD_DIM; e += CSG_LANES * CSG_QUERIES) {
        uint row = e / CSG_HEAD_DIM, d = e - row * CSG_HEAD_DIM;
        ulong at = min(first + row, n - 1) * qkv_stride + d;
        query[0][row][d] = q[at] * scale;
        query[1][row][d] = v[at] * scale;
    }
    ulong end = causal ? min(n, first + CSG_QUERIES) : n, self = min(first + r, n - 1);
    for (ulong from = 0; from < end; from += CSG_KEYS) {
        for (uint e = item; e < CSG_KEYS * CSG_HEAD_DIM; e += CSG_LANES * CSG_QUERIES) {
            uint row = e / CSG_HEAD_DIM, d = e - row * CSG_HEAD_DIM;
            ulong at = min(from + row, n - 1) * qkv_stride + d;
            key[row][d] = k[at];
            value[row][d] = v[at];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint path = 0; path < 2; path++) {
            if (!(paths & (1u << path)))
                continue;
            float greatest = -INFINITY;
            for (uint j = lane; j < CSG_KEYS; j += CSG_LANES) {
                float score = 0.0f;
                for (uint d = 0; d < CSG_HEAD_DIM; d++)
                    score = csg_fma(query[path][r][d], path ? value[j][d] : key[j][d], score);
                if (from + j >= end || (causal && from + j > self))
                    score = -INFINITY;
                p[path][r][j] = score;
                greatest = fmax(greatest, score);
            }
            part[path][r][lane] = greatest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float down[2];
        for (uint path = 0; path < 2; path++) {
            if (!(paths & (1u << path)))
                continue;
            float top = most[path];
            for (uint l = 0; l < CSG_LANES; l++)
                top = fmax(top, part[path][r][l]);
            down[path] = exp(most[path] - top);
            most[path] = top;
            for (uint j = lane; j < CSG_KEYS; j += CSG_LANES)
                p[path][r][j] = exp(p[path][r][j] - top);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint path = 0; path < 2; path++) {
            if (!(paths & (1u << path)))
                continue;
            sum[path] *= down[path];
            for (uint t = 0; t < CSG_EACH; t++)
                out[path][t] *= down[path];
            for (uint j = 0; j < CSG_KEYS; j++) {
                float weight = p[path][r][j];
                sum[path] += weight;
                for (uint t = 0; t < CSG_EACH; t++)
                    out[path][t] = csg_fma(weight, value[j][min(lane + t * CSG_LANES, (uint)(CSG_HEAD_DIM - 1))], out[path][t]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (first + r >= n)
        return;
    qk += qk_at + (begin + first + r) * qk_stride + head * CSG_HEAD_DIM;
    vv += vv_at + (begin + first + r) * vv_stride + head * CSG_HEAD_DIM;
    for (uint t = 0; t < CSG_EACH; t++) {
        uint d = lane + t * CSG_LANES;
        if (d < CSG_HEAD_DIM && (paths & CSG_QK))
            qk[d] = out[0][t] / sum[0];
        if (d < CSG_HEAD_DIM && (paths & CSG_VV))
            vv[d] = out[1][t] / sum[1];
    }
}
#endif
