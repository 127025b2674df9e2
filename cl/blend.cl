/* The heat map's colours over the picture, in whole numbers: `parts` is the opacity in millionths, so that decimal opacities are
 * exact and floor() falls where the arithmetic on paper says. Dimension 1 is a run of `columns` pixels; out may be image. */
__kernel void blend(__global const uchar *image, ulong image_at, __global const float *map, ulong map_at,
                    __global const uchar *table, ulong table_at, __global uchar *out, ulong out_at, ulong cells, ulong parts,
                    ulong columns)
{
    ulong begin = get_global_id(1) * columns, n = min(columns, cells - begin);
    uint of_heat = (uint)parts, of_image = 1000000u - of_heat;
    map += map_at + begin;
    image += image_at + 3 * begin;
    out += out_at + 3 * begin;
    for (ulong i = CSG_FIRST; i < n; i += CSG_STEP) {
        float value = map[i];
        value = value > 0.0f ? fmin(value, 1.0f) : 0.0f; /* NaN: 0 */
        __global const uchar *heat = table + table_at + 3 * (int)(255.0f * value);
        for (ulong c = 0; c < 3; c++)
            out[3 * i + c] = (uchar)((of_image * image[3 * i + c] + of_heat * heat[c]) / 1000000u);
    }
}
