/* Layout: the magic, the key, then records of { bytes, checksum (both 32 bits, little-endian), data }. */
#include "base/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mem.h"

#define MAGIC "csgjrnl1"
#define MAGIC_BYTES 8
#define KEY_BYTES 64
#define HEAD_BYTES 8
#define LIMIT_BYTES ((size_t)1 << 32)

struct csg_journal {
    FILE *file;
    char *path;
};

/* FNV-1a: it finds what a kill leaves behind, and nothing more is asked of it. */
static uint32_t checksum(const uint8_t *data, size_t bytes)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ data[i]) * 16777619u;
    return sum;
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

/* Visits the whole records; *good is where they end. */
static int replay(const uint8_t *data, size_t bytes, const char *path, const char *key, size_t *good,
                  int (*visit)(void *, const void *, size_t, struct csg_error *), void *user, struct csg_error *err)
{
    size_t at = MAGIC_BYTES + KEY_BYTES;
    int status = CSG_OK;
    *good = 0;
    if (bytes < at && memcmp(data, MAGIC, bytes < MAGIC_BYTES ? bytes : MAGIC_BYTES) == 0)
        return CSG_OK; /* killed before the head was written */
    if (bytes < at || memcmp(data, MAGIC, MAGIC_BYTES) != 0)
        return csg_fail(err, CSG_ERROR, "%s exists and holds something else", path);
    if (memcmp(data + MAGIC_BYTES, key, KEY_BYTES) != 0)
        return csg_fail(err, CSG_ERROR, "%s belongs to a run with another model, data set, method or option", path);
    *good = at;
    while (status == CSG_OK && bytes - at >= HEAD_BYTES) {
        size_t length = read_u32(data + at);
        if (length > bytes - at - HEAD_BYTES || checksum(data + at + HEAD_BYTES, length) != read_u32(data + at + 4))
            break;
        status = visit(user, data + at + HEAD_BYTES, length, err);
        *good = at += HEAD_BYTES + length;
    }
    return status;
}

static int open_at(struct csg_journal *journal, const char *key, size_t good, struct csg_error *err)
{
    journal->file = fopen(journal->path, good ? "r+b" : "wb");
    bool ok = journal->file != NULL;
    if (ok && good)
        ok = ftruncate(fileno(journal->file), (off_t)good) == 0 && fseek(journal->file, 0, SEEK_END) == 0;
    if (ok && !good)
        ok = fwrite(MAGIC, 1, MAGIC_BYTES, journal->file) == MAGIC_BYTES &&
             fwrite(key, 1, KEY_BYTES, journal->file) == KEY_BYTES && fflush(journal->file) == 0;
    return ok ? CSG_OK : csg_fail(err, CSG_ERROR, "%s cannot be written: %s", journal->path, strerror(errno));
}

/* *good stays 0 where there is no such file. */
static int read_records(const char *path, const char *key, size_t *good,
                        int (*visit)(void *, const void *, size_t, struct csg_error *), void *user, struct csg_error *err)
{
    char *data = NULL;
    size_t bytes = 0;
    int status = CSG_OK;
    *good = 0;
    if (csg_is_file(path))
        status = csg_read_file(&data, &bytes, path, LIMIT_BYTES, CSG_ERROR, err);
    if (status == CSG_OK && data)
        status = replay((const uint8_t *)data, bytes, path, key, good, visit, user, err);
    free(data);
    return status;
}

int csg_journal_read(const char *path, const char *key,
                     int (*visit)(void *user, const void *record, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err)
{
    size_t good;
    if (!csg_is_file(path))
        return csg_fail(err, CSG_ERROR, "%s is not there", path);
    return read_records(path, key, &good, visit, user, err);
}

int csg_journal_open(struct csg_journal **out, const char *path, const char *key,
                     int (*visit)(void *user, const void *record, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err)
{
    struct csg_journal *journal = csg_calloc(1, sizeof *journal);
    size_t good = 0;
    int status = CSG_OK;
    *out = NULL;
    if (!journal || !(journal->path = csg_strdup(path)))
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = read_records(path, key, &good, visit, user, err);
    if (status == CSG_OK)
        status = open_at(journal, key, good, err);
    if (status) {
        csg_journal_close(&journal);
        return status;
    }
    *out = journal;
    return CSG_OK;
}

int csg_journal_append(struct csg_journal *journal, const void *record, size_t bytes, struct csg_error *err)
{
    uint8_t head[HEAD_BYTES];
    if (bytes > UINT32_MAX)
        return csg_fail(err, CSG_ERROR, "a record of %zu bytes is too large for %s", bytes, journal->path);
    write_u32(head, (uint32_t)bytes);
    write_u32(head + 4, checksum(record, bytes));
    if (fwrite(head, 1, sizeof head, journal->file) != sizeof head || fwrite(record, 1, bytes, journal->file) != bytes ||
        fflush(journal->file) != 0)
        return csg_fail(err, CSG_ERROR, "%s cannot be written: %s", journal->path, strerror(errno));
    return CSG_OK;
}

void csg_journal_close(struct csg_journal **out)
{
    struct csg_journal *journal = out ? *out : NULL;
    if (!journal)
        return;
    if (journal->file)
        fclose(journal->file);
    free(journal->path);
    free(journal);
    *out = NULL;
}
