/* Weights of a row's items from their similarities: a work-group owns a row. What CSG_AFFINITY_SOFTMAX weighs is at least `level`, whose
 * difference to it has the exact sign. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void affinity(__global const float *s, ulong s_at,
                                                                              __global float *out, ulong out_at,
                                                                              __global const float *level_of, ulong level_at,
                                                                              ulong width, float factor, ulong softmax)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong row = get_global_id(1);
    float level = level_of[level_at], most = -INFINITY, sum = 0.0f;
    s += s_at + row * width;
    out += out_at + row * width;
    if (softmax) {
        for (ulong j = item; j < width; j += CSG_GROUP)
            most = fmax(most, s[j]);
        most = csg_group_max(most, tmp);
    }
    for (ulong j = item; j < width; j += CSG_GROUP) {
        float value = s[j];
        if (softmax)
            value = value >= level ? exp(factor * (value - most)) : 0.0f;
        else
            value = value >= level ? value : 0.0f;
        out[j] = value;
        sum += value;
    }
    sum = csg_group_sum(sum, tmp);
    float over = softmax ? sum : sum + 1e-6f;
    for (ulong j = item; j < width; j += CSG_GROUP)
        out[j] = over > 0.0f ? out[j] / over : 0.0f;
}
