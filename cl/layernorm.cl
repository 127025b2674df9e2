/* LayerNorm of rows in two passes, the mean and then the squares of the differences from it: one pass over sums of squares
 * would lose what is small beside the mean. Sums run in the lanes of a vector or the work-items of a group, which also keeps
 * rounding low. y may be x: what a work-item writes only it has read.
 * CSG_ITEM_ROWS 1: a work-item per row; 0: a work-group of CSG_GROUP per row. */
#if CSG_ITEM_ROWS
#include "result.clh"

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
layernorm(__global const float *x, ulong x_at, __global const float *weight, ulong weight_at, __global const float *bias,
          ulong bias_at, __global csg_result *y, ulong y_at, ulong x_stride, ulong y_stride, ulong width, float eps)
{
    ulong row = get_global_id(0), whole = width / CSG_WIDTH;
    x += x_at + row * x_stride;
    y += y_at + row * y_stride;
    weight += weight_at;
    bias += bias_at;
    vecf sums = (vecf)(0.0f);
    float sum = 0.0f;
    for (ulong i = 0; i < whole; i++)
        sums += csg_load(i, x);
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        sum += x[c];
    float mean = (csg_lanes(sums) + sum) / (float)width;
    sums = (vecf)(0.0f);
    sum = 0.0f;
    for (ulong i = 0; i < whole; i++) {
        vecf d = csg_load(i, x) - mean;
        sums = csg_fma(d, d, sums);
    }
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        sum = csg_fma(x[c] - mean, x[c] - mean, sum);
    float scale = 1.0f / sqrt((csg_lanes(sums) + sum) / (float)width + eps);
    for (ulong i = 0; i < whole; i++)
        csg_put_result(csg_fma((csg_load(i, x) - mean) * scale, csg_load(i, weight), csg_load(i, bias)), i, y);
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        y[c] = csg_result_of(csg_fma((x[c] - mean) * scale, weight[c], bias[c]));
}
#else
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
layernorm(__global const float *x, ulong x_at, __global const float *weight, ulong weight_at, __global const float *bias,
          ulong bias_at, __global float *y, ulong y_at, ulong x_stride, ulong y_stride, ulong width, float eps)
{
    __local float tmp[CSG_GROUP];
    ulong row = get_global_id(1);
    uint item = (uint)get_local_id(0);
    x += x_at + row * x_stride;
    y += y_at + row * y_stride;
    weight += weight_at;
    bias += bias_at;
    float sum = 0.0f;
    for (ulong c = item; c < width; c += CSG_GROUP)
        sum += x[c];
    float mean = csg_group_sum(sum, tmp) / (float)width;
    sum = 0.0f;
    for (ulong c = item; c < width; c += CSG_GROUP)
        sum = csg_fma(x[c] - mean, x[c] - mean, sum);
    float scale = 1.0f / sqrt(csg_group_sum(sum, tmp) / (float)width + eps);
    for (ulong c = item; c < width; c += CSG_GROUP)
        y[c] = csg_fma((x[c] - mean) * scale, weight[c], bias[c]);
}
#endif
