/* Text embedding: a row of the table plus a row of the positions. Dimension 1 is the row. */
__kernel void tokens(__global const int *ids, ulong ids_at, __global const int *places, ulong places_at,
                     __global const float *table, ulong table_at, __global const float *pos, ulong pos_at,
                     __global float *restrict out, ulong out_at, ulong width)
{
    ulong row = get_global_id(1);
    table += table_at + (ulong)ids[ids_at + row] * width;
    pos += pos_at + (ulong)places[places_at + row] * width;
    out += out_at + row * width;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP)
        out[c] = table[c] + pos[c];
}
