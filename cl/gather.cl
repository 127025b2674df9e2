/* Chosen rows of a matrix. Dimension 1 is the row. */
__kernel void gather(__global const float *in, ulong in_at, __global const int *rows_at, ulong rows_at_at,
                     __global float *restrict out, ulong out_at, ulong in_stride, ulong out_stride, ulong width)
{
    ulong row = get_global_id(1);
    in += in_at + (ulong)rows_at[rows_at_at + row] * in_stride;
    out += out_at + row * out_stride;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP)
        out[c] = in[c];
}
