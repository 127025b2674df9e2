#define _DEFAULT_SOURCE /* madvise: what POSIX has in its place does nothing here */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Opens a regular file. O_NONBLOCK keeps a FIFO from blocking the open; it has no effect on regular files. */
static int open_regular(const char *path, int flags, struct stat *info, enum csg_status status, int *fd, struct csg_error *err)
{
    *fd = -1;
    if (!*path)
        return csg_fail(err, status, "the name of a file to read is empty");
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    if (*fd < 0)
        return csg_fail(err, status, "%s cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, info) != 0 || !S_ISREG(info->st_mode)) {
        close(*fd);
        return csg_fail(err, status, "%s is %s, not a regular file", path, S_ISDIR(info->st_mode) ? "a folder" : "special");
    }
    return CSG_OK;
}

int csg_map_file(struct csg_mapped *out, const char *path, enum csg_status status, struct csg_error *err)
{
    struct stat info;
    int fd, result = open_regular(path, 0, &info, status, &fd, err);
    *out = (struct csg_mapped){0};
    if (result)
        return result;
    if (info.st_size <= 0) {
        close(fd);
        return csg_fail(err, status, "%s is empty", path);
    }
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int reason = errno;
    close(fd);
    if (data == MAP_FAILED)
        return csg_fail(err, status, "%s cannot be mapped: %s", path, strerror(reason));
    *out = (struct csg_mapped){data,
                               (size_t)info.st_size,
                               {(int64_t)info.st_dev, (int64_t)info.st_ino, (int64_t)info.st_size, (int64_t)info.st_mtim.tv_sec,
                                (int64_t)info.st_mtim.tv_nsec, (int64_t)info.st_ctim.tv_sec, (int64_t)info.st_ctim.tv_nsec}};
    return CSG_OK;
}

void csg_unmap_file(struct csg_mapped *file)
{
    if (file->data)
        munmap((void *)(uintptr_t)file->data, file->bytes);
    *file = (struct csg_mapped){0};
}

void csg_release_pages(const struct csg_mapped *file)
{
#ifdef MADV_DONTNEED
    if (file->data)
        madvise((void *)(uintptr_t)file->data, file->bytes, MADV_DONTNEED);
#endif
}

/* Reads to the end of fd, or to one byte past the limit. */
static int read_all(int fd, char **data, size_t *bytes, size_t limit_bytes, size_t hint_bytes, const char *name,
                    enum csg_status status, struct csg_error *err)
{
    size_t capacity = hint_bytes + 2 < 4096 ? 4096 : hint_bytes + 2, used = 0;
    char *buffer = csg_calloc(1, capacity);
    if (!buffer)
        return csg_fail_memory(err);
    for (;;) {
        if (used + 1 >= capacity) {
            char *larger = csg_realloc(buffer, 2, capacity);
            if (!larger) {
                free(buffer);
                return csg_fail_memory(err);
            }
            buffer = larger;
            capacity *= 2;
        }
        ssize_t got = read(fd, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int reason = errno;
            free(buffer);
            return csg_fail(err, status, "%s cannot be read: %s", name, strerror(reason));
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > limit_bytes) {
            free(buffer);
            return csg_fail(err, status, "%s is larger than %zu bytes", name, limit_bytes);
        }
    }
    buffer[used] = 0;
    *data = buffer;
    *bytes = used;
    return CSG_OK;
}

int csg_read_file(char **data, size_t *bytes, const char *path, size_t limit_bytes, enum csg_status status, struct csg_error *err)
{
    *data = NULL;
    *bytes = 0;
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, data, bytes, limit_bytes, 0, "standard input", status, err);
    struct stat info;
    int fd, result = open_regular(path, 0, &info, status, &fd, err);
    if (result)
        return result;
    if ((uintmax_t)info.st_size > limit_bytes)
        result = csg_fail(err, status, "%s is larger than %zu bytes", path, limit_bytes);
    else
        result = read_all(fd, data, bytes, limit_bytes, (size_t)info.st_size, path, status, err);
    close(fd);
    return result;
}

bool csg_read_own_file(char **data, size_t *bytes, const char *path, size_t limit_bytes)
{
    struct stat info;
    int fd;
    *data = NULL;
    *bytes = 0;
    if (open_regular(path, O_NOFOLLOW, &info, CSG_ERROR, &fd, NULL) != CSG_OK)
        return false;
    bool own = (info.st_uid == geteuid() || info.st_uid == 0) && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    bool good = own && (uintmax_t)info.st_size <= limit_bytes &&
                read_all(fd, data, bytes, limit_bytes, (size_t)info.st_size, path, CSG_ERROR, NULL) == CSG_OK;
    close(fd);
    return good;
}

struct csg_output {
    char *path, *temporary;
    int fd;
    mode_t mode;
    bool overwrite;
};

static int exists_already(const char *path, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "%s exists already and is not overwritten", path);
}

int csg_check_output(const char *path, bool overwrite, struct csg_error *err)
{
    struct stat info;
    if (!*path)
        return csg_fail(err, CSG_ERROR, "the name of a file to write is empty");
    if (lstat(path, &info) == 0) {
        if (csg_is_folder(path))
            return csg_fail(err, CSG_ERROR, "%s is a folder, not a file to write", path);
        if (!overwrite)
            return exists_already(path, err);
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash ? csg_strndup(path, (size_t)(slash - path) + 1) : csg_strdup(".");
    if (!folder)
        return csg_fail_memory(err);
    int writable = access(folder, W_OK | X_OK), reason = errno;
    free(folder);
    return writable == 0 ? CSG_OK : csg_fail(err, CSG_ERROR, "%s cannot be written: %s", path, strerror(reason));
}

#define SUFFIX_BYTES 64

/* Not mkstemp: that makes the file 0600, where a picture should get the mode that the user's umask gives to every other file. */
static int open_temporary(struct csg_output *output, struct csg_error *err)
{
    size_t length = strlen(output->path);
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(output->temporary, length + SUFFIX_BYTES, "%s.%ld-%.0f-%d.part", output->path, (long)getpid(),
                 csg_now_ms() * 1e6, attempt);
        output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, output->mode);
        if (output->fd >= 0)
            return CSG_OK;
        if (errno != EEXIST)
            break;
    }
    int reason = errno;
    free(output->temporary); /* so that destroy does not unlink what is not ours */
    output->temporary = NULL;
    return csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(reason));
}

static int create(struct csg_output **out, const char *path, bool overwrite, mode_t mode, struct csg_error *err)
{
    *out = NULL;
    int refused = csg_check_output(path, overwrite, err);
    if (refused)
        return refused;
    struct csg_output *output = csg_calloc(1, sizeof *output);
    if (!output)
        return csg_fail_memory(err);
    output->fd = -1;
    output->overwrite = overwrite;
    output->mode = mode;
    size_t length = strlen(path);
    output->path = csg_strdup(path);
    output->temporary = csg_calloc(1, length + SUFFIX_BYTES);
    int status = output->path && output->temporary ? open_temporary(output, err) : csg_fail_memory(err);
    if (status) {
        csg_output_destroy(&output);
        return status;
    }
    *out = output;
    return CSG_OK;
}

int csg_output_create(struct csg_output **out, const char *path, bool overwrite, struct csg_error *err)
{
    return create(out, path, overwrite, 0666, err);
}

int csg_output_create_own(struct csg_output **out, const char *path, struct csg_error *err)
{
    return create(out, path, true, 0600, err);
}

int csg_output_write(struct csg_output *output, const void *data, size_t bytes, struct csg_error *err)
{
    const char *from = data;
    while (bytes) {
        ssize_t written = write(output->fd, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(errno));
        from += written;
        bytes -= (size_t)written;
    }
    return CSG_OK;
}

int csg_output_commit(struct csg_output **out, struct csg_error *err)
{
    struct csg_output *output = *out;
    int status = CSG_OK;
    int closed = close(output->fd);
    output->fd = -1;
    if (closed != 0) {
        status = csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(errno));
    } else if (output->overwrite) {
        if (rename(output->temporary, output->path) != 0)
            status = csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(errno));
    } else if (link(output->temporary, output->path) == 0) {
        unlink(output->temporary); /* link fails where the name exists, which rename cannot promise */
    } else if (errno == EEXIST) {
        status = exists_already(output->path, err);
    } else if (access(output->path, F_OK) == 0) {
        status = exists_already(output->path, err); /* file systems without hard links */
    } else if (rename(output->temporary, output->path) != 0) {
        status = csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(errno));
    }
    if (status == CSG_OK) {
        free(output->temporary);
        output->temporary = NULL;
    }
    csg_output_destroy(out);
    return status;
}

void csg_output_destroy(struct csg_output **out)
{
    struct csg_output *output = out ? *out : NULL;
    if (!output)
        return;
    if (output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    free(output);
    *out = NULL;
}
