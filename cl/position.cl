/* Position embedding at any grid: bilinear between the model's own places. Dimension 1 is the token, 0 being CLS. */
__kernel void position(__global const float *restrict pos, ulong pos_at, __global const float *restrict cls, ulong cls_at,
                       __global float *restrict out, ulong out_at, ulong in_grid, ulong grid_w, ulong grid_h, ulong width)
{
    ulong row = get_global_id(1);
    pos += pos_at;
    cls += cls_at;
    out += out_at + row * width;
    if (row == 0) {
        for (ulong c = CSG_FIRST; c < width; c += CSG_STEP)
            out[c] = pos[c] + cls[c];
        return;
    }
    uint w = (uint)grid_w, y = (uint)(row - 1) / w, x = (uint)(row - 1) - y * w, x0, x1, y0, y1;
    float px, py;
    csg_between(x, (uint)in_grid, w, &x0, &x1, &px);
    csg_between(y, (uint)in_grid, (uint)grid_h, &y0, &y1, &py);
    __global const float *a = pos + (1 + y0 * in_grid + x0) * width, *b = pos + (1 + y0 * in_grid + x1) * width;
    __global const float *c0 = pos + (1 + y1 * in_grid + x0) * width, *d = pos + (1 + y1 * in_grid + x1) * width;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP) {
        float top = (1.0f - px) * a[c] + px * b[c], bottom = (1.0f - px) * c0[c] + px * d[c];
        out[c] = (1.0f - py) * top + py * bottom;
    }
}
