/* The thread that encodes texts, with an engine of its own: what is typed never waits for a picture, nor a picture for a text. */
#ifndef CSG_VIEWER_TEXTS_H
#define CSG_VIEWER_TEXTS_H

#include "base.h"

struct engine_spec {
    char model[VIEW_PATH], device[VIEW_TEXT], precision[16], templates[VIEW_PATH]; /* empty: the default */
    char fallback[16]; /* where a device fails: empty: the next one, at last the reference; "reference"; "none" */
};

/* Maps of which texts, with which labels. Compared byte by byte. */
struct text_spec {
    struct engine_spec engine;
    char method[32], other[32], labels[VIEW_PATH], redundant[16]; /* empty: the default; other: a second method, or empty */
    size_t n_texts;
    char texts[VIEW_MAX_TEXTS][VIEW_TEXT];
};

/* The features that maps of a text_spec need. Shared by the threads, and never changed. */
struct encoded {
    atomic_int refs;
    struct text_spec spec;
    int status; /* where it is not CSG_OK, there are no features */
    struct csg_error err;
    struct csg_label_set needed;
    float *features;                   /* [needed.count, embed_dim] */
    char unknown[VIEW_MAX_TEXTS][128]; /* words that the model was never taught */
    double ms;
};
struct encoded *encoded_ref(struct encoded *encoded);
void encoded_unref(struct encoded **encoded);

/* Texts whose features are wanted, and, when they are there, those. */
struct features {
    char (*texts)[VIEW_TEXT];
    size_t count, embed_dim;
    float *values; /* [count, embed_dim]; NULL where it failed */
};
void features_destroy(struct features **features);

struct text_state {
    bool busy;
    char doing[VIEW_TEXT];   /* the last message of the library */
    char trouble[VIEW_PATH]; /* why another device than the wanted one encodes; empty: all is well */
};

struct texts;
/* wake is called from the thread whenever there is something to take. */
int texts_create(struct texts **out, void (*wake)(void), struct csg_error *err);
void texts_destroy(struct texts **texts);
/* Replaces what waits, and cuts short what runs for long. */
void texts_submit(struct texts *texts, const struct text_spec *spec);
/* The newest since the last call, or NULL; to be unref'd. */
struct encoded *texts_take(struct texts *texts);
void texts_state(struct texts *texts, struct text_state *state);
/* One at a time; false: one is under way. The request is taken over. */
bool texts_ask_features(struct texts *texts, struct features *features);
struct features *texts_take_features(struct texts *texts);

#endif
