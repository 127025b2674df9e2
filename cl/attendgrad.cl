/* The gradient of attention in one head, in two kernels. In scratch stand, each [tokens, tokens], the weights a = softmax(scale q k^T)
 * and g = dy v^T, which the first turns into a (g - sum_j a g), the gradient of the scores. */

/* A work-group owns a query: its row of both matrices, and dq. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
attendgrad_rows(__global const float *qkv, ulong qkv_at, __global const float *dy, ulong dy_at, __global float *dqkv,
                ulong dqkv_at, __global float *scratch, ulong qkv_stride, ulong dy_stride, ulong dqkv_stride, ulong tokens,
                ulong heads, ulong head_dim, ulong head, float scale)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong i = get_global_id(1), width = heads * head_dim;
    __global const float *q = qkv + qkv_at + head * head_dim, *k = q + width, *v = k + width;
    __global float *p = scratch + i * tokens, *score = scratch + (tokens + i) * tokens;
    float most = -INFINITY, sum = 0.0f, along = 0.0f;
    q += i * qkv_stride;
    dy += dy_at + i * dy_stride + head * head_dim;
    dqkv += dqkv_at + i * dqkv_stride + head * head_dim;
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        float s = 0.0f, g = 0.0f;
        for (ulong d = 0; d < head_dim; d++) {
            s = csg_fma(scale * q[d], k[j * qkv_stride + d], s);
            g = csg_fma(dy[d], v[j * qkv_stride + d], g);
        }
        p[j] = s;
        score[j] = g;
        most = fmax(most, s);
    }
    most = csg_group_max(most, tmp);
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        p[j] = exp(p[j] - most);
        sum += p[j];
    }
    sum = csg_group_sum(sum, tmp);
    for (ulong j = item; j < tokens; j += CSG_GROUP) {
        p[j] /= sum;
        along = csg_fma(p[j], score[j], along);
    }
    along = csg_group_sum(along, tmp);
    for (ulong j = item; j < tokens; j += CSG_GROUP)
        score[j] = p[j] * (score[j] - along);
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (ulong d = item; d < head_dim; d += CSG_GROUP) {
        float total = 0.0f;
        for (ulong j = 0; j < tokens; j++)
            total = csg_fma(score[j], k[j * qkv_stride + d], total);
        dqkv[d] = scale * total;
    }
}

/* A work-group owns a key: its column of both matrices, dk and dv, and what flows to it. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
attendgrad_columns(__global const float *qkv, ulong qkv_at, __global const float *dy, ulong dy_at, __global float *dqkv,
                   ulong dqkv_at, __global const float *flow, ulong flow_at, __global float *out, ulong out_at,
                   __global const float *scratch, ulong qkv_stride, ulong dy_stride, ulong dqkv_stride, ulong tokens, ulong heads,
                   ulong head_dim, ulong head, float scale)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong j = get_global_id(1), width = heads * head_dim;
    __global const float *q = qkv + qkv_at + head * head_dim, *v = q + 2 * width + j * qkv_stride;
    __global const float *p = scratch + j, *score = scratch + tokens * tokens + j;
    float sum = 0.0f;
    dy += dy_at + head * head_dim;
    dqkv += dqkv_at + j * dqkv_stride + head * head_dim;
    flow += flow_at;
    for (ulong i = item; i < tokens; i += CSG_GROUP) {
        float g = 0.0f;
        for (ulong d = 0; d < head_dim; d++)
            g = csg_fma(dy[i * dy_stride + d], v[d], g);
        sum = csg_fma(flow[i], fmax(p[i * tokens] * g, 0.0f), sum);
    }
    sum = csg_group_sum(sum, tmp);
    for (ulong d = item; d < head_dim; d += CSG_GROUP) {
        float dk = 0.0f, dv = 0.0f;
        for (ulong i = 0; i < tokens; i++) {
            dk = csg_fma(score[i * tokens], q[i * qkv_stride + d], dk);
            dv = csg_fma(p[i * tokens], dy[i * dy_stride + d], dv);
        }
        dqkv[width + d] = scale * dk;
        dqkv[2 * width + d] = dv;
    }
    if (item == 0)
        out[out_at + j] = (head ? out[out_at + j] : flow[j]) + sum / (float)heads;
}
