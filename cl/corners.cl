/* Bilinear resize of maps whose corners stay; dimension 1 is the row of the output, the maps below each other. */
float corner_place(ulong to, ulong n_in, ulong n_out, ulong *low, ulong *high)
{
    float at = n_out > 1 ? (float)to * ((float)(n_in - 1) / (float)(n_out - 1)) : 0.0f;
    *low = min((ulong)at, n_in - 1);
    *high = min(*low + 1, n_in - 1);
    return at - (float)*low;
}

__kernel void corners(__global const float *restrict in, ulong in_at, __global float *restrict out, ulong out_at, ulong in_w,
                      ulong in_h, ulong out_w, ulong out_h)
{
    ulong row = get_global_id(1), map = row / out_h, y0, y1, x0, x1;
    float py = corner_place(row - map * out_h, in_h, out_h, &y0, &y1);
    in += in_at + map * in_w * in_h;
    out += out_at + row * out_w;
    for (ulong x = CSG_FIRST; x < out_w; x += CSG_STEP) {
        float px = corner_place(x, in_w, out_w, &x0, &x1);
        float top = (1.0f - px) * in[y0 * in_w + x0] + px * in[y0 * in_w + x1];
        float bottom = (1.0f - px) * in[y1 * in_w + x0] + px * in[y1 * in_w + x1];
        out[x] = (1.0f - py) * top + py * bottom;
    }
}
