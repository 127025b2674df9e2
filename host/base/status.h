/* Errors are values: a status and one sentence. */
#ifndef CSG_BASE_STATUS_H
#define CSG_BASE_STATUS_H

#include <clip_surgeon/clip_surgeon.h>

#if defined(__GNUC__)
#define CSG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CSG_PRINTF(f, a)
#endif

/* Fills err (may be NULL) and returns status: `return csg_fail(err, CSG_ERROR_INPUT, "%s is no image", path);`
 * Control characters and invalid UTF-8 in the sentence are replaced by '?'; too long a sentence is cut. */
int csg_fail(struct csg_error *err, enum csg_status status, const char *format, ...) CSG_PRINTF(3, 4);
/* The failure of an allocation on the host. */
int csg_fail_memory(struct csg_error *err);

/* Where warnings go; passed by pointer, NULL is allowed. */
struct csg_log {
    csg_log_fn fn;
    void *user;
};
void csg_log(const struct csg_log *log, enum csg_log_level level, const char *format, ...) CSG_PRINTF(3, 4);

#endif
