/* An engine: device, model, towers. */
#ifndef CSG_API_ENGINE_H
#define CSG_API_ENGINE_H

#include "task/context.h"

/* Where an engine computes, or did; never changed, so that any thread may ask for it while another one moves the engine. */
struct csg_origin {
    struct csg_origin *before; /* the strings of csg_engine_info live as long as the engine */
    char device[256], platform[256], driver[256], device_class[16];
    enum csg_precision precision;
    char fallback_reason[1024]; /* empty: it is the one that was asked for */
};

/* What csg_engine_create was asked for, for when another device goes on. */
struct csg_wish {
    char *device;             /* NULL: the best */
    const char *device_class; /* NULL: the device's own */
    enum csg_precision precision;
    bool measure; /* the precision */
    bool image_tower;
    size_t fallback;      /* index of csg_fallback_name */
    size_t others;        /* devices that were tried beside it */
    bool reference_tried; /* the same */
};

struct csg_engine {
    struct csg_log log;
    atomic_int interrupted;
    struct csg_wish wish;
    struct csg_backend *backend;
    struct csg_model *model;
    struct csg_vision *vision;
    struct csg_ensemble *ensemble;
    _Atomic(struct csg_origin *) origin;
    char sha256[65]; /* empty until it is asked for */
    char *cache_dir; /* NULL: nothing is kept on disk */
    struct csg_op_stat stats[CSG_OP_COUNT];
};

/* The parts of the engine as the tasks want them. */
struct csg_context csg_engine_context(struct csg_engine *engine);
/* csg_embed_images on the device that the engine has, whatever comes of it. size_px: pictures are stretched to that; 0: the model's. */
int csg_engine_embed(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images, int size_px,
                     float *features, struct csg_error *err);
/* Turns the end of an interrupted call into a state in which the next call works. */
int csg_engine_end(struct csg_engine *engine, int status);

#endif
