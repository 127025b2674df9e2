#include "net/refine.h"

#include "net/scratch.h"

#define STEPS 10 /* even: maps end where they began */
#define NEAR_PX 8
#define FAR_PX 16

int csg_net_refine_prepare(struct csg_net_refine *refine, struct csg_backend *backend, struct csg_view rgb, size_t w, size_t h,
                           struct csg_error *err)
{
    refine->w = w;
    refine->h = h;
    int status = csg_scratch_f32(backend, &refine->weights, CSG_REFINE_NEIGHBOURS, w * h, err);
    const struct csg_contrast_args args = {
        .in = rgb, .out = csg_view(refine->weights, 0), .w = w, .h = h, .dilations_px = {NEAR_PX, FAR_PX}};
    return status ? status : csg_contrast(backend, &args, err);
}

int csg_net_refine(struct csg_net_refine *refine, struct csg_backend *backend, struct csg_view maps, size_t n,
                   struct csg_error *err)
{
    int status = csg_scratch_f32(backend, &refine->other, n, refine->w * refine->h, err);
    struct csg_view from = maps, to = csg_view(refine->other, 0);
    for (size_t i = 0; status == CSG_OK && i < STEPS; i++) {
        const struct csg_refine_args args = {.in = from,
                                             .out = to,
                                             .weights = csg_view(refine->weights, 0),
                                             .n = n,
                                             .w = refine->w,
                                             .h = refine->h,
                                             .dilations_px = {NEAR_PX, FAR_PX}};
        status = csg_refine(backend, &args, err);
        to = args.in;
        from = args.out;
    }
    return status;
}

void csg_net_refine_free(struct csg_net_refine *refine)
{
    csg_buffer_destroy(&refine->weights);
    csg_buffer_destroy(&refine->other);
}
