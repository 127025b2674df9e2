/* Patches of an 8-bit RGB picture as normalised rows in (channel, y, x) order; row 0 is zeros. Dimension 1 is the row.
 * Sides of a picture and columns of a patch fit 32 bits, whose division is several times faster; no quotient is asked for its
 * remainder, for Oclgrind cannot follow what compilers make of such pairs. */
__kernel void patches(__global const uchar *restrict in, ulong in_at, __global const float *restrict mask, ulong mask_at,
                      __global float *restrict out, ulong out_at, ulong has_mask, ulong out_stride, ulong w, ulong patch, float mean_r,
                      float mean_g, float mean_b, float std_r, float std_g, float std_b)
{
    ulong row = get_global_id(1);
    uint side = (uint)patch, area = side * side, grid_w = (uint)w / side, down = ((uint)row - 1) / grid_w;
    out += out_at + row * out_stride;
    if (row == 0) {
        for (ulong i = CSG_FIRST; i < 3 * area; i += CSG_STEP)
            out[i] = 0.0f;
        return;
    }
    ulong first = (ulong)(down * side) * w + ((uint)row - 1 - down * grid_w) * side;
    in += in_at + first * 3;
    mask += mask_at + (has_mask ? first : 0);
#if CSG_ITEM_ROWS
    /* The bytes first, then their arithmetic, which becomes vector instructions. */
    for (uint y = 0; y < side; y++)
        for (uint x = 0; x < side; x++)
            for (uint c = 0; c < 3; c++)
                out[c * area + y * side + x] = (float)in[((ulong)y * w + x) * 3 + c];
    for (uint c = 0; c < 3; c++) {
        float mean = c == 0 ? mean_r : c == 1 ? mean_g : mean_b, std = c == 0 ? std_r : c == 1 ? std_g : std_b;
        for (uint i = c * area; i < (c + 1) * area; i++)
            out[i] = (out[i] / 255.0f - mean) / std;
    }
    if (has_mask)
        for (uint c = 0; c < 3; c++)
            for (uint y = 0; y < side; y++)
                for (uint x = 0; x < side; x++)
                    out[c * area + y * side + x] *= mask[(ulong)y * w + x];
#else
    for (ulong i = CSG_FIRST; i < 3 * area; i += CSG_STEP) {
        uint line = (uint)i / side, x = (uint)i - line * side, c = line / side, y = line - c * side;
        float pixel = (float)in[((ulong)y * w + x) * 3 + c] / 255.0f;
        float value = (pixel - (c == 0 ? mean_r : c == 1 ? mean_g : mean_b)) / (c == 0 ? std_r : c == 1 ? std_g : std_b);
        out[i] = has_mask ? value * mask[(ulong)y * w + x] : value;
    }
#endif
}
