#include "task/method.h"

#include <stdio.h>

#include "base/names.h"

/* Columns of a plan: streams, (first block), attention, sources, Gaussian, residual, FFN, (inputs kept), (CLS too), (a projection for the patches). */
#define DUAL(attention, sources, gauss, residual, ffn)                                                                           \
    {                                                                                                                            \
        CSG_STREAMS_DUAL, 0, CSG_ATTEND_##attention, sources, gauss, residual, ffn, false, false, false                          \
    }
#define SURGERY                                                                                                                  \
    {                                                                                                                            \
        CSG_STREAMS_DUAL, 0, CSG_ATTEND_SELF, CSG_SOURCE_V, 0, true, false, false, true, false                                   \
    }
#define SINGLE(attention, sources, gauss, residual, ffn)                                                                         \
    {                                                                                                                            \
        CSG_STREAMS_SINGLE, 0, CSG_ATTEND_##attention, sources, gauss, residual, ffn, false, false, false                        \
    }
#define UNCHANGED                                                                                                                \
    {                                                                                                                            \
        CSG_STREAMS_NONE, 0, CSG_ATTEND_SELF, 0, 0, true, true, false, false, false                                              \
    }
#define KEPT                                                                                                                     \
    {                                                                                                                            \
        CSG_STREAMS_NONE, 0, CSG_ATTEND_SELF, 0, 0, true, true, true, false, false                                               \
    }
#define EXPLAIN                                                                                                                  \
    {                                                                                                                            \
        CSG_STREAMS_NONE, 0, CSG_ATTEND_SELF, 0, 0, true, true, false, false, true                                               \
    }
#define Q CSG_SOURCE_Q
#define K CSG_SOURCE_K
#define V CSG_SOURCE_V
#define ALL (Q | K | V)
#define VIT CSG_TOWERS_VIT
#define BOTH CSG_TOWERS_BOTH
#define RESNET CSG_TOWERS_RESNET

/* Sources and formulas: docs/methods.md. The methods that change the last block alone have a second path too: patches come from
 * it, and CLS, whose cosine is the score, stays CLIP's. */
static const struct csg_method methods[] = {
    {"surgery", "architecture and feature surgery (Li et al. 2025)", CSG_BLOCKS_FROM, SURGERY, true, false, CSG_RELEVANCE_NONE,
     BOTH},
    {"arch", "architecture surgery alone: the second path with v-v attention, no feature surgery", CSG_BLOCKS_FROM, SURGERY,
     false, false, CSG_RELEVANCE_NONE, BOTH},
    {"raw", "CLIP as it is: the cosine of every projected patch with the text", CSG_BLOCKS_NONE, UNCHANGED, false, false,
     CSG_RELEVANCE_NONE, BOTH},
    {"feature", "feature surgery alone, on CLIP's own tokens", CSG_BLOCKS_NONE, UNCHANGED, true, false, CSG_RELEVANCE_NONE, BOTH},
    {"single", "v-v attention without a second path, the ablation that collapses (Li et al. 2025)", CSG_BLOCKS_FROM,
     SINGLE(SELF, V, 0, true, true), false, false, CSG_RELEVANCE_NONE, BOTH},
    {"rclip", "the raw map reversed (Li et al. 2022)", CSG_BLOCKS_NONE, UNCHANGED, false, true, CSG_RELEVANCE_NONE, BOTH},
    {"eclip", "a projection of its own for the patches, of a checkpoint that has one (Li et al. 2022)", CSG_BLOCKS_NONE, EXPLAIN,
     false, false, CSG_RELEVANCE_NONE, VIT},
    {"maskclip", "values alone in the last block, no residual, no FFN (Zhou et al. 2022)", CSG_BLOCKS_LAST,
     DUAL(VALUES, V, 0, false, false), false, false, CSG_RELEVANCE_NONE, BOTH},
    {"sclip", "q-q and k-k attention added in the last block (Wang et al. 2024)", CSG_BLOCKS_LAST,
     DUAL(SELF, Q | K, 0, true, true), false, false, CSG_RELEVANCE_NONE, BOTH},
    {"clearclip", "q-q attention in the last block, no residual, no FFN (Lan et al. 2024)", CSG_BLOCKS_LAST,
     DUAL(SELF, Q, 0, false, false), false, false, CSG_RELEVANCE_NONE, BOTH},
    {"naclip", "k-k attention to near patches in the last block, no residual, no FFN (Hajimiri et al. 2025)", CSG_BLOCKS_LAST,
     DUAL(SELF, K, 5, false, false), false, false, CSG_RELEVANCE_NONE, BOTH},
    {"gem", "q-q, k-k and v-v attention of grouped tokens in the second path (Bousselham et al. 2024)", CSG_BLOCKS_FROM,
     DUAL(GEM, ALL, 0, true, false), false, false, CSG_RELEVANCE_NONE, VIT},
    {"gradcam", "ln_1's output in the last block, weighted by its mean gradient (Selvaraju et al. 2017)", CSG_BLOCKS_NONE,
     UNCHANGED, false, false, CSG_RELEVANCE_GRADCAM, VIT},
    {"bimodal", "gradient times attention of CLS in the last block (Chefer et al. 2021)", CSG_BLOCKS_NONE, UNCHANGED, false,
     false, CSG_RELEVANCE_BIMODAL, VIT},
    {"bimodal_all", "the same through every block, last to first (Chefer et al. 2021)", CSG_BLOCKS_NONE, KEPT, false, false,
     CSG_RELEVANCE_BIMODAL_ALL, VIT},
    {"resclip", "attention of middle blocks, and a first segmentation fed back into the last block (Yang et al. 2025)",
     CSG_BLOCKS_NONE, KEPT, false, false, CSG_RELEVANCE_RESCLIP, VIT},
    {"scclip", "outliers mended, patches mixed by how alike earlier blocks' outputs are (Bai et al. 2025)", CSG_BLOCKS_NONE, KEPT,
     false, false, CSG_RELEVANCE_SCCLIP, VIT},
    {"gscorecam", "300 channels of high gradient as masks, each weighed by the masked picture (Chen et al. 2022)",
     CSG_BLOCKS_NONE, KEPT, false, false, CSG_RELEVANCE_GSCORECAM, VIT},
    {"gradeclip", "gradient times value, loosened q-k similarity in the last block (Zhao et al. 2024)", CSG_BLOCKS_NONE,
     UNCHANGED, false, false, CSG_RELEVANCE_GRADECLIP, VIT},
    {"surgery_paper", "surgery of a ResNet's pool as the paper has it: v of length one, 8 times the scale, CLIP's own CLS",
     CSG_BLOCKS_FROM, DUAL(UNIT, V, 0, true, false), true, false, CSG_RELEVANCE_NONE, RESNET},
    {"arch_paper", "the same without feature surgery", CSG_BLOCKS_FROM, DUAL(UNIT, V, 0, true, false), false, false,
     CSG_RELEVANCE_NONE, RESNET},
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

static bool fits_tower(const struct csg_method *method, const struct csg_model *model)
{
    return method->towers == CSG_TOWERS_BOTH ||
           method->towers == (model->architecture == CSG_RESNET ? CSG_TOWERS_RESNET : CSG_TOWERS_VIT);
}

bool csg_method_fits_model(const struct csg_method *method, const struct csg_model *model)
{
    return fits_tower(method, model) && (!method->plan.explain || model->vision_explain.data);
}

/* With the names of those that the model can do. */
static int refuse(const struct csg_method *method, const struct csg_model *model, struct csg_error *err)
{
    char names[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        int n = csg_method_fits_model(&methods[i], model)
                    ? snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", methods[i].name)
                    : 0;
        used += n > 0 && (size_t)n < sizeof names - used ? (size_t)n : 0;
    }
    if (fits_tower(method, model))
        return csg_fail(err, CSG_ERROR_USAGE, "%s needs the tensor visual.proj_explain, which the checkpoint lacks; there are %s",
                        method->name, names);
    return csg_fail(err, CSG_ERROR_USAGE, "%s is no method for %s; there are %s", method->name,
                    model->architecture == CSG_RESNET ? "a ResNet" : "a ViT", names);
}

int csg_method_plan(struct csg_net_plan *plan, const struct csg_method *method, const struct csg_model *model,
                    unsigned first_block, struct csg_error *err)
{
    size_t layers = model->vision.layers;
    *plan = method->plan;
    if (first_block > layers)
        return csg_fail(err, CSG_ERROR_USAGE, "the first block is %u, but the image tower has %zu block%s", first_block, layers,
                        layers == 1 ? "" : "s");
    if (!csg_method_fits_model(method, model))
        return refuse(method, model, err);
    switch (method->blocks) {
    case CSG_BLOCKS_NONE:
        break;
    case CSG_BLOCKS_FROM:
        plan->first_block = first_block ? first_block : csg_first_block_default(layers);
        break;
    case CSG_BLOCKS_LAST:
        plan->first_block = layers;
        break;
    }
    return CSG_OK;
}

size_t csg_first_block_default(size_t layers)
{
    return layers > 6 ? layers - 5 : 1;
}
