/* Bilinear resize of maps. Dimension 1 is the row of the output, the maps below each other. */
__kernel void bilinear(__global const float *restrict in, ulong in_at, __global float *restrict out, ulong out_at, ulong in_w,
                       ulong in_h, ulong out_w, ulong out_h)
{
    ulong row = get_global_id(1), map = row / out_h;
    uint y0, y1;
    float py;
    csg_between((uint)(row - map * out_h), (uint)in_h, (uint)out_h, &y0, &y1, &py);
    in += in_at + map * in_w * in_h;
    __global const float *above = in + y0 * in_w, *below = in + y1 * in_w;
    out += out_at + row * out_w;
    for (ulong x = CSG_FIRST; x < out_w; x += CSG_STEP) {
        uint x0, x1;
        float px;
        csg_between((uint)x, (uint)in_w, (uint)out_w, &x0, &x1, &px);
        float top = (1.0f - px) * above[x0] + px * above[x1], bottom = (1.0f - px) * below[x0] + px * below[x1];
        out[x] = (1.0f - py) * top + py * bottom;
    }
}
