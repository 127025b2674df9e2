/* What every file of the viewer needs: errors, time, text, threads' small change. */
#ifndef CSG_VIEWER_BASE_H
#define CSG_VIEWER_BASE_H

#include <clip_surgeon/clip_surgeon.h>
#include <stdatomic.h>

#if defined(__GNUC__)
#define VIEW_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define VIEW_PRINTF(at, first)
#endif

#define VIEW_PATH 1024
#define VIEW_TEXT 256
#define VIEW_MAX_TEXTS 16

int view_fail(struct csg_error *err, enum csg_status status, const char *format, ...) VIEW_PRINTF(3, 4);
int view_fail_memory(struct csg_error *err);
double view_now_ms(void); /* monotonic */
/* The calling thread, and those that it will start (a CPU's OpenCL device has its own), let others go first: the picture keeps its rate
 * while they compute. Does nothing where a thread has no priority of its own. */
void view_stand_back(void);

/* Copies as much as fits, never cutting a UTF-8 character. */
void view_copy(char *to, size_t capacity, const char *from);
void view_format(char *to, size_t capacity, const char *format, ...) VIEW_PRINTF(3, 4);
/* NULL where it is empty, as the library takes a default. */
const char *view_or_null(const char *text);
/* The part behind the last slash. */
const char *view_base_name(const char *path);
bool view_has_ending(const char *path, const char *const *endings); /* NULL-terminated list, without regard to case */
double view_clamp(double value, double low, double high);

/* One picture of a source, shared by the window and the worker. */
struct frame {
    atomic_int refs;
    struct csg_image *image;
    double captured_ms;
    uint64_t serial; /* grows with every picture of the source */
    char name[VIEW_TEXT];
};
/* Takes the image over, on failure too. */
struct frame *frame_create(struct csg_image *image, uint64_t serial, const char *name);
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame **frame);

#endif
