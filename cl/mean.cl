/* Means of groups of rows. Dimension 1 is the group. */
__kernel void mean(__global const float *in, ulong in_at, __global const int *groups, ulong groups_at,
                   __global float *restrict out, ulong out_at, ulong in_stride, ulong out_stride, ulong width)
{
    ulong group = get_global_id(1), begin = (ulong)groups[groups_at + group], end = (ulong)groups[groups_at + group + 1];
    in += in_at + begin * in_stride;
    out += out_at + group * out_stride;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP) {
        float sum = 0.0f;
        for (ulong row = 0; row < end - begin; row++)
            sum += in[row * in_stride + c];
        out[c] = sum / (float)(end - begin);
    }
}
