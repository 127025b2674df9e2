/* How far a long command is, on stderr. */
#ifndef CSG_CLI_PROGRESS_H
#define CSG_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct cli_progress {
    bool off, terminal;
    bool ended; /* the last has been shown */
    bool drawn; /* a bar stands in the current line */
    size_t first_done;
    double first_s, last_s;
};
void cli_progress_begin(struct cli_progress *progress, bool off);
/* A bar on a terminal, redrawn at most ten times a second; elsewhere a line every half minute and at the end. With the pictures a second
 * since the first call, and the time that is left by them. */
void cli_progress_show(struct cli_progress *progress, size_t done, size_t total);
/* A line of one's own instead, as often. */
void cli_progress_line(struct cli_progress *progress, const char *format, ...);
double cli_now_s(void); /* of a clock that only goes on */
/* Takes the bar away, so that something else can be printed. */
void cli_progress_clear(struct cli_progress *progress);

#endif
