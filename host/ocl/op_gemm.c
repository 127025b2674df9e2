/* GEMM: packed panels on CPU devices; on GPUs one of the forms. */
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

size_t csg_ocl_gemm_parts(const struct csg_gemm_args *a)
{
    return (a->bias.buffer ? CSG_GEMM_BIAS : 0u) | (a->residual.buffer ? CSG_GEMM_RESIDUAL : 0u);
}

int csg_ocl_gemm_launch(struct csg_ocl *ocl, int source, const char *kernel, const char *options, struct csg_ocl_range range,
                        const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    size_t operands = weight->pairs ? 2 : 1; /* of k in what x is read by */
    size_t k = csg_ocl_ceil_div(weight->base.k, operands);
    const struct csg_view x = csg_view(a->x.buffer, a->x.at / operands);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(x),
                                       CSG_MEM_ARG(weight->mem),
                                       CSG_VIEW_ARG(a->bias),
                                       CSG_VIEW_ARG(a->residual),
                                       CSG_VIEW_ARG(a->y),
                                       CSG_SIZE_ARG(a->x_stride / operands),
                                       CSG_SIZE_ARG(a->residual_stride),
                                       CSG_SIZE_ARG(a->y_stride),
                                       CSG_SIZE_ARG(a->rows),
                                       CSG_SIZE_ARG(weight->base.n),
                                       CSG_SIZE_ARG(k),
                                       CSG_SIZE_ARG(csg_ocl_gemm_parts(a)),
                                       CSG_SIZE_ARG((size_t)a->act)};
    struct csg_ocl_launch launch = {source, options, kernel, range, args, CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}

size_t csg_ocl_gemm_rows(const struct csg_ocl *ocl, size_t rows)
{
    const struct csg_ocl_tile *tile = ocl->tile;
    return rows >= tile->rows ? tile->rows : rows >= tile->rows_few ? tile->rows_few : 1;
}

/* Ways through packed panels: the rows of a register tile, as tall as the matrix allows or not, and work-items for each of a device's
 * threads, so that the last one to end does not keep the others waiting long. */
static const struct packed_form {
    const char *name;
    bool few;
    unsigned items_each;
    bool amx; /* by tiles of bfloat16 */
} packed_forms[] = {{"tall-16", false, 16, false},
                    {"tall-8", false, 8, false},
                    {"tall-32", false, 32, false},
                    {"low-16", true, 16, false},
                    {"amx-16", false, 16, true}};
enum { AMX_FORM = CSG_COUNT(packed_forms) - 1 };

static size_t tile_rows(const struct csg_ocl *ocl, const struct packed_form *form, size_t rows)
{
    return form->few ? ocl->tile->rows_few : csg_ocl_gemm_rows(ocl, rows);
}

const char *csg_ocl_y_option(enum csg_dtype y_type)
{
    return y_type == CSG_BF16 ? " " CSG_OCL_Y_BF16 : "";
}

void csg_ocl_packed_options(char *out, size_t capacity, bool pairs, enum csg_dtype y_type, const struct csg_ocl_tile *tile,
                            size_t rows)
{
    snprintf(out, capacity, "%s-DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d%s", pairs ? "-DCSG_PAIRS=1 " : "", rows,
             tile->vectors, CSG_OCL_TILES, csg_ocl_y_option(y_type));
}

/* Work-items for so many tiles in each of the panels, of which one takes at most `most`, at least one. */
static size_t items_of(const struct csg_ocl *ocl, const struct packed_form *form, size_t tiles, size_t panels, size_t most)
{
    size_t threads = ocl->limits.compute_units, each = tiles * panels / (threads * form->items_each);
    each = each < 1 ? 1 : each > most ? most : each;
    return csg_ocl_even(ocl, csg_ocl_ceil_div(tiles, each) * panels);
}

static int packed(struct csg_ocl *ocl, const struct packed_form *form, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    size_t rows = tile_rows(ocl, form, a->rows);
    size_t tiles = csg_ocl_ceil_div(a->rows, rows), panels = csg_ocl_ceil_div(weight->base.n, weight->nr);
    size_t items = items_of(ocl, form, tiles, panels, CSG_OCL_TILES);
    char options[120];
    csg_ocl_packed_options(options, sizeof options, weight->pairs, a->y_type, ocl->tile, rows);
    return csg_ocl_gemm_launch(ocl, CSG_OP_gemm, "gemm_packed", options, (struct csg_ocl_range){{items, 1, 1}, {1, 1, 1}}, a,
                               err);
}

/* Blocks of 32 x 32 sums in four tiles. */
enum { AMX_ROWS = 32, AMX_COLUMNS = 32, AMX_K = 32, AMX_LEAST_ROWS = 8 };

static int by_tiles(struct csg_ocl *ocl, const struct packed_form *form, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    size_t blocks = csg_ocl_ceil_div(a->rows, AMX_ROWS), panels = csg_ocl_ceil_div(weight->base.n, weight->nr);
    size_t items = items_of(ocl, form, blocks, panels, blocks);
    char options[64];
    snprintf(options, sizeof options, "-DCSG_VECTORS=%u%s", ocl->tile->vectors, csg_ocl_y_option(a->y_type));
    return csg_ocl_gemm_launch(ocl, CSG_OCL_gemm_amx, "gemm_amx", options, (struct csg_ocl_range){{items, 1, 1}, {1, 1, 1}}, a,
                               err);
}

/* The same with x rounded to bfloat16 pairs, in the backend's scratch. */
static int paired(struct csg_ocl *ocl, const struct packed_form *form, const struct csg_gemm_args *a, struct csg_error *err)
{
    size_t k = a->weight->k, pairs = csg_ocl_ceil_div(k, 2), bytes;
    if (a->x_type == CSG_BF16)
        return (form->amx ? by_tiles : packed)(ocl, form, a, err);
    if (!csg_mul(a->rows, pairs, &bytes) || !csg_mul(bytes, sizeof(cl_uint), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "a matrix of %zu x %zu is too large", a->rows, k);
    int status = csg_ocl_scratch(ocl, bytes, err);
    if (status)
        return status;
    char options[120];
    csg_ocl_packed_options(options, sizeof options, true, CSG_F32, ocl->tile, tile_rows(ocl, form, a->rows));
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x), CSG_MEM_ARG(ocl->scratch), CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(k)};
    const struct csg_ocl_launch pack = {CSG_OP_gemm, options, "gemm_pairs", {{a->rows, 1, 1}, {1, 1, 1}}, args, CSG_COUNT(args)};
    status = csg_ocl_launch(ocl, &pack, err);
    struct csg_ocl_buffer scratch = {.base.backend = &ocl->base, .base.bytes = ocl->scratch_bytes, .mem = ocl->scratch};
    struct csg_gemm_args args_of_pairs = *a;
    args_of_pairs.x = csg_view(&scratch.base, 0);
    args_of_pairs.x_stride = 2 * pairs;
    return status ? status : (form->amx ? by_tiles : packed)(ocl, form, &args_of_pairs, err);
}

static const char *packed_name(const struct csg_ocl *ocl, size_t form)
{
    (void)ocl;
    return form < CSG_COUNT(packed_forms) ? packed_forms[form].name : NULL;
}

/* Products with 16 bits that are widened have one way. */
static int packed_fits(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err)
{
    const struct csg_gemm_args *a = args;
    bool pairs = ((const struct csg_ocl_weight *)a->weight)->pairs;
    if (packed_forms[way.form].amx) {
        *fits = pairs && a->weight->k % AMX_K == 0 && a->rows >= AMX_LEAST_ROWS &&
                ocl->tile->vectors * ocl->tile->width % AMX_COLUMNS == 0;
        return *fits ? csg_ocl_amx_usable(ocl, fits, err) : CSG_OK;
    }
    *fits = way.form == 0 || ((a->weight->precision == CSG_PRECISION_F32 || pairs) && a->rows >= ocl->tile->rows);
    return CSG_OK;
}

/* Tiles wherever they can run. */
static int packed_untuned(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err)
{
    bool tiles;
    *way = (struct csg_ocl_way){AMX_FORM, 1};
    int status = packed_fits(ocl, *way, args, &tiles, err);
    way->form = tiles ? AMX_FORM : 0;
    return status;
}

static int packed_run(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err)
{
    const struct csg_gemm_args *a = args;
    if (((const struct csg_ocl_weight *)a->weight)->pairs)
        return paired(ocl, &packed_forms[way.form], a, err);
    return a->weight->precision == CSG_PRECISION_F32 ? packed(ocl, &packed_forms[way.form], a, err)
                                                     : csg_ocl_gemm_half(ocl, a, err);
}

const struct csg_ocl_ways csg_ocl_gemm_packed_ways = {packed_name, NULL, packed_fits, packed_untuned, packed_run};

int csg_ocl_gemm(struct csg_backend *backend, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_shape shape = {CSG_OP_gemm, a->weight->precision, a->rows, {a->weight->n, a->weight->k}};
    return csg_ocl_run_best(csg_ocl_of(backend), &shape, a, err);
}
