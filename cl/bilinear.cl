/* Bilinear resize of maps. A work-item makes one element; dimension 2 is the map. */
__kernel void bilinear(__global const float *in, ulong in_at, __global float *out, ulong out_at, ulong n, ulong in_w, ulong in_h,
                       ulong out_w, ulong out_h)
{
    ulong x = get_global_id(0), y = get_global_id(1) % out_h, map = get_global_id(1) / out_h;
    if (x >= out_w || map >= n)
        return;
    uint x0, x1, y0, y1;
    float px, py;
    csg_between((uint)x, (uint)in_w, (uint)out_w, &x0, &x1, &px);
    csg_between((uint)y, (uint)in_h, (uint)out_h, &y0, &y1, &py);
    in += in_at + map * in_w * in_h;
    float top = (1.0f - px) * in[y0 * in_w + x0] + px * in[y0 * in_w + x1];
    float bottom = (1.0f - px) * in[y1 * in_w + x0] + px * in[y1 * in_w + x1];
    out[out_at + (map * out_h + y) * out_w + x] = (1.0f - py) * top + py * bottom;
}
