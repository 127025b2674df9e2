/* The tables of tensor names. Private to host/model/layout. */
#ifndef CSG_MODEL_LAYOUT_RULES_H
#define CSG_MODEL_LAYOUT_RULES_H

#include "model/tensors.h"

/* Sides of shapes. Those that are 0 so far are taken from the first tensor that has them. */
enum csg_side { S_NONE, S_WIDTH, S_MLP, S_EMBED, S_PATCH, S_THREE, S_PLACES, S_CONTEXT, S_VOCAB, S_COUNT };

struct csg_rule {
    const char *name;
    size_t at; /* of the struct csg_tensor in struct csg_model or struct csg_block */
    enum csg_side sides[4];
    unsigned parts, part; /* the tensor holds `parts` of that shape along its first side, and this is number `part`; 0: whole */
};

/* What belongs to one tower: rules by model and by block, under prefixes. */
struct csg_tower_rules {
    const char *prefix, *blocks; /* the number of the block stands between `blocks` and the name */
    const struct csg_rule *rules;
    size_t n_rules;
    const struct csg_rule *optional; /* of tensors that a checkpoint may lack */
    size_t n_optional;
};
struct csg_layout {
    const char *name, *mark; /* a tensor that only this layout has */
    bool proj_transposed;
    struct csg_tower_rules vision, text;
    const struct csg_rule *block_rules;
    size_t n_block_rules;
};

/* Ends with a row without a name. */
extern const struct csg_layout csg_layouts[];
/* What marks a checkpoint that is not supported, and why; ends with NULLs. */
struct csg_refusal {
    const char *mark, *what;
};
extern const struct csg_refusal csg_refusals[];
/* Tensors that are skipped without a word: constants and what only training uses. A leading * stands for any prefix. Ends with NULL. */
extern const char *const csg_skipped[];

#endif
