#include "base/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"

#define FORMAT_BYTES 8
#define DIGEST_BYTES 64
#define HEADER_BYTES (FORMAT_BYTES + DIGEST_BYTES + 8 + DIGEST_BYTES)

static char *path_of(const struct csg_record_kind *kind, const char *folder, const char *key)
{
    char name[96];
    snprintf(name, sizeof name, "%.64s%.16s", key, kind->suffix);
    return csg_path_join(folder, name);
}

static uint64_t read_u64(const unsigned char *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static bool whole(const struct csg_record_kind *kind, const char *key, const unsigned char *at, size_t size)
{
    char digest[CSG_SHA256_HEX];
    return size > HEADER_BYTES && memcmp(at, kind->format, FORMAT_BYTES) == 0 &&
           memcmp(at + FORMAT_BYTES, key, DIGEST_BYTES) == 0 &&
           read_u64(at + FORMAT_BYTES + DIGEST_BYTES) == size - HEADER_BYTES &&
           csg_sha256_of(at + HEADER_BYTES, size - HEADER_BYTES, digest, NULL) == CSG_OK &&
           memcmp(at + HEADER_BYTES - DIGEST_BYTES, digest, DIGEST_BYTES) == 0;
}

/* Where nobody else can put a file. */
static bool private(const char *folder)
{
    struct stat info;
    return stat(folder, &info) == 0 && (info.st_uid == geteuid() || info.st_uid == 0) && !(info.st_mode & (S_IWGRP | S_IWOTH));
}

unsigned char *csg_record_load(const struct csg_record_kind *kind, const char *folder, const char *key, size_t *bytes,
                               bool *damaged)
{
    char *data = NULL, *path = path_of(kind, folder, key);
    size_t size = 0;
    bool there = path && csg_is_file(path);
    bool good = path && private(folder) && csg_read_own_file(&data, &size, path, kind->limit_bytes) &&
                whole(kind, key, (const unsigned char *)data, size);
    free(path);
    if (damaged)
        *damaged = there && !good;
    if (!good) {
        free(data);
        return NULL;
    }
    *bytes = size - HEADER_BYTES;
    memmove(data, data + HEADER_BYTES, *bytes);
    return (unsigned char *)data;
}

int csg_record_store(const struct csg_record_kind *kind, const char *folder, const char *key, const void *payload, size_t bytes,
                     struct csg_error *err)
{
    struct csg_output *output = NULL;
    char *path = path_of(kind, folder, key), digest[CSG_SHA256_HEX];
    unsigned char length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)bytes >> (8 * i));
    int status = path ? csg_make_folders(folder, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_sha256_of(payload, bytes, digest, err);
    if (status == CSG_OK)
        status = csg_output_create_own(&output, path, err);
    if (status == CSG_OK)
        status = csg_output_write(output, kind->format, FORMAT_BYTES, err);
    if (status == CSG_OK)
        status = csg_output_write(output, key, DIGEST_BYTES, err);
    if (status == CSG_OK)
        status = csg_output_write(output, length, sizeof length, err);
    if (status == CSG_OK)
        status = csg_output_write(output, digest, DIGEST_BYTES, err);
    if (status == CSG_OK)
        status = csg_output_write(output, payload, bytes, err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    free(path);
    return status;
}

/* ------------------------------------------------------------------------------------------ size */

struct entry {
    char *path;
    uint64_t bytes;
    int64_t seconds, nanoseconds;
};

static int by_age(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return (a->nanoseconds > b->nanoseconds) - (a->nanoseconds < b->nanoseconds);
}

/* A file that went away meanwhile has no bytes. */
static struct entry look(const char *folder, const char *name)
{
    struct entry entry = {.path = csg_path_join(folder, name)};
    struct stat info;
    if (entry.path && stat(entry.path, &info) == 0) {
        entry.bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
        entry.seconds = (int64_t)info.st_mtim.tv_sec;
        entry.nanoseconds = (int64_t)info.st_mtim.tv_nsec;
    }
    return entry;
}

void csg_record_trim(const struct csg_record_kind *kind, const char *folder, uint64_t most_bytes)
{
    char **names = NULL;
    size_t count = 0;
    uint64_t bytes = 0;
    if (csg_list_files(&names, &count, folder, kind->suffix, CSG_ERROR, NULL) != CSG_OK)
        return;
    struct entry *entries = csg_calloc(count, sizeof *entries);
    for (size_t i = 0; entries && i < count; i++) {
        entries[i] = look(folder, names[i]);
        bytes += entries[i].bytes;
    }
    if (entries && bytes > most_bytes) {
        qsort(entries, count, sizeof *entries, by_age);
        for (size_t i = 0; i < count && bytes > most_bytes; i++)
            if (entries[i].path && unlink(entries[i].path) == 0)
                bytes -= entries[i].bytes;
    }
    for (size_t i = 0; entries && i < count; i++)
        free(entries[i].path);
    free(entries);
    csg_names_free(&names, count);
}

int csg_record_count(const char *folder, uint64_t *files, uint64_t *bytes, struct csg_error *err)
{
    char **names = NULL;
    size_t count = 0;
    *files = *bytes = 0;
    int status = csg_list_files(&names, &count, folder, "", CSG_ERROR, err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        struct entry entry = look(folder, names[i]);
        *bytes += entry.bytes;
        status = entry.path ? CSG_OK : csg_fail_memory(err);
        free(entry.path);
    }
    *files = count;
    csg_names_free(&names, count);
    return status;
}
