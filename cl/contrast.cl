/* Weights of the neighbours for pixel-adaptive refinement; dimension 1 is the row of the picture. Sums of bytes and of their squares are
 * whole numbers, so that the variance has no cancellation. */
ulong neighbour(uint n, long x, long y, long w, long h, long near, long far)
{
    uint place = n % 8;
    long d = n < 8 ? near : far, at = place + (place > 3);
    return (ulong)(clamp(y + (at / 3 - 1) * d, 0l, h - 1) * w + clamp(x + (at % 3 - 1) * d, 0l, w - 1));
}

__kernel void contrast(__global const uchar *restrict in, ulong in_at, __global float *restrict out, ulong out_at, ulong w,
                       ulong h, ulong near, ulong far)
{
    ulong y = get_global_id(1);
    in += in_at;
    out += out_at;
    for (ulong x = CSG_FIRST; x < w; x += CSG_STEP) {
        ulong at = y * w + x;
        float p[16], most = -INFINITY, sum = 0.0f;
        for (uint n = 0; n < 16; n++)
            p[n] = 0.0f;
        for (uint c = 0; c < 3; c++) {
            int middle = in[at * 3 + c], total = 2 * middle, squares = 2 * middle * middle;
            for (uint n = 0; n < 16; n++) {
                int value = in[neighbour(n, (long)x, (long)y, (long)w, (long)h, (long)near, (long)far) * 3 + c];
                total += value;
                squares += value * value;
            }
            float deviation = sqrt((float)(18 * squares - total * total) / (18.0f * 17.0f));
            for (uint n = 0; n < 16; n++) {
                int value = in[neighbour(n, (long)x, (long)y, (long)w, (long)h, (long)near, (long)far) * 3 + c];
                p[n] -= (float)abs(value - middle) / (255e-8f + 0.1f * deviation);
            }
        }
        for (uint n = 0; n < 16; n++) {
            p[n] /= 3.0f;
            most = fmax(most, p[n]);
        }
        for (uint n = 0; n < 16; n++) {
            p[n] = exp(p[n] - most);
            sum += p[n];
        }
        for (uint n = 0; n < 16; n++)
            out[n * w * h + at] = p[n] / sum;
    }
}
