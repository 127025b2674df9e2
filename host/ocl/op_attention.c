/* Attention: a work-item or a work-group per block of queries of one head of one sequence. */
#include <stdio.h>

#include "ocl/ocl.h"

#define PATH_QK 1u
#define PATH_VV 2u

/* Work-items that share a query, queries of a group and keys of a slice, from the fastest down; the first that fits is taken. */
static const struct group_tile {
    size_t lanes, queries, keys;
} group_tiles[] = {{8, 16, 32}, {8, 16, 16}, {8, 8, 16}, {8, 8, 8}, {8, 4, 8}, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}};

static size_t local_bytes(const struct group_tile *t, size_t head_dim)
{
    return sizeof(float) * (2 * (t->keys + t->queries) * (head_dim + 1) + 2 * t->queries * (t->keys + 1 + t->lanes));
}

static const struct group_tile *choose(const struct csg_ocl *ocl, size_t head_dim)
{
    for (size_t i = 0; i < CSG_COUNT(group_tiles); i++)
        if (local_bytes(&group_tiles[i], head_dim) <= ocl->limits.local_bytes &&
            group_tiles[i].lanes * group_tiles[i].queries <= ocl->limits.max_group)
            return &group_tiles[i];
    return NULL;
}

static void group_options(char *out, size_t capacity, const struct group_tile *tile)
{
    snprintf(out, capacity, "-DCSG_LANES=%zu -DCSG_QUERIES=%zu -DCSG_KEYS=%zu", tile->lanes, tile->queries, tile->keys);
}

bool csg_ocl_attention_variant(size_t index, char *needs, char *limit, size_t capacity)
{
    if (index >= CSG_COUNT(group_tiles))
        return false;
    group_options(needs, capacity, &group_tiles[index]);
    /* what heads of 64 channels take with so much local memory */
    snprintf(limit, capacity, "local=%zu", local_bytes(&group_tiles[index], 64));
    return true;
}

int csg_ocl_attention(struct csg_backend *backend, const struct csg_attention_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    size_t paths = (a->qk.buffer ? PATH_QK : 0u) | (a->vv.buffer ? PATH_VV : 0u);
    char options[160];
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),       CSG_VIEW_ARG(a->seq),        CSG_VIEW_ARG(a->qk),
                                       CSG_VIEW_ARG(a->vv),        CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->qk_stride),
                                       CSG_SIZE_ARG(a->vv_stride), CSG_SIZE_ARG(a->heads),      CSG_FLOAT_ARG(a->scale),
                                       CSG_SIZE_ARG(a->causal),    CSG_SIZE_ARG(paths)};
    struct csg_ocl_launch launch = {CSG_OP_attention, options, "attention", .args = args, .n_args = CSG_COUNT(args)};
    if (ocl->form->item_rows) {
        size_t queries = (size_t)ocl->tile->query_vectors * ocl->tile->width;
        snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu -DCSG_QUERY_VECTORS=%u -DCSG_KEY_ROWS=%u", a->head_dim,
                 ocl->tile->query_vectors, ocl->tile->key_rows);
        launch.range = (struct csg_ocl_range){
            {csg_ocl_even(ocl, csg_ocl_ceil_div(a->longest, queries) * a->heads), 1, a->sequences}, {1, 1, 1}};
    } else {
        const struct group_tile *tile = choose(ocl, a->head_dim);
        if (!tile)
            return csg_fail(err, CSG_ERROR_MEMORY, "%s has too little local memory for heads of %zu channels", ocl->base.device,
                            a->head_dim);
        launch.range = (struct csg_ocl_range){{csg_ocl_ceil_div(a->longest, tile->queries), a->heads, a->sequences},
                                              {tile->lanes, tile->queries, 1}};
        char tile_options[100];
        group_options(tile_options, sizeof tile_options, tile);
        snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu %s", a->head_dim, tile_options);
    }
    return csg_ocl_launch(ocl, &launch, err);
}
