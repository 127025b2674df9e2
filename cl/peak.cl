/* Column and row of the greatest element of each map of `count` elements, the first of equal ones. Dimension 1 is the map. */
#if CSG_ITEM_ROWS
/* For CPU devices: the greatest value first, in vectors, then where it is. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void peak(__global const float *restrict in, ulong in_at,
                                                                  __global float *restrict out, ulong out_at, ulong count,
 ulong w)
{
    ulong map = get_global_id(1), whole = count / CSG_WIDTH, at = 0;
    in += in_at + map * count;
    vecf lanes = (vecf)(-INFINITY);
    for (ulong i = 0; i < whole; i++)
        lanes = fmax(lanes, csg_load(i, in));
    float each[CSG_WIDTH], most = -INFINITY;
    csg_store(lanes, 0, each);
    for (uint i = 0; i < CSG_WIDTH; i++)
        most = fmax(most, each[i]);
    for (ulong i = whole * CSG_WIDTH; i < count; i++)
        most = fmax(most, in[i]);
    while (at + 1 < count && in[at] != most)
        at++;
    out[out_at + 2 * map] = (float)(at % w);
    out[out_at + 2 * map + 1] = (float)(at / w);
}
#else
/* For GPUs: a work-group owns a row. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void peak(__global const float *restrict in, ulong in_at,
                                                                          __global float *restrict out, ulong out_at, ulong count,
 ulong w)
{
    __local float tmp[CSG_GROUP];
    __local ulong places[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    ulong map = get_global_id(1);
    in += in_at + map * count;
    float own = -INFINITY;
    ulong place = ULONG_MAX;
    for (ulong i = item; i < count; i += CSG_GROUP)
        if (in[i] > own || place == ULONG_MAX) {
            own = in[i];
            place = i;
        }
    float most = csg_group_max(own, tmp);
    places[item] = own == most ? place : ULONG_MAX;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint n = CSG_GROUP / 2; n > 0; n /= 2) {
        if (item < n)
            places[item] = min(places[item], places[item + n]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (item == 0) {
        out[out_at + 2 * map] = (float)(places[0] % w);
        out[out_at + 2 * map + 1] = (float)(places[0] / w);
    }
}
#endif
