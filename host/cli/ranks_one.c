/* Without MPI there is one rank. */
#include <stdlib.h>

#include "ranks.h"

int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    *ranks = (struct cli_ranks){.count = 1};
    if (size && atoi(size) > 1)
        return cli_fail(err, CSG_ERROR_USAGE,
                        "this clip-surgeon was built without MPI (-Dmpi=enabled); eval --shard works without");
    return CSG_OK;
}

int cli_ranks_agree(struct cli_ranks *ranks, int status, struct csg_error *err)
{
    (void)ranks;
    (void)err;
    return status;
}

void cli_ranks_end(struct cli_ranks *ranks)
{
    (void)ranks;
}

bool cli_ranks_mine(void *user, size_t index)
{
    (void)user;
    (void)index;
    return true;
}

size_t cli_ranks_done(struct cli_ranks *ranks, size_t done)
{
    (void)ranks;
    return done;
}

bool cli_ranks_same(struct cli_ranks *ranks, uint64_t number)
{
    (void)ranks;
    (void)number;
    return true;
}

int cli_ranks_gather(struct cli_ranks *ranks, const void *data, size_t bytes,
                     int (*take)(void *user, const void *data, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err)
{
    (void)ranks;
    (void)data;
    (void)bytes;
    (void)take;
    (void)user;
    (void)err;
    return CSG_OK;
}
