/* Ranks of MPI. A counter in the memory of rank 0 hands out pictures: whoever is free takes the next one, and nobody serves it. */
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>

#include "ranks.h"

struct shared {
    MPI_Win window;
    int64_t *counter; /* in rank 0 */
    int64_t claim;    /* the picture that was handed to this rank last; -1: none */
};

/* What starts programs with MPI tells them so; without, MPI is not started, which takes a while. */
static bool started_by_mpi(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (getenv(variables[i]))
            return true;
    return false;
}

int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err)
{
    int rank, count;
    *ranks = (struct cli_ranks){.count = 1};
    if (!started_by_mpi())
        return CSG_OK;
    struct shared *shared = calloc(1, sizeof *shared);
    if (!shared)
        return cli_fail(err, CSG_ERROR, "out of memory");
    /* A failure of MPI itself ends all ranks: that is its default, and nothing else could be done. */
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    MPI_Win_allocate(rank == 0 ? (MPI_Aint)sizeof *shared->counter : 0, sizeof *shared->counter, MPI_INFO_NULL, MPI_COMM_WORLD,
                     &shared->counter, &shared->window);
    if (rank == 0) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, shared->window);
        *shared->counter = 0;
        MPI_Win_unlock(0, shared->window);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    shared->claim = -1;
    *ranks = (struct cli_ranks){.rank = (size_t)rank, .count = (size_t)count, .shared = shared};
    return CSG_OK;
}

/* The counter before `add` was added. */
static int64_t count_on(struct shared *shared, int64_t add)
{
    int64_t before = 0;
    MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, shared->window);
    MPI_Fetch_and_op(&add, &before, MPI_INT64_T, 0, 0, MPI_SUM, shared->window);
    MPI_Win_unlock(0, shared->window);
    return before;
}

bool cli_ranks_mine(void *user, size_t index)
{
    struct shared *shared = ((struct cli_ranks *)user)->shared;
    while (shared->claim < (int64_t)index) /* what was done before is handed out, too, and passed over here */
        shared->claim = count_on(shared, 1);
    return shared->claim == (int64_t)index;
}

size_t cli_ranks_given(struct cli_ranks *ranks)
{
    return (size_t)count_on(ranks->shared, 0);
}

int cli_ranks_agree(struct cli_ranks *ranks, int status, struct csg_error *err)
{
    int worst = status;
    if (!ranks->shared)
        return status;
    MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (worst && !status)
        return cli_fail(err, worst, "another rank failed; what is done is kept, and the same command goes on with it");
    return status;
}

void cli_ranks_end(struct cli_ranks *ranks)
{
    struct shared *shared = ranks->shared;
    if (!shared)
        return;
    MPI_Win_free(&shared->window);
    MPI_Finalize();
    free(shared);
    ranks->shared = NULL;
}
