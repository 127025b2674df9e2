#define _DEFAULT_SOURCE /* madvise: what POSIX has in its place does nothing here */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
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
