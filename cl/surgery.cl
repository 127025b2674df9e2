/* Feature surgery over a label set, in two kernels, for out may be s and row 0 of s is needed by all rows. */

/* weights[t] = n_texts softmax_t(2 S[0, t]): the softmax divided by its mean, 1 / n_texts. One work-group. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void surgery_weights(__global const float *s, ulong s_at,
                                                                                     __global float *weights, ulong n_texts)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    s += s_at;
    float most = -INFINITY;
    for (ulong t = item; t < n_texts; t += CSG_GROUP)
        most = fmax(most, s[t]);
    most = csg_group_max(most, tmp);
    float sum = 0.0f;
    for (ulong t = item; t < n_texts; t += CSG_GROUP)
        sum += exp(2.0f * (s[t] - most));
    sum = csg_group_sum(sum, tmp);
    for (ulong t = item; t < n_texts; t += CSG_GROUP)
        weights[t] = exp(2.0f * (s[t] - most)) * (float)n_texts / sum;
}

/* out[i, t] = w_t S[i, t] - mean_u(w_u S[i, u]). A work-group owns a row. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
surgery(__global const float *s, ulong s_at, __global float *out, ulong out_at, __global const float *weights, ulong n_texts)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong row = get_global_id(1);
    s += s_at + row * n_texts;
    out += out_at + row * n_texts;
    float sum = 0.0f;
    for (ulong t = item; t < n_texts; t += CSG_GROUP)
        sum = csg_fma(weights[t], s[t], sum);
    float mean = csg_group_sum(sum, tmp) / (float)n_texts;
    for (ulong t = item; t < n_texts; t += CSG_GROUP)
        out[t] = csg_fma(weights[t], s[t], -mean);
}
