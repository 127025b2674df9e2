#include "model/archive.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/mem.h"

#define MAX_ENTRIES 100000

struct csg_archive {
    zip_t *zip;
    const struct csg_mapped *file;
    const char *path;
    uint64_t at; /* of the source */
    uint64_t
        last_read; /* where the source was last read: libzip does not tell where a file's bytes begin, but it reads them here */
    zip_error_t error;
};

/* libzip reads the archive through this: it is the mapped file. */
static zip_int64_t source(void *state, void *data, zip_uint64_t bytes, zip_source_cmd_t command)
{
    struct csg_archive *a = state;
    zip_int64_t place;
    zip_stat_t *stat;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        a->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        if (bytes > a->file->bytes - a->at)
            bytes = a->file->bytes - a->at;
        if (bytes)
            memcpy(data, a->file->data + a->at, (size_t)bytes);
        a->last_read = a->at;
        a->at += bytes;
        return (zip_int64_t)bytes;
    case ZIP_SOURCE_SEEK:
        place = zip_source_seek_compute_offset(a->at, a->file->bytes, data, bytes, &a->error);
        if (place < 0)
            return -1;
        a->at = (uint64_t)place;
        return 0;
    case ZIP_SOURCE_TELL:
        return (zip_int64_t)a->at;
    case ZIP_SOURCE_STAT:
        stat = data;
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        stat->size = a->file->bytes;
        return (zip_int64_t)sizeof *stat;
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&a->error, data, bytes);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                              ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                              ZIP_SOURCE_SUPPORTS, -1);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    default:
        zip_error_set(&a->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

int csg_archive_open(struct csg_archive **out, const struct csg_mapped *file, const char *path, struct csg_error *err)
{
    struct csg_archive *a = csg_calloc(1, sizeof *a);
    zip_error_t reason;
    int status = CSG_OK;
    *out = NULL;
    if (!a)
        return csg_fail_memory(err);
    a->file = file;
    a->path = path;
    zip_error_init(&a->error);
    zip_error_init(&reason);
    zip_source_t *from = zip_source_function_create(source, a, &reason);
    a->zip = from ? zip_open_from_source(from, ZIP_RDONLY, &reason) : NULL;
    if (!a->zip) {
        zip_source_free(from);
        status = csg_fail(err, CSG_ERROR_MODEL, "%s is no TorchScript archive, or a damaged one: %s", path,
                          zip_error_strerror(&reason));
    } else if (zip_get_num_entries(a->zip, 0) > MAX_ENTRIES) {
        status = csg_fail(err, CSG_ERROR_MODEL, "%s holds more than %d files", path, MAX_ENTRIES);
    }
    zip_error_fini(&reason);
    if (status)
        csg_archive_close(&a);
    *out = a;
    return status;
}

void csg_archive_close(struct csg_archive **archive)
{
    struct csg_archive *a = archive ? *archive : NULL;
    if (!a)
        return;
    if (a->zip)
        zip_discard(a->zip);
    zip_error_fini(&a->error);
    free(a);
    *archive = NULL;
}

const char *csg_archive_find(struct csg_archive *archive, const char *suffix)
{
    zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    size_t tail = strlen(suffix);
    const char *found = NULL;
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(archive->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        size_t length = name ? strlen(name) : 0;
        if (length <= tail || strcmp(name + length - tail, suffix) != 0)
            continue;
        if (found)
            return NULL;
        found = name;
    }
    return found;
}

/* Whether the file's bytes stand at `at`: they are compared with what libzip reads, as far as one block. */
static bool stands_at(struct csg_archive *a, zip_uint64_t index, uint64_t at, uint64_t bytes)
{
    uint8_t block[4096];
    zip_file_t *file = zip_fopen_index(a->zip, index, 0);
    zip_uint64_t wanted = bytes < sizeof block ? bytes : sizeof block;
    bool same =
        file && zip_fread(file, block, wanted) == (zip_int64_t)wanted && memcmp(block, a->file->data + at, (size_t)wanted) == 0;
    if (file)
        zip_fclose(file);
    return same;
}

int csg_archive_file(struct csg_archive *archive, const char *name, struct csg_mapped *out, struct csg_error *err)
{
    struct csg_archive *a = archive;
    zip_stat_t stat;
    uint8_t first;
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_INDEX;
    *out = (struct csg_mapped){0};
    zip_stat_init(&stat);
    if (zip_stat(a->zip, name, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & needed) != needed)
        return csg_fail(err, CSG_ERROR_MODEL, "%s holds no file %.120s", a->path, name);
    if (stat.comp_method != ZIP_CM_STORE || ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE))
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the file %.120s is compressed or encrypted, which PyTorch's never are",
                        a->path, name);
    if (stat.size == 0) {
        out->data = a->file->data;
        return CSG_OK;
    }
    zip_file_t *file = zip_fopen_index(a->zip, stat.index, ZIP_FL_COMPRESSED);
    bool read = file && zip_fread(file, &first, 1) == 1;
    uint64_t at = a->last_read;
    if (file)
        zip_fclose(file);
    if (!read || stat.comp_size != stat.size || at > a->file->bytes || stat.size > a->file->bytes - at ||
        !stands_at(a, stat.index, at, stat.size))
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the file %.120s is damaged or cut off", a->path, name);
    *out = (struct csg_mapped){.data = a->file->data + at, .bytes = (size_t)stat.size};
    return CSG_OK;
}
