/* How much there is to do: for speeds beside the device's peaks. */
#include "check/conf.h"

/* Multiplications, additions and comparisons of the method, whatever a kernel does more; exp, division and square root count one. */
static double flop_of(const struct conf_case *c)
{
    switch (c->op) {
    case CSG_OP_resize: {
        const struct csg_resize_args *a = &c->args.resize;
        return 6.0 * (double)a->taps * (double)a->out_px * (double)(a->vertical ? a->in_w_px : a->in_h_px);
    }
    case CSG_OP_patches:
        return 3.0 * 3.0 * (double)c->args.patches.w_px * (double)c->args.patches.h_px;
    case CSG_OP_avgpool:
        return (double)c->args.avgpool.w * (double)c->args.avgpool.h * (double)c->args.avgpool.channels;
    case CSG_OP_position:
        return 8.0 * (double)c->args.position.grid_w * (double)c->args.position.grid_h * (double)c->args.position.width;
    case CSG_OP_tokens:
        return (double)c->args.tokens.rows * (double)c->args.tokens.width;
    case CSG_OP_layernorm:
        return 8.0 * (double)c->args.layernorm.rows * (double)c->args.layernorm.width;
    case CSG_OP_gemm:
        return 2.0 * (double)c->args.gemm.rows * (double)c->weight.n * (double)c->weight.k;
    case CSG_OP_attention: {
        const struct csg_attention_args *a = &c->args.attention;
        double pairs = 0.0, paths = (a->qk_stride && c->n_operands > 2 ? (double)(c->n_operands - 2) : 1.0);
        pairs = (double)a->tokens * (double)a->tokens / (double)a->sequences * (a->causal ? 0.5 : 1.0);
        return paths * pairs * (double)a->heads * (4.0 * (double)a->head_dim + 4.0);
    }
    case CSG_OP_normalize:
        return 3.0 * (double)c->args.normalize.rows * (double)c->args.normalize.width;
    case CSG_OP_mean:
        return (double)c->operands[0].rows * (double)c->args.mean.width;
    case CSG_OP_similarity:
        return 2.0 * (double)c->args.similarity.rows * (double)c->args.similarity.n_texts * (double)c->args.similarity.width;
    case CSG_OP_subtract:
        return (double)c->args.subtract.n_texts * (double)c->args.subtract.width;
    case CSG_OP_surgery:
        return 4.0 * (double)c->args.surgery.rows * (double)c->args.surgery.n_texts;
    case CSG_OP_minmax:
        return 4.0 * (double)c->args.minmax.cells * (double)c->args.minmax.n_texts;
    case CSG_OP_bilinear:
        return 7.0 * (double)c->args.bilinear.n * (double)c->args.bilinear.out_w * (double)c->args.bilinear.out_h;
    case CSG_OP_corners:
        return 7.0 * (double)c->args.corners.n * (double)c->args.corners.out_w * (double)c->args.corners.out_h;
    case CSG_OP_peak:
        return (double)c->args.peak.n * (double)c->args.peak.w * (double)c->args.peak.h;
    case CSG_OP_blend:
        return 10.0 * (double)c->args.blend.cells;
    case CSG_OP_attend: {
        const struct csg_attend_args *a = &c->args.attend;
        return (double)a->queries * (double)a->tokens * (double)a->heads * (4.0 * (double)a->head_dim + 4.0);
    }
    case CSG_OP_branch: {
        const struct csg_branch_args *a = &c->args.branch;
        return (double)c->operands[2].width * (double)a->heads * (4.0 * (double)a->head_dim + 4.0);
    }
    case CSG_OP_meannorm:
        return 2.0 * (double)c->args.meannorm.rows * (double)c->args.meannorm.width;
    case CSG_OP_unitback:
        return 7.0 * (double)c->args.unitback.rows * (double)c->args.unitback.width;
    case CSG_OP_normback:
        return 12.0 * (double)c->args.normback.rows * (double)c->args.normback.width;
    case CSG_OP_actback:
        return 8.0 * (double)c->args.actback.rows * (double)c->args.actback.width;
    case CSG_OP_attendback: {
        const struct csg_attendback_args *a = &c->args.attendback;
        return (double)a->tokens * (double)a->heads *
               (2.0 * (double)a->head_dim + 4.0 + (double)a->n * (2.0 * (double)a->head_dim + 4.0));
    }
    case CSG_OP_attendgrad: {
        const struct csg_attendgrad_args *a = &c->args.attendgrad;
        return (double)a->tokens * (double)a->tokens * (double)a->heads * (10.0 * (double)a->head_dim + 10.0);
    }
    case CSG_OP_gate:
        return 2.0 * (double)c->args.gate.rows * (double)c->args.gate.n;
    case CSG_OP_distance:
        return 3.0 * (double)c->args.distance.rows * (double)c->args.distance.rows * (double)c->args.distance.width;
    case CSG_OP_affinity:
        return 4.0 * (double)c->args.affinity.rows * (double)c->args.affinity.width;
    case CSG_OP_weigh:
        return 2.0 * (double)c->args.weigh.rows * (double)c->args.weigh.terms * (double)c->args.weigh.width;
    case CSG_OP_contrast:
        return 3.0 * 6.0 * CSG_REFINE_NEIGHBOURS * (double)c->args.contrast.w * (double)c->args.contrast.h;
    case CSG_OP_refine:
        return 2.0 * CSG_REFINE_NEIGHBOURS * (double)c->args.refine.n * (double)c->args.refine.w * (double)c->args.refine.h;
    case CSG_OP_gather:
    case CSG_OP_unfold:
    case CSG_OP_COUNT:
        break;
    }
    return 0.0;
}

void conf_work(const struct conf_case *c, double *flop, double *bytes)
{
    *flop = flop_of(c);
    /* of a table only the rows that are asked for */
    if (c->op == CSG_OP_gather || c->op == CSG_OP_tokens) {
        const struct conf_operand *out = &c->operands[c->n_operands - 1];
        *bytes = 4.0 * (double)(out->rows * out->width) * (c->op == CSG_OP_gather ? 2.0 : 3.0);
        return;
    }
    *bytes = (double)csg_dtype_bytes(csg_precisions[c->weight.precision].dtype) * (double)c->weight.n * (double)c->weight.k;
    for (size_t i = 0; i < c->n_operands; i++) {
        const struct conf_operand *o = &c->operands[i];
        *bytes += (double)(o->rows * o->width * conf_type_bytes(o->type)) * (o->role == CONF_INOUT ? 2.0 : 1.0);
    }
}
