/* Prompts as a tree: a token whose whole beginning another prompt has too is there once. The mask of the text tower is causal, so that a
 * token's row depends on its beginning alone, and the rows that prompts share are the same to the bit. */
#ifndef CSG_NET_BRANCHES_H
#define CSG_NET_BRANCHES_H

#include "base/status.h"
#include "net/text.h"

struct csg_sorted_prompt {
    const int32_t *ids;
    size_t length;
    size_t index; /* in the list that was sorted */
};
/* Equal beginnings stand together, equal prompts too; *out is to be freed. */
int csg_branches_sort(struct csg_sorted_prompt **out, const struct csg_prompts *prompts, struct csg_error *err);

/* Sorted prompts that run together. */
struct csg_branches {
    size_t rows;           /* tokens */
    int32_t *ids, *places; /* [rows] */
    int32_t *from, *path;  /* [rows + 1], [from[rows]]: what each token sees, as in struct csg_branch_args */
    /* What a token is before the first block depends on its id and place alone: the different ones of these, and what each token sees
     * counted in them (as path, with the same from). */
    size_t pairs;
    int32_t *pair_ids, *pair_places, *pair_path; /* [pairs], [pairs], [from[rows]] */
    size_t ends;                                 /* different prompts */
    int32_t *end_from, *end_path,
        *end_rows; /* [ends + 1], [end_from[ends]], [ends]: the same of their last tokens, and which these are */
};

/* Takes as many prompts from *next on as have at most `limit` tokens together, at least one, and adds *unique to the number of the
 * row that holds the end of each: row_of[index] = *unique + 0 ... ends - 1. *unique and *next go on. */
int csg_branches_create(struct csg_branches *out, const struct csg_sorted_prompt *sorted, size_t count, size_t limit,
                        size_t *next, size_t *unique, int32_t *row_of, struct csg_error *err);
void csg_branches_free(struct csg_branches *branches);

#endif
