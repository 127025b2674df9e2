/* dx = dy * act'(x). act is enum csg_activation. */
float slope(float x, ulong act)
{
    if (act == 1) {
        float s = 1.0f / (1.0f + exp(-1.702f * x));
        return s * (1.0f + 1.702f * x * (1.0f / (1.0f + exp(1.702f * x))));
    }
    if (act == 2)
        return 0.5f * (1.0f + erf(x * 0.707106781186547524f)) + x * exp(-0.5f * x * x) * 0.398942280401432678f;
    if (act == 3)
        return x > 0.0f ? 1.0f : 0.0f;
    return 1.0f;
}

__kernel void actback(__global const float *x, ulong x_at, __global const float *dy, ulong dy_at, __global float *dx, ulong dx_at,
                      ulong x_stride, ulong dy_stride, ulong dx_stride, ulong width, ulong act)
{
    ulong row = get_global_id(1);
    x += x_at + row * x_stride;
    dy += dy_at + row * dy_stride;
    dx += dx_at + row * dx_stride;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP)
        dx[c] = dy[c] * slope(x[c], act);
}
