/* Names of the files that the commands write. */
#ifndef CSG_CLI_NAMES_H
#define CSG_CLI_NAMES_H

#include "cli.h"

/* IMAGE's name without folder and ending, with the suffix (_map) and .png behind; to be freed; NULL where memory is short. */
char *cli_default_output(const char *image, const char *suffix);
/* text NULL: the output itself. heat.png and "potted plant" make heat_potted_plant.png; a name that is among the first `taken` of names gets -2, -3, ...; to be freed. */
char *cli_text_output(const char *output, const char *text, char *const *names, size_t taken);
/* What a command with one picture to write calls it, -o or the first word's name with the suffix, checked before anything is computed; *file is
 * to be freed also where it fails. */
int cli_one_output(char **file, const struct cli_args *args, const char *suffix, struct csg_error *err);

#endif
