/* out[i, j] = ||x_i - x_j||^2; dimension 1 is i. */
__kernel void distance_rows(__global const float *restrict x, ulong x_at, __global float *restrict out, ulong out_at,
                            ulong x_stride, ulong rows, ulong width)
{
    ulong i = get_global_id(1);
    __global const float *a = x + x_at + i * x_stride;
    for (ulong j = CSG_FIRST; j < rows; j += CSG_STEP) {
        __global const float *b = x + x_at + j * x_stride;
        vecf squares = (vecf)(0.0f);
        float rest = 0.0f;
        for (ulong c = 0; c < width / CSG_WIDTH; c++) {
            vecf d = csg_load(c, a) - csg_load(c, b);
            squares = csg_fma(d, d, squares);
        }
        for (ulong c = width / CSG_WIDTH * CSG_WIDTH; c < width; c++)
            rest = csg_fma(a[c] - b[c], a[c] - b[c], rest);
        out[out_at + i * rows + j] = csg_lanes(squares) + rest;
    }
}
