/* What a method makes of the image tower: which blocks get which attention, and what they keep. */
#ifndef CSG_NET_PLAN_H
#define CSG_NET_PLAN_H

#include <stdbool.h>
#include <stddef.h>

enum csg_net_streams {
    CSG_STREAMS_NONE,   /* CLIP as it is */
    CSG_STREAMS_SINGLE, /* the blocks themselves change: what they make goes into the next, and CLS with it */
    CSG_STREAMS_DUAL    /* a second path beside CLIP's own, which CLS comes from */
};

enum csg_net_attention {
    CSG_ATTEND_SELF,   /* sum over the sources p: softmax(s p p^T + bias) v */
    CSG_ATTEND_VALUES, /* v: every token attends to itself alone */
    CSG_ATTEND_UNIT,   /* sum over the sources p: softmax(8 s p p^T) v, p of length one: the paper's for a ResNet's pool */
    CSG_ATTEND_GEM /* mean over the sources: p of length one, p = unit(softmax(t p p^T) p), softmax(t p p^T) v, t = s mean ||ln_1 x|| */
};

enum csg_net_source { CSG_SOURCE_Q = 1, CSG_SOURCE_K = 2, CSG_SOURCE_V = 4 };

struct csg_net_plan {
    enum csg_net_streams streams;
    size_t first_block; /* from 1; ignored without streams */
    enum csg_net_attention attention;
    unsigned sources; /* bits of enum csg_net_source */
    float gauss_std;  /* in patches; 0: no bias */
    bool residual;    /* of the attention */
    bool ffn;
    bool keep_inputs; /* without streams: what goes into every block is kept */
    bool cls_too;     /* of a ResNet's pool with a second path: CLS is taken from it as well, as published */
    bool explain;     /* without streams: the checkpoint's further projection for the patches, CLS keeps its own */
};

#endif
