#include "base/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mem.h"

struct csg_partial {
    char *path, *temporary;
    int fd;
    uint64_t bytes;
};

static int cannot_write(const char *path, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "%s cannot be written: %s", path, strerror(errno));
}

int csg_partial_open(struct csg_partial **out, const char *path, struct csg_error *err)
{
    static const char suffix[] = ".incomplete";
    struct csg_partial *p = csg_calloc(1, sizeof *p);
    struct stat info;
    *out = NULL;
    if (!p)
        return csg_fail_memory(err);
    p->fd = -1;
    p->path = csg_strdup(path);
    p->temporary = csg_calloc(strlen(path) + sizeof suffix, 1);
    int status = p->path && p->temporary ? CSG_OK : csg_fail_memory(err);
    if (!status) {
        snprintf(p->temporary, strlen(path) + sizeof suffix, "%s%s", path, suffix);
        p->fd = open(p->temporary, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
        if (p->fd < 0 || fstat(p->fd, &info) != 0)
            status = cannot_write(p->temporary, err);
        else if (!S_ISREG(info.st_mode))
            status = csg_fail(err, CSG_ERROR, "%s is not a regular file", p->temporary);
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!status && fcntl(p->fd, F_SETLK, &lock) != 0 && (errno == EACCES || errno == EAGAIN))
        status = csg_fail(err, CSG_ERROR, "%s is being downloaded by another process", path);
    if (status) {
        csg_partial_close(&p, true);
        return status;
    }
    p->bytes = (uint64_t)info.st_size;
    *out = p;
    return CSG_OK;
}

uint64_t csg_partial_bytes(const struct csg_partial *partial)
{
    return partial->bytes;
}

const char *csg_partial_path(const struct csg_partial *partial)
{
    return partial->temporary;
}

int csg_partial_append(struct csg_partial *partial, const void *data, size_t bytes, struct csg_error *err)
{
    const char *from = data;
    while (bytes) {
        ssize_t written = write(partial->fd, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cannot_write(partial->temporary, err);
        from += written;
        bytes -= (size_t)written;
        partial->bytes += (uint64_t)written;
    }
    return CSG_OK;
}

int csg_partial_restart(struct csg_partial *partial, struct csg_error *err)
{
    if (ftruncate(partial->fd, 0) != 0)
        return cannot_write(partial->temporary, err);
    partial->bytes = 0;
    return CSG_OK;
}

int csg_partial_commit(struct csg_partial **partial, struct csg_error *err)
{
    struct csg_partial *p = *partial;
    int status = CSG_OK;
    if (fsync(p->fd) != 0 || rename(p->temporary, p->path) != 0)
        status = cannot_write(p->path, err);
    csg_partial_close(partial, true);
    return status;
}

void csg_partial_close(struct csg_partial **partial, bool keep)
{
    struct csg_partial *p = partial ? *partial : NULL;
    if (!p)
        return;
    if (!keep && p->fd >= 0)
        unlink(p->temporary);
    if (p->fd >= 0)
        close(p->fd);
    free(p->path);
    free(p->temporary);
    free(p);
    *partial = NULL;
}

uint64_t csg_free_bytes(const char *folder)
{
    struct statvfs info;
    return statvfs(folder, &info) == 0 ? (uint64_t)info.f_bavail * (uint64_t)info.f_frsize : UINT64_MAX;
}

uint64_t csg_file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

int csg_make_link(const char *target, const char *path, struct csg_error *err)
{
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        unlink(path);
    if (symlink(target, path) != 0)
        return cannot_write(path, err);
    return CSG_OK;
}

static int cannot_remove(const char *path, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "%s cannot be removed: %s", path, strerror(errno));
}

static int remove_below(const char *path, int depth, struct csg_error *err)
{
    struct stat info;
    int status = CSG_OK;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? CSG_OK : cannot_remove(path, err);
    if (!S_ISDIR(info.st_mode))
        return unlink(path) == 0 ? CSG_OK : cannot_remove(path, err);
    if (depth > 32)
        return csg_fail(err, CSG_ERROR, "%s is nested too deep to be removed", path);
    DIR *dir = opendir(path);
    if (!dir)
        return cannot_remove(path, err);
    for (struct dirent *entry; !status && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *inner = csg_path_join(path, entry->d_name);
        status = inner ? remove_below(inner, depth + 1, err) : csg_fail_memory(err);
        free(inner);
    }
    closedir(dir);
    if (!status && rmdir(path) != 0)
        status = cannot_remove(path, err);
    return status;
}

int csg_remove_tree(const char *path, struct csg_error *err)
{
    return remove_below(path, 0, err);
}

void csg_sleep_ms(unsigned ms)
{
    struct timespec rest = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}
