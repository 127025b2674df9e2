/* The command-line tool: tables of commands and options. It uses the public header alone. */
#ifndef CSG_CLI_CLI_H
#define CSG_CLI_CLI_H

#include <clip_surgeon/clip_surgeon.h>
#include <jansson.h>

/* Every value that an option can set; NULL or 0 where it was not given. */
struct cli_args {
    const char *model, *device, *precision, *templates;
    const char *method, *compare, *labels, *redundant, *fit, *refine;
    const char *size, *first_block, *window_px, *stride_px, *pyramid;
    const char *colormap, *opacity, *threshold;
    const char *split, *layout, *limit, *background, *scale, *resume, *shard, *merge, *plot, *top, *blocks;
    const char *output, *npy, *report;
    const char *fallback, *device_class;
    const char *script, *window;
    const char *runs, *profile, *cache, *batch, *seconds;
    bool no_texts, no_reference, no_cache;
    bool cameras, quick, full;
    bool verbose, plain, json, overwrite, quiet, no_legend, help, version;
    bool mfsr;
    bool text, image;   /* what the words after them are, for embed */
    const char **words; /* what is no option, in order */
    size_t n_words;
};

/* Which commands take an option. */
enum cli_use {
    USE_MAP = 1,
    USE_EMBED = 2,
    USE_POINTS = 4,
    USE_DEVICES = 8,
    USE_MODELS = 16,
    USE_VIEW = 32,
    USE_EVAL = 64,
    USE_SEGMENT = 128,
    USE_CLASSIFY = 256,
    USE_TOKENS = 512,
    USE_REDUNDANCY = 1024,
    USE_SELFTEST = 2048,
    USE_BENCH = 4096,
    USE_CACHE = 8192,
    USE_TUNE = 16384,
    USE_COMPLETION = 1 << 30, /* far from the others, which are numbered on */
    USE_MODEL = USE_MAP | USE_EMBED | USE_POINTS | USE_VIEW | USE_EVAL | USE_SEGMENT | USE_CLASSIFY | USE_TOKENS |
                USE_REDUNDANCY | USE_BENCH | USE_TUNE,
    USE_MANY = USE_MAP | USE_POINTS | USE_EMBED | USE_SEGMENT | USE_CLASSIFY | USE_TOKENS, /* which take many pictures */
    USE_PICTURE = USE_MAP | USE_POINTS | USE_VIEW | USE_EVAL | USE_SEGMENT | USE_TOKENS,
    USE_ALL = 32767 | USE_COMPLETION
};

struct cli_command {
    const char *name, *usage, *summary;
    unsigned use;
    int (*run)(const struct cli_args *args, struct csg_error *err);
};
extern const struct cli_command cli_commands[];

struct cli_option {
    const char *name, *letter, *value; /* value NULL: a switch */
    unsigned use;
    size_t at; /* in struct cli_args */
    const char *help;
};
/* Rows of the one table of options; NULL past the end. */
const struct cli_option *cli_option_at(size_t index);
/* CSG_FIRST_BLOCK of first-block; buffer is large enough for every name of the table. */
const char *cli_option_environment(const struct cli_option *option, char buffer[64]);
extern const char cli_exit_codes[];

/* Sorts argv (after the command's name) into args; args->words is to be freed. The environment fills what is not given: CSG_DEVICE
 * for --device and so on. */
int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv, struct csg_error *err);
/* The help of one command, or of all (NULL), to stdout. */
void cli_help(const struct cli_command *command);

/* What is printed, and where. */
int cli_fail(struct csg_error *err, enum csg_status status, const char *format, ...);
void cli_say(const char *format, ...); /* a line to stderr */
/* Control characters become '?', so that no name or text reaches the terminal as a command. Returns text. */
char *cli_printable(char *text);

/* For engine and self-test: log_user is args. */
void cli_log(void *user, enum csg_log_level level, const char *message);
/* Opens the engine that the options ask for. SIGINT interrupts it from here on. */
int cli_engine(struct csg_engine **engine, const struct cli_args *args, struct csg_error *err);
void cli_engine_close(struct csg_engine **engine);
/* The same on another device than --device, with certain towers (as in csg_engine_params), and nothing for SIGINT. */
int cli_engine_on(struct csg_engine **engine, const struct cli_args *args, const char *device, const char *towers,
                  struct csg_error *err);
/* From here on SIGINT interrupts these engines; none: it ends the program at once, as it does before. */
void cli_interrupts(struct csg_engine *const *engines, size_t count);
bool cli_interrupted(void);
int cli_map_params(struct csg_map_params *params, const struct cli_args *args, struct csg_error *err);
/* A number between minimum and maximum; *value keeps its default where text is NULL. */
int cli_number(double *value, const char *text, const char *option, double minimum, double maximum, struct csg_error *err);
/* The same for a whole number from 1. */
int cli_whole_number(int *value, const char *text, const char *option, int maximum, struct csg_error *err);

/* Warns of words that the model has never seen, in args->words from `first` on; not where --quiet is given. */
void cli_warn_unknown(struct csg_engine *engine, const struct cli_args *args, size_t first);

/* Before any document is made. */
void cli_json_begin(void);
/* Prints the document to stdout and releases it. */
int cli_print_json(json_t *document, struct csg_error *err);
/* Writes it to a file as csg_file_write does: one that was cut short would mislead. Releases it. */
int cli_write_json(json_t *document, const char *path, size_t digits, struct csg_error *err);
json_t *cli_json_string(const char *text);
/* null where JSON has no such number: neither NaN nor infinity. */
json_t *cli_json_number(double value);

int cli_map(const struct cli_args *args, struct csg_error *err);
int cli_embed(const struct cli_args *args, struct csg_error *err);
int cli_points(const struct cli_args *args, struct csg_error *err);
int cli_model(const struct cli_args *args, struct csg_error *err);
int cli_segment(const struct cli_args *args, struct csg_error *err);
int cli_classify(const struct cli_args *args, struct csg_error *err);
int cli_redundancy(const struct cli_args *args, struct csg_error *err);
int cli_tokens(const struct cli_args *args, struct csg_error *err);
int cli_eval(const struct cli_args *args, struct csg_error *err);
int cli_devices(const struct cli_args *args, struct csg_error *err);
int cli_view(const struct cli_args *args, struct csg_error *err);
int cli_cache(const struct cli_args *args, struct csg_error *err);
int cli_completion(const struct cli_args *args, struct csg_error *err);
int cli_bench(const struct cli_args *args, struct csg_error *err);
int cli_tune(const struct cli_args *args, struct csg_error *err);
int cli_selftest(const struct cli_args *args, struct csg_error *err);

#endif
