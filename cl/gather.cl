/* Chosen rows of a matrix. A work-item copies one element. */
__kernel void gather(__global const float *in, ulong in_at, __global const int *rows_at, ulong rows_at_at, __global float *out,
                     ulong out_at, ulong in_stride, ulong out_stride, ulong rows, ulong width)
{
    ulong c = get_global_id(0), row = get_global_id(1);
    if (c >= width || row >= rows)
        return;
    out[out_at + row * out_stride + c] = in[in_at + (ulong)rows_at[rows_at_at + row] * in_stride + c];
}
