/* Ranks of MPI. Rank 0 hands out pictures: whoever is free asks for the next one. A thread of it answers, for what waits for others to call
 * MPI would wait for as long as a picture takes. Nobody waits by asking again and again without a pause: the processors are for pictures. */
#include <mpi.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#include "ranks.h"

#define PAUSE_NS 200000L
#define MOST_MESSAGE_BYTES ((size_t)1 << 30) /* MPI counts with an int */

enum { TAG_ASK, TAG_ANSWER, TAG_SIZE, TAG_DATA };

struct shared {
    MPI_Comm comm;       /* no message of another part of the program is on it */
    atomic_size_t *done; /* [count] in rank 0; in the others the first alone, its own */
    atomic_size_t next;  /* rank 0: the picture that is handed out next */
    atomic_bool ending;
    thrd_t server; /* of rank 0 */
    bool serves;
    bool claimed;
    size_t claim; /* the picture that was handed to this rank last */
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

static void pause_a_little(void)
{
    thrd_sleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void wait_for(MPI_Request *request)
{
    int over = 0;
    while (MPI_Test(request, &over, MPI_STATUS_IGNORE) == MPI_SUCCESS && !over)
        pause_a_little();
}

static void send(struct shared *shared, const void *data, size_t bytes, int rank, int tag)
{
    MPI_Request request;
    MPI_Isend(data, (int)bytes, MPI_BYTE, rank, tag, shared->comm, &request);
    wait_for(&request);
}

static void receive(struct shared *shared, void *data, size_t bytes, int rank, int tag)
{
    MPI_Request request;
    MPI_Irecv(data, (int)bytes, MPI_BYTE, rank, tag, shared->comm, &request);
    wait_for(&request);
}

static int serve(void *user)
{
    struct shared *shared = user;
    while (!atomic_load(&shared->ending)) {
        MPI_Status who;
        int asked = 0;
        uint64_t done;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, shared->comm, &asked, &who);
        if (!asked) {
            pause_a_little();
            continue;
        }
        MPI_Recv(&done, sizeof done, MPI_BYTE, who.MPI_SOURCE, TAG_ASK, shared->comm, MPI_STATUS_IGNORE);
        uint64_t next = atomic_fetch_add(&shared->next, 1);
        atomic_store(&shared->done[who.MPI_SOURCE], (size_t)done);
        send(shared, &next, sizeof next, who.MPI_SOURCE, TAG_ANSWER);
    }
    return 0;
}

int cli_ranks_begin(struct cli_ranks *ranks, struct csg_error *err)
{
    int rank, count, threads;
    *ranks = (struct cli_ranks){.count = 1};
    if (!started_by_mpi())
        return CSG_OK;
    /* A failure of MPI itself ends all ranks: that is its default, and nothing else could be done. */
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    struct shared *shared = calloc(1, sizeof *shared);
    if (shared)
        shared->done = calloc((size_t)count, sizeof *shared->done);
    if (!shared || !shared->done || threads < MPI_THREAD_MULTIPLE) {
        bool memory = !shared || !shared->done;
        free(shared ? shared->done : NULL);
        free(shared);
        MPI_Finalize();
        return cli_fail(err, CSG_ERROR, memory ? "out of memory" : "this MPI cannot be used by several threads");
    }
    MPI_Comm_dup(MPI_COMM_WORLD, &shared->comm);
    *ranks = (struct cli_ranks){.rank = (size_t)rank, .count = (size_t)count, .shared = shared};
    shared->serves = rank == 0 && count > 1 && thrd_create(&shared->server, serve, shared) == thrd_success;
    bool failed = rank == 0 && count > 1 && !shared->serves;
    return cli_ranks_agree(ranks, failed ? cli_fail(err, CSG_ERROR, "the system has no more threads") : CSG_OK, err);
}

static size_t next_picture(struct cli_ranks *ranks)
{
    struct shared *shared = ranks->shared;
    uint64_t next, done = atomic_load(&shared->done[0]);
    if (ranks->rank == 0)
        return atomic_fetch_add(&shared->next, 1);
    send(shared, &done, sizeof done, 0, TAG_ASK);
    receive(shared, &next, sizeof next, 0, TAG_ANSWER);
    return (size_t)next;
}

bool cli_ranks_mine(void *user, size_t index)
{
    struct cli_ranks *ranks = user;
    struct shared *shared = ranks->shared;
    while (!shared->claimed || shared->claim < index) { /* what was done before is handed out, too, and passed over here */
        shared->claim = next_picture(ranks);
        shared->claimed = true;
    }
    return shared->claim == index;
}

size_t cli_ranks_done(struct cli_ranks *ranks, size_t done)
{
    struct shared *shared = ranks->shared;
    size_t sum = 0;
    atomic_store(&shared->done[0], done);
    for (size_t i = 0; ranks->rank == 0 && i < ranks->count; i++)
        sum += atomic_load(&shared->done[i]);
    return sum;
}

int cli_ranks_agree(struct cli_ranks *ranks, int status, struct csg_error *err)
{
    struct shared *shared = ranks->shared;
    const int own[2] = {status, ranks->rank == 0 ? status : CSG_OK};
    int all[2]; /* the worst, and rank 0's */
    MPI_Request request;
    if (!shared || ranks->failed)
        return status;
    MPI_Iallreduce(own, all, 2, MPI_INT, MPI_MIN, shared->comm, &request);
    wait_for(&request);
    ranks->failed = all[0] != CSG_OK;
    if (all[0] && !status)
        status = cli_fail(err, all[0], "another rank failed; what is done is kept, and the same command goes on with it");
    if (ranks->rank && all[0] && (all[1] == status || status != own[0]))
        err->sentence[0] = 0; /* rank 0 says it */
    return status;
}

bool cli_ranks_same(struct cli_ranks *ranks, uint64_t number)
{
    struct shared *shared = ranks->shared;
    const uint64_t own[2] = {number, ~number};
    uint64_t all[2];
    MPI_Request request;
    MPI_Iallreduce(own, all, 2, MPI_UINT64_T, MPI_MIN, shared->comm, &request);
    wait_for(&request);
    return all[0] == ~all[1];
}

/* The other ranks' data, one after the other; a failure ends what is taken, not what is received. */
static int receive_all(struct cli_ranks *ranks, int (*take)(void *user, const void *data, size_t bytes, struct csg_error *err),
                       void *user, struct csg_error *err)
{
    struct shared *shared = ranks->shared;
    int status = CSG_OK;
    for (int rank = 1; rank < (int)ranks->count; rank++) {
        uint64_t bytes;
        receive(shared, &bytes, sizeof bytes, rank, TAG_SIZE);
        char *data = malloc((size_t)bytes + 1);
        bool there = data != NULL;
        send(shared, &there, sizeof there, rank, TAG_SIZE);
        for (size_t at = 0, n; there && at < bytes; at += n) {
            n = bytes - at < MOST_MESSAGE_BYTES ? (size_t)(bytes - at) : MOST_MESSAGE_BYTES;
            receive(shared, data + at, n, rank, TAG_DATA);
        }
        if (status == CSG_OK)
            status = there ? take(user, data, (size_t)bytes, err) : cli_fail(err, CSG_ERROR, "out of memory");
        free(data);
    }
    return status;
}

int cli_ranks_gather(struct cli_ranks *ranks, const void *data, size_t bytes,
                     int (*take)(void *user, const void *data, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err)
{
    struct shared *shared = ranks->shared;
    const uint64_t size = bytes;
    bool wanted;
    if (ranks->rank == 0)
        return receive_all(ranks, take, user, err);
    send(shared, &size, sizeof size, 0, TAG_SIZE);
    receive(shared, &wanted, sizeof wanted, 0, TAG_SIZE);
    for (size_t at = 0, n; wanted && at < bytes; at += n) {
        n = bytes - at < MOST_MESSAGE_BYTES ? bytes - at : MOST_MESSAGE_BYTES;
        send(shared, (const char *)data + at, n, 0, TAG_DATA);
    }
    return CSG_OK;
}

void cli_ranks_end(struct cli_ranks *ranks)
{
    struct shared *shared = ranks->shared;
    MPI_Request request;
    if (!shared)
        return;
    MPI_Ibarrier(shared->comm, &request);
    wait_for(&request); /* nobody asks any more */
    atomic_store(&shared->ending, true);
    if (shared->serves)
        thrd_join(shared->server, NULL);
    MPI_Comm_free(&shared->comm);
    MPI_Finalize();
    free(shared->done);
    free(shared);
    ranks->shared = NULL;
}
