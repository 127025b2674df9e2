/* The same command started several times by mpirun: who does what, and how it ended everywhere. */
#ifndef CSG_CLI_RANKS_H
#define CSG_CLI_RANKS_H

#include "cli.h"

struct cli_ranks {
    size_t rank, count;
    void *shared; /* of MPI; NULL: there is one rank, and what is below is not to be asked but agree and end */
};
/* One rank where the tool was not started by mpirun. */
int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err);
/* Hands out pictures, each to one rank: whether this one is ours. Asked in ascending order; `user` is the ranks. */
bool cli_ranks_mine(void *user, size_t index);
/* How many are handed out. */
size_t cli_ranks_given(struct cli_ranks *ranks);
/* Waits for all ranks: a failure where one of them failed. */
int cli_ranks_agree(struct cli_ranks *ranks, int status, struct csg_error *err);
void cli_ranks_end(struct cli_ranks *ranks);

/* csg_eval in all ranks: each keeps FILE.RANK of --resume FILE, where all ranks of the next run find it, however many they are; rank 0
 * has the result, in the others it is NULL. */
int cli_ranks_eval(struct cli_ranks *ranks, struct csg_engine *engine, const char *folder, const struct csg_eval_params *params,
                   struct csg_eval_result **result, struct csg_error *err);

#endif
