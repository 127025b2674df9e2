/* The kinds of image towers. */
#include <stdlib.h>

#include "base/mem.h"
#include "net/scratch.h"
#include "net/vision.h"

static int (*const creates[])(struct csg_vision **, struct csg_backend *, const struct csg_model *,
                              struct csg_error *) = {[CSG_VIT] = csg_vit_create, [CSG_RESNET] = csg_resnet_create};

int csg_vision_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err)
{
    return creates[model->architecture](out, backend, model, err);
}

void csg_vision_destroy(struct csg_vision **vision)
{
    if (vision && *vision) {
        csg_buffer_destroy(&(*vision)->picture);
        csg_buffer_destroy(&(*vision)->tokens);
        (*vision)->class_->destroy(*vision);
        *vision = NULL;
    }
}

bool csg_vision_together(const struct csg_vision *vision, const struct csg_net_plan *plan)
{
    return vision->class_->together && vision->class_->together(plan);
}

int csg_vision_encode(struct csg_vision *vision, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                      const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err)
{
    return vision->class_->encode(vision, rgb, count, w_px, h_px, plan, tokens, err);
}

void csg_vision_keep(struct csg_vision *vision, struct csg_buffer **rgb)
{
    csg_buffer_destroy(&vision->picture);
    vision->picture = *rgb;
    *rgb = NULL;
}

int csg_vision_take_tokens(struct csg_vision *vision, struct csg_backend *backend, const double *sums, size_t elements,
                           struct csg_view *tokens, struct csg_error *err)
{
    float *values = csg_calloc(elements, sizeof *values);
    int status = values ? csg_scratch_f32(backend, &vision->tokens, elements, 1, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < elements; i++)
        values[i] = (float)sums[i];
    if (status == CSG_OK)
        status = csg_buffer_write(vision->tokens, 0, values, elements * sizeof *values, err);
    *tokens = csg_view(vision->tokens, 0);
    free(values);
    return status;
}

struct csg_view csg_vision_picture(const struct csg_vision *vision)
{
    return csg_view(vision->picture, 0);
}

int csg_vision_relevance(struct csg_vision *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                         struct csg_view *relevance, struct csg_error *err)
{
    if (!vision->class_->relevance)
        return csg_fail(err, CSG_ERROR_USAGE, "the model's image tower has no gradients");
    return vision->class_->relevance(vision, kind, texts, n, relevance, err);
}

int csg_vision_foreground(struct csg_vision *vision, const uint8_t *inside, double *shares, struct csg_error *err)
{
    if (!vision->class_->foreground)
        return csg_fail(err, CSG_ERROR_USAGE, "a ResNet has no attention in its blocks: mFSR is of a ViT");
    return vision->class_->foreground(vision, inside, shares, err);
}
