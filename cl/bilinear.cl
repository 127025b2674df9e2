/* Bilinear resize of maps: the maps stand below each other. */
#if CSG_ITEM_ROWS
/* For CPU devices: a work-item owns those rows of the output that lie between the same two rows of the input, and CSG_COLUMNS of their
 * columns. Both rows are stretched along the columns once; what is left per pixel is a load of each and a store, in vectors.
 * Dimension 0 is the piece of the columns, dimension 1 the upper row of the input. */
#define CSG_COLUMNS 128

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void bilinear(__global const float *restrict in, ulong in_at,
                                                                      __global float *restrict out, ulong out_at, ulong in_w,
                                                                      ulong in_h, ulong out_w, ulong out_h)
{
    ulong column = get_global_id(0) * CSG_COLUMNS, map = get_global_id(1) / in_h;
    uint band = (uint)(get_global_id(1) - map * in_h), y0, y1, count = (uint)min(out_w - column, (ulong)CSG_COLUMNS);
    float top[CSG_COLUMNS], bottom[CSG_COLUMNS], py;
    /* The first row of the output, or one a little before. */
    float near = ((float)band + 0.5f) * ((float)out_h / (float)in_h) - 2.5f;
    ulong y = band && near > 0.0f ? (ulong)near : 0;
    do {
        if (y == out_h)
            return;
        csg_between((uint)y++, (uint)in_h, (uint)out_h, &y0, &y1, &py);
    } while (y0 < band);
    if (y0 > band)
        return;
    in += in_at + map * in_w * in_h;
    __global const float *above = in + y0 * in_w, *below = in + y1 * in_w;
    for (uint x = 0; x < count; x++) {
        uint x0, x1;
        float px;
        csg_between((uint)column + x, (uint)in_w, (uint)out_w, &x0, &x1, &px);
        top[x] = (1.0f - px) * above[x0] + px * above[x1];
        bottom[x] = (1.0f - px) * below[x0] + px * below[x1];
    }
    out += out_at + map * out_w * out_h + column;
    do {
        __global float *row = out + (y - 1) * out_w;
        for (uint v = 0; v < count / CSG_WIDTH; v++)
            csg_store((1.0f - py) * csg_load(v, top) + py * csg_load(v, bottom), v, row);
        for (uint x = count / CSG_WIDTH * CSG_WIDTH; x < count; x++)
            row[x] = (1.0f - py) * top[x] + py * bottom[x];
        if (y == out_h)
            return;
        csg_between((uint)y++, (uint)in_h, (uint)out_h, &y0, &y1, &py);
    } while (y0 == band);
}
#else
/* For GPUs: dimension 1 is the row of the output. */
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
    for (ulong x = get_global_id(0); x < out_w; x += get_global_size(0)) {
        uint x0, x1;
        float px;
        csg_between((uint)x, (uint)in_w, (uint)out_w, &x0, &x1, &px);
        float top = (1.0f - px) * above[x0] + px * above[x1], bottom = (1.0f - px) * below[x0] + px * below[x1];
        out[x] = (1.0f - py) * top + py * bottom;
    }
}
#endif
