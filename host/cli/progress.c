#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

double cli_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void cli_progress_begin(struct cli_progress *progress, bool off)
{
    *progress = (struct cli_progress){.off = off, .terminal = isatty(STDERR_FILENO) != 0, .first_s = -1};
}

/* ", 12.5 a second, 1:23:45 left", or nothing where it is not known yet. */
static void describe_rate(const struct cli_progress *progress, size_t done, size_t total, double s, char out[80])
{
    double spent_s = s - progress->first_s;
    out[0] = 0;
    if (done <= progress->first_done || !(spent_s > 0))
        return;
    double rate = (double)(done - progress->first_done) / spent_s;
    unsigned long left_s = (unsigned long)((double)(total - done) / rate);
    size_t used = (size_t)snprintf(out, 80, ", %.*f a second", rate < 10 ? 2 : 1, rate);
    if (done < total && left_s >= 3600)
        snprintf(out + used, 80 - used, ", %lu:%02lu:%02lu left", left_s / 3600, left_s / 60 % 60, left_s % 60);
    else if (done < total)
        snprintf(out + used, 80 - used, ", %lu:%02lu left", left_s / 60, left_s % 60);
}

void cli_progress_show(struct cli_progress *progress, size_t done, size_t total)
{
    double s = cli_now_s();
    char rate[80];
    if (progress->off)
        return;
    if (progress->first_s < 0) {
        progress->first_s = progress->last_s = s;
        progress->first_done = done;
        if (done < total)
            return;
    }
    bool last = done == total;
    if (progress->ended)
        return;
    progress->ended = last;
    if (!last && s - progress->last_s < (progress->terminal ? 0.1 : 30))
        return;
    progress->last_s = s;
    describe_rate(progress, done, total, s, rate);
    if (!progress->terminal) {
        cli_say("%zu of %zu pictures%s", done, total, rate);
    } else {
        char bar[31];
        for (size_t i = 0; i < sizeof bar - 1; i++)
            bar[i] = i < done * (sizeof bar - 1) / total ? '#' : '.';
        bar[sizeof bar - 1] = 0;
        fprintf(stderr, "\r%s %zu of %zu%s\033[K%s", bar, done, total, rate, last ? "\n" : "");
        progress->drawn = !last;
    }
}

void cli_progress_line(struct cli_progress *progress, const char *format, ...)
{
    double s = cli_now_s();
    char line[160];
    va_list args;
    if (progress->off || (progress->first_s >= 0 && s - progress->last_s < (progress->terminal ? 0.1 : 30)))
        return;
    progress->first_s = progress->last_s = s;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (progress->terminal)
        fprintf(stderr, "\r%s\033[K", line);
    else
        cli_say("%s", line);
    progress->drawn = progress->terminal;
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
