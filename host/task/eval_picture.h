/* What an evaluation measures of one picture. */
#ifndef CSG_TASK_EVAL_PICTURE_H
#define CSG_TASK_EVAL_PICTURE_H

#include "task/context.h"
#include "task/dataset.h"
#include "task/encode.h"
#include "task/eval_record.h"
#include "task/method.h"
#include "task/similarity.h"

/* The same for all pictures, and for engines in different threads. */
struct csg_eval_how {
    struct csg_eval_shape shape;
    const struct csg_method **methods; /* [n_methods] */
    struct csg_net_plan *plans;        /* [n_methods] */
    float *features;                   /* [n_classes, embed_dim] */
    double scale, background;
    enum csg_refinement refinement;
    struct csg_input_size ways; /* windows and levels alone */
    const char *fit;
    int size_px;
};
/* Fills a record that was made for the picture. */
int csg_eval_picture(const struct csg_eval_how *how, const struct csg_context *context, const struct csg_truth *truth,
                     struct csg_eval_record *record, struct csg_error *err);

#endif
