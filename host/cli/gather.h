/* What ranks say of their pictures becomes what one process says of all. */
#ifndef CSG_CLI_GATHER_H
#define CSG_CLI_GATHER_H

#include "ranks.h"

/* {"devices", "pictures", "unreadable"}: entries of pictures are counted by "at", and by "device" where they have one. */
json_t *cli_gather_new(void);
/* Text that need not be UTF-8 as a string of JSON, and back to a file: each byte is a character. */
json_t *cli_gather_text(const char *text, size_t bytes);
void cli_gather_put(const json_t *text, FILE *file);
/* In rank 0 what all ranks have is in it afterwards, pictures in order. Where there is one rank nothing changes. */
int cli_gather(struct cli_ranks *ranks, json_t *said, struct csg_error *err);

#endif
