#include "task/method.h"

#include "base/names.h"

/* Columns of a plan: streams, (first block), attention, sources, Gaussian, residual, FFN, (inputs kept). */
#define DUAL(attention, sources, gauss, residual, ffn)                                                                           \
    {                                                                                                                            \
        CSG_STREAMS_DUAL, 0, CSG_ATTEND_##attention, sources, gauss, residual, ffn, false                                        \
    }
#define SINGLE(attention, sources, gauss, residual, ffn)                                                                         \
    {                                                                                                                            \
        CSG_STREAMS_SINGLE, 0, CSG_ATTEND_##attention, sources, gauss, residual, ffn, false                                      \
    }
#define UNCHANGED                                                                                                                \
    {                                                                                                                            \
        CSG_STREAMS_NONE, 0, CSG_ATTEND_SELF, 0, 0, true, true, false                                                            \
    }
#define KEPT                                                                                                                     \
    {                                                                                                                            \
        CSG_STREAMS_NONE, 0, CSG_ATTEND_SELF, 0, 0, true, true, true                                                             \
    }
#define Q CSG_SOURCE_Q
#define K CSG_SOURCE_K
#define V CSG_SOURCE_V
#define ALL (Q | K | V)

/* Sources and formulas: docs/methods.md. The methods that change the last block alone have a second path too: patches come from
 * it, and CLS, whose cosine is the score, stays CLIP's. */
static const struct csg_method methods[] = {
    {"surgery", "architecture and feature surgery (Li et al. 2025)", CSG_BLOCKS_FROM, DUAL(SELF, V, 0, true, false), true, false,
     CSG_GRADIENT_NONE},
    {"arch", "architecture surgery alone: the second path with v-v attention, no feature surgery", CSG_BLOCKS_FROM,
     DUAL(SELF, V, 0, true, false), false, false, CSG_GRADIENT_NONE},
    {"raw", "CLIP as it is: the cosine of every projected patch with the text", CSG_BLOCKS_NONE, UNCHANGED, false, false,
     CSG_GRADIENT_NONE},
    {"feature", "feature surgery alone, on CLIP's own tokens", CSG_BLOCKS_NONE, UNCHANGED, true, false, CSG_GRADIENT_NONE},
    {"single", "v-v attention without a second path, the ablation that collapses (Li et al. 2025)", CSG_BLOCKS_FROM,
     SINGLE(SELF, V, 0, true, true), false, false, CSG_GRADIENT_NONE},
    {"rclip", "the raw map reversed (Li et al. 2022)", CSG_BLOCKS_NONE, UNCHANGED, false, true, CSG_GRADIENT_NONE},
    {"maskclip", "values alone in the last block, no residual, no FFN (Zhou et al. 2022)", CSG_BLOCKS_LAST,
     DUAL(VALUES, V, 0, false, false), false, false, CSG_GRADIENT_NONE},
    {"sclip", "q-q and k-k attention added in the last block (Wang et al. 2024)", CSG_BLOCKS_LAST,
     DUAL(SELF, Q | K, 0, true, true), false, false, CSG_GRADIENT_NONE},
    {"clearclip", "q-q attention in the last block, no residual, no FFN (Lan et al. 2024)", CSG_BLOCKS_LAST,
     DUAL(SELF, Q, 0, false, false), false, false, CSG_GRADIENT_NONE},
    {"naclip", "k-k attention to near patches in the last block, no residual, no FFN (Hajimiri et al. 2025)", CSG_BLOCKS_LAST,
     DUAL(SELF, K, 5, false, false), false, false, CSG_GRADIENT_NONE},
    {"gem", "q-q, k-k and v-v attention of grouped tokens in the second path (Bousselham et al. 2024)", CSG_BLOCKS_FROM,
     DUAL(GEM, ALL, 0, true, false), false, false, CSG_GRADIENT_NONE},
    {"gradcam", "ln_1's output in the last block, weighted by its mean gradient (Selvaraju et al. 2017)", CSG_BLOCKS_NONE,
     UNCHANGED, false, false, CSG_GRADIENT_GRADCAM},
    {"bimodal", "gradient times attention of CLS in the last block (Chefer et al. 2021)", CSG_BLOCKS_NONE, UNCHANGED, false,
     false, CSG_GRADIENT_BIMODAL},
    {"bimodal_all", "the same through every block, last to first (Chefer et al. 2021)", CSG_BLOCKS_NONE, KEPT, false, false,
     CSG_GRADIENT_BIMODAL_ALL},
    {"gradeclip", "gradient times value, loosened q-k similarity in the last block (Zhao et al. 2024)", CSG_BLOCKS_NONE,
     UNCHANGED, false, false, CSG_GRADIENT_GRADECLIP},
};

const struct csg_method *csg_method_at(size_t index)
{
    return index < sizeof methods / sizeof *methods ? methods + index : NULL;
}

static const char *name_at(size_t index)
{
    const struct csg_method *method = csg_method_at(index);
    return method ? method->name : NULL;
}

int csg_method_find(const struct csg_method **out, const char *name, struct csg_error *err)
{
    size_t index = 0;
    int status = csg_name_find(&index, name, "method", name_at, err);
    *out = status ? NULL : methods + index;
    return status;
}

struct csg_net_plan csg_method_plan(const struct csg_method *method, size_t layers, size_t first_block)
{
    struct csg_net_plan plan = method->plan;
    switch (method->blocks) {
    case CSG_BLOCKS_NONE:
        break;
    case CSG_BLOCKS_FROM:
        plan.first_block = first_block ? first_block : csg_first_block_default(layers);
        break;
    case CSG_BLOCKS_LAST:
        plan.first_block = layers;
        break;
    }
    return plan;
}

size_t csg_first_block_default(size_t layers)
{
    return layers > 6 ? layers - 5 : 1;
}
