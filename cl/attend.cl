/* out = [out +] weight * softmax(scale q k^T + bias) v of one query and head, with an online softmax: no row of scores in memory.
 * The arguments are those of struct csg_attend_args.
 *   CSG_HEAD_DIM  channels of a head */

/* exp(-d^2 / (2 std^2)) of two patches; nothing from or to token 0. fall is -1 / (2 std^2). */
float patch_bias(ulong i, ulong j, ulong grid_w, float fall)
{
    if (i == 0 || j == 0)
        return 0.0f;
    int dx = (int)((i - 1) % grid_w) - (int)((j - 1) % grid_w), dy = (int)((i - 1) / grid_w) - (int)((j - 1) / grid_w);
    return exp((float)(dx * dx + dy * dy) * fall);
}

/* What is given between two patches. */
float given_bias(ulong i, ulong j, ulong tokens, __global const float *near, float near_weight)
{
    return i == 0 || j == 0 ? 0.0f : near_weight * near[(i - 1) * (tokens - 1) + j - 1];
}

#if CSG_ITEM_ROWS
#define CSG_WHOLE (CSG_HEAD_DIM / CSG_WIDTH)
#define CSG_BLOCK 16 /* keys between two updates of the greatest score */

/* For CPU devices: a work-item owns a query of a head. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attend(__global const float *q, ulong q_at, __global const float *k, ulong k_at, __global const float *v, ulong v_at,
       __global const float *by, ulong by_at, __global const float *near, ulong near_at, __global float *out, ulong out_at,
       ulong q_stride, ulong k_stride, ulong v_stride, ulong out_stride, ulong tokens, float scale, ulong has_by, ulong has_near,
       float near_weight, float weight, ulong add, float gauss_std, ulong grid_w)
{
    ulong i = get_global_id(1), head = get_global_id(2) * CSG_HEAD_DIM;
    float fall = gauss_std > 0.0f ? -0.5f / (gauss_std * gauss_std) : 0.0f;
    float query[CSG_HEAD_DIM], sums[CSG_HEAD_DIM], most = -INFINITY, total = 0.0f;
    q += q_at + i * q_stride + head;
    k += k_at + head;
    v += v_at + head;
    out += out_at + i * out_stride + head;
    if (has_by)
        scale *= by[by_at];
    for (uint d = 0; d < CSG_HEAD_DIM; d++) {
        query[d] = q[d] * scale;
        sums[d] = 0.0f;
    }
    for (ulong from = 0; from < tokens; from += CSG_BLOCK) {
        float p[CSG_BLOCK], top = most;
        ulong count = min(tokens - from, (ulong)CSG_BLOCK);
        for (ulong j = 0; j < count; j++) {
            __global const float *key = k + (from + j) * k_stride;
            vecf lanes = (vecf)(0.0f);
            float score = 0.0f;
            for (uint d = 0; d < CSG_WHOLE; d++)
                lanes = csg_fma(csg_load(d, key), csg_load(d, query), lanes);
            for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                score = csg_fma(key[d], query[d], score);
            score += csg_lanes(lanes);
            p[j] = gauss_std > 0.0f ? score + patch_bias(i, from + j, grid_w, fall) : score;
            if (has_near)
                p[j] += given_bias(i, from + j, tokens, near + near_at, near_weight);
            top = fmax(top, p[j]);
        }
        float down = exp(most - top);
        most = top;
        total *= down;
        for (uint d = 0; d < CSG_HEAD_DIM; d++)
            sums[d] *= down;
        for (ulong j = 0; j < count; j++) {
            __global const float *value = v + (from + j) * v_stride;
            float share = exp(p[j] - top);
            total += share;
            for (uint d = 0; d < CSG_WHOLE; d++)
                csg_store(csg_fma((vecf)(share), csg_load(d, value), csg_load(d, sums)), d, sums);
            for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                sums[d] = csg_fma(share, value[d], sums[d]);
        }
    }
    for (uint d = 0; d < CSG_HEAD_DIM; d++)
        out[d] = add ? csg_fma(weight, sums[d] / total, out[d]) : weight * (sums[d] / total);
}
#else
#define CSG_EACH ((CSG_HEAD_DIM + CSG_GROUP - 1) / CSG_GROUP)

/* For GPUs: a work-group owns a query of a head; a work-item makes the score of every CSG_GROUP-th key and sums every
 * CSG_GROUP-th channel. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
attend(__global const float *q, ulong q_at, __global const float *k, ulong k_at, __global const float *v, ulong v_at,
       __global const float *by, ulong by_at, __global const float *near, ulong near_at, __global float *out, ulong out_at,
       ulong q_stride, ulong k_stride, ulong v_stride, ulong out_stride, ulong tokens, float scale, ulong has_by, ulong has_near,
       float near_weight, float weight, ulong add, float gauss_std, ulong grid_w)
{
    __local float query[CSG_HEAD_DIM], p[CSG_GROUP], tmp[CSG_GROUP];
    ulong i = get_global_id(1), head = get_global_id(2) * CSG_HEAD_DIM;
    uint item = (uint)get_local_id(0);
    float fall = gauss_std > 0.0f ? -0.5f / (gauss_std * gauss_std) : 0.0f;
    float sums[CSG_EACH], most = -INFINITY, total = 0.0f;
    q += q_at + i * q_stride + head;
    k += k_at + head;
    v += v_at + head;
    out += out_at + i * out_stride + head;
    if (has_by)
        scale *= by[by_at];
    for (uint d = item; d < CSG_HEAD_DIM; d += CSG_GROUP)
        query[d] = q[d] * scale;
    for (uint e = 0; e < CSG_EACH; e++)
        sums[e] = 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (ulong from = 0; from < tokens; from += CSG_GROUP) {
        ulong j = from + item, count = min(tokens - from, (ulong)CSG_GROUP);
        float score = -INFINITY;
        if (j < tokens) {
            __global const float *key = k + j * k_stride;
            score = gauss_std > 0.0f ? patch_bias(i, j, grid_w, fall) : 0.0f;
            if (has_near)
                score += given_bias(i, j, tokens, near + near_at, near_weight);
            for (uint d = 0; d < CSG_HEAD_DIM; d++)
                score = csg_fma(key[d], query[d], score);
        }
        float top = fmax(most, csg_group_max(score, tmp)), down = exp(most - top);
        float share = j < tokens ? exp(score - top) : 0.0f;
        most = top;
        p[item] = share;
        total = total * down + csg_group_sum(share, tmp); /* its barriers make p complete */
        for (uint e = 0; e < CSG_EACH; e++) {
            uint d = min(item + e * CSG_GROUP, (uint)(CSG_HEAD_DIM - 1));
            float sum = sums[e] * down;
            for (ulong n = 0; n < count; n++)
                sum = csg_fma(p[n], v[(from + n) * v_stride + d], sum);
            sums[e] = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint e = 0; e < CSG_EACH; e++) {
        uint d = item + e * CSG_GROUP;
        if (d < CSG_HEAD_DIM)
            out[d] = add ? csg_fma(weight, sums[e] / total, out[d]) : weight * (sums[e] / total);
    }
}
#endif
