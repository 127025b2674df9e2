/* Names of the files that `map` writes. */
#ifndef CSG_CLI_NAMES_H
#define CSG_CLI_NAMES_H

#include <stddef.h>

/* IMAGE's name without folder and ending, with the suffix (_map) and .png behind; to be freed; NULL where memory is short. */
char *cli_default_output(const char *image, const char *suffix);
/* text NULL: the output itself. heat.png and "potted plant" make heat_potted_plant.png; a name that is among the first `taken` of names gets -2, -3, ...; to be freed. */
char *cli_text_output(const char *output, const char *text, char *const *names, size_t taken);

#endif
