/* Text features without the redundant ones. Dimension 1 is the text; out may be texts. */
__kernel void subtract(__global const float *texts, ulong texts_at, __global const float *redundant, ulong redundant_at,
                       __global float *out, ulong out_at, ulong width)
{
    ulong text = get_global_id(1);
    texts += texts_at + text * width;
    redundant += redundant_at;
    out += out_at + text * width;
    for (ulong c = CSG_FIRST; c < width; c += CSG_STEP)
        out[c] = texts[c] - redundant[c];
}
