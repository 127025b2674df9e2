/* out[i] = [out +] factor * sum_j weights[i, j] x_j. */
#if CSG_ITEM_ROWS
/* For CPU devices: a work-item makes CSG_COLUMNS columns of a row in vectors. Dimension 0 is the piece, dimension 1 the row. */
#define CSG_COLUMNS 128

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void weigh(__global const float *restrict weights, ulong weights_at,
                                                                   __global const float *restrict x, ulong x_at,
                                                                   __global float *restrict out, ulong out_at, ulong x_stride,
                                                                   ulong out_stride, ulong terms, ulong width, float factor,
                                                                   ulong add)
{
    ulong column = get_global_id(0) * CSG_COLUMNS, i = get_global_id(1);
    uint count = (uint)min(width - column, (ulong)CSG_COLUMNS), whole = count / CSG_WIDTH;
    float sums[CSG_COLUMNS];
    weights += weights_at + i * terms;
    x += x_at + column;
    out += out_at + i * out_stride + column;
    for (uint c = 0; c < CSG_COLUMNS; c++)
        sums[c] = 0.0f;
    for (ulong j = 0; j < terms; j++) {
        __global const float *row = x + j * x_stride;
        vecf share = (vecf)(weights[j]);
        for (uint c = 0; c < whole; c++)
            csg_store(csg_fma(share, csg_load(c, row), csg_load(c, sums)), c, sums);
        for (uint c = whole * CSG_WIDTH; c < count; c++)
            sums[c] = csg_fma(weights[j], row[c], sums[c]);
    }
    for (uint c = 0; c < count; c++)
        out[c] = add ? csg_fma(factor, sums[c], out[c]) : factor * sums[c];
}
#else
/* For GPUs: an element a work-item; those beside each other share the weight and read beside each other. */
__kernel void weigh(__global const float *restrict weights, ulong weights_at, __global const float *restrict x, ulong x_at,
                    __global float *restrict out, ulong out_at, ulong x_stride, ulong out_stride, ulong terms, ulong width,
                    float factor, ulong add)
{
    ulong c = get_global_id(0), i = get_global_id(1);
    if (c >= width)
        return;
    float sum = 0.0f;
    weights += weights_at + i * terms;
    x += x_at + c;
    out += out_at + i * out_stride + c;
    for (ulong j = 0; j < terms; j++)
        sum = csg_fma(weights[j], x[j * x_stride], sum);
    *out = add ? csg_fma(factor, sum, *out) : factor * sum;
}
#endif
