/* Text embedding: a row of the table plus a row of the positions. A work-item makes one element. */
__kernel void tokens(__global const int *ids, ulong ids_at, __global const int *places, ulong places_at, __global const float *table,
                     ulong table_at, __global const float *pos, ulong pos_at, __global float *out, ulong out_at, ulong rows,
                     ulong width)
{
    ulong c = get_global_id(0), row = get_global_id(1);
    if (c >= width || row >= rows)
        return;
    ulong id = (ulong)ids[ids_at + row], place = (ulong)places[places_at + row];
    out[out_at + row * width + c] = table[table_at + id * width + c] + pos[pos_at + place * width + c];
}
