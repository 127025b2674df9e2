/* Without MPI there is one rank. */
#include <stdlib.h>

#include "ranks.h"

int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    *ranks = (struct cli_ranks){.count = 1};
    if (size && atoi(size) > 1)
        return cli_fail(err, CSG_ERROR_USAGE, "this clip-surgeon was built without MPI (-Dmpi=enabled); --shard works without");
    return CSG_OK;
}

bool cli_ranks_mine(void *user, size_t index)
{
    (void)user;
    (void)index;
    return true;
}

size_t cli_ranks_given(struct cli_ranks *ranks)
{
    (void)ranks;
    return 0;
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
