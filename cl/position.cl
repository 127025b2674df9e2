/* Position embedding at any grid: bilinear between the model's own places. A work-item makes one element. */
__kernel void position(__global const float *pos, ulong pos_at, __global const float *cls, ulong cls_at, __global float *out,
                       ulong out_at, ulong in_grid, ulong grid_w, ulong grid_h, ulong width)
{
    ulong c = get_global_id(0), row = get_global_id(1);
    if (c >= width || row > grid_w * grid_h)
        return;
    float value;
    pos += pos_at;
    if (row == 0) {
        value = pos[c] + cls[cls_at + c];
    } else {
        uint place = (uint)(row - 1), w = (uint)grid_w, x0, x1, y0, y1;
        float px, py;
        csg_between(place % w, (uint)in_grid, w, &x0, &x1, &px);
        csg_between(place / w, (uint)in_grid, (uint)grid_h, &y0, &y1, &py);
        pos += width + c;
        float top = (1.0f - px) * pos[(y0 * in_grid + x0) * width] + px * pos[(y0 * in_grid + x1) * width];
        float bottom = (1.0f - px) * pos[(y1 * in_grid + x0) * width] + px * pos[(y1 * in_grid + x1) * width];
        value = (1.0f - py) * top + py * bottom;
    }
    out[out_at + row * width + c] = value;
}
