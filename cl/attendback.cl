/* The pullback of attention at the query of token 0, in three kernels: every other one needs the weights of all tokens. */

/* weights[head, j] = softmax_j(scale q_0 k_j). A work-group owns a head. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void attendback_weights(__global const float *qkv, ulong qkv_at,
                                                                                        __global float *weights, ulong qkv_stride,
                                                                                        ulong tokens, ulong heads, ulong head_dim,
                                                                                        float scale)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong head = get_global_id(1);
    __global const float *q = qkv + qkv_at + head * head_dim, *k = q + heads * head_dim;
    float most = -INFINITY, sum = 0.0f;
    weights += head * tokens;
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        float score = 0.0f;
        for (ulong d = 0; d < head_dim; d++)
            score = csg_fma(scale * q[d], k[j * qkv_stride + d], score);
        weights[j] = score;
        most = fmax(most, score);
    }
    most = csg_group_max(most, tmp);
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        weights[j] = exp(weights[j] - most);
        sum += weights[j];
    }
    sum = csg_group_sum(sum, tmp);
    for (ulong j = item; j < tokens; j += CSG_GROUP)
        weights[j] /= sum;
}

/* relevance[j, t] = the mean over the heads of max(weight * dy v_j, 0) */
__kernel void attendback_relevance(__global const float *qkv, ulong qkv_at, __global const float *weights,
                                   __global const float *dy, ulong dy_at, __global float *relevance, ulong relevance_at,
                                   ulong qkv_stride, ulong dy_stride, ulong tokens, ulong n, ulong heads, ulong head_dim)
{
    ulong j = get_global_id(1);
    __global const float *v = qkv + qkv_at + j * qkv_stride + 2 * heads * head_dim;
    for (ulong t = CSG_FIRST; t < n; t += CSG_STEP) {
        __global const float *back = dy + dy_at + t * dy_stride;
        float sum = 0.0f;
        for (ulong head = 0; head < heads; head++) {
            float along = 0.0f;
            for (ulong d = head * head_dim; d < (head + 1) * head_dim; d++)
                along = csg_fma(back[d], v[d], along);
            sum += fmax(weights[head * tokens + j] * along, 0.0f);
        }
        relevance[relevance_at + j * n + t] = sum / (float)heads;
    }
}

/* pull[t] of one head: zeros for q; for k scale q_0 a_0 (sum_j a_j g_j - g_0) / patches; for v dy (1 - a_0) / patches. A work-group
 * owns a text and a head. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
attendback_pull(__global const float *qkv, ulong qkv_at, __global const float *weights, __global const float *dy, ulong dy_at,
                __global float *pull, ulong pull_at, ulong qkv_stride, ulong dy_stride, ulong pull_stride, ulong tokens,
                ulong heads, ulong head_dim, float scale)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong t = get_global_id(1) / heads, head = get_global_id(1) - t * heads, width = heads * head_dim;
    __global const float *q = qkv + qkv_at + head * head_dim, *v = q + 2 * width;
    float along = 0.0f, patches = 0.0f, first = 0.0f, n = (float)(tokens - 1);
    weights += head * tokens;
    dy += dy_at + t * dy_stride + head * head_dim;
    pull += pull_at + t * pull_stride + head * head_dim;
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        float g = 0.0f;
        for (ulong d = 0; d < head_dim; d++)
            g = csg_fma(dy[d], v[j * qkv_stride + d], g);
        along = csg_fma(weights[j], g, along);
        patches += j ? weights[j] : 0.0f;
        first += j ? 0.0f : g;
    }
    along = csg_group_sum(along, tmp);
    patches = csg_group_sum(patches, tmp);
    first = csg_group_sum(first, tmp);
    float scores = scale * weights[0] * (along - first) / n;
    for (ulong d = item; d < head_dim; d += CSG_GROUP) {
        pull[d] = 0.0f;
        pull[width + d] = scores * q[d];
        pull[2 * width + d] = patches / n * dy[d];
    }
}
