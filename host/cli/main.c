#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* After SIGINT, for what is being written; a device, or an operator of the reference, may take seconds to end what it has begun. */
#define PATIENCE_NS 100000000

const struct cli_command cli_commands[] = {
    {"map", "IMAGE|FOLDER TEXT...", "Draws where the texts are in the picture.", USE_MAP, cli_map},
    {"points", "IMAGE|FOLDER TEXT...", "Prints points for SAM as JSON, positive and negative.", USE_POINTS, cli_points},
    {"embed", "(--text TEXT... | --image FILE...) --npy FILE", "Writes normalised CLIP embeddings.", USE_EMBED, cli_embed},
    {"segment", "IMAGE|FOLDER [LABEL...]", "Draws the label of every pixel and says how much each covers.", USE_SEGMENT,
     cli_segment},
    {"classify", "IMAGE|FOLDER [LABEL...]", "Ranks the labels by how well they fit the picture.", USE_CLASSIFY, cli_classify},
    {"tokens", "IMAGE|FOLDER SENTENCE",
     "Draws where every token of a sentence is, and ranks them; of many pictures, which fire most.", USE_TOKENS, cli_tokens},
    {"redundancy", "IMAGE [LABEL...]", "Says how much of the labels' features is shared, with the empty text too.",
     USE_REDUNDANCY, cli_redundancy},
    {"eval", "DATASET", "Measures methods over a data set laid out as VOC, Context, Cityscapes, COCO or NUS-WIDE.", USE_EVAL,
     cli_eval},
    {"model", "list | info MODEL | pull NAME|hf:OWNER/REPO|URL | rm NAME", "Lists, describes, fetches and removes models.",
     USE_MODELS, cli_model},
    {"view", "[SOURCE] [TEXT...]", "Opens the live viewer on a picture, folder, video or camera.", USE_VIEW, cli_view},
    {"devices", "", "Lists the OpenCL devices and which one would be used.", USE_DEVICES, cli_devices},
    {"bench", "", "Measures encoder, texts and maps: times, GFLOP/s, share of the device's peak, error.", USE_BENCH, cli_bench},
    {"tune", "", "Times the ways to compute on the device at the model's own sizes, and remembers the fastest.", USE_TUNE,
     cli_tune},
    {"cache", "list | clear [NAME...]", "Shows or empties what is kept on disk: compiled kernels, text features and so on.",
     USE_CACHE, cli_cache},
    {"selftest", "", "Compares every operator on the device with the C reference.", USE_SELFTEST, cli_selftest},
    {"completion", "bash | zsh | fish | man", "Prints what completes commands in a shell, or the manual page.", USE_COMPLETION,
     cli_completion},
    {0},
};

/* The engines that SIGINT interrupts: a signal handler can reach nothing but globals. */
static struct csg_engine *const *volatile running;
static volatile size_t n_running;
static volatile sig_atomic_t interrupted;

static timer_t patience;
static bool patient; /* there is such a timer */

/* Files are written whole or not at all. */
static void leave(int number)
{
    static const char line[] = "clip-surgeon: interrupted\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)number, (void)ignored;
    _Exit(-CSG_ERROR_INTERRUPTED);
}

static void on_interrupt(int number)
{
    static const struct itimerspec once = {.it_value = {0, PATIENCE_NS}};
    signal(number, SIG_DFL); /* a second one ends the program at once */
    interrupted = 1;
    if (patient)
        timer_settime(patience, 0, &once, NULL);
    for (size_t i = 0; i < n_running; i++)
        csg_engine_interrupt(running[i]);
    if (!n_running)
        leave(number);
}

void cli_interrupts(struct csg_engine *const *engines, size_t count)
{
    n_running = 0;
    running = engines;
    n_running = count;
}

bool cli_interrupted(void)
{
    return interrupted;
}

char *cli_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* U+0080 to U+009F */
        if (*p < 0x20 || *p == 0x7f || c1)
            *p = '?';
        if (c1)
            p[1] = '?';
    }
    return text;
}

int cli_fail(struct csg_error *err, enum csg_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->sentence, sizeof err->sentence, format, args);
    va_end(args);
    cli_printable(err->sentence);
    err->status = status;
    return status;
}

void cli_say(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "clip-surgeon: %s\n", cli_printable(line));
}

void cli_log(void *user, enum csg_log_level level, const char *message)
{
    const struct cli_args *args = user;
    if (level == CSG_LOG_DEBUG || args->quiet)
        return;
    cli_say("%s%s", level == CSG_LOG_WARNING ? "warning: " : "", message);
}

int cli_engine_on(struct csg_engine **engine, const struct cli_args *args, const char *device, const char *towers,
                  struct csg_error *err)
{
    bool off = args->no_cache || (args->cache && strcmp(args->cache, "off") == 0);
    if (args->cache && !off && strcmp(args->cache, "on") != 0)
        return cli_fail(err, CSG_ERROR_USAGE, "--cache is '%s', but must be on or off", args->cache);
    const struct csg_engine_params params = {.model = args->model,
                                             .device = device,
                                             .towers = towers,
                                             .precision = args->precision,
                                             .templates = args->templates,
                                             .fallback = args->fallback,
                                             .cache_dir = off ? "" : NULL,
                                             .log = cli_log,
                                             .log_user = (void *)(uintptr_t)args};
    return csg_engine_create(engine, &params, err);
}

int cli_engine(struct csg_engine **engine, const struct cli_args *args, struct csg_error *err)
{
    static struct csg_engine *only;
    int status = cli_engine_on(engine, args, args->device, NULL, err);
    only = *engine;
    cli_interrupts(&only, status == CSG_OK);
    return status;
}

void cli_engine_close(struct csg_engine **engine)
{
    cli_interrupts(NULL, 0);
    csg_engine_destroy(engine);
}

int cli_number(double *value, const char *text, const char *option, double minimum, double maximum, struct csg_error *err)
{
    if (!text)
        return CSG_OK;
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= minimum && number <= maximum))
        return cli_fail(err, CSG_ERROR_USAGE, "%s is '%s', but must be a number from %g to %g", option, text, minimum, maximum);
    *value = number;
    return CSG_OK;
}

/* The form of a method through every block is a method of its own, NAME_all. */
static int through_blocks(const char **method, const char *blocks, struct csg_error *err)
{
    const char *name = *method ? *method : csg_method_name(0);
    size_t length = strlen(name);
    if (!blocks || strcmp(blocks, "last") == 0)
        return CSG_OK;
    if (strcmp(blocks, "all") != 0)
        return cli_fail(err, CSG_ERROR_USAGE, "--blocks is '%s', but must be last or all", blocks);
    for (size_t i = 0; csg_method_name(i); i++)
        if (strncmp(csg_method_name(i), name, length) == 0 && strcmp(csg_method_name(i) + length, "_all") == 0) {
            *method = csg_method_name(i);
            return CSG_OK;
        }
    return cli_fail(err, CSG_ERROR_USAGE, "the method %s has no form through all blocks; bimodal has", name);
}

#define MOST_PIXELS 1000000 /* of a side, and blocks: more is a mistake */

int cli_whole_number(int *value, const char *text, const char *option, int maximum, struct csg_error *err)
{
    double number = *value;
    int status = cli_number(&number, text, option, 1, maximum, err);
    if (status == CSG_OK && number != (double)(int)number)
        status = cli_fail(err, CSG_ERROR_USAGE, "%s is '%s', but must be a whole number", option, text);
    *value = (int)number;
    return status;
}

int cli_map_params(struct csg_map_params *params, const struct cli_args *args, struct csg_error *err)
{
    int first_block = 0;
    *params = (struct csg_map_params){
        .method = args->method, .labels = args->labels, .redundant = args->redundant, .fit = args->fit, .refine = args->refine};
    int status = cli_whole_number(&params->size_px, args->size, "--size", MOST_PIXELS, err);
    if (status == CSG_OK)
        status = cli_whole_number(&first_block, args->first_block, "--first-block", MOST_PIXELS, err);
    if (status == CSG_OK)
        status = cli_whole_number(&params->window_px, args->window_px, "--window", MOST_PIXELS, err);
    if (status == CSG_OK)
        status = cli_whole_number(&params->stride_px, args->stride_px, "--stride", MOST_PIXELS, err);
    if (status == CSG_OK)
        status = cli_whole_number(&params->pyramid, args->pyramid, "--pyramid", MOST_PIXELS, err);
    params->first_block = (unsigned)first_block;
    return status ? status : through_blocks(&params->method, args->blocks, err);
}

void cli_warn_unknown(struct csg_engine *engine, const struct cli_args *args, size_t first)
{
    char words[512];
    for (size_t i = first; !args->quiet && i < args->n_words; i++)
        if (csg_unknown_words(engine, args->words[i], words, sizeof words, NULL) == CSG_OK && words[0])
            cli_say("warning: the model was never taught: %s", words);
}

static int run(int argc, char **argv, struct csg_error *err)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        cli_help(NULL);
        return CSG_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("clip-surgeon %s\n", csg_version());
        return CSG_OK;
    }
    const struct cli_command *command = cli_commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    if (!command->name)
        return *name ? cli_fail(err, CSG_ERROR_USAGE, "there is no command '%s'; `clip-surgeon --help` lists them", name)
                     : cli_fail(err, CSG_ERROR_USAGE, "a command is missing; `clip-surgeon --help` lists them");
    struct cli_args args = {0};
    int status = cli_parse(&args, command, argc - 2, argv + 2, err);
    if (status == CSG_OK && args.help)
        cli_help(command);
    else if (status == CSG_OK && args.version)
        printf("clip-surgeon %s\n", csg_version());
    else if (status == CSG_OK)
        status = command->run(&args, err);
    free(args.words);
    return status;
}

int main(int argc, char **argv)
{
    struct csg_error err = {0};
    struct sigevent alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    signal(SIGINT, on_interrupt); /* before anything else: until then the system ends the program, and says nothing */
    signal(SIGALRM, leave);
    patient = timer_create(CLOCK_MONOTONIC, &alarm, &patience) == 0;
    cli_json_begin();
    int status = run(argc, argv, &err);
    if (status == CSG_OK && fflush(stdout) != 0)
        status = cli_fail(&err, CSG_ERROR, "standard output cannot be written");
    if (status && err.sentence[0]) /* else another rank says it */
        cli_say("%s", err.sentence);
    return -status;
}
