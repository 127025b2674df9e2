/* Similarities of the patches as maps: a work-group owns a text. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
minmax_maps(__global const float *s, ulong s_at, __global float *similarity, ulong similarity_at, __global float *map,
            ulong map_at, __global float *range, ulong range_at, ulong cells, ulong n_texts)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong text = get_global_id(1);
    s += s_at + n_texts + text;
    similarity += similarity_at + text * cells;
    map += map_at + text * cells;
    float least = INFINITY, most = -INFINITY;
    for (ulong i = item; i < cells; i += CSG_GROUP) {
        float value = s[i * n_texts];
        similarity[i] = value;
        least = fmin(least, value);
        most = fmax(most, value);
    }
    least = csg_group_min(least, tmp);
    most = csg_group_max(most, tmp);
    for (ulong i = item; i < cells; i += CSG_GROUP)
        map[i] = most > least ? (s[i * n_texts] - least) / (most - least) : 0.0f;
    if (item == 0) {
        range[range_at + text * 2] = least;
        range[range_at + text * 2 + 1] = most;
    }
}
