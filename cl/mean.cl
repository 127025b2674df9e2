/* Means of groups of rows. A work-item makes one element. */
__kernel void mean(__global const float *in, ulong in_at, __global const int *groups, ulong groups_at, __global float *out, ulong out_at,
                   ulong in_stride, ulong out_stride, ulong n_groups, ulong width)
{
    ulong c = get_global_id(0), group = get_global_id(1);
    if (c >= width || group >= n_groups)
        return;
    ulong begin = (ulong)groups[groups_at + group], end = (ulong)groups[groups_at + group + 1];
    float sum = 0.0f;
    for (ulong row = begin; row < end; row++)
        sum += in[in_at + row * in_stride + c];
    out[out_at + group * out_stride + c] = sum / (float)(end - begin);
}
