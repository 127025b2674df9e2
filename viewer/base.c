#ifdef __linux__
#define _GNU_SOURCE /* gettid */
#endif
#include "base.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

#define COMPUTING_NICE 5

int view_fail(struct csg_error *err, enum csg_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->sentence, sizeof err->sentence, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}

int view_fail_memory(struct csg_error *err)
{
    return view_fail(err, CSG_ERROR, "out of memory");
}

double view_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

void view_stand_back(void)
{
#ifdef __linux__ /* where niceness is a thread's, and inherited */
    id_t thread = (id_t)gettid();
    setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + COMPUTING_NICE);
#endif
}

void view_copy(char *to, size_t capacity, const char *from)
{
    size_t length = strlen(from);
    if (length >= capacity) {
        length = capacity - 1;
        while (length && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--;
    }
    memmove(to, from, length);
    to[length] = 0;
}

void view_format(char *to, size_t capacity, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(to, capacity, format, args);
    va_end(args);
}

const char *view_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

const char *view_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

bool view_has_ending(const char *path, const char *const *endings)
{
    size_t length = strlen(path);
    for (; *endings; endings++) {
        size_t n = strlen(*endings), i = 0;
        while (n <= length && i < n && tolower((unsigned char)path[length - n + i]) == (*endings)[i])
            i++;
        if (n <= length && i == n)
            return true;
    }
    return false;
}

double view_clamp(double value, double low, double high)
{
    return !(value > low) ? low : value < high ? value : high;
}

struct frame *frame_create(struct csg_image *image, uint64_t serial, const char *name)
{
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame) {
        csg_image_destroy(&image);
        return NULL;
    }
    atomic_init(&frame->refs, 1);
    frame->image = image;
    frame->serial = serial;
    frame->captured_ms = view_now_ms();
    view_copy(frame->name, sizeof frame->name, name);
    return frame;
}

struct frame *frame_ref(struct frame *frame)
{
    if (frame)
        atomic_fetch_add(&frame->refs, 1);
    return frame;
}

void frame_unref(struct frame **out)
{
    struct frame *frame = *out;
    *out = NULL;
    if (frame && atomic_fetch_sub(&frame->refs, 1) == 1) {
        csg_image_destroy(&frame->image);
        free(frame);
    }
}
