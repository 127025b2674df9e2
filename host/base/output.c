/* Files that come to be as a whole. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mem.h"

struct csg_output {
    char *path, *temporary;
    int fd;
    mode_t mode;
    bool overwrite;
    bool named; /* the temporary name is there, and ours to remove */
};

static int exists_already(const char *path, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "%s exists already and is not overwritten", path);
}

/* The folder that a path lies in, to be freed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? csg_strndup(path, (size_t)(slash - path) + 1) : csg_strdup(".");
}

bool csg_output_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

int csg_check_output(const char *path, bool overwrite, struct csg_error *err)
{
    if (!*path)
        return csg_fail(err, CSG_ERROR, "the name of a file to write is empty");
    if (csg_output_exists(path)) {
        if (csg_is_folder(path))
            return csg_fail(err, CSG_ERROR, "%s is a folder, not a file to write", path);
        if (!overwrite)
            return exists_already(path, err);
    }
    char *folder = folder_of(path);
    if (!folder)
        return csg_fail_memory(err);
    int writable = access(folder, W_OK | X_OK), reason = errno;
    free(folder);
    return writable == 0 ? CSG_OK : csg_fail(err, CSG_ERROR, "%s cannot be written: %s", path, strerror(reason));
}

static int cannot_write(const struct csg_output *output, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "%s cannot be written: %s", output->path, strerror(errno));
}

#define SUFFIX_BYTES 64
#define OWN_SUFFIX ".csg-part"
#define PROC_BYTES 32

/* What has a name in /proc alone, for link. */
static void name_of_fd(char name[PROC_BYTES], int fd)
{
    snprintf(name, PROC_BYTES, "/proc/self/fd/%d", fd);
}

/* A file without a name, of which nothing is left wherever the program ends. Not every file system and not every system has that. */
static bool open_unnamed(struct csg_output *output)
{
#ifdef O_TMPFILE
    char *folder = folder_of(output->path), name[PROC_BYTES];
    output->fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, output->mode) : -1;
    free(folder);
    if (output->fd < 0)
        return false;
    name_of_fd(name, output->fd);
    if (access(name, F_OK) == 0)
        return true;
    close(output->fd);
    output->fd = -1;
#endif
    return false;
}

/* A temporary name that nobody else has. */
static void name_of_moment(struct csg_output *output, int attempt)
{
    snprintf(output->temporary, strlen(output->path) + SUFFIX_BYTES, "%s.%ld-%.0f-%d" OWN_SUFFIX, output->path, (long)getpid(),
             csg_now_ms() * 1e6, attempt);
}

/* Whether the open file is one of ours that nobody writes: what a program left there that was killed, or just made. It is locked then. */
static bool take_over(const struct csg_output *output)
{
    struct stat ours, there;
    return fstat(output->fd, &ours) == 0 && S_ISREG(ours.st_mode) && ours.st_uid == geteuid() && ours.st_nlink == 1 &&
           flock(output->fd, LOCK_EX | LOCK_NB) == 0 && lstat(output->temporary, &there) == 0 && there.st_ino == ours.st_ino &&
           there.st_dev == ours.st_dev && ftruncate(output->fd, 0) == 0;
}

/* Where a file has to have a name it is one that no other program uses, so that the next one that writes the same takes it over. Where
 * somebody is writing it, or files cannot be locked, it is a name of this moment. Not mkstemp: that makes the file 0600, where a picture
 * should get the mode that the user's umask gives to every other file. */
static bool open_named(struct csg_output *output)
{
    snprintf(output->temporary, strlen(output->path) + SUFFIX_BYTES, "%s" OWN_SUFFIX, output->path);
    output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, output->mode);
    if (output->fd >= 0 && take_over(output))
        return output->named = true;
    if (output->fd >= 0)
        close(output->fd);
    for (int attempt = 0; attempt < 100; attempt++) {
        name_of_moment(output, attempt);
        output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, output->mode);
        if (output->fd >= 0)
            return output->named = true;
        if (errno != EEXIST)
            return false;
    }
    return false;
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
    int status = output->path && output->temporary ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && !open_unnamed(output) && !open_named(output))
        status = cannot_write(output, err);
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
            return cannot_write(output, err);
        from += written;
        bytes -= (size_t)written;
    }
    return CSG_OK;
}

/* Gives the file a name that is not there, which rename cannot promise; errno as link. */
static bool give_name(const struct csg_output *output, const char *name)
{
    char unnamed[PROC_BYTES];
    name_of_fd(unnamed, output->fd);
    return linkat(AT_FDCWD, output->named ? output->temporary : unnamed, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

/* What is replaced is replaced at once: between the two names the new one stands beside the old. */
static bool replace(struct csg_output *output)
{
    if (!output->named) {
        if (give_name(output, output->path))
            return true;
        if (errno != EEXIST)
            return false;
        name_of_moment(output, 0);
        if (!give_name(output, output->temporary))
            return false;
        output->named = true;
    }
    if (rename(output->temporary, output->path) != 0)
        return false;
    output->named = false;
    return true;
}

/* Of file systems without hard links. */
static int without_links(struct csg_output *output, struct csg_error *err)
{
    struct stat there;
    if (!output->named)
        return cannot_write(output, err);
    if (lstat(output->path, &there) == 0)
        return exists_already(output->path, err);
    return replace(output) ? CSG_OK : cannot_write(output, err);
}

int csg_output_commit(struct csg_output **out, struct csg_error *err)
{
    struct csg_output *output = *out;
    int status = CSG_OK, copy = dup(output->fd);
    /* What closing has to say, before the lock and the name are given up. */
    if (copy < 0 || close(copy) != 0)
        status = cannot_write(output, err);
    else if (output->overwrite)
        status = replace(output) ? CSG_OK : cannot_write(output, err);
    else if (!give_name(output, output->path))
        status = errno == EEXIST ? exists_already(output->path, err) : without_links(output, err);
    csg_output_destroy(out);
    return status;
}

void csg_output_destroy(struct csg_output **out)
{
    struct csg_output *output = out ? *out : NULL;
    if (!output)
        return;
    if (output->named)
        unlink(output->temporary);
    if (output->fd >= 0)
        close(output->fd);
    free(output->temporary);
    free(output->path);
    free(output);
    *out = NULL;
}

int csg_file_write(const char *path, const void *data, size_t bytes, bool overwrite, struct csg_error *err)
{
    struct csg_output *output = NULL;
    int status = csg_output_create(&output, path, overwrite, err);
    if (status == CSG_OK)
        status = csg_output_write(output, data, bytes, err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    return status;
}
