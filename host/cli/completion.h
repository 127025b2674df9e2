/* The manual page, one of the kinds of `clip-surgeon completion`. */
#ifndef CSG_CLI_COMPLETION_H
#define CSG_CLI_COMPLETION_H

#include "cli.h"

void cli_manual_print(void);

#endif
