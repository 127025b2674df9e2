/* Rows divided by their length; a row of zeros stays zeros. The greatest magnitude is taken out first, so that squares neither
 * overflow nor vanish. Each work-item writes only elements that it alone has read, so y may be x.
 * CSG_ITEM_ROWS 1: a work-item per row; 0: a work-group of CSG_GROUP per row. */
#if CSG_ITEM_ROWS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
normalize_rows(__global const float *x, ulong x_at, __global float *y, ulong y_at, ulong x_stride, ulong y_stride, ulong width)
{
    ulong row = get_global_id(0), whole = width / CSG_WIDTH;
    x += x_at + row * x_stride;
    y += y_at + row * y_stride;
    vecf tops = (vecf)(0.0f), sums = (vecf)(0.0f);
    for (ulong i = 0; i < whole; i++)
        tops = fmax(tops, fabs(csg_load(i, x)));
    float lanes[CSG_WIDTH], most = 0.0f, sum = 0.0f;
    csg_store(tops, 0, lanes);
    for (ulong c = 0; c < CSG_WIDTH; c++)
        most = fmax(most, lanes[c]);
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        most = fmax(most, fabs(x[c]));
    /* All zeros, or no numbers: as they are. */
    if (!(most > 0.0f)) {
        for (ulong c = 0; c < width; c++)
            y[c] = x[c];
        return;
    }
    for (ulong i = 0; i < whole; i++) {
        vecf part = csg_load(i, x) / most;
        sums = csg_fma(part, part, sums);
    }
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        sum = csg_fma(x[c] / most, x[c] / most, sum);
    float length = sqrt(csg_lanes(sums) + sum);
    for (ulong i = 0; i < whole; i++)
        csg_store(csg_load(i, x) / most / length, i, y);
    for (ulong c = whole * CSG_WIDTH; c < width; c++)
        y[c] = x[c] / most / length;
}
#else
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
normalize_rows(__global const float *x, ulong x_at, __global float *y, ulong y_at, ulong x_stride, ulong y_stride, ulong width)
{
    __local float tmp[CSG_GROUP];
    ulong row = get_global_id(1);
    uint item = (uint)get_local_id(0);
    x += x_at + row * x_stride;
    y += y_at + row * y_stride;
    float most = 0.0f;
    for (ulong c = item; c < width; c += CSG_GROUP)
        most = fmax(most, fabs(x[c]));
    most = csg_group_max(most, tmp);
    float square = 0.0f;
    for (ulong c = item; c < width && most > 0.0f; c += CSG_GROUP) {
        float part = x[c] / most;
        square = csg_fma(part, part, square);
    }
    float length = sqrt(csg_group_sum(square, tmp));
    for (ulong c = item; c < width; c += CSG_GROUP)
        y[c] = most > 0.0f ? x[c] / most / length : x[c];
}
#endif
