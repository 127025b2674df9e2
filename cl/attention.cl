/* Both attention paths in one pass over the keys, with an online softmax: the greatest score and the sum of exponentials so far are
 * kept for each query, and what was added up before is scaled down when a greater score comes. No N x N matrix in memory.
 * paths: bit 0 q-k, bit 1 v-v. Arguments as struct csg_attention_args.
 *   CSG_HEAD_DIM  channels of a head */
#define CSG_QK 1
#define CSG_VV 2

#if CSG_ITEM_ROWS
#include "exp2.clh"
#include "turn.clh"
/* For CPU devices: a work-item owns a block of CSG_QUERIES queries of one head and holds them transposed, a query in each lane, so
 * that keys and values are read as they lie and nothing is summed across lanes. Smaller blocks finish a sequence, so that few lanes
 * are idle.
 *   CSG_QUERY_VECTORS  vectors of queries
 *   CSG_KEY_ROWS       keys (of the scores) or channels (of the values) in one register tile */
#define CSG_QUERIES (CSG_QUERY_VECTORS * CSG_WIDTH)
#define CSG_KEYS 96 /* between two updates of the greatest score; a multiple of CSG_KEY_ROWS */
#define CSG_CHANNELS ((CSG_HEAD_DIM + CSG_KEY_ROWS - 1) / CSG_KEY_ROWS * CSG_KEY_ROWS)
#define CSG_LINES ((CSG_HEAD_DIM + CSG_LINE - 1) / CSG_LINE) /* of a key or a value in the cache */

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
#if CSG_QUERY_VECTORS > 2
#define CSG_BLOCK 2
#include "attention_block.clh"
#undef CSG_BLOCK
#endif
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
    if (n - first <= CSG_WIDTH) {
        CSG_ATTEND_BLOCK(1);
        return;
    }
#endif
#if CSG_QUERY_VECTORS > 2
    if (n - first <= 2 * CSG_WIDTH) {
        CSG_ATTEND_BLOCK(2);
        return;
    }
#endif
    CSG_ATTEND_BLOCK(CSG_QUERY_VECTORS);
}
#else
/* For GPUs: a work-group owns CSG_QUERIES queries of one head in one path; keys and values pass through local memory in slices of
 * CSG_KEYS, the next of which is on its way in registers while one is used. A work-item makes CSG_TQ x CSG_TK scores of a slice and
 * CSG_TQ x CSG_EACH channels of the result, in runs of four beside each other, so that each turn of the inner loops reads vectors from
 * different banks. The exponentials' base is 2, which is what devices have.
 *   CSG_ALIGNED  1: every row of every head begins at a multiple of four numbers */
#define CSG_LANES (CSG_KEYS / CSG_TK)
#define CSG_TEAMS (CSG_QUERIES / CSG_TQ)
#define CSG_ITEMS (CSG_LANES * CSG_TEAMS)
#define CSG_QUADS ((CSG_HEAD_DIM + 3) / 4)
#define CSG_EACH ((CSG_HEAD_DIM + 4 * CSG_LANES - 1) / (4 * CSG_LANES) * 4)
#define CSG_SLICE (CSG_KEYS * CSG_QUADS)
#define CSG_COPIES ((CSG_SLICE + CSG_ITEMS - 1) / CSG_ITEMS)
#define CSG_Q_ROW (CSG_QUERIES / 4 + 1)
#define CSG_K_ROW (CSG_KEYS / 4 + 1)
#define CSG_V_ROW (CSG_EACH * CSG_LANES / 4 + 1)
#define CSG_KP_ROWS(a, b) ((a) > (b) ? (a) : (b))
#define CSG_LOG2_E 1.44269504088896341f

/* Channels 4 c up to 4 c + 3; those that the head does not have are 0. */
float4 csg_channels(__global const float *row, uint c)
{
    if (CSG_ALIGNED)
        return *(__global const float4 *)(row + 4 * c);
    float4 v = (float4)(row[4 * c], 0.0f, 0.0f, 0.0f);
    v.y = 4 * c + 1 < CSG_HEAD_DIM ? row[4 * c + 1] : 0.0f;
    v.z = 4 * c + 2 < CSG_HEAD_DIM ? row[4 * c + 2] : 0.0f;
    v.w = 4 * c + 3 < CSG_HEAD_DIM ? row[4 * c + 3] : 0.0f;
    return v;
}

/* Copy i of a work-item out of a slice of keys, which lie transposed, and of values, which do not. Rows behind the last are it again. */
#define CSG_AHEAD(to, first_row, rows, place)                                                                                    \
    _Pragma("unroll") for (uint i = 0; i < CSG_COPIES; i++)                                                                      \
    {                                                                                                                            \
        uint e = min(item + i * CSG_ITEMS, (uint)(CSG_SLICE - 1));                                                               \
        place(e) to[i] = csg_channels((rows) + min((first_row) + r, n - 1) * qkv_stride, c);                                     \
    }
#define CSG_KEY_PLACE(e) uint r = (e) % CSG_KEYS, c = (e) / CSG_KEYS;
#define CSG_VALUE_PLACE(e) uint r = (e) / CSG_QUADS, c = (e) % CSG_QUADS;

__kernel __attribute__((reqd_work_group_size(CSG_ITEMS, 1, 1))) void
attention(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict seq, ulong seq_at,
          __global float *restrict qk, ulong qk_at, __global float *restrict vv, ulong vv_at, ulong qkv_stride, ulong qk_stride,
          ulong vv_stride, ulong heads, float scale, ulong causal, ulong paths)
{
    __local float4 query[4 * CSG_QUADS * CSG_Q_ROW], value[CSG_KEYS][CSG_V_ROW];
    /* the keys of a slice, [channel][key], then its weights, [key][query] */
    __local float4 kp[CSG_KP_ROWS(4 * CSG_QUADS * CSG_K_ROW, CSG_KEYS * CSG_Q_ROW)];
    __local float part[CSG_QUERIES][CSG_LANES], *numbers = (__local float *)kp;
    const uint item = (uint)get_local_id(0), lane = item % CSG_LANES, team = item / CSG_LANES;
    const ulong both = paths == (CSG_QK | CSG_VV) ? 2 : 1, sequence = get_group_id(2) / both;
    const bool surgery = paths == CSG_VV || get_group_id(2) % both == 1;
    const ulong first = get_group_id(0) * CSG_QUERIES, head = get_group_id(1), width = heads * CSG_HEAD_DIM;
    const ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin;
    __global const float *q = qkv + qkv_at + begin * qkv_stride + head * CSG_HEAD_DIM, *v = q + 2 * width;
    __global const float *k = surgery ? v : q + width;
    const float factor = scale * CSG_LOG2_E;
    float out[CSG_TQ][CSG_EACH], most[CSG_TQ], sum[CSG_TQ];
    float4 next_key[CSG_COPIES], next_value[CSG_COPIES];
    if (surgery)
        q = v;
#pragma unroll
    for (uint i = 0; i < CSG_TQ; i++) {
        most[i] = -INFINITY;
        sum[i] = 0.0f;
#pragma unroll
        for (uint t = 0; t < CSG_EACH; t++)
            out[i][t] = 0.0f;
    }
    for (uint e = item; e < CSG_QUERIES * CSG_QUADS; e += CSG_ITEMS) {
        uint r = e % CSG_QUERIES, c = e / CSG_QUERIES;
        float4 f = csg_channels(q + min(first + r, n - 1) * qkv_stride, c) * factor;
        __local float *to = (__local float *)query + 16 * c * CSG_Q_ROW + r;
        to[0] = f.x;
        to[4 * CSG_Q_ROW] = f.y;
        to[8 * CSG_Q_ROW] = f.z;
        to[12 * CSG_Q_ROW] = f.w;
    }
    const ulong end = first >= n ? 0 : causal ? min(n, first + CSG_QUERIES) : n;
    CSG_AHEAD(next_key, (ulong)0, k, CSG_KEY_PLACE)
    for (ulong from = 0; from < end; from += CSG_KEYS) {
#pragma unroll
        for (uint i = 0; i < CSG_COPIES; i++) {
            CSG_KEY_PLACE(item + i * CSG_ITEMS)
            __local float *to = numbers + 16 * c * CSG_K_ROW + r;
            if (c < CSG_QUADS) {
                to[0] = next_key[i].x;
                to[4 * CSG_K_ROW] = next_key[i].y;
                to[8 * CSG_K_ROW] = next_key[i].z;
                to[12 * CSG_K_ROW] = next_key[i].w;
            }
        }
        CSG_AHEAD(next_value, from, v, CSG_VALUE_PLACE)
        barrier(CLK_LOCAL_MEM_FENCE);
        float p[CSG_TQ][CSG_TK];
#pragma unroll
        for (uint i = 0; i < CSG_TQ; i++)
#pragma unroll
            for (uint j = 0; j < CSG_TK; j++)
                p[i][j] = 0.0f;
#pragma unroll 4
        for (uint d = 0; d < CSG_HEAD_DIM; d++) {
            float a[CSG_TQ], b[CSG_TK];
#pragma unroll
            for (uint i = 0; i < CSG_TQ / 4; i++) {
                float4 f = query[d * CSG_Q_ROW + i * CSG_TEAMS + team];
                a[4 * i] = f.x, a[4 * i + 1] = f.y, a[4 * i + 2] = f.z, a[4 * i + 3] = f.w;
            }
#pragma unroll
            for (uint j = 0; j < CSG_TK / 4; j++) {
                float4 f = kp[d * CSG_K_ROW + j * CSG_LANES + lane];
                b[4 * j] = f.x, b[4 * j + 1] = f.y, b[4 * j + 2] = f.z, b[4 * j + 3] = f.w;
            }
#pragma unroll
            for (uint i = 0; i < CSG_TQ; i++)
#pragma unroll
                for (uint j = 0; j < CSG_TK; j++)
                    p[i][j] = csg_fma(a[i], b[j], p[i][j]);
        }
#pragma unroll
        for (uint i = 0; i < CSG_TQ; i++) {
            uint r = (i / 4 * CSG_TEAMS + team) * 4 + i % 4;
            ulong seen = causal ? min(end, min(first + r, n - 1) + 1) : end;
            float top = -INFINITY;
#pragma unroll
            for (uint j = 0; j < CSG_TK; j++) {
                if (from + (j / 4 * CSG_LANES + lane) * 4 + j % 4 >= seen)
                    p[i][j] = -INFINITY;
                top = fmax(top, p[i][j]);
            }
            part[r][lane] = top;
        }
#pragma unroll
        for (uint i = 0; i < CSG_COPIES; i++) {
            CSG_VALUE_PLACE(item + i * CSG_ITEMS)
            if (r < CSG_KEYS)
                value[r][c] = next_value[i];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (uint i = 0; i < CSG_TQ; i++) {
            uint r = (i / 4 * CSG_TEAMS + team) * 4 + i % 4;
            float top = most[i];
#pragma unroll
            for (uint l = 0; l < CSG_LANES; l++)
                top = fmax(top, part[r][l]);
            float down = exp2(most[i] - top);
            most[i] = top;
            sum[i] *= down;
#pragma unroll
            for (uint j = 0; j < CSG_TK; j++) {
                p[i][j] = exp2(p[i][j] - top);
                sum[i] += p[i][j];
            }
#pragma unroll
            for (uint t = 0; t < CSG_EACH; t++)
                out[i][t] *= down;
        }
#pragma unroll
        for (uint j = 0; j < CSG_TK; j++)
#pragma unroll
            for (uint i = 0; i < CSG_TQ / 4; i++)
                kp[((j / 4 * CSG_LANES + lane) * 4 + j % 4) * CSG_Q_ROW + i * CSG_TEAMS + team] =
                    (float4)(p[4 * i][j], p[4 * i + 1][j], p[4 * i + 2][j], p[4 * i + 3][j]);
        if (from + CSG_KEYS < end) {
            CSG_AHEAD(next_key, from + CSG_KEYS, k, CSG_KEY_PLACE)
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 2
        for (uint j = 0; j < CSG_KEYS; j++) {
            float a[CSG_TQ], b[CSG_EACH];
#pragma unroll
            for (uint i = 0; i < CSG_TQ / 4; i++) {
                float4 f = kp[j * CSG_Q_ROW + i * CSG_TEAMS + team];
                a[4 * i] = f.x, a[4 * i + 1] = f.y, a[4 * i + 2] = f.z, a[4 * i + 3] = f.w;
            }
#pragma unroll
            for (uint t = 0; t < CSG_EACH / 4; t++) {
                float4 f = value[j][t * CSG_LANES + lane];
                b[4 * t] = f.x, b[4 * t + 1] = f.y, b[4 * t + 2] = f.z, b[4 * t + 3] = f.w;
            }
#pragma unroll
            for (uint i = 0; i < CSG_TQ; i++)
#pragma unroll
                for (uint t = 0; t < CSG_EACH; t++)
                    out[i][t] = csg_fma(a[i], b[t], out[i][t]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (uint i = 0; i < CSG_TQ; i++)
        part[(i / 4 * CSG_TEAMS + team) * 4 + i % 4][lane] = sum[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    /* Through local memory, where the queries were, so that rows are stored as a whole. */
    __local float4 *rows = query;
#pragma unroll
    for (uint i = 0; i < CSG_TQ; i++) {
        uint r = (i / 4 * CSG_TEAMS + team) * 4 + i % 4;
        float all = 0.0f;
        for (uint l = 0; l < CSG_LANES; l++)
            all += part[r][l];
#pragma unroll
        for (uint t = 0; t < CSG_EACH / 4; t++)
            if (t * CSG_LANES + lane < CSG_QUADS)
                rows[r * CSG_QUADS + t * CSG_LANES + lane] =
                    (float4)(out[i][4 * t], out[i][4 * t + 1], out[i][4 * t + 2], out[i][4 * t + 3]) / all;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const ulong stride = surgery ? vv_stride : qk_stride, there = first >= n ? 0 : min(n - first, (ulong)CSG_QUERIES);
    __global float *to = (surgery ? vv + vv_at : qk + qk_at) + (begin + first) * stride + head * CSG_HEAD_DIM;
    for (uint e = item; e < there * CSG_HEAD_DIM; e += CSG_ITEMS) {
        uint r = e / CSG_HEAD_DIM, d = e % CSG_HEAD_DIM;
        to[r * stride + d] = ((__local const float *)rows)[r * 4 * CSG_QUADS + d];
    }
}
#endif
