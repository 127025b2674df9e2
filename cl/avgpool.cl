/* Means of squares of side x side pixels. Dimension 1 is the row of the output. Sides of a picture fit 32 bits. */
__kernel void avgpool(__global const float *restrict in, ulong in_at, __global float *restrict out, ulong out_at, ulong w,
                      ulong channels, ulong side, ulong w_out)
{
    ulong row = get_global_id(1);
    uint line = (uint)row / (uint)w_out, column = (uint)row - line * (uint)w_out;
    in += in_at + (line * side * w + column * side) * channels;
    out += out_at + row * channels;
    float part = 1.0f / (float)(side * side);
    for (ulong c = CSG_FIRST; c < channels; c += CSG_STEP) {
        float sum = 0.0f;
        for (ulong y = 0; y < side; y++)
            for (ulong x = 0; x < side; x++)
                sum += in[(y * w + x) * channels + c];
        out[c] = sum * part;
    }
}
