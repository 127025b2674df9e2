/* Dot products of all rows of two matrices.
 * CSG_ITEM_ROWS 1: a work-item makes a block of CSG_SIM_ROWS x CSG_SIM_TEXTS products with vectors along the width.
 * CSG_ITEM_ROWS 0: a work-group of CSG_SIM_SIDE^2 makes a square of products from tiles in local memory. */
#define CSG_SIM_ROWS 4
#define CSG_SIM_TEXTS 4
#define CSG_SIM_SIDE 8

#if CSG_ITEM_ROWS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
similarity(__global const float *tokens, ulong tokens_at, __global const float *texts, ulong texts_at, __global float *out,
           ulong out_at, ulong tokens_stride, ulong texts_stride, ulong rows, ulong n_texts, ulong width)
{
    ulong row = get_global_id(1) * CSG_SIM_ROWS, text = get_global_id(0) * CSG_SIM_TEXTS, whole = width / CSG_WIDTH;
    __global const float *a[CSG_SIM_ROWS], *b[CSG_SIM_TEXTS];
    vecf sums[CSG_SIM_ROWS][CSG_SIM_TEXTS];
    /* Rows past the end are the last one again; their products are not stored. */
#pragma unroll
    for (int i = 0; i < CSG_SIM_ROWS; i++)
        a[i] = tokens + tokens_at + min(row + i, rows - 1) * tokens_stride;
#pragma unroll
    for (int j = 0; j < CSG_SIM_TEXTS; j++)
        b[j] = texts + texts_at + min(text + j, n_texts - 1) * texts_stride;
#pragma unroll
    for (int i = 0; i < CSG_SIM_ROWS; i++)
#pragma unroll
        for (int j = 0; j < CSG_SIM_TEXTS; j++)
            sums[i][j] = (vecf)(0.0f);
    for (ulong k = 0; k < whole; k++) {
        vecf t[CSG_SIM_TEXTS];
#pragma unroll
        for (int j = 0; j < CSG_SIM_TEXTS; j++)
            t[j] = csg_load(k, b[j]);
#pragma unroll
        for (int i = 0; i < CSG_SIM_ROWS; i++) {
            vecf x = csg_load(k, a[i]);
#pragma unroll
            for (int j = 0; j < CSG_SIM_TEXTS; j++)
                sums[i][j] = csg_fma(x, t[j], sums[i][j]);
        }
    }
#pragma unroll
    for (int i = 0; i < CSG_SIM_ROWS; i++)
#pragma unroll
        for (int j = 0; j < CSG_SIM_TEXTS; j++) {
            float sum = 0.0f;
            for (ulong k = whole * CSG_WIDTH; k < width; k++)
                sum = csg_fma(a[i][k], b[j][k], sum);
            sum += csg_lanes(sums[i][j]);
            if (row + i < rows && text + j < n_texts)
                out[out_at + (row + i) * n_texts + text + j] = sum;
        }
}
#else
__kernel __attribute__((reqd_work_group_size(CSG_SIM_SIDE, CSG_SIM_SIDE, 1))) void
similarity(__global const float *tokens, ulong tokens_at, __global const float *texts, ulong texts_at, __global float *out,
           ulong out_at, ulong tokens_stride, ulong texts_stride, ulong rows, ulong n_texts, ulong width)
{
    __local float a[CSG_SIM_SIDE][CSG_SIM_SIDE + 1], b[CSG_SIM_SIDE][CSG_SIM_SIDE + 1];
    uint x = (uint)get_local_id(0), y = (uint)get_local_id(1);
    ulong row = get_group_id(1) * CSG_SIM_SIDE, text = get_group_id(0) * CSG_SIM_SIDE;
    ulong a_row = min(row + y, rows - 1), b_row = min(text + y, n_texts - 1);
    float sum = 0.0f;
    for (ulong k = 0; k < width; k += CSG_SIM_SIDE) {
        a[y][x] = k + x < width ? tokens[tokens_at + a_row * tokens_stride + k + x] : 0.0f;
        b[y][x] = k + x < width ? texts[texts_at + b_row * texts_stride + k + x] : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = 0; i < CSG_SIM_SIDE; i++)
            sum = csg_fma(a[y][i], b[x][i], sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row + y < rows && text + x < n_texts)
        out[out_at + (row + y) * n_texts + text + x] = sum;
}
#endif
