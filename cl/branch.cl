/* out = softmax(scale q k^T) v of one query over the tokens of its path, the last of which is its own, with an online softmax. The
 * arguments are those of struct csg_branch_args.
 *   CSG_HEAD_DIM  channels of a head */

#if CSG_ITEM_ROWS
#define CSG_WHOLE (CSG_HEAD_DIM / CSG_WIDTH)
#define CSG_BLOCK 16 /* keys between two updates of the greatest score */

/* For CPU devices: a work-item owns a query with all its heads, for paths are short and a launch of a work-item is not free. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
branch(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict from, ulong from_at,
       __global const int *restrict path, ulong path_at, __global float *restrict out, ulong out_at, ulong qkv_stride,
       ulong out_stride, ulong heads, float scale)
{
    ulong i = get_global_id(1), width = heads * CSG_HEAD_DIM;
    int begin = from[from_at + i], seen = from[from_at + i + 1] - begin;
    path += path_at + begin;
    out += out_at + i * out_stride;
    qkv += qkv_at;
    __global const float *self = qkv + (ulong)path[seen - 1] * qkv_stride;
    for (ulong head = 0; head < width; head += CSG_HEAD_DIM) {
        float query[CSG_HEAD_DIM], sums[CSG_HEAD_DIM], most = -INFINITY, total = 0.0f;
        for (uint d = 0; d < CSG_HEAD_DIM; d++) {
            query[d] = self[head + d] * scale;
            sums[d] = 0.0f;
        }
        for (int at = 0; at < seen; at += CSG_BLOCK) {
            float p[CSG_BLOCK], top = most;
            int count = min(seen - at, CSG_BLOCK);
            for (int j = 0; j < count; j++) {
                __global const float *key = qkv + (ulong)path[at + j] * qkv_stride + width + head;
                vecf lanes = (vecf)(0.0f);
                float score = 0.0f;
                for (uint d = 0; d < CSG_WHOLE; d++)
                    lanes = csg_fma(csg_load(d, key), csg_load(d, query), lanes);
                for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                    score = csg_fma(key[d], query[d], score);
                p[j] = score + csg_lanes(lanes);
                top = fmax(top, p[j]);
            }
            float down = exp(most - top);
            most = top;
            total *= down;
            for (uint d = 0; d < CSG_HEAD_DIM; d++)
                sums[d] *= down;
            for (int j = 0; j < count; j++) {
                __global const float *value = qkv + (ulong)path[at + j] * qkv_stride + 2 * width + head;
                float share = exp(p[j] - top);
                total += share;
                for (uint d = 0; d < CSG_WHOLE; d++)
                    csg_store(csg_fma((vecf)(share), csg_load(d, value), csg_load(d, sums)), d, sums);
                for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                    sums[d] = csg_fma(share, value[d], sums[d]);
            }
        }
        for (uint d = 0; d < CSG_HEAD_DIM; d++)
            out[head + d] = sums[d] / total;
    }
}
#else
#define CSG_EACH ((CSG_HEAD_DIM + CSG_GROUP - 1) / CSG_GROUP)

/* For GPUs: a work-group owns a query of a head; a work-item makes the score of every CSG_GROUP-th token of the path and sums every
 * CSG_GROUP-th channel. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
branch(__global const float *restrict qkv, ulong qkv_at, __global const int *restrict from, ulong from_at,
       __global const int *restrict path, ulong path_at, __global float *restrict out, ulong out_at, ulong qkv_stride,
       ulong out_stride, ulong heads, float scale)
{
    __local float query[CSG_HEAD_DIM], p[CSG_GROUP], tmp[CSG_GROUP];
    ulong i = get_global_id(1), width = heads * CSG_HEAD_DIM, head = get_global_id(2) * CSG_HEAD_DIM;
    uint item = (uint)get_local_id(0);
    int begin = from[from_at + i], seen = from[from_at + i + 1] - begin;
    float sums[CSG_EACH], most = -INFINITY, total = 0.0f;
    path += path_at + begin;
    out += out_at + i * out_stride + head;
    qkv += qkv_at + head;
    __global const float *self = qkv + (ulong)path[seen - 1] * qkv_stride;
    for (uint d = item; d < CSG_HEAD_DIM; d += CSG_GROUP)
        query[d] = self[d] * scale;
    for (uint e = 0; e < CSG_EACH; e++)
        sums[e] = 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int at = 0; at < seen; at += CSG_GROUP) {
        int count = min(seen - at, (int)CSG_GROUP);
        float score = -INFINITY;
        if ((int)item < count) {
            __global const float *key = qkv + (ulong)path[at + (int)item] * qkv_stride + width;
            score = 0.0f;
            for (uint d = 0; d < CSG_HEAD_DIM; d++)
                score = csg_fma(key[d], query[d], score);
        }
        float top = fmax(most, csg_group_max(score, tmp)), down = exp(most - top);
        float share = (int)item < count ? exp(score - top) : 0.0f;
        most = top;
        p[item] = share;
        total = total * down + csg_group_sum(share, tmp); /* its barriers make p complete */
        for (uint e = 0; e < CSG_EACH; e++) {
            uint d = min(item + e * CSG_GROUP, (uint)(CSG_HEAD_DIM - 1));
            float sum = sums[e] * down;
            for (int n = 0; n < count; n++)
                sum = csg_fma(p[n], qkv[(ulong)path[at + n] * qkv_stride + 2 * width + d], sum);
            sums[e] = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint e = 0; e < CSG_EACH; e++) {
        uint d = item + e * CSG_GROUP;
        if (d < CSG_HEAD_DIM)
            out[d] = sums[e] / total;
    }
}
#endif
