/* Files and folders: the only place with POSIX calls. Every file read is untrusted. */
#ifndef CSG_BASE_FILES_H
#define CSG_BASE_FILES_H

#include "base/status.h"

/* A file mapped for reading. A regular file only. */
struct csg_mapped {
    const uint8_t *data;
    size_t bytes;
    /* What tells that it is the same file with the same content: device, inode, size, times of the last changes of content and inode in
     * seconds and nanoseconds. */
    int64_t stamp[7];
};
/* `status` is what a failure returns (CSG_ERROR_MODEL for weights, CSG_ERROR_INPUT for labels, ...). */
int csg_map_file(struct csg_mapped *out, const char *path, enum csg_status status, struct csg_error *err);
void csg_unmap_file(struct csg_mapped *file);
/* Gives the memory of pages back that were read; they are read from the file again when they are needed. */
void csg_release_pages(const struct csg_mapped *file);

/* Reads a whole file ("-": standard input) of at most limit_bytes into memory with a NUL after the end; *data is to be freed. */
int csg_read_file(char **data, size_t *bytes, const char *path, size_t limit_bytes, enum csg_status status,
                  struct csg_error *err);

/* The same of a file that this program wrote for itself: it belongs to the user (or to root), no one else may write it, and it is no
 * link. What is not so, or not there, is false. */
bool csg_read_own_file(char **data, size_t *bytes, const char *path, size_t limit_bytes);

/* A file that has no name until commit gives it that of `path`; where the file system wants one, it is NAME.csg-part in the same folder,
 * which the next one that writes NAME takes over if this program is killed. "-" is not accepted here. */
struct csg_output;
/* Without overwrite an existing path fails at once (CSG_ERROR); commit fails too where it has come up since. */
int csg_output_create(struct csg_output **out, const char *path, bool overwrite, struct csg_error *err);
/* The same for what only this user is to read, mode 0600; an existing file is replaced. */
int csg_output_create_own(struct csg_output **out, const char *path, struct csg_error *err);
int csg_output_write(struct csg_output *output, const void *data, size_t bytes, struct csg_error *err);
int csg_output_commit(struct csg_output **output, struct csg_error *err);
/* Removes the temporary file where commit was not reached. */
void csg_output_destroy(struct csg_output **output);

bool csg_is_folder(const char *path);
bool csg_is_file(const char *path);
/* The names of a folder's files that end with `suffix`, sorted, to be given to csg_names_free. A folder that cannot be read, or one
 * with millions of entries, is `status`. */
int csg_list_files(char ***names, size_t *count, const char *folder, const char *suffix, enum csg_status status,
                   struct csg_error *err);
/* The same of a folder's folders. */
int csg_list_folders(char ***names, size_t *count, const char *folder, enum csg_status status, struct csg_error *err);
/* The files that a shell's pattern matches, sorted, likewise; none is no error. */
int csg_match_files(char ***paths, size_t *count, const char *pattern, struct csg_error *err);
void csg_names_free(char ***names, size_t count);
/* "a/b" of "a" and "b"; to be freed; NULL where memory is short. */
char *csg_path_join(const char *folder, const char *name);
/* The same in the place of "a", which is freed; NULL stays NULL, and is what a failure leaves. */
int csg_path_append(char **path, const char *name, struct csg_error *err);
/* Makes the folder and its parents with mode 0700. */
int csg_make_folders(const char *path, struct csg_error *err);

/* Folders, to be freed; NULL, which is no failure, where there is none.
 *   share: the nearest share/clip-surgeon above the library or the running program: PREFIX/share wherever PREFIX was moved to, and
 *          in a build folder the link there to the source tree's assets
 *   data: $CSG_DATA_DIR, else share, else what the build was configured with
 *   user data: $XDG_DATA_HOME/clip-surgeon or ~/.local/share/clip-surgeon
 *   cache: the one that is asked for (empty: none), else $XDG_CACHE_HOME/clip-surgeon or ~/.cache/clip-surgeon */
int csg_share_folder(char **out, struct csg_error *err);
int csg_data_folder(char **out, struct csg_error *err);
int csg_user_data_folder(char **out, struct csg_error *err);
int csg_cache_folder(char **out, const char *wanted, struct csg_error *err);

/* Monotonic milliseconds. */
double csg_now_ms(void);

#endif
