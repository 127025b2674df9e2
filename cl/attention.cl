/* Both attention paths in one pass over the keys, with an online softmax: the greatest score and the sum of exponentials so far are
 * kept for each query, and what was added up before is scaled down when a greater score comes. No N x N matrix in memory.
 * paths: bit 0 q-k, bit 1 v-v. Arguments as struct csg_attention_args.
 *   CSG_HEAD_DIM  channels of a head */
#define CSG_QK 1
#define CSG_VV 2

#if CSG_ITEM_ROWS
/* For CPU devices: a work-item owns a block of CSG_QUERIES queries of one head and holds them transposed, a query in each lane, so
 * that keys and values are read as they lie and nothing is summed across lanes.
 *   CSG_QUERY_VECTORS  vectors of queries
 *   CSG_KEY_ROWS       keys (of the scores) or channels (of the values) in one register tile */
#define CSG_QUERIES (CSG_QUERY_VECTORS * CSG_WIDTH)
#define CSG_KEYS 64 /* between two updates of the greatest score; a multiple of CSG_KEY_ROWS */
#define CSG_CHANNELS ((CSG_HEAD_DIM + CSG_KEY_ROWS - 1) / CSG_KEY_ROWS * CSG_KEY_ROWS)

/* What one path knows of its queries. */
typedef struct {
    vecf query[CSG_HEAD_DIM][CSG_QUERY_VECTORS]; /* scaled */
    vecf out[CSG_CHANNELS][CSG_QUERY_VECTORS];
    vecf most[CSG_QUERY_VECTORS], sum[CSG_QUERY_VECTORS];
} path_state;

void begin_path(path_state *state, __global const float *q, ulong stride, ulong first, ulong n, float scale)
{
    float *lanes = (float *)state->query;
    ulong whole = CSG_HEAD_DIM / 4 * 4;
    for (ulong lane = 0; lane < CSG_QUERIES; lane += 4) {
        /* Queries past the end are the last one again; their results are not stored. */
        __global const float *a = q + min(first + lane, n - 1) * stride, *b = q + min(first + lane + 1, n - 1) * stride;
        __global const float *c = q + min(first + lane + 2, n - 1) * stride, *e = q + min(first + lane + 3, n - 1) * stride;
        float *to = lanes + lane;
        for (ulong d = 0; d < whole; d += 4) {
            float4 s = vload4(0, a + d) * scale, t = vload4(0, b + d) * scale, u = vload4(0, c + d) * scale,
                   v = vload4(0, e + d) * scale;
            vstore4((float4)(s.x, t.x, u.x, v.x), 0, to + d * CSG_QUERIES);
            vstore4((float4)(s.y, t.y, u.y, v.y), 0, to + (d + 1) * CSG_QUERIES);
            vstore4((float4)(s.z, t.z, u.z, v.z), 0, to + (d + 2) * CSG_QUERIES);
            vstore4((float4)(s.w, t.w, u.w, v.w), 0, to + (d + 3) * CSG_QUERIES);
        }
        for (ulong d = whole; d < CSG_HEAD_DIM; d++)
            vstore4((float4)(a[d], b[d], c[d], e[d]) * scale, 0, to + d * CSG_QUERIES);
    }
    for (ulong d = 0; d < CSG_CHANNELS; d++)
        for (int j = 0; j < CSG_QUERY_VECTORS; j++)
            state->out[d][j] = (vecf)(0.0f);
    for (int j = 0; j < CSG_QUERY_VECTORS; j++) {
        state->most[j] = (vecf)(-INFINITY);
        state->sum[j] = (vecf)(0.0f);
    }
}

#define CSG_SCORES(key)                                                                                                          \
    for (ulong d = 0; d < CSG_HEAD_DIM; d++) {                                                                                   \
        _Pragma("unroll") for (int i = 0; i < CSG_KEY_ROWS; i++)                                                                 \
        {                                                                                                                        \
            vecf a = (vecf)(key[i][d]);                                                                                          \
            _Pragma("unroll") for (int j = 0; j < CSG_QUERY_VECTORS; j++) sums[i][j] =                                           \
                csg_fma(a, state->query[d][j], sums[i][j]);                                                                      \
        }                                                                                                                        \
    }

/* Goes through `count` keys from key `from` on: those of `keys`, or, if it is NULL, the values themselves. values: the same rows
 * of v, one after the other. */
void add_keys(path_state *state, __global const float *keys, ulong stride, const float *values, ulong first, ulong from,
              ulong count, ulong n, ulong causal)
{
    vecf p[CSG_KEYS][CSG_QUERY_VECTORS], top[CSG_QUERY_VECTORS], down[CSG_QUERY_VECTORS];
    for (int j = 0; j < CSG_QUERY_VECTORS; j++)
        top[j] = state->most[j];
    for (ulong t = 0; t < count; t += CSG_KEY_ROWS) {
        vecf sums[CSG_KEY_ROWS][CSG_QUERY_VECTORS];
#pragma unroll
        for (int i = 0; i < CSG_KEY_ROWS; i++)
#pragma unroll
            for (int j = 0; j < CSG_QUERY_VECTORS; j++)
                sums[i][j] = (vecf)(0.0f);
        /* Rows past `count` are the last one again; their scores are not used. */
        if (keys) {
            __global const float *key[CSG_KEY_ROWS];
#pragma unroll
            for (int i = 0; i < CSG_KEY_ROWS; i++)
                key[i] = keys + (from + min(t + i, count - 1)) * stride;
            CSG_SCORES(key)
        } else {
            const float *key[CSG_KEY_ROWS];
#pragma unroll
            for (int i = 0; i < CSG_KEY_ROWS; i++)
                key[i] = values + min(t + i, count - 1) * CSG_HEAD_DIM;
            CSG_SCORES(key)
        }
        if (causal && from + t + CSG_KEY_ROWS > first + 1) {
#pragma unroll
            for (int i = 0; i < CSG_KEY_ROWS; i++)
#pragma unroll
                for (int j = 0; j < CSG_QUERY_VECTORS; j++) {
                    /* The last query that stands in for those past the end sees no more than itself either. */
                    veci query = min(CSG_LANE_NUMBERS + (int)(first + j * CSG_WIDTH), (veci)((int)(n - 1)));
                    sums[i][j] = select(sums[i][j], (vecf)(-INFINITY), (veci)((int)(from + t + i)) > query);
                }
        }
#pragma unroll
        for (int i = 0; i < CSG_KEY_ROWS; i++)
#pragma unroll
            for (int j = 0; j < CSG_QUERY_VECTORS; j++) {
                p[t + i][j] = sums[i][j];
                if (t + i < count)
                    top[j] = fmax(top[j], sums[i][j]);
            }
    }
    for (int j = 0; j < CSG_QUERY_VECTORS; j++) {
        down[j] = csg_exp(state->most[j] - top[j]);
        state->most[j] = top[j];
        vecf sum = state->sum[j] * down[j];
        for (ulong i = 0; i < count; i++) {
            p[i][j] = csg_exp(p[i][j] - top[j]);
            sum += p[i][j];
        }
        state->sum[j] = sum;
    }
    for (ulong d = 0; d < CSG_CHANNELS; d += CSG_KEY_ROWS) {
        vecf sums[CSG_KEY_ROWS][CSG_QUERY_VECTORS];
        ulong at[CSG_KEY_ROWS];
#pragma unroll
        for (int i = 0; i < CSG_KEY_ROWS; i++) {
            at[i] = CSG_HEAD_DIM % CSG_KEY_ROWS ? min(d + i, (ulong)CSG_HEAD_DIM - 1) : d + i;
#pragma unroll
            for (int j = 0; j < CSG_QUERY_VECTORS; j++)
                sums[i][j] = state->out[d + i][j] * down[j];
        }
        const float *value = values;
        for (ulong k = 0; k < count; k++, value += CSG_HEAD_DIM) {
#pragma unroll
            for (int i = 0; i < CSG_KEY_ROWS; i++) {
                vecf a = (vecf)(value[at[i]]);
#pragma unroll
                for (int j = 0; j < CSG_QUERY_VECTORS; j++)
                    sums[i][j] = csg_fma(a, p[k][j], sums[i][j]);
            }
        }
#pragma unroll
        for (int i = 0; i < CSG_KEY_ROWS; i++)
#pragma unroll
            for (int j = 0; j < CSG_QUERY_VECTORS; j++)
                state->out[d + i][j] = sums[i][j];
    }
}

void end_path(path_state *state, __global float *out, ulong stride, ulong first, ulong n)
{
    for (ulong d = 0; d < CSG_HEAD_DIM; d++)
        for (int j = 0; j < CSG_QUERY_VECTORS; j++)
            state->out[d][j] /= state->sum[j];
    const float *lanes = (const float *)state->out;
    ulong whole = CSG_HEAD_DIM / 4 * 4;
    for (ulong lane = 0; lane < CSG_QUERIES && first + lane < n; lane += 4) {
        const float *from = lanes + lane;
        ulong rows = min(n - first - lane, (ulong)4);
        __global float *to = out + (first + lane) * stride;
        for (ulong d = 0; d < whole; d += 4) {
            float4 a = vload4(0, from + d * CSG_QUERIES), b = vload4(0, from + (d + 1) * CSG_QUERIES);
            float4 c = vload4(0, from + (d + 2) * CSG_QUERIES), e = vload4(0, from + (d + 3) * CSG_QUERIES);
            vstore4((float4)(a.x, b.x, c.x, e.x), 0, to + d);
            if (rows > 1)
                vstore4((float4)(a.y, b.y, c.y, e.y), 0, to + stride + d);
            if (rows > 2)
                vstore4((float4)(a.z, b.z, c.z, e.z), 0, to + 2 * stride + d);
            if (rows > 3)
                vstore4((float4)(a.w, b.w, c.w, e.w), 0, to + 3 * stride + d);
        }
        for (ulong d = whole; d < CSG_HEAD_DIM; d++)
            for (ulong i = 0; i < rows; i++)
                to[i * stride + d] = from[d * CSG_QUERIES + i];
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict seq, ulong seq_at,
          __global float *restrict qk, ulong qk_at, __global float *restrict vv, ulong vv_at, ulong qkv_stride, ulong qk_stride,
          ulong vv_stride, ulong heads, float scale, ulong causal, ulong paths)
{
    ulong first = get_global_id(0) * CSG_QUERIES, head = get_global_id(1), sequence = get_global_id(2);
    ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin, width = heads * CSG_HEAD_DIM;
    if (first >= n)
        return;
    __global const float *q = qkv + qkv_at + begin * qkv_stride + head * CSG_HEAD_DIM, *k = q + width, *v = k + width;
    path_state original, surgery;
    float values[CSG_KEYS * CSG_HEAD_DIM] __attribute__((aligned(64)));
    if (paths & CSG_QK)
        begin_path(&original, q, qkv_stride, first, n, scale);
    if (paths & CSG_VV)
        begin_path(&surgery, v, qkv_stride, first, n, scale);
    ulong end = causal ? min(n, first + CSG_QUERIES) : n;
    for (ulong from = 0; from < end; from += CSG_KEYS) {
        ulong count = min(end - from, (ulong)CSG_KEYS);
        /* Both paths go through the values several times: from one piece, for rows of qkv lie a multiple of many cache lines
         * apart and push each other out. */
        for (ulong i = 0; i < count; i++)
            for (ulong d = 0; d < CSG_HEAD_DIM; d++)
                values[i * CSG_HEAD_DIM + d] = v[(from + i) * qkv_stride + d];
        if (paths & CSG_QK)
            add_keys(&original, k, qkv_stride, values, first, from, count, n, causal);
        if (paths & CSG_VV)
            add_keys(&surgery, NULL, 0, values, first, from, count, n, causal);
    }
    if (paths & CSG_QK)
        end_path(&original, qk + qk_at + begin * qk_stride + head * CSG_HEAD_DIM, qk_stride, first, n);
    if (paths & CSG_VV)
        end_path(&surgery, vv + vv_at + begin * vv_stride + head * CSG_HEAD_DIM, vv_stride, first, n);
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
