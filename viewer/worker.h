/* The thread that computes. It owns the engine, works on the newest job only, and hands over the newest outcome only: the
 * window never waits for the device. */
#ifndef CSG_VIEWER_WORKER_H
#define CSG_VIEWER_WORKER_H

#include "texts.h"

struct map_spec {
    char method[32], labels[VIEW_PATH], redundant[16], fit[16]; /* empty: the default */
    char other[32]; /* a second method to compare with, "reference": the same one on the C reference; empty: none */
    int size_px;
    unsigned first_block;
};

struct job {
    uint64_t serial;     /* of the state of the window that asks; not of the frame */
    struct frame *frame; /* NULL: only open the engine */
    struct engine_spec engine;
    struct map_spec map;
    struct encoded *encoded; /* the features of the texts, of the same model; NULL: nothing is to be computed */
    size_t n_texts;
    char texts[VIEW_MAX_TEXTS][VIEW_TEXT];
    bool points;
    double point_threshold;
};

struct points {
    int (*xy)[2];
    uint8_t *labels;
    size_t count;
};

struct outcome {
    atomic_int refs;
    struct job job;
    int status; /* where it is not CSG_OK, there are no results */
    struct csg_error err;
    struct csg_result *result, *other;
    struct points points[VIEW_MAX_TEXTS];
    char other_device[VIEW_TEXT];
    double started_ms, finished_ms;
};
struct outcome *outcome_ref(struct outcome *outcome);
void outcome_unref(struct outcome **outcome);

/* What is open. */
struct worker_state {
    bool ready, busy;
    uint64_t engine_serial; /* grows with every engine that is opened */
    struct engine_spec spec;
    char model_name[VIEW_TEXT], device[VIEW_TEXT], platform[VIEW_TEXT], driver[VIEW_TEXT], device_class[16], precision[16];
    int image_size_px, patch_px;
    size_t layers, first_block_default;
    uint64_t no_methods;        /* bit i: csg_method_name(i) is none for this model */
    char devices[8][VIEW_TEXT]; /* the usable ones */
    char device_specs[8][16];
    size_t n_devices;
    char doing[VIEW_TEXT];   /* the last message of the library */
    char trouble[VIEW_PATH]; /* why another device than the wanted one works, or why none does; empty: all is well */
};

/* Files that are to be written from an outcome. */
struct export_request {
    struct outcome *outcome;
    size_t text;
    char colormap[32], folder[VIEW_PATH];
    double opacity, point_threshold;
    int (*write_report)(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                        const char *path, struct csg_error *err);
};

struct worker;
/* wake is called from the worker's thread whenever there is something to take. */
int worker_create(struct worker **out, void (*wake)(void), struct csg_error *err);
void worker_destroy(struct worker **worker);
/* Replaces the job that waits, if one does. Takes references of the frame and of the features. */
void worker_submit(struct worker *worker, const struct job *job);
/* The newest outcome since the last call, or NULL; to be unref'd. */
struct outcome *worker_take(struct worker *worker);
void worker_state(struct worker *worker, struct worker_state *state);
bool worker_idle(struct worker *worker);

/* One at a time; false: one is under way. The request is taken over. */
bool worker_ask_export(struct worker *worker, const struct export_request *request);
/* What became of the last export, once: a sentence. */
bool worker_take_message(struct worker *worker, char *sentence, size_t capacity);

#endif
