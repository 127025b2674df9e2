/* y = act(x W^T + bias) + residual with W in 16 bits an element, to which x is rounded before it is multiplied, the rest as in gemm.cl.
 * Sums are single precision.
 *   CSG_HALF  1: f16; 2: bfloat16 */
#include "activation.clh"
#include "gemm.clh"

/* For CPU devices. W is packed as in gemm.cl. A work-item owns CSG_TILES register tiles below each other: it widens CSG_DEPTH rows of
 * its panel into memory that stays in the first-level cache, then all its tiles go through them.
 *   CSG_ROWS, CSG_VECTORS  of a tile, as in gemm.cl
 *   CSG_TILES              of a work-item */
#define CSG_COLUMNS (CSG_VECTORS * CSG_WIDTH)
#define CSG_DEPTH 128

#if CSG_HALF == CSG_F16
#if CSG_WIDTH == 16
#define csg_widen(p) vload_half16(0, (__global const half *)(p))
#elif CSG_WIDTH == 8
#define csg_widen(p) vload_half8(0, (__global const half *)(p))
#else
#define csg_widen(p) vload_half4(0, (__global const half *)(p))
#endif
#else
#if CSG_WIDTH == 16
#define csg_widen(p) as_float16(convert_uint16(vload16(0, p)) << 16)
#elif CSG_WIDTH == 8
#define csg_widen(p) as_float8(convert_uint8(vload8(0, p)) << 16)
#else
#define csg_widen(p) as_float4(convert_uint4(vload4(0, p)) << 16)
#endif
#endif

/* The operand x of the products, once for all panels. A work-item makes a row. */
__kernel void gemm_round(__global const float *restrict x, ulong x_at, __global float *restrict y, ulong x_stride, ulong k)
{
    ulong row = get_global_id(1);
    x += x_at + row * x_stride;
    y += row * k;
    for (ulong c = 0; c < k; c++)
        y[c] = csg_round(x[c]);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_half(__global const float *restrict x, ulong x_at, __global const ushort *restrict w, __global const float *restrict bias,
          ulong bias_at, __global const float *residual, ulong residual_at, __global float *y, ulong y_at, ulong x_stride,
          ulong residual_stride, ulong y_stride, ulong rows, ulong n, ulong k, ulong parts, ulong act)
{
    float wide[CSG_DEPTH * CSG_COLUMNS] __attribute__((aligned(64)));
    vecf sums[CSG_TILES][CSG_ROWS][CSG_VECTORS];
    ulong first = get_global_id(0) * CSG_TILES * CSG_ROWS, column = get_global_id(1) * CSG_COLUMNS;
    ulong tiles = min((rows - first + CSG_ROWS - 1) / CSG_ROWS, (ulong)CSG_TILES);
    x += x_at;
    w += column * k;
    for (ulong from = 0; from < k; from += CSG_DEPTH) {
        ulong depth = min(k - from, (ulong)CSG_DEPTH);
        for (ulong i = 0; i < depth * CSG_VECTORS; i++)
            csg_store(csg_widen(w + from * CSG_COLUMNS + i * CSG_WIDTH), i, wide);
        for (ulong t = 0; t < tiles; t++) {
            /* The last tile is moved up so that it lies inside. */
            __global const float *a = x + min(first + t * CSG_ROWS, rows - CSG_ROWS) * x_stride + from;
            vecf tile[CSG_ROWS][CSG_VECTORS];
#pragma unroll
            for (int i = 0; i < CSG_ROWS; i++)
#pragma unroll
                for (int j = 0; j < CSG_VECTORS; j++)
                    tile[i][j] = from ? sums[t][i][j] : (vecf)(0.0f);
            for (ulong c = 0; c < depth; c++) {
                vecf b[CSG_VECTORS];
#pragma unroll
                for (int j = 0; j < CSG_VECTORS; j++)
                    b[j] = csg_load(0, wide + c * CSG_COLUMNS + j * CSG_WIDTH);
#pragma unroll
                for (int i = 0; i < CSG_ROWS; i++) {
                    vecf p = (vecf)(a[i * x_stride + c]);
#pragma unroll
                    for (int j = 0; j < CSG_VECTORS; j++)
                        tile[i][j] = csg_fma(p, b[j], tile[i][j]);
                }
            }
#pragma unroll
            for (int i = 0; i < CSG_ROWS; i++)
#pragma unroll
                for (int j = 0; j < CSG_VECTORS; j++)
                    sums[t][i][j] = tile[i][j];
        }
    }
    float shift[CSG_COLUMNS];
    ulong there = min(n - column, (ulong)CSG_COLUMNS);
    csg_panel_bias(shift, bias + bias_at + column, CSG_COLUMNS, there, parts);
    residual += residual_at + column;
    y += y_at + column;
#pragma nounroll
    for (ulong r = first; r < min(first + tiles * CSG_ROWS, rows); r++) {
        /* The rows that a moved tile shares with the one before are taken from there. */
        ulong t = (r - first) / CSG_ROWS, begin = min(first + t * CSG_ROWS, rows - CSG_ROWS);
#pragma nounroll
        for (ulong j = 0; j < CSG_VECTORS; j++)
            csg_finish_vector(sums[t][r - begin][j], j, shift, there, residual + r * residual_stride, y + r * y_stride, parts,
                              act);
    }
}
