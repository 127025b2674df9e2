/* The nine pixels around each place of a convolution's output, zeros outside. Dimension 1 is the row of the output; a work-item
 * copies the same channels of all nine. Sides of a picture fit 32 bits. */
__kernel void unfold(__global const float *restrict in, ulong in_at, __global float *restrict out, ulong out_at, ulong w, ulong h,
                     ulong channels, ulong stride, ulong first_line, ulong w_out)
{
    ulong row = get_global_id(1);
    uint line = (uint)row / (uint)w_out, column = (uint)row - line * (uint)w_out;
    /* of the pixel above and to the left, counted from one, so that nothing is negative */
    ulong y0 = (first_line + line) * stride, x0 = column * stride;
    in += in_at;
    out += out_at + row * 9 * channels;
    for (ulong dy = 0; dy < 3; dy++)
        for (ulong dx = 0; dx < 3; dx++, out += channels) {
            ulong y = y0 + dy, x = x0 + dx;
            if (y < 1 || y > h || x < 1 || x > w) {
                for (ulong c = CSG_FIRST; c < channels; c += CSG_STEP)
                    out[c] = 0.0f;
                continue;
            }
            __global const float *pixel = in + ((y - 1) * w + x - 1) * channels;
            for (ulong c = CSG_FIRST; c < channels; c += CSG_STEP)
                out[c] = pixel[c];
        }
}
