/* y = act(x W^T + bias) + residual on CPU devices with tiles of bfloat16. x and W are packed as for gemm_packed with CSG_PAIRS, k counts
 * pairs and is a multiple of CSG_TILE_PAIRS. `parts`: bit 0 bias, bit 1 residual (which may be y). act: enum csg_activation.
 *   CSG_VECTORS  vectors of CSG_WIDTH floats in a panel's row: an even number */
#include "activation.clh"
#include "amx.clh"
#include "gemm.clh"

#define CSG_COLUMNS (CSG_VECTORS * CSG_WIDTH)
#define CSG_BLOCK_ROWS (2 * CSG_TILE_ROWS)
#define CSG_BLOCK_COLUMNS (2 * CSG_WIDTH)
/* Weights come from memory, see gemm.cl: every step asks for a part of the next panel. */
#define CSG_LINES 4

/* The sums of a block of 32 x 32, or of its upper half alone. */
void multiply_block(__global const uint *x, ulong x_stride, __global const uint *w, ulong k, bool both, float *sums,
                    __global const uint *next, ulong *line, ulong end)
{
    const ulong row = x_stride * sizeof(uint), pair = CSG_COLUMNS * sizeof(uint), sum = CSG_BLOCK_COLUMNS * sizeof(float);
    CSG_TILE_ZERO(0);
    CSG_TILE_ZERO(1);
    CSG_TILE_ZERO(2);
    CSG_TILE_ZERO(3);
    for (ulong c = 0; c < k; c += CSG_TILE_PAIRS) {
        for (int u = 0; u < CSG_LINES; u++, *line += CSG_LINE)
            CSG_FETCH(next + min(*line, end));
        CSG_TILE_LOAD(4, x + c, row);
        CSG_TILE_LOAD(6, w + c * CSG_COLUMNS, pair);
        CSG_TILE_LOAD(7, w + c * CSG_COLUMNS + CSG_WIDTH, pair);
        CSG_TILE_DOT(0, 4, 6);
        CSG_TILE_DOT(1, 4, 7);
        if (both) {
            CSG_TILE_LOAD(5, x + CSG_TILE_ROWS * x_stride + c, row);
            CSG_TILE_DOT(2, 5, 6);
            CSG_TILE_DOT(3, 5, 7);
        }
    }
    CSG_TILE_STORE(0, sums, sum);
    CSG_TILE_STORE(1, sums + CSG_WIDTH, sum);
    if (both) {
        CSG_TILE_STORE(2, sums + CSG_TILE_ROWS * CSG_BLOCK_COLUMNS, sum);
        CSG_TILE_STORE(3, sums + CSG_TILE_ROWS * CSG_BLOCK_COLUMNS + CSG_WIDTH, sum);
    }
}

/* Dimension 0 is blocks of rows, those of a panel one after the other, and before them work-items that do nothing. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_amx(__global const uint *restrict x, ulong x_at, __global const uint *restrict w, __global const float *restrict bias,
         ulong bias_at, __global const float *residual, ulong residual_at, __global csg_result *y, ulong y_at, ulong x_stride,
         ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k, ulong parts, ulong act)
{
    ulong panels = (n + CSG_COLUMNS - 1) / CSG_COLUMNS, parts_of_rows = get_global_size(0) / panels;
    ulong idle = get_global_size(0) - parts_of_rows * panels, item = get_global_id(0) - idle;
    if (get_global_id(0) < idle)
        return;
    ulong panel = item / parts_of_rows, part = item - panel * parts_of_rows,
          blocks = (rows + CSG_BLOCK_ROWS - 1) / CSG_BLOCK_ROWS;
    ulong each = (blocks + parts_of_rows - 1) / parts_of_rows, from = part * each, to = min(from + each, blocks), shaped = 0;
    ulong column = panel * CSG_COLUMNS, there = min(n - column, (ulong)CSG_COLUMNS);
    ulong size = k * CSG_COLUMNS, line = part * (size / parts_of_rows) / CSG_LINE * CSG_LINE;
    __global const uint *next = panel + 1 == panels ? w : w + (panel + 1) * size;
    float sums[CSG_BLOCK_ROWS * CSG_BLOCK_COLUMNS] __attribute__((aligned(64)));
    float shift[CSG_COLUMNS] __attribute__((aligned(64)));
    w += panel * size;
    csg_panel_bias(shift, bias + bias_at + column, CSG_COLUMNS, there, parts);
    for (ulong block = from; block < to; block++) {
        ulong row = block * CSG_BLOCK_ROWS, height = min(rows - row, (ulong)CSG_BLOCK_ROWS);
        bool both = height > CSG_TILE_ROWS;
        if (shaped != height)
            csg_tiles_shape(both ? CSG_TILE_ROWS : (uint)height, both ? (uint)height - CSG_TILE_ROWS : (uint)height,
                            CSG_TILE_PAIRS);
        shaped = height;
        __global const float *add = residual + residual_at + row * residual_stride + column;
        __global csg_result *out = y + y_at + row * y_stride + column;
        for (ulong c = 0; c < there; c += CSG_BLOCK_COLUMNS) {
            multiply_block(x + x_at + row * x_stride, x_stride, w + c, k, both, sums, next, &line, size - 1);
#pragma nounroll
            for (ulong i = 0; i < height; i++)
#pragma nounroll
                for (ulong j = 0; j < 2; j++)
                    csg_finish_vector(csg_load(j, sums + i * CSG_BLOCK_COLUMNS), c / CSG_WIDTH + j, shift, there,
                                      add + i * residual_stride, out + i * y_stride, parts, act);
        }
    }
    CSG_TILES_END();
}
