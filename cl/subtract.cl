/* Text features without the redundant ones. A work-item makes one element; out may be texts. */
__kernel void subtract(__global const float *texts, ulong texts_at, __global const float *redundant, ulong redundant_at,
                       __global float *out, ulong out_at, ulong n_texts, ulong width)
{
    ulong c = get_global_id(0), text = get_global_id(1);
    if (c >= width || text >= n_texts)
        return;
    out[out_at + text * width + c] = texts[texts_at + text * width + c] - redundant[redundant_at + c];
}
