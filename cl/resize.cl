/* One pass of Pillow's resampling in its integers: 8-bit RGB in and out, 22-bit weights. Dimension 1 is the row of the output.
 * Fits in int: the weights of a pixel sum to 2^22 and none of Pillow's filters exceeds 1.3 of that in magnitude, times 255. */
__kernel void resize(__global const uchar *restrict in, ulong in_at, __global uchar *restrict out, ulong out_at,
                     __global const int *restrict first, ulong first_at, __global const int *restrict count, ulong count_at,
                     __global const int *restrict weights, ulong weights_at, ulong in_w, ulong out_w, ulong taps, ulong vertical)
{
    ulong y = get_global_id(1);
    in += in_at;
    out += out_at + y * out_w * 3;
    for (ulong x = CSG_FIRST; x < out_w; x += CSG_STEP) {
        ulong place = vertical ? y : x, from = (ulong)first[first_at + place], step = vertical ? 3 * in_w : 3;
        int n = count[count_at + place], r = 1 << 21, g = 1 << 21, b = 1 << 21;
        __global const uchar *pixel = in + (vertical ? (from * in_w + x) * 3 : (y * in_w + from) * 3);
        __global const int *w = weights + weights_at + place * taps;
        for (int j = 0; j < n; j++, pixel += step) {
            r += w[j] * pixel[0];
            g += w[j] * pixel[1];
            b += w[j] * pixel[2];
        }
        out[3 * x] = (uchar)clamp(r >> 22, 0, 255);
        out[3 * x + 1] = (uchar)clamp(g >> 22, 0, 255);
        out[3 * x + 2] = (uchar)clamp(b >> 22, 0, 255);
    }
}
