/* Names of the files that the commands write. */
#ifndef CSG_CLI_NAMES_H
#define CSG_CLI_NAMES_H

#include "cli.h"

/* IMAGE's name without folder and ending, with the suffix (_map) and .png behind; to be freed; NULL where memory is short. */
char *cli_default_output(const char *image, const char *suffix);
/* text NULL: the output itself. heat.png and "potted plant" make heat_potted_plant.png; a name that is among the first `taken` of names gets -2, -3, ...; to be freed. */
char *cli_text_output(const char *output, const char *text, char *const *names, size_t taken);
/* What a run over many pictures writes for the one at `path`: `output` with {stem} and {name} being the picture's name without and with
 * its ending; a folder without these: in it the default output with that ending (".png"). To be freed; NULL where memory is short. */
char *cli_many_output(const char *output, const char *path, const char *suffix, const char *ending);
/* -o or the picture's name with the suffix, or of many pictures as above; to be freed; NULL where memory is short. */
char *cli_one_output(const char *path, const char *output, const char *suffix, bool many);
/* The same of a command with one picture, args->words[0], checked before anything is computed; *file is to be freed also where it
 * fails. */
int cli_checked_output(char **file, const struct cli_args *args, const char *suffix, struct csg_error *err);
/* Whether `output` is for many pictures: it has {stem} or {name}, or is a folder, or can become one: it ends with / or has no ending. */
bool cli_output_takes_many(const char *output);
/* The folder that a file lies in is made where it is not there. */
int cli_make_folder_of(const char *file, struct csg_error *err);

#endif
