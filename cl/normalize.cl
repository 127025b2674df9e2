/* Rows divided by their length; a row of zeros stays zeros. A work-group owns a row. Each work-item writes only the elements
 * that it alone has read, so y may be x. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void normalize_rows(__global const float *x, ulong x_at,
                                                                                    __global float *y, ulong y_at, ulong x_stride,
                                                                                    ulong y_stride, ulong width)
{
    __local float tmp[CSG_GROUP];
    ulong row = get_global_id(1);
    uint item = (uint)get_local_id(0);
    x += x_at + row * x_stride;
    y += y_at + row * y_stride;
    /* The greatest magnitude is taken out first, so that squares neither overflow nor vanish. */
    float most = 0.0f;
    for (ulong c = item; c < width; c += CSG_GROUP)
        most = fmax(most, fabs(x[c]));
    most = csg_group_max(most, tmp);
    float square = 0.0f;
    for (ulong c = item; c < width && most > 0.0f; c += CSG_GROUP) {
        float part = x[c] / most;
        square = csg_fma(part, part, square);
    }
    square = csg_group_sum(square, tmp);
    float length = sqrt(square);
    for (ulong c = item; c < width; c += CSG_GROUP)
        y[c] = most > 0.0f ? x[c] / most / length : x[c];
}
