/* One pass of Pillow's resampling in its integers: 8-bit RGB in and out, 22-bit weights. A work-item makes one pixel.
 * Fits in int: the weights of a pixel sum to 2^22 and none of Pillow's filters exceeds 1.3 of that in magnitude, times 255. */
__kernel void resize(__global const uchar *in, ulong in_at, __global uchar *out, ulong out_at, __global const int *first,
                     ulong first_at, __global const int *count, ulong count_at, __global const int *weights, ulong weights_at,
                     ulong in_w, ulong out_w, ulong out_h, ulong taps, ulong vertical)
{
    ulong x = get_global_id(0), y = get_global_id(1);
    if (x >= out_w || y >= out_h)
        return;
    ulong place = vertical ? y : x;
    ulong from = (ulong)first[first_at + place];
    int n = count[count_at + place];
    ulong step = vertical ? 3 * in_w : 3;
    __global const uchar *pixel = in + in_at + (vertical ? (from * in_w + x) * 3 : (y * in_w + from) * 3);
    __global const int *w = weights + weights_at + place * taps;
    int r = 1 << 21, g = 1 << 21, b = 1 << 21;
    for (int j = 0; j < n; j++, pixel += step) {
        r += w[j] * pixel[0];
        g += w[j] * pixel[1];
        b += w[j] * pixel[2];
    }
    __global uchar *to = out + out_at + (y * out_w + x) * 3;
    to[0] = (uchar)clamp(r >> 22, 0, 255);
    to[1] = (uchar)clamp(g >> 22, 0, 255);
    to[2] = (uchar)clamp(b >> 22, 0, 255);
}
