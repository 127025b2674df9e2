/* out = softmax(scale q k^T) v of one query over the tokens of its path, the last of which is its own, with an online softmax. The
 * arguments are those of struct csg_branch_args.
 *   CSG_HEAD_DIM  channels of a head */

#if CSG_ITEM_ROWS
#define CSG_WHOLE (CSG_HEAD_DIM / CSG_WIDTH)
#define CSG_BLOCK 16 /* keys between two updates of the greatest score, a multiple of every vector's width */

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
        vecf query[CSG_WHOLE + 1], sums[CSG_WHOLE + 1]; /* one more, for no array is empty */
        float rest[CSG_WIDTH], most = -INFINITY, total = 0.0f;
#pragma unroll
        for (uint d = 0; d < CSG_WHOLE; d++) {
            query[d] = csg_load(d, self + head) * scale;
            sums[d] = (vecf)(0.0f);
        }
        for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
            rest[d - CSG_WHOLE * CSG_WIDTH] = 0.0f;
        for (int at = 0; at < seen; at += CSG_BLOCK) {
            float p[CSG_BLOCK], top = most;
            int count = min(seen - at, CSG_BLOCK);
            for (int j = 0; j < count; j++) {
                __global const float *key = qkv + (ulong)path[at + j] * qkv_stride + width + head;
                vecf lanes = (vecf)(0.0f);
                float score = 0.0f;
#pragma unroll
                for (uint d = 0; d < CSG_WHOLE; d++)
                    lanes = csg_fma(csg_load(d, key), query[d], lanes);
                for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                    score = csg_fma(key[d], self[head + d] * scale, score);
                p[j] = score + csg_lanes(lanes);
                top = fmax(top, p[j]);
            }
            for (int j = count; j < CSG_BLOCK; j++)
                p[j] = -INFINITY;
            float added = 0.0f;
            for (uint v = 0; v < CSG_BLOCK / CSG_WIDTH; v++) {
                vecf share = csg_exp(csg_load(v, p) - top);
                csg_store(share, v, p);
                added += csg_lanes(share);
            }
            if (at) {
                float down = exp(most - top);
                total *= down;
#pragma unroll
                for (uint d = 0; d < CSG_WHOLE; d++)
                    sums[d] *= down;
                for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                    rest[d - CSG_WHOLE * CSG_WIDTH] *= down;
            }
            total += added;
            most = top;
            for (int j = 0; j < count; j++) {
                __global const float *value = qkv + (ulong)path[at + j] * qkv_stride + 2 * width + head;
#pragma unroll
                for (uint d = 0; d < CSG_WHOLE; d++)
                    sums[d] = csg_fma((vecf)(p[j]), csg_load(d, value), sums[d]);
                for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
                    rest[d - CSG_WHOLE * CSG_WIDTH] = csg_fma(p[j], value[d], rest[d - CSG_WHOLE * CSG_WIDTH]);
            }
        }
#pragma unroll
        for (uint d = 0; d < CSG_WHOLE; d++)
            csg_store(sums[d] / total, d, out + head);
        for (uint d = CSG_WHOLE * CSG_WIDTH; d < CSG_HEAD_DIM; d++)
            out[head + d] = rest[d - CSG_WHOLE * CSG_WIDTH] / total;
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
