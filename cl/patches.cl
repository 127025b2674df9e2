/* Patches of an 8-bit RGB picture as normalised rows in (channel, y, x) order; row 0 is zeros. A work-item makes one element. */
__kernel void patches(__global const uchar *in, ulong in_at, __global float *out, ulong out_at, ulong out_stride, ulong w, ulong h,
                      ulong patch, float mean_r, float mean_g, float mean_b, float std_r, float std_g, float std_b)
{
    ulong column = get_global_id(0), row = get_global_id(1), grid_w = w / patch, area = patch * patch;
    if (column >= 3 * area || row > grid_w * (h / patch))
        return;
    float value = 0.0f;
    if (row > 0) {
        ulong c = column / area, y = (row - 1) / grid_w * patch + column % area / patch, x = (row - 1) % grid_w * patch + column % patch;
        float pixel = (float)in[in_at + (y * w + x) * 3 + c] / 255.0f;
        value = (pixel - (c == 0 ? mean_r : c == 1 ? mean_g : mean_b)) / (c == 0 ? std_r : c == 1 ? std_g : std_b);
    }
    out[out_at + row * out_stride + column] = value;
}
