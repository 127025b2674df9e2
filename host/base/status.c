#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at s (Unicode table 3-7), or 0. */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, second_min, second_max;
        size_t length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        if (s[1] < forms[i].second_min || s[1] > forms[i].second_max)
            return 0;
        for (size_t j = 2; j < forms[i].length; j++)
            if ((s[j] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

/* Names of files and texts end up in sentences: nothing of them may reach a terminal as a control sequence. */
static void make_printable(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p;) {
        size_t length = utf8_length(p);
        bool c1 = length == 2 && p[0] == 0xc2 && p[1] < 0xa0;
        if (length == 0 || *p < 0x20 || *p == 0x7f || c1) {
            *p = '?';
            if (c1)
                p[1] = '?';
            length = 1;
        }
        p += length;
    }
}

int csg_fail(struct csg_error *err, enum csg_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->sentence, sizeof err->sentence, format, args);
        va_end(args);
        make_printable(err->sentence);
        err->status = status;
    }
    return status;
}

int csg_fail_memory(struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "out of memory");
}

void csg_log(const struct csg_log *log, enum csg_log_level level, const char *format, ...)
{
    if (!log || !log->fn)
        return;
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    make_printable(message);
    log->fn(log->user, level, message);
}
