/* Attention: a work-item per block of queries of one head on CPU devices, on GPUs a work-group, in one of the forms. */
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define PATH_QK 1u
#define PATH_VV 2u

/* From the largest down; those of matrix units are first, for they are faster wherever they can run. */
static const struct csg_ocl_attention_form forms[] = {
    {"mma-128x64", .mma = true, .queries = 128, .keys = 64},
    {"mma-64x32", .mma = true, .queries = 64, .keys = 32},
    {"mma-32x32", .mma = true, .queries = 32, .keys = 32},
    {"block-64x32-8x4", .queries = 64, .keys = 32, .tq = 8, .tk = 4},
    {"block-64x32", .queries = 64, .keys = 32, .tq = 4, .tk = 4},
    {"block-32x32", .queries = 32, .keys = 32, .tq = 4, .tk = 4},
    {"block-16x16", .queries = 16, .keys = 16, .tq = 4, .tk = 4},
    {"block-8x8", .queries = 8, .keys = 8, .tq = 4, .tk = 4},
    {"block-4x4", .queries = 4, .keys = 4, .tq = 4, .tk = 4},
};
#define LEAST_ITEMS 64 /* of a group; smaller ones are for devices that have too little local memory */

const struct csg_ocl_attention_form *csg_ocl_attention_form_at(size_t index)
{
    return index < CSG_COUNT(forms) ? &forms[index] : NULL;
}

static size_t form_items(const struct csg_ocl_attention_form *form)
{
    return form->mma ? (size_t)form->queries * 2 : (size_t)(form->queries / form->tq) * (form->keys / form->tk);
}

static size_t local_bytes(const struct csg_ocl_attention_form *form, size_t head_dim)
{
    size_t queries = form->queries, keys = form->keys;
    if (form->mma)
        return sizeof(cl_uint) * (keys * (head_dim / 2 + 8) + head_dim * (keys / 2 + 8));
    size_t lanes = keys / form->tk, channels = csg_ocl_ceil_div(head_dim, 4) * 4;
    size_t value_row = csg_ocl_ceil_div(head_dim, 4 * lanes) * 4 * lanes + 4;
    size_t key_part = channels * (keys + 4), weights = keys * (queries + 4);
    return sizeof(float) *
           (channels * (queries + 4) + (key_part > weights ? key_part : weights) + keys * value_row + queries * lanes);
}

static bool aligned(const struct csg_attention_args *a)
{
    return a->head_dim % 4 == 0 && a->qkv.at % 4 == 0 && a->qkv_stride % 4 == 0;
}

static size_t all_heads(const struct csg_attention_args *a)
{
    return a->heads * a->sequences * (a->qk.buffer && a->vv.buffer ? 2 : 1);
}

/* Results are stored two by two. */
static bool mma_can(const struct csg_attention_args *a)
{
    return a->head_dim % 16 == 0 && a->head_dim <= 128 && aligned(a) && a->qk.at % 2 == 0 && a->qk_stride % 2 == 0 &&
           a->vv.at % 2 == 0 && a->vv_stride % 2 == 0;
}

static int fits(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err)
{
    const struct csg_ocl_attention_form *form = &forms[way.form];
    const struct csg_attention_args *a = args;
    *fits = form_items(form) <= ocl->limits.max_group && local_bytes(form, a->head_dim) <= ocl->limits.local_bytes;
    if (!*fits || !form->mma)
        return CSG_OK;
    /* Every work-item copies as much of a slice. */
    *fits = a->precision != CSG_PRECISION_F32 && mma_can(a) && form->keys * (a->head_dim / 8) % form_items(form) == 0;
    return *fits ? csg_ocl_mma_usable(ocl, fits, err) : CSG_OK;
}

/* The largest that gives every compute unit a group; where none does, the smallest with groups worth having. */
static int untuned(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err)
{
    const struct csg_attention_args *a = args;
    bool can, found = false;
    for (size_t i = 0; i < CSG_COUNT(forms); i++) {
        const struct csg_ocl_attention_form *form = &forms[i];
        if (found && (form_items(form) < LEAST_ITEMS || form->mma != forms[way->form].mma))
            break;
        int status = fits(ocl, (struct csg_ocl_way){i, 1}, a, &can, err);
        if (status)
            return status;
        if (!can)
            continue;
        *way = (struct csg_ocl_way){i, 1};
        found = true;
        if (csg_ocl_ceil_div(a->longest, form->queries) * all_heads(a) >= ocl->limits.compute_units)
            break;
    }
    if (!found)
        return csg_fail(err, CSG_ERROR_MEMORY, "%s has too little local memory for heads of %zu channels", ocl->base.device,
                        a->head_dim);
    return CSG_OK;
}

void csg_ocl_attention_options(char *out, size_t capacity, const struct csg_ocl_attention_form *form,
                               enum csg_precision precision, bool whole)
{
    if (form->mma)
        snprintf(out, capacity, "-DCSG_QUERIES=%u -DCSG_KEYS=%u -DCSG_HALF=%d", form->queries, form->keys, (int)precision);
    else
        snprintf(out, capacity, "-DCSG_QUERIES=%u -DCSG_KEYS=%u -DCSG_TQ=%u -DCSG_TK=%u -DCSG_ALIGNED=%d", form->queries,
                 form->keys, form->tq, form->tk, whole);
}

static size_t paths_of(const struct csg_attention_args *a)
{
    return (a->qk.buffer ? PATH_QK : 0u) | (a->vv.buffer ? PATH_VV : 0u);
}

static int launch(struct csg_ocl *ocl, const struct csg_ocl_attention_form *form, const char *tile, struct csg_ocl_range range,
                  const struct csg_attention_args *a, struct csg_error *err)
{
    char options[200];
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),       CSG_VIEW_ARG(a->seq),        CSG_VIEW_ARG(a->qk),
                                       CSG_VIEW_ARG(a->vv),        CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->qk_stride),
                                       CSG_SIZE_ARG(a->vv_stride), CSG_SIZE_ARG(a->heads),      CSG_FLOAT_ARG(a->scale),
                                       CSG_SIZE_ARG(a->causal),    CSG_SIZE_ARG(paths_of(a))};
    const bool mma = form && form->mma;
    snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu %s", a->head_dim, tile);
    const struct csg_ocl_launch one = {mma ? (int)CSG_OCL_attention_mma : (int)CSG_OP_attention,
                                       options,
                                       mma ? "attention_mma" : "attention",
                                       range,
                                       args,
                                       CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &one, err);
}

static int run(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err)
{
    const struct csg_ocl_attention_form *form = &forms[way.form];
    const struct csg_attention_args *a = args;
    char options[100];
    csg_ocl_attention_options(options, sizeof options, form, a->precision, aligned(a));
    const struct csg_ocl_range range = {{csg_ocl_ceil_div(a->longest, form->queries), a->heads, all_heads(a) / a->heads},
                                        {form_items(form), 1, 1}};
    return launch(ocl, form, options, range, a, err);
}

static const char *name(const struct csg_ocl *ocl, size_t form)
{
    (void)ocl;
    return form < CSG_COUNT(forms) ? forms[form].name : NULL;
}

const struct csg_ocl_ways csg_ocl_attention_ways = {name, NULL, fits, untuned, run};

/* ------------------------------------------------------------------------------------------ a work-item a block */

/* Vectors of queries that a work-item owns: as many as the tile says, or fewer, so that more work-items have something to do. */
static const char *const item_forms[] = {"tile", "tile-1", "tile-2", "amx"};
/* By tiles of bfloat16; only a device whose tile has the vectors of all forms before may have them. */
enum { AMX_FORM = CSG_COUNT(item_forms) - 1, AMX_KEYS = 16, AMX_DIM = 32 };

unsigned csg_ocl_attention_vectors(const struct csg_ocl_tile *tile, size_t form)
{
    return form < AMX_FORM && form < tile->query_vectors ? tile->query_vectors - (unsigned)form : 0;
}

static const char *item_name(const struct csg_ocl *ocl, size_t form)
{
    return form < CSG_COUNT(item_forms) &&
                   (form < ocl->tile->query_vectors || (form == AMX_FORM && ocl->tile->query_vectors == AMX_FORM))
               ? item_forms[form]
               : NULL;
}

/* Whether it runs on pairs of bfloat16. */
static int takes_pairs(struct csg_ocl *ocl, const struct csg_attention_args *a, bool *paired, struct csg_error *err)
{
    *paired = false;
    return a->precision == CSG_PRECISION_BF16 ? csg_ocl_pairs_usable(ocl, paired, err) : CSG_OK;
}

static int item_fits(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err)
{
    const struct csg_attention_args *a = args;
    bool paired;
    int status = takes_pairs(ocl, a, &paired, err);
    if (way.form == AMX_FORM) {
        *fits = paired && a->head_dim % AMX_DIM == 0;
        return status || !*fits ? status : csg_ocl_amx_usable(ocl, fits, err);
    }
    *fits = way.form == 0 || !paired;
    return status;
}

static int item_untuned(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err)
{
    bool tiles;
    *way = (struct csg_ocl_way){AMX_FORM, 1};
    int status = item_fits(ocl, *way, args, &tiles, err);
    way->form = tiles ? AMX_FORM : 0;
    return status;
}

enum { PAIRS_QUERIES = 48, PAIRS_KEY_ROWS = 8 };

/* q, k and v as pairs of bfloat16 in the backend's scratch, then attention. */
static int pairs(struct csg_ocl *ocl, bool amx, const struct csg_attention_args *a, struct csg_error *err)
{
    size_t slots = 2 * (a->tokens / 2 + a->sequences), row = csg_ocl_ceil_div(a->head_dim, 2), bytes;
    size_t key_rows = amx ? AMX_KEYS : PAIRS_KEY_ROWS, channels = csg_ocl_ceil_div(a->head_dim, key_rows) * key_rows;
    /* A tile of keys reads on behind the last one. */
    if (!csg_mul(slots + key_rows, 3 * row + channels / 2 + 1, &bytes) || !csg_mul(bytes, a->heads * sizeof(cl_uint), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "attention of %zu tokens is too large", a->tokens);
    int status = csg_ocl_scratch(ocl, bytes, err);
    if (status)
        return status;
    char options[100];
    snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu -DCSG_QUERIES=%d -DCSG_KEY_ROWS=%zu%s%s", a->head_dim, PAIRS_QUERIES,
             key_rows, amx ? " " CSG_OCL_AMX : "", csg_ocl_y_option(a->type));
    const struct csg_ocl_arg pack_args[] = {CSG_VIEW_ARG(a->qkv),        CSG_VIEW_ARG(a->seq),   CSG_MEM_ARG(ocl->scratch),
                                            CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->heads), CSG_SIZE_ARG(slots),
                                            CSG_SIZE_ARG(paths_of(a))};
    const struct csg_ocl_launch pack = {CSG_OCL_attention_pairs,
                                        options,
                                        "attention_pack",
                                        {{csg_ocl_ceil_div(a->longest, 2), 1, a->sequences}, {1, 1, 1}},
                                        pack_args,
                                        CSG_COUNT(pack_args)};
    status = csg_ocl_launch(ocl, &pack, err);
    const struct csg_ocl_arg args[] = {CSG_MEM_ARG(ocl->scratch), CSG_VIEW_ARG(a->seq),       CSG_VIEW_ARG(a->qk),
                                       CSG_VIEW_ARG(a->vv),       CSG_SIZE_ARG(a->qk_stride), CSG_SIZE_ARG(a->vv_stride),
                                       CSG_SIZE_ARG(a->heads),    CSG_SIZE_ARG(slots),        CSG_FLOAT_ARG(a->scale),
                                       CSG_SIZE_ARG(a->causal),   CSG_SIZE_ARG(paths_of(a))};
    size_t blocks = csg_ocl_ceil_div(a->longest, PAIRS_QUERIES);
    const struct csg_ocl_launch attend = {CSG_OCL_attention_pairs,
                                          options,
                                          "attention_pairs",
                                          {{csg_ocl_even(ocl, blocks * a->heads), 1, all_heads(a) / a->heads}, {1, 1, 1}},
                                          args,
                                          CSG_COUNT(args)};
    return status ? status : csg_ocl_launch(ocl, &attend, err);
}

static int item_run(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err)
{
    const struct csg_attention_args *a = args;
    bool paired;
    int status = takes_pairs(ocl, a, &paired, err);
    if (status || paired)
        return status ? status : pairs(ocl, way.form == AMX_FORM, a, err);
    unsigned vectors = csg_ocl_attention_vectors(ocl->tile, way.form);
    size_t queries = (size_t)vectors * ocl->tile->width;
    char options[100];
    snprintf(options, sizeof options, "-DCSG_QUERY_VECTORS=%u -DCSG_KEY_ROWS=%u", vectors, ocl->tile->key_rows);
    const struct csg_ocl_range range = {{csg_ocl_even(ocl, csg_ocl_ceil_div(a->longest, queries) * a->heads), 1, a->sequences},
                                        {1, 1, 1}};
    return launch(ocl, NULL, options, range, a, err);
}

const struct csg_ocl_ways csg_ocl_attention_item_ways = {item_name, NULL, item_fits, item_untuned, item_run};

int csg_ocl_attention(struct csg_backend *backend, const struct csg_attention_args *a, struct csg_error *err)
{
    const struct csg_ocl_shape shape = {CSG_OP_attention, a->precision, a->longest, {a->head_dim, all_heads(a)}};
    return csg_ocl_run_best(csg_ocl_of(backend), &shape, a, err);
}
