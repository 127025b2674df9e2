/* The same command started several times by mpirun: who does what, and how it ended everywhere. */
#ifndef CSG_CLI_RANKS_H
#define CSG_CLI_RANKS_H

#include "cli.h"

struct cli_ranks {
    size_t rank, count;
    void *shared; /* of MPI; NULL: there is one rank */
    bool failed;  /* that was agreed on */
};
/* One rank where the tool was not started by mpirun. */
int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err);
/* Waits for all ranks: a failure where one of them failed, told once. */
int cli_ranks_agree(struct cli_ranks *ranks, int status, struct csg_error *err);
void cli_ranks_end(struct cli_ranks *ranks);

/* The rest is not to be asked where there is one rank. */

/* Hands out pictures, each to one rank: whether this one is ours. Asked in ascending order, by one thread at a time; `user` is the ranks. */
bool cli_ranks_mine(void *user, size_t index);
/* This rank has done so many; in rank 0: how many all have done, as far as they have told. */
size_t cli_ranks_done(struct cli_ranks *ranks, size_t done);
/* Whether all ranks have the same number. All are to call it. */
bool cli_ranks_same(struct cli_ranks *ranks, uint64_t number);
/* What the other ranks have, given to `take` in rank 0, one after the other. All are to call it. */
int cli_ranks_gather(struct cli_ranks *ranks, const void *data, size_t bytes,
                     int (*take)(void *user, const void *data, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err);

/* csg_eval in all ranks: each keeps FILE.RANK of --resume FILE, where all ranks of the next run find it, however many they are; rank 0
 * has the result, in the others it is NULL. */
int cli_ranks_eval(struct cli_ranks *ranks, struct csg_engine *engine, const char *folder, const struct csg_eval_params *params,
                   struct csg_eval_result **result, struct csg_error *err);

#endif
