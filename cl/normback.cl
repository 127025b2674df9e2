/* The pullback of layer normalisation. A work-group owns a row; each work-item writes only elements that it alone has read. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
normback(__global const float *x, ulong x_at, __global const float *weight, ulong weight_at, __global const float *dy,
         ulong dy_at, __global const float *add, ulong add_at, __global float *dx, ulong dx_at, ulong x_stride, ulong dy_stride,
         ulong add_stride, ulong dx_stride, ulong width, ulong has_add, float eps)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong row = get_global_id(1);
    float n = (float)width, sum = 0.0f, square = 0.0f, g_sum = 0.0f, along = 0.0f;
    x += x_at + row * x_stride;
    weight += weight_at;
    dy += dy_at + row * dy_stride;
    add += add_at + row * add_stride;
    dx += dx_at + row * dx_stride;
    for (ulong c = item; c < width; c += CSG_GROUP)
        sum += x[c];
    float mean = csg_group_sum(sum, tmp) / n;
    for (ulong c = item; c < width; c += CSG_GROUP)
        square = csg_fma(x[c] - mean, x[c] - mean, square);
    float root = sqrt(csg_group_sum(square, tmp) / n + eps);
    for (ulong c = item; c < width; c += CSG_GROUP) {
        float g = dy[c] * weight[c];
        g_sum += g;
        along = csg_fma(g, (x[c] - mean) / root, along);
    }
    float g_mean = csg_group_sum(g_sum, tmp) / n;
    along = csg_group_sum(along, tmp) / n;
    for (ulong c = item; c < width; c += CSG_GROUP) {
        float value = (dy[c] * weight[c] - g_mean - (x[c] - mean) / root * along) / root;
        dx[c] = has_add ? add[c] + value : value;
    }
}
