/* Patches of an 8-bit RGB picture as normalised rows in (channel, y, x) order; row 0 is zeros. A work-item makes one element. */
__kernel void patches(__global const uchar *in, ulong in_at, __global float *out, ulong out_at, ulong out_stride, ulong w, ulong h,
                      ulong patch, float mean_r, float mean_g, float mean_b, float std_r, float std_g, float std_b)
{
    /* Sides of a picture and columns of a patch fit 32 bits, whose division is several times faster. */
    uint column = (uint)get_global_id(0), row = (uint)get_global_id(1), side = (uint)patch, grid_w = (uint)w / side;
    uint area = side * side;
    if (column >= 3 * area || row > grid_w * ((uint)h / side))
        return;
    float value = 0.0f;
    if (row > 0) {
        uint c = column / area, y = (row - 1) / grid_w * side + column % area / side, x = (row - 1) % grid_w * side + column % side;
        float pixel = (float)in[in_at + ((ulong)y * w + x) * 3 + c] / 255.0f;
        value = (pixel - (c == 0 ? mean_r : c == 1 ? mean_g : mean_b)) / (c == 0 ? std_r : c == 1 ? std_g : std_b);
    }
    out[out_at + (ulong)row * out_stride + column] = value;
}
