/* Where the tensors of a checkpoint belong: one table of name rules for each layout. Private to host/model. */
#ifndef CSG_MODEL_LAYOUT_H
#define CSG_MODEL_LAYOUT_H

#include "model/tensors.h"

/* CLIP's ResNets, whose picture tower has the same names in every layout. */
#define CSG_RESNET_MARK "visual.layer1.0.conv1.weight"
int csg_layout_resnet(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err);
/* The tensor of that name and shape. */
int csg_layout_take(struct csg_tensor *place, struct csg_tensors *tensors, const char *name, const size_t *dims, size_t n_dims,
                    struct csg_error *err);
/* The side of the grid of which there are `places` with the class token, and the native size where nothing else says it. */
int csg_layout_grid(struct csg_model *model, size_t places, struct csg_error *err);

/* Finds every tensor, checks its shape against the sizes of the model and fills what the configuration left open. */
int csg_layout_apply(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err);
/* One warning that names the tensors that nothing used. */
void csg_layout_tell_surplus(const struct csg_tensors *tensors, const struct csg_log *log);

#endif
