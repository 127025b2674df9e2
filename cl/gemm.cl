/* y = act(x W^T + bias) + residual. `parts`: bit 0 bias, bit 1 residual (which may be y). act: enum csg_activation. */
#include "activation.clh"
#include "gemm.clh"

#if CSG_ITEM_ROWS
/* For CPU devices. W is packed: panels of CSG_COLUMNS columns, each [k, CSG_COLUMNS], the last one filled up with zeros. A
 * work-item makes a tile of CSG_ROWS x CSG_COLUMNS, all of it in registers; its panel comes from the cache, where it stays
 * while the tiles below each other (dimension 0) run. There are so many of them as x may have rows in the cache while the panels
 * (dimension 1) pass; the blocks of rows are dimension 2.
 *   CSG_ROWS     rows of a tile; the matrix has at least as many
 *   CSG_VECTORS  vectors of CSG_WIDTH floats in a tile's row */
#define CSG_COLUMNS (CSG_VECTORS * CSG_WIDTH)
#define CSG_STEPS 4 /* of k in one turn of the inner loop: 8 are a third slower on PoCL 3.1 */

/* Weights that are out of the caches when their turn comes, as those of a whole model are, cost a tenth of the speed. Each tile
 * asks for a part of the next panel, a line in every turn; asking for all of it at once gained nothing, and neither did OpenCL's
 * prefetch() on PoCL, which on Intel's runtime costs a fifth of the speed. Compilers to SPIR know no such instruction. */
#if defined(__has_builtin) && (defined(__x86_64__) || defined(__aarch64__))
#if __has_builtin(__builtin_prefetch)
#define CSG_FETCH(p) __builtin_prefetch((const void *)(ulong)(p), 0, 2)
#endif
#endif
#ifndef CSG_FETCH
#define CSG_FETCH(p) (void)(p)
#endif
#define CSG_LINE 16 /* floats of a cache line */

/* One column of x times one row of the panel. */
#define CSG_STEP_OF_K(c)                                                                                                         \
    {                                                                                                                            \
        vecf b[CSG_VECTORS];                                                                                                     \
        _Pragma("unroll") for (int j = 0; j < CSG_VECTORS; j++) b[j] = csg_load(j, w + (c)*CSG_COLUMNS);                         \
        _Pragma("unroll") for (int i = 0; i < CSG_ROWS; i++)                                                                     \
        {                                                                                                                        \
            vecf a = (vecf)(x[i * x_stride + (c)]);                                                                              \
            _Pragma("unroll") for (int j = 0; j < CSG_VECTORS; j++) sums[i][j] = csg_fma(a, b[j], sums[i][j]);                   \
        }                                                                                                                        \
    }

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_packed(__global const float *restrict x, ulong x_at, __global const float *restrict w, __global const float *restrict bias,
            ulong bias_at, __global const float *residual, ulong residual_at, __global float *y, ulong y_at, ulong x_stride,
            ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k, ulong parts, ulong act)
{
    /* The last tile is moved up so that it lies inside; the rows it shares with the one before are not stored again. */
    ulong begin = (get_global_id(2) * get_global_size(0) + get_global_id(0)) * CSG_ROWS;
    if (begin >= rows)
        return;
    ulong row = min(begin, rows - CSG_ROWS), column = get_global_id(1) * CSG_COLUMNS, panel = k * CSG_COLUMNS;
    vecf sums[CSG_ROWS][CSG_VECTORS];
#pragma unroll
    for (int i = 0; i < CSG_ROWS; i++)
#pragma unroll
        for (int j = 0; j < CSG_VECTORS; j++)
            sums[i][j] = (vecf)(0.0f);
    x += x_at + row * x_stride;
    w += column * k;
    ulong whole = k / CSG_STEPS * CSG_STEPS, last = panel - 1, line = get_global_id(0) * (k / CSG_STEPS) * CSG_LINE;
    __global const float *next = w + (column + CSG_COLUMNS < n ? panel : 0);
    for (ulong c = 0; c < whole; c += CSG_STEPS, line += CSG_LINE) {
        CSG_FETCH(next + min(line, last));
#pragma unroll
        for (int u = 0; u < CSG_STEPS; u++)
            CSG_STEP_OF_K(c + u)
    }
    for (ulong c = whole; c < k; c++)
        CSG_STEP_OF_K(c)
    /* From here on in memory: the loops below are not unrolled, so that the activation is compiled once. */
    vecf tile[CSG_ROWS][CSG_VECTORS];
    float shift[CSG_COLUMNS];
#pragma unroll
    for (int i = 0; i < CSG_ROWS; i++)
#pragma unroll
        for (int j = 0; j < CSG_VECTORS; j++)
            tile[i][j] = sums[i][j];
    ulong there = min(n - column, (ulong)CSG_COLUMNS);
    csg_panel_bias(shift, bias + bias_at + column, CSG_COLUMNS, there, parts);
    residual += residual_at + row * residual_stride + column;
    y += y_at + row * y_stride + column;
#pragma nounroll
    for (ulong i = begin - row; i < CSG_ROWS; i++)
#pragma nounroll
        for (ulong j = 0; j < CSG_VECTORS; j++)
            csg_finish_vector(tile[i][j], j, shift, there, residual + i * residual_stride, y + i * y_stride, parts, act);
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
    if (parts & CSG_BIAS)
        v += bias[bias_at + column];
    v = csg_activate(v, act);
    if (parts & CSG_RESIDUAL)
        v += residual[residual_at + row * residual_stride + column];
    y[y_at + row * y_stride + column] = v;
}

/* For GPUs without a trusted CLBlast. W is plain, [n, k]; squares as in gemm.clh. */
__kernel __attribute__((reqd_work_group_size(CSG_SIDE, CSG_SIDE, 1))) void
gemm_tiled(__global const float *restrict x, ulong x_at, __global const float *restrict w, __global const float *restrict bias,
           ulong bias_at, __global const float *residual, ulong residual_at, __global float *y, ulong y_at, ulong x_stride,
           ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k, ulong parts, ulong act)
{
    __local csg_slice a, b;
    uint lx = (uint)get_local_id(0), ly = (uint)get_local_id(1), item = ly * CSG_SIDE + lx;
    ulong row = get_group_id(1) * CSG_TILE, column = get_group_id(0) * CSG_TILE;
    float sums[CSG_EACH][CSG_EACH];
#pragma unroll
    for (uint i = 0; i < CSG_EACH; i++)
#pragma unroll
        for (uint j = 0; j < CSG_EACH; j++)
            sums[i][j] = 0.0f;
    x += x_at;
    for (ulong from = 0; from < k; from += CSG_DEPTH) {
        for (uint e = item; e < CSG_TILE * CSG_DEPTH; e += CSG_SIDE * CSG_SIDE) {
            uint c = e % CSG_DEPTH, r = e / CSG_DEPTH;
            bool inside = from + c < k;
            a[c][r] = inside && row + r < rows ? x[(row + r) * x_stride + from + c] : 0.0f;
            b[c][r] = inside && column + r < n ? w[(column + r) * k + from + c] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        csg_add_slice(sums, &a, &b);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    csg_finish_square(sums, row, column, rows, n, bias + bias_at, residual + residual_at, residual_stride, y + y_at, y_stride, parts,
                      act);
}
#endif
