/* dx = (dy - (u dy) u) / |x|, u = x / |x|. A work-group owns a row; each work-item writes only elements that it alone has read. The
 * greatest magnitude is taken out of x, so that squares neither overflow nor vanish. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void unitback(__global const float *x, ulong x_at,
                                                                              __global const float *dy, ulong dy_at,
                                                                              __global float *dx, ulong dx_at, ulong x_stride,
                                                                              ulong dy_stride, ulong dx_stride, ulong width)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong row = get_global_id(1);
    x += x_at + row * x_stride;
    dy += dy_at + row * dy_stride;
    dx += dx_at + row * dx_stride;
    float most = 0.0f, square = 0.0f, along = 0.0f;
    for (ulong c = item; c < width; c += CSG_GROUP)
        most = fmax(most, fabs(x[c]));
    most = csg_group_max(most, tmp);
    for (ulong c = item; c < width; c += CSG_GROUP) {
        float part = x[c] / most;
        square = csg_fma(part, part, square);
        along = csg_fma(part, dy[c], along);
    }
    square = csg_group_sum(square, tmp);
    along = csg_group_sum(along, tmp) / square;
    float length = sqrt(square);
    for (ulong c = item; c < width; c += CSG_GROUP)
        dx[c] = (dy[c] - along * (x[c] / most)) / length / most;
}
