/* Attention of attention.cl for CPU devices that multiply bfloat16 in pairs. q, k, v and the weights are rounded to it; scores, the
 * softmax and all sums are single precision. First attention_pack lays each head's rows out as pairs, once for all blocks of queries:
 *   [heads, slots, CSG_ROW]           q, then k, then v: pairs of channels
 *   [heads, slots / 2, CSG_CHANNELS]  v: pairs of keys; with CSG_AMX [heads, CSG_CHANNELS, slots / 2]
 * with zeros beyond the head's channels and a sequence's last key. Token t of a sequence that begins at b is slot 2 (b / 2 + sequence) + t.
 *   CSG_HEAD_DIM  channels of a head
 *   CSG_QUERIES   of a block: three vectors
 *   CSG_KEY_ROWS  keys (of the scores) or channels (of the values) in one register tile
 *   CSG_Y_BF16    1: qkv, qk and vv are bfloat16
 *   CSG_AMX       1: products by tiles of bfloat16, CSG_ROW is a multiple of CSG_TILE_PAIRS */
#if CSG_AMX
#include "amx.clh"
#endif
#include "exp2.clh"
#include "pairs.clh"
#include "turn.clh"
#define CSG_QK 1
#define CSG_VV 2
#define CSG_LANES 16
#define CSG_ROW ((CSG_HEAD_DIM + 1) / 2)
#define CSG_CHANNELS ((CSG_HEAD_DIM + CSG_KEY_ROWS - 1) / CSG_KEY_ROWS * CSG_KEY_ROWS)
/* From a pair of keys to the next one, and from a channel to the next, of v as pairs of keys. */
#if CSG_AMX
#define CSG_PAIR_STEP 1
#define CSG_CHANNEL_STEP (slots / 2)
#else
#define CSG_PAIR_STEP CSG_CHANNELS
#define CSG_CHANNEL_STEP 1
#endif
#define CSG_KEYS 256         /* whose weights are in memory together; a multiple of CSG_KEY_ROWS */
#define CSG_BEYOND 40.0f     /* log2 of the greatest weight */
#define CSG_ONES 0x3f803f80u /* a pair of bfloat16 */

#if CSG_Y_BF16
/* A row of k numbers as pairs. */
void pack_row(__global const ushort *restrict x, ulong k, __global uint *restrict y)
{
    ulong c = 0;
    for (; c + 2 * CSG_LANES <= k; c += 2 * CSG_LANES)
        csg_put_pairs(*(__global const csg_pairs_in_halves *)(x + c), y + c / 2);
    for (; c < k; c += 2)
        y[c / 2] = x[c] | (c + 1 < k ? (uint)x[c + 1] << 16 : 0);
}

/* Pairs of numbers that stand at the same place in two rows. */
uint16 pack_lanes(__global const ushort *first, __global const ushort *second)
{
    return convert_uint16(vload16(0, first)) | convert_uint16(vload16(0, second)) << 16;
}

uint pack_two(ushort first, ushort second)
{
    return first | (uint)second << 16;
}
#else
#define pack_row csg_pack_row

uint16 pack_lanes(__global const float *first, __global const float *second)
{
    return csg_weave_pairs(vload16(0, first), vload16(0, second));
}

uint pack_two(float first, float second)
{
    return csg_weave_pairs((float16)(first), (float16)(second)).s0;
}
#endif

/* A work-item lays out two tokens of a sequence. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void attention_pack(__global const csg_result *restrict qkv, ulong qkv_at,
                                                                            __global const int *restrict seq, ulong seq_at,
                                                                            __global uint *restrict packed, ulong qkv_stride,
                                                                            ulong heads, ulong slots, ulong paths)
{
    ulong sequence = get_global_id(2), first = 2 * get_global_id(0), width = heads * CSG_HEAD_DIM;
    ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin;
    if (first >= n)
        return;
    ulong slot = 2 * (begin / 2 + sequence) + first;
    __global const csg_result *row = qkv + qkv_at + (begin + first) * qkv_stride;
    for (ulong part = paths & CSG_QK ? 0 : 2; part < (paths & CSG_VV ? 3 : 2); part++)
        for (ulong head = 0; head < heads; head++)
            for (ulong t = 0; t < 2 && first + t < n; t++)
                pack_row(row + t * qkv_stride + part * width + head * CSG_HEAD_DIM, CSG_HEAD_DIM,
                         packed + ((part * heads + head) * slots + slot + t) * CSG_ROW);
    packed += 3 * heads * slots * CSG_ROW + slot / 2 * CSG_PAIR_STEP;
    __global const csg_result *v = row + 2 * width, *w = first + 1 < n ? v + qkv_stride : v;
    uint mask = first + 1 == n ? 0xffffu : ~0u; /* the last key of an odd number is beside zero */
    for (ulong head = 0; head < heads; head++, packed += slots / 2 * CSG_CHANNELS, v += CSG_HEAD_DIM, w += CSG_HEAD_DIM) {
        ulong d = 0;
        for (; d + CSG_LANES <= CSG_HEAD_DIM; d += CSG_LANES) {
            uint16 pairs = pack_lanes(v + d, w + d) & mask;
#if CSG_AMX
            uint lanes[CSG_LANES];
            vstore16(pairs, 0, lanes);
            for (ulong i = 0; i < CSG_LANES; i++)
                packed[(d + i) * CSG_CHANNEL_STEP] = lanes[i];
#else
            csg_put_pairs(pairs, packed + d);
#endif
        }
        for (; d < CSG_CHANNELS; d++)
            packed[d * CSG_CHANNEL_STEP] = d < CSG_HEAD_DIM ? pack_two(v[d], w[d]) & mask : 0;
    }
}

#define CSG_NAMED_(name, size) name##_##size
#define CSG_NAMED(name, size) CSG_NAMED_(name, size)
#define CSG_BLOCK 3
#include "attention_pairs.clh"
#undef CSG_BLOCK
#define CSG_BLOCK 2
#include "attention_pairs.clh"
#undef CSG_BLOCK
#define CSG_BLOCK 1
#include "attention_pairs.clh"
#undef CSG_BLOCK

/* Dimension 0 is blocks of queries, those of a head one after the other, and before them work-items that do nothing. Dimension 2 is
 * sequences, of each of the paths. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_pairs(__global const uint *restrict packed, __global const int *restrict seq, ulong seq_at,
                __global csg_result *restrict qk, ulong qk_at, __global csg_result *restrict vv, ulong vv_at, ulong qk_stride,
                ulong vv_stride, ulong heads, ulong slots, float scale, ulong causal, ulong paths)
{
    ulong blocks = get_global_size(0) / heads, idle = get_global_size(0) - blocks * heads, item = get_global_id(0) - idle;
    if (get_global_id(0) < idle)
        return;
    ulong both = paths == (CSG_QK | CSG_VV) ? 2 : 1, sequence = get_global_id(2) / both;
    bool surgery = paths == CSG_VV || get_global_id(2) % both == 1;
    ulong head = item / blocks, first = (item - head * blocks) * CSG_QUERIES;
    ulong begin = (ulong)seq[seq_at + sequence], n = (ulong)seq[seq_at + sequence + 1] - begin;
    if (first >= n)
        return;
    ulong slot = 2 * (begin / 2 + sequence), plane = heads * slots;
    __global const uint *row = packed + (head * slots + slot) * CSG_ROW;
    __global const uint *q = row + (surgery ? 2 : 0) * plane * CSG_ROW, *k = row + (surgery ? 2 : 1) * plane * CSG_ROW;
    __global const uint *v = packed + 3 * plane * CSG_ROW + head * (slots / 2) * CSG_CHANNELS + slot / 2 * CSG_PAIR_STEP;
    ulong stride = surgery ? vv_stride : qk_stride;
    __global csg_result *out = (surgery ? vv + vv_at : qk + qk_at) + begin * stride + head * CSG_HEAD_DIM;
    scale *= 1.44269504088896341f;
#if CSG_AMX
    csg_tiles_shape(CSG_TILE_ROWS, CSG_TILE_ROWS, CSG_TILE_PAIRS);
#endif
    /* What finishes a sequence has few idle lanes. */
    if (n - first > 2 * CSG_LANES)
        attend_3(q, k, v, slots / 2, out, stride, first, n, scale, causal);
    else if (n - first > CSG_LANES)
        attend_2(q, k, v, slots / 2, out, stride, first, n, scale, causal);
    else
        attend_1(q, k, v, slots / 2, out, stride, first, n, scale, causal);
#if CSG_AMX
    CSG_TILES_END();
#endif
}
