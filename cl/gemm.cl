/* y = act(x W^T + bias) + residual. `parts`: bit 0 bias, bit 1 residual (which may be y). act: enum csg_activation. */
#include "activation.clh"
#include "gemm.clh"

#if CSG_ITEM_ROWS
#if CSG_PAIRS
#include "pairs.clh"
/* Products of bfloat16 two at a time: x and W hold pairs, and everything that is counted along k below are pairs. */
#define csg_operand uint
#define csg_operands uint16
#define csg_load_operands(i, p) vload16(i, p)
#define csg_multiply(a, b, sum) csg_dot_pairs(sum, a, b)

#if !CSG_Y_BF16
/* The operand x, once for all panels: rows of ceil(k / 2) pairs. A work-item makes a row. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_pairs(__global const float *restrict x, ulong x_at,
                                                                        __global uint *restrict y, ulong x_stride, ulong k)
{
    ulong row = get_global_id(0);
    csg_pack_row(x + x_at + row * x_stride, k, y + row * ((k + 1) / 2));
}
#endif
#else
#define csg_operand float
#define csg_operands vecf
#define csg_load_operands(i, p) csg_load(i, p)
#define csg_multiply(a, b, sum) csg_fma(a, b, sum)
#endif

/* For CPU devices. W is packed: panels of CSG_COLUMNS columns, each [k, CSG_COLUMNS], the last one filled up with zeros. A
 * work-item owns some tiles of CSG_ROWS x CSG_COLUMNS below each other. The sums of a tile are in registers while a slice of the
 * panel passes, and in memory between two slices, so that the slice, the next one and the rows of x stay in the cache of the second
 * level until all tiles went through them.
 *   CSG_ROWS     rows of a tile, or one less; the matrix has at least as many
 *   CSG_VECTORS  vectors of CSG_WIDTH floats in a tile's row
 *   CSG_TILES    tiles of a work-item at most */
#define CSG_COLUMNS (CSG_VECTORS * CSG_WIDTH)
#define CSG_DEPTH 768 /* rows of a slice at most: 192 KB in panels of 64 columns */
#define CSG_STEPS 4   /* of k in one turn of the inner loop: 8 are a third slower on PoCL 3.1 */

/* Weights that are out of the caches when their turn comes, as those of a whole model are, cost a tenth of the speed. Each tile
 * asks for a part of the next slice, CSG_LINES in every turn: eight tiles have asked for all of it, and the rest ask again for lines
 * that are there. */
#define CSG_LINES 2

#define CSG_EACH_VECTOR                                                                                                          \
    _Pragma("unroll") for (int i = 0; i < CSG_TILE; i++) _Pragma("unroll") for (int j = 0; j < CSG_VECTORS; j++)

/* One column of x times one row of the slice. */
#define CSG_STEP_OF_K(c)                                                                                                         \
    {                                                                                                                            \
        csg_operands b[CSG_VECTORS];                                                                                             \
        _Pragma("unroll") for (int j = 0; j < CSG_VECTORS; j++) b[j] = csg_load_operands(j, slice + (c)*CSG_COLUMNS);            \
        _Pragma("unroll") for (int i = 0; i < CSG_ROWS; i++)                                                                     \
        {                                                                                                                        \
            csg_operands f = (csg_operands)(a[i * x_stride + (c)]);                                                              \
            _Pragma("unroll") for (int j = 0; j < CSG_VECTORS; j++) sums[i][j] = csg_multiply(f, b[j], sums[i][j]);              \
        }                                                                                                                        \
    }

/* Dimension 0 is blocks of rows, those of a panel one after the other, and before them work-items that do nothing. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_packed(__global const csg_operand *restrict x, ulong x_at, __global const csg_operand *restrict w,
            __global const float *restrict bias, ulong bias_at, __global const float *residual, ulong residual_at,
            __global csg_result *y, ulong y_at, ulong x_stride, ulong residual_stride, ulong y_stride, ulong rows, ulong n,
            ulong k, ulong parts, ulong act)
{
    ulong panels = (n + CSG_COLUMNS - 1) / CSG_COLUMNS, blocks = get_global_size(0) / panels;
    ulong idle = get_global_size(0) - blocks * panels, item = get_global_id(0) - idle;
    if (get_global_id(0) < idle)
        return;
    ulong panel = item / blocks, block = item - panel * blocks, all = (rows + CSG_ROWS - 1) / CSG_ROWS;
    /* As many of the last tiles have a row less as there would be rows too many, where there are as many tiles. */
    ulong short_by = all * CSG_ROWS - rows, full = short_by <= all ? all - short_by : all;
    ulong each = (all + blocks - 1) / blocks, first = block * each;
    if (first >= all)
        return;
    ulong tiles = min(all - first, each), column = panel * CSG_COLUMNS, there = min(n - column, (ulong)CSG_COLUMNS);
    /* A single tile gains nothing from slices. */
    ulong slices = each > 1 ? (k + CSG_DEPTH - 1) / CSG_DEPTH : 1, most = (k / slices + CSG_STEPS - 1) / CSG_STEPS * CSG_STEPS;
    vecf partial[CSG_TILES][CSG_ROWS][CSG_VECTORS];
    x += x_at;
    w += column * k;
    bias += bias_at + column;
    residual += residual_at + column;
    y += y_at + column;
    for (ulong from = 0; from < k; from += most) {
        ulong depth = min(k - from, most), whole = depth / CSG_STEPS * CSG_STEPS, end = depth * CSG_COLUMNS - 1;
        bool last = from + depth == k;
        __global const csg_operand *slice = w + from * CSG_COLUMNS;
        __global const csg_operand *next = slice + (last && panel + 1 == panels ? 0 : depth * CSG_COLUMNS);
        const bool at_once = last && act == CSG_ACT_NONE && there == CSG_COLUMNS;
        for (ulong t = 0; t < tiles; t++) {
            /* A last tile that would end below the matrix is moved up; the rows it shares with the one before are not stored again. */
            ulong tile = first + t, height = tile < full ? CSG_ROWS : CSG_ROWS - 1,
                  begin = tile * CSG_ROWS - (tile - min(tile, full));
            ulong row = min(begin, rows - height), kept = begin - row;
            __global const csg_operand *a = x + row * x_stride + from;
            __global const float *add = residual + row * residual_stride;
            __global csg_result *to = y + row * y_stride;
            ulong line = (each > 1 ? t : block) * (depth / CSG_STEPS) * CSG_LINES * CSG_LINE;
            if (height == CSG_ROWS) {
#define CSG_TILE CSG_ROWS
#include "gemm_tile.clh"
#undef CSG_TILE
            } else {
#if CSG_ROWS > 1
#define CSG_TILE (CSG_ROWS - 1)
#include "gemm_tile.clh"
#undef CSG_TILE
#endif
            }
            if (!last || at_once)
                continue;
            /* From memory: these loops are not unrolled, so that the activation is compiled once. */
            float shift[CSG_COLUMNS] __attribute__((aligned(64)));
            csg_panel_bias(shift, bias, CSG_COLUMNS, there, parts);
            if (act == CSG_ACT_QUICK_GELU && there == CSG_COLUMNS && !(parts & CSG_RESIDUAL)) {
                /* What towers run: without questions in between, the processor has several vectors under way. */
#pragma nounroll
                for (ulong i = kept; i < height; i++) {
                    vecf v[CSG_VECTORS];
#pragma unroll
                    for (int j = 0; j < CSG_VECTORS; j++)
                        v[j] = csg_quick_gelu(partial[t][i][j] + ((const vecf *)shift)[j]);
#pragma unroll
                    for (int j = 0; j < CSG_VECTORS; j++)
                        csg_put_result(v[j], j, to + i * y_stride);
                }
                continue;
            }
#pragma nounroll
            for (ulong i = kept; i < height; i++)
#pragma nounroll
                for (ulong j = 0; j < CSG_VECTORS; j++)
                    csg_finish_vector(partial[t][i][j], j, shift, there, add + i * residual_stride, to + i * y_stride, parts,
                                      act);
        }
    }
}
#else
/* After CLBlast: bias, activation and residual on y. A work-item makes one element. */
__kernel void gemm_finish(__global const float *bias, ulong bias_at, __global const float *residual, ulong residual_at,
                          __global float *y, ulong y_at, ulong residual_stride, ulong y_stride, ulong n, ulong parts, ulong act)
{
    ulong column = get_global_id(0), row = get_global_id(1);
    if (column >= n)
        return;
    float v = y[y_at + row * y_stride + column];
    y[y_at + row * y_stride + column] =
        csg_finish(v, bias + bias_at + column, residual + residual_at + row * residual_stride + column, parts, act);
}

/* After a GEMM that split k: the sum of the splits' products, [splits, rows, n], then bias, activation and residual. */
__kernel void gemm_sum(__global const float *split, ulong splits, __global const float *bias, ulong bias_at,
                       __global const float *residual, ulong residual_at, __global float *y, ulong y_at, ulong residual_stride,
                       ulong y_stride, ulong n, ulong parts, ulong act)
{
    ulong column = get_global_id(0), row = get_global_id(1), rows = get_global_size(1);
    if (column >= n)
        return;
    float v = split[row * n + column];
    for (ulong s = 1; s < splits; s++)
        v += split[(s * rows + row) * n + column];
    y[y_at + row * y_stride + column] =
        csg_finish(v, bias + bias_at + column, residual + residual_at + row * residual_stride + column, parts, act);
}
#endif
