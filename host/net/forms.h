/* The changed attention of a method's blocks. */
#ifndef CSG_NET_FORMS_H
#define CSG_NET_FORMS_H

#include "net/plan.h"
#include "net/tower.h"

/* Scratch of the forms that need some. */
struct csg_net_forms {
    struct csg_buffer *unit, *mixed, *length; /* [rows, 3W], [rows, W], [1] */
};
void csg_net_forms_free(struct csg_net_forms *forms);

/* Whether what follows looks at tokens->h, which then has to be float32. */
bool csg_net_reads_h(const struct csg_net_plan *plan);

/* What the tokens attend to by the plan, from tokens->qkv and tokens->h: into *attended [rows, W], or where else it is then said to
 * stand. Of the tower only sizes and the backend are used. */
int csg_net_attend(const struct csg_net_tower *tower, struct csg_net_forms *forms, const struct csg_net_plan *plan,
                   const struct csg_net_tokens *tokens, size_t grid_w, struct csg_view *attended, size_t *stride,
                   struct csg_error *err);

/* y = [residual +] out_proj(what the tokens attend to by the plan), in block b after csg_net_qkv: from tokens->qkv and tokens->h.
 * attended is scratch [rows, W]; residual, which may be y, is left out where the plan drops it. */
int csg_net_changed(const struct csg_net_tower *tower, struct csg_net_forms *forms, const struct csg_net_plan *plan, size_t b,
                    const struct csg_net_tokens *tokens, size_t grid_w, struct csg_view attended, struct csg_view residual,
                    struct csg_view y, struct csg_error *err);

#endif
