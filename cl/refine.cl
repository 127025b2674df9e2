/* The place d before, or the first one. As signed numbers, since Oclgrind does not know what compilers make of the unsigned ones. */
ulong csg_before(ulong place, ulong d)
{
    return (ulong)max((long)place - (long)d, 0L);
}

/* A step of pixel-adaptive refinement; dimension 1 is the row of the maps, which stand below each other. */
__kernel void refine(__global const float *restrict in, ulong in_at, __global const float *restrict weights, ulong weights_at,
                     __global float *restrict out, ulong out_at, ulong w, ulong h, ulong near, ulong far)
{
    ulong row = get_global_id(1), y = row % h, cells = w * h;
    ulong rows[6]; /* above, here, below at both distances */
    weights += weights_at + y * w;
    in += in_at + row / h * cells;
    out += out_at + row * w;
    for (uint k = 0; k < 2; k++) {
        ulong d = k ? far : near;
        rows[3 * k] = csg_before(y, d) * w;
        rows[3 * k + 1] = y * w;
        rows[3 * k + 2] = min(y + d, h - 1) * w;
    }
    for (ulong x = CSG_FIRST; x < w; x += CSG_STEP) {
        float sum = 0.0f;
        for (uint n = 0; n < 16; n++) {
            uint place = n % 8 + (n % 8 > 3), step = place % 3;
            ulong d = n < 8 ? near : far, column = step == 0 ? csg_before(x, d) : step == 1 ? x : min(x + d, w - 1);
            sum = csg_fma(weights[n * cells + x], in[rows[n / 8 * 3 + place / 3] + column], sum);
        }
        out[x] = sum;
    }
}
