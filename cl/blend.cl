/* The heat map's colours over the picture, in whole numbers: `parts` is the opacity in millionths, so that decimal
 * opacities are exact and floor() falls where the arithmetic on paper says. A work-item makes one pixel; out may be image. */
__kernel void blend(__global const uchar *image, ulong image_at, __global const float *map, ulong map_at, __global const uchar *table,
                    ulong table_at, __global uchar *out, ulong out_at, ulong cells, ulong parts)
{
    ulong i = get_global_id(0);
    if (i >= cells)
        return;
    float value = map[map_at + i];
    value = value > 0.0f ? fmin(value, 1.0f) : 0.0f; /* NaN: 0 */
    __global const uchar *heat = table + table_at + 3 * (int)(255.0f * value);
    for (ulong c = 0; c < 3; c++) {
        uint mixed = (1000000u - (uint)parts) * image[image_at + 3 * i + c] + (uint)parts * heat[c];
        out[out_at + 3 * i + c] = (uchar)(mixed / 1000000u);
    }
}
