/* out[i, t] = max(s[i, t], 0) * by[i]; what is no number stays so. out may be s. */
__kernel void gate(__global const float *s, ulong s_at, __global float *out, ulong out_at, __global const float *by, ulong by_at,
                   ulong n, ulong has_by)
{
    ulong row = get_global_id(1);
    float weight = has_by ? by[by_at + row] : 1.0f;
    s += s_at + row * n;
    out += out_at + row * n;
    for (ulong t = CSG_FIRST; t < n; t += CSG_STEP) {
        float value = s[t];
        out[t] = value > 0.0f ? value * weight : value <= 0.0f ? 0.0f : value;
    }
}
