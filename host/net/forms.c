#include "net/forms.h"

#include "net/scratch.h"

void csg_net_forms_free(struct csg_net_forms *forms)
{
    csg_buffer_destroy(&forms->unit);
    csg_buffer_destroy(&forms->mixed);
    csg_buffer_destroy(&forms->length);
}

/* What a form of attention works on. */
struct form {
    const struct csg_net_tower *tower;
    struct csg_net_forms *scratch;
    const struct csg_net_plan *plan;
    const struct csg_net_tokens *tokens;
    size_t grid_w;
    struct csg_view out; /* [rows, W], or where the form leaves its result */
    size_t out_stride;
};

/* q, k or v (0, 1, 2) within rows of all three. */
static struct csg_view third(const struct form *form, struct csg_view qkv, size_t which)
{
    return csg_view(qkv.buffer, qkv.at + which * form->tower->width);
}

/* Attention of the queries to themselves; the values are v. */
static struct csg_attend_args self_args(const struct form *form)
{
    const struct csg_net_tower *tower = form->tower;
    return (struct csg_attend_args){.v = third(form, form->tokens->qkv, 2),
                                    .out = form->out,
                                    .q_stride = 3 * tower->width,
                                    .k_stride = 3 * tower->width,
                                    .v_stride = 3 * tower->width,
                                    .out_stride = tower->width,
                                    .queries = form->tokens->rows,
                                    .tokens = form->tokens->rows,
                                    .heads = tower->heads,
                                    .head_dim = tower->head_dim,
                                    .scale = tower->scale,
                                    .weight = 1,
                                    .gauss_std = form->plan->gauss_std,
                                    .grid_w = form->grid_w};
}

static int attend_self(struct form *form, struct csg_error *err)
{
    struct csg_attend_args args = self_args(form);
    int status = CSG_OK;
    /* The fused operator has v-v attention. */
    if (form->plan->sources == CSG_SOURCE_V && !(form->plan->gauss_std > 0))
        return csg_net_attention(form->tower, form->tokens, csg_view(NULL, 0), form->out, err);
    for (size_t i = 0; status == CSG_OK && i < 3; i++) {
        if (!(form->plan->sources >> i & 1u))
            continue;
        args.q = args.k = third(form, form->tokens->qkv, i);
        status = csg_attend(form->tower->backend, &args, err);
        args.add = true;
    }
    return status;
}

static int attend_values(struct form *form, struct csg_error *err)
{
    (void)err;
    form->out = third(form, form->tokens->qkv, 2);
    form->out_stride = 3 * form->tower->width;
    return CSG_OK;
}

static int unit_heads(const struct form *form, struct csg_view x, struct csg_view y, size_t heads, struct csg_error *err)
{
    size_t dim = form->tower->head_dim;
    const struct csg_normalize_args args = {
        .x = x, .y = y, .x_stride = dim, .y_stride = dim, .rows = form->tokens->rows * heads, .width = dim};
    return csg_normalize(form->tower->backend, &args, err);
}

/* q, k and v of length one stand in `unit`. */
static int attend_unit(struct form *form, struct csg_error *err)
{
    const struct csg_net_tower *tower = form->tower;
    int status = csg_scratch_f32(tower->backend, &form->scratch->unit, form->tokens->rows, 3 * tower->width, err);
    struct csg_view unit = csg_view(form->scratch->unit, 0);
    if (status == CSG_OK)
        status = unit_heads(form, form->tokens->qkv, unit, 3 * tower->heads, err);
    struct csg_attend_args args = self_args(form);
    args.scale *= 8;
    for (size_t i = 0; status == CSG_OK && i < 3; i++) {
        if (!(form->plan->sources >> i & 1u))
            continue;
        args.q = args.k = third(form, unit, i);
        status = csg_attend(tower->backend, &args, err);
        args.add = true;
    }
    return status;
}

/* One self-self iteration per source, then attention with what came out; q, k and v of length one stand in `unit`. */
static int attend_gem(struct form *form, struct csg_error *err)
{
    const struct csg_net_tower *tower = form->tower;
    struct csg_net_forms *scratch = form->scratch;
    size_t rows = form->tokens->rows, width = tower->width, n_sources = 0;
    for (size_t i = 0; i < 3; i++)
        n_sources += form->plan->sources >> i & 1u;
    int status = csg_scratch_f32(tower->backend, &scratch->unit, rows, 3 * width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(tower->backend, &scratch->mixed, rows, width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(tower->backend, &scratch->length, 1, 1, err);
    if (status)
        return status;
    struct csg_view unit = csg_view(scratch->unit, 0), mixed = csg_view(scratch->mixed, 0);
    const struct csg_meannorm_args length = {
        .x = form->tokens->h, .out = csg_view(scratch->length, 0), .x_stride = width, .rows = rows, .width = width};
    status = csg_meannorm(tower->backend, &length, err);
    if (status == CSG_OK)
        status = unit_heads(form, form->tokens->qkv, unit, 3 * tower->heads, err);
    struct csg_attend_args first = self_args(form), second = first;
    first.by = second.by = length.out;
    first.out = mixed;
    second.q = second.k = mixed;
    second.q_stride = second.k_stride = width;
    second.weight = 1.0f / (float)n_sources;
    for (size_t i = 0; status == CSG_OK && i < 3; i++) {
        if (!(form->plan->sources >> i & 1u))
            continue;
        first.q = first.k = first.v = third(form, unit, i);
        status = csg_attend(tower->backend, &first, err);
        if (status == CSG_OK)
            status = unit_heads(form, mixed, mixed, tower->heads, err);
        if (status == CSG_OK)
            status = csg_attend(tower->backend, &second, err);
        second.add = true;
    }
    return status;
}

static const struct {
    int (*attend)(struct form *, struct csg_error *);
    bool reads_h;
} attends[] = {[CSG_ATTEND_SELF] = {attend_self, false},
               [CSG_ATTEND_VALUES] = {attend_values, false},
               [CSG_ATTEND_UNIT] = {attend_unit, false},
               [CSG_ATTEND_GEM] = {attend_gem, true}};

bool csg_net_reads_h(const struct csg_net_plan *plan)
{
    return attends[plan->attention].reads_h;
}

int csg_net_attend(const struct csg_net_tower *tower, struct csg_net_forms *forms, const struct csg_net_plan *plan,
                   const struct csg_net_tokens *tokens, size_t grid_w, struct csg_view *attended, size_t *stride,
                   struct csg_error *err)
{
    struct form form = {tower, forms, plan, tokens, grid_w, *attended, tower->width};
    int status = attends[plan->attention].attend(&form, err);
    *attended = form.out;
    *stride = form.out_stride;
    return status;
}

int csg_net_changed(const struct csg_net_tower *tower, struct csg_net_forms *forms, const struct csg_net_plan *plan, size_t b,
                    const struct csg_net_tokens *tokens, size_t grid_w, struct csg_view attended, struct csg_view residual,
                    struct csg_view y, struct csg_error *err)
{
    size_t stride;
    int status = csg_net_attend(tower, forms, plan, tokens, grid_w, &attended, &stride, err);
    if (status)
        return status;
    const struct csg_gemm_args args = {.x = attended,
                                       .weight = tower->blocks[b].out,
                                       .bias = tower->blocks[b].out_bias,
                                       .residual = plan->residual ? residual : csg_view(NULL, 0),
                                       .y = y,
                                       .x_stride = stride,
                                       .residual_stride = tower->width,
                                       .y_stride = tower->width,
                                       .rows = tokens->rows};
    return csg_gemm(tower->backend, &args, err);
}
