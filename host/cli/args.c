/* The one table of options: parsing, help and the environment follow from it. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define AT(member) offsetof(struct cli_args, member)

static const struct cli_option options[] = {
    {"model", "m", "MODEL", USE_MODEL, AT(model),
     "a folder, a .pt file, a name of `model list`, hf:OWNER/REPO; default: the demo model"},
    {"device", NULL, "SPEC", (USE_MODEL | USE_SELFTEST) & ~(USE_MANY | USE_EVAL), AT(device),
     "an index as `devices` prints it, a part of the name, or reference"},
    {"device", NULL, "SPEC", USE_MANY | USE_EVAL, AT(device),
     "an index of `devices`, part of a name, or reference; for many pictures a,b or all"},
    {"batch", NULL, "N", USE_MANY, AT(batch),
     "of many pictures so many go through the encoder together; default 8, or fewer large ones"},
    {"batch", NULL, "N", USE_BENCH, AT(batch), "pictures of one encoding; default 1"},
    {"fallback", NULL, "NAME", USE_MODEL & ~(USE_VIEW | USE_BENCH | USE_TUNE), AT(fallback),
     "where a device fails: none (default) ends, next (at last the C reference), reference"},
    {"fallback", NULL, "NAME", USE_VIEW, AT(fallback),
     "where a device fails: next (default; at last the C reference), reference, or none: it is told"},
    {"device-class", NULL, "NAME", USE_SELFTEST, AT(device_class), "cpu or gpu: the kernels made for that class"},
    {"quick", NULL, NULL, USE_SELFTEST, AT(quick), "the small cases, seconds (default)"},
    {"full", NULL, NULL, USE_SELFTEST, AT(full), "every case, a minute or more"},
    {"report", NULL, "FILE", USE_SELFTEST, AT(report), "device, errors, speeds and failures as JSON, to be shared"},
    {"precision", NULL, "NAME", USE_ALL, AT(precision),
     "f32 (default), f16, bf16, or auto: the fastest whose maps are the same; view: auto"},
    {"templates", NULL, "FILE", USE_MODEL, AT(templates), "prompt templates, one a line, {} is the text; none: the text itself"},
    {"labels", NULL, "SET", USE_BENCH, AT(labels), "the texts that are timed: a file, demo, pascal59 (default), coco80, voc20"},
    {"runs", NULL, "N", USE_BENCH, AT(runs), "timed encodings; default 10, or fewer where they take more than 5 s"},
    {"seconds", NULL, "S", USE_TUNE, AT(seconds), "that it may last; default 20. What is not timed then keeps the default"},
    {"no-texts", NULL, NULL, USE_BENCH, AT(no_texts), "the encoder alone"},
    {"no-reference", NULL, NULL, USE_BENCH, AT(no_reference), "without the error, for which the C reference takes a while"},
    {"profile", NULL, "FILE", USE_BENCH, AT(profile), "every launch in Chrome's trace format"},
    {"cache", NULL, "HOW", USE_MODEL & ~USE_VIEW, AT(cache), "on (default), or off: nothing on disk is taken or kept"},
    {"no-cache", NULL, NULL, USE_MODEL & ~USE_VIEW, AT(no_cache), "the same as --cache off"},
    {"method", NULL, "LIST", USE_EVAL, AT(method), "surgery (default), others of those below (a,b,c), or all"},
    {"labels", NULL, "SET", USE_EVAL, AT(labels),
     "classes in the order of mask indices from 1; default: the data set's own or voc20"},
    {"method", NULL, "NAME", USE_SEGMENT | USE_TOKENS, AT(method), "arch (default) or another of those below"},
    {"labels", NULL, "SET", USE_SEGMENT | USE_CLASSIFY | USE_REDUNDANCY, AT(labels),
     "where none are given: a file, demo, pascal59, coco80, voc20 (default), imagenet1000"},
    {"top", NULL, "K", USE_CLASSIFY, AT(top), "how many labels are shown; default 10"},
    {"plain", NULL, NULL, USE_CLASSIFY, AT(plain), "the cosines as they are, without feature surgery"},
    {"method", NULL, "NAME", USE_MAP | USE_POINTS | USE_VIEW, AT(method), "surgery (default) or another of those below"},
    {"size", NULL, "N", USE_PICTURE | USE_CLASSIFY | USE_BENCH | USE_TUNE, AT(size),
     "pixels that the encoder sees, a multiple of the patch; default: the model's"},
    {"fit", NULL, "NAME", USE_PICTURE, AT(fit), "stretch (default): a square; aspect: the picture's own shape"},
    {"labels", NULL, "SET", USE_MAP | USE_POINTS | USE_VIEW, AT(labels),
     "texts that are not drawn: a file, demo, pascal59, coco80, voc20, imagenet1000"},
    {"redundant", NULL, "KIND", USE_MAP | USE_POINTS | USE_VIEW, AT(redundant),
     "auto (default), set: what the texts share, empty: the empty text"},
    {"blocks", NULL, "WHICH", USE_MAP | USE_POINTS, AT(blocks), "last (default) or all: how far back bimodal goes"},
    {"first-block", NULL, "D", USE_PICTURE | USE_BENCH | USE_TUNE, AT(first_block),
     "first block with two paths, from 1; default: the last six blocks"},
    {"refine", NULL, "NAME", USE_MAP | USE_EVAL | USE_SEGMENT | USE_TOKENS, AT(refine),
     "none (default), or pamr: maps follow the picture's edges, at the encoder's size"},
    {"window", NULL, "N", USE_PICTURE & ~USE_VIEW, AT(window_px),
     "encode windows of N pixels and take means; default: the picture as a whole"},
    {"stride", NULL, "M", USE_PICTURE & ~USE_VIEW, AT(stride_px), "distance of the windows in pixels; default: half of one"},
    {"pyramid", NULL, "K", USE_PICTURE & ~USE_VIEW, AT(pyramid),
     "encode K sizes, from the model's own to --size, and take means: quieter maps"},
    {"layout", NULL, "NAME", USE_EVAL, AT(layout),
     "voc, context, cityscapes, coco, coco-panoptic, nus; default: by what the folder holds"},
    {"split", NULL, "NAME", USE_EVAL, AT(split),
     "a list of the data set, or FILE.txt; default: val, val2017, Test, or the only one"},
    {"mfsr", NULL, NULL, USE_EVAL, AT(mfsr),
     "the share of the foreground's attention that stays there as well, by block and path"},
    {"limit", NULL, "N", USE_EVAL, AT(limit), "the first N pictures of the list"},
    {"background", NULL, "P", USE_EVAL | USE_SEGMENT, AT(background),
     "below this probability a pixel is background, 0..1; default 0.1"},
    {"scale", NULL, "S", USE_EVAL | USE_SEGMENT, AT(scale), "of the cosines before that probability's softmax; default 40"},
    {"resume", NULL, "FILE", USE_EVAL, AT(resume), "keeps what is done; with an existing one the run goes on"},
    {"plot", NULL, "FILE.png", USE_EVAL, AT(plot), "the table as bars"},
    {"shard", NULL, "I/N", USE_EVAL, AT(shard), "the I-th of N runs that share the pictures, each with a --resume of its own"},
    {"merge", NULL, "LIST", USE_EVAL, AT(merge),
     "all shards' files (a,b,c): their figures together; with --resume the rest is measured"},
    {"threshold", NULL, "T", USE_POINTS, AT(threshold), "cells at least this high are points, 0..1; default 0.8"},
    {"threshold", NULL, "T", USE_VIEW, AT(threshold), "values below it show the picture alone, 0..1"},
    {"colormap", NULL, "NAME", USE_MAP | USE_VIEW, AT(colormap), "viridis (default), jet, turbo, inferno, cividis, grey"},
    {"opacity", NULL, "A", USE_MAP | USE_VIEW, AT(opacity), "of the heat map, 0..1; default 0.6"},
    {"compare", NULL, "LIST", USE_MAP, AT(compare), "a sheet of the chosen method beside these: a,b,c or all"},
    {"compare", NULL, "NAME", USE_VIEW, AT(compare), "a wipe between this method, or reference, and the chosen one"},
    {"script", NULL, "FILE", USE_VIEW, AT(script), "commands that drive the window, one a line"},
    {"window", NULL, "WxH", USE_VIEW, AT(window), "size of the window; default: as it was"},
    {"cameras", NULL, NULL, USE_VIEW, AT(cameras), "list the cameras and end"},
    {"no-legend", NULL, NULL, USE_MAP, AT(no_legend), "no strip with text and colour bar below the picture"},
    {"output", "o", "OUT.png", USE_MAP | USE_SEGMENT | USE_REDUNDANCY, AT(output),
     "default: the picture's name with _map.png or the like; of many a folder, or {stem}.png"},
    {"output", "o", "OUT.png", USE_TOKENS, AT(output),
     "default: the picture's name with _tokens.png; of many one sheet, each token where it fires most"},
    {"output", "o", "OUT.png", USE_POINTS, AT(output), "draw the points as well, of several texts beside each other"},
    {"text", NULL, NULL, USE_EMBED, AT(text), "the words that follow are texts"},
    {"image", NULL, NULL, USE_EMBED, AT(image), "the words that follow are pictures"},
    {"npy", NULL, "FILE", USE_MAP | USE_EMBED | USE_REDUNDANCY, AT(npy), "raw values as float32 NumPy array"},
    {"json", NULL, NULL,
     USE_MAP | USE_EMBED | USE_DEVICES | USE_MODELS | USE_EVAL | USE_SEGMENT | USE_CLASSIFY | USE_TOKENS | USE_REDUNDANCY |
         USE_SELFTEST | USE_BENCH | USE_TUNE | USE_CACHE,
     AT(json), "a JSON document on stdout, and nothing else there"},
    {"yes", "y", NULL,
     USE_MAP | USE_EMBED | USE_POINTS | USE_EVAL | USE_SEGMENT | USE_TOKENS | USE_REDUNDANCY | USE_SELFTEST | USE_BENCH,
     AT(overwrite), "overwrite files that exist"},
    {"verbose", "v", NULL, USE_DEVICES, AT(verbose),
     "what was found out about each device, known answers among it, and its precisions"},
    {"quiet", "q", NULL, USE_ALL, AT(quiet), "no progress and no warnings"},
    {"help", "h", NULL, USE_ALL, AT(help), "this text"},
    {"version", NULL, NULL, USE_ALL, AT(version), "the version"},
};
#define N_OPTIONS (sizeof options / sizeof *options)

const char cli_exit_codes[] =
    "0 ok, 1 an output exists or cannot be written, 2 usage, 3 no device, 4 model, 5 input, 6 kernel build,\n"
    "7 device memory, 8 self-test failed, 9 device lost, 130 interrupted.";

static const char **value_at(struct cli_args *args, const struct cli_option *option)
{
    return (const char **)(void *)((char *)args + option->at);
}

static bool *switch_at(struct cli_args *args, const struct cli_option *option)
{
    return (bool *)(void *)((char *)args + option->at);
}

const struct cli_option *cli_option_at(size_t index)
{
    return index < N_OPTIONS ? options + index : NULL;
}

const char *cli_option_environment(const struct cli_option *option, char buffer[64])
{
    size_t used = (size_t)snprintf(buffer, 64, "CSG_%s", option->name);
    for (size_t i = 4; i < used; i++)
        buffer[i] = buffer[i] == '-' ? '_' : (char)toupper((unsigned char)buffer[i]);
    return buffer;
}

/* The option of a command that `word` names, "--name", "--name=value" or "-n"; *value is what stands behind "=". */
static const struct cli_option *find(const char *word, unsigned use, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct cli_option *option = options + i;
        size_t length = strlen(option->name);
        if (!(option->use & use))
            continue;
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, option->name, length) == 0 &&
            (word[2 + length] == 0 || word[2 + length] == '=')) {
            *value = word[2 + length] ? word + 3 + length : NULL;
            return option;
        }
        if (word[0] == '-' && option->letter && strcmp(word + 1, option->letter) == 0)
            return option;
    }
    return NULL;
}

int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv, struct csg_error *err)
{
    bool words_only = false;
    args->words = calloc((size_t)argc + 1, sizeof *args->words);
    if (!args->words)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value;
        if (words_only || word[0] != '-' || word[1] == 0) {
            args->words[args->n_words++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            words_only = true;
            continue;
        }
        const struct cli_option *option = find(word, command->use, &value);
        if (!option)
            return cli_fail(err, CSG_ERROR_USAGE, "%s has no option %s; `clip-surgeon %s --help` lists them", command->name, word,
                            command->name);
        if (option->value && !value) {
            if (i + 1 == argc)
                return cli_fail(err, CSG_ERROR_USAGE, "the option %s wants a value, %s", word, option->value);
            value = argv[++i];
        }
        if (!option->value && value)
            return cli_fail(err, CSG_ERROR_USAGE, "the option --%s takes no value", option->name);
        if (option->value)
            *value_at(args, option) = value;
        else
            *switch_at(args, option) = true;
    }
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char name[64];
        const char *value = getenv(cli_option_environment(options + i, name));
        if (options[i].value && (options[i].use & command->use) && value && *value && !*value_at(args, options + i))
            *value_at(args, options + i) = value;
    }
    return CSG_OK;
}

static void print_options(unsigned use)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct cli_option *option = options + i;
        char left[64], name[64];
        if (!(option->use & use))
            continue;
        snprintf(left, sizeof left, "%s%s%s--%s%s%s", option->letter ? "-" : "    ", option->letter ? option->letter : "",
                 option->letter ? ", " : "", option->name, option->value ? " " : "", option->value ? option->value : "");
        printf("  %-24s %s", left, option->help);
        if (option->value)
            printf(" [%s]", cli_option_environment(option, name));
        putchar('\n');
    }
}

static void print_methods(void)
{
    puts("\nMethods:");
    for (size_t i = 0; csg_method_name(i); i++)
        printf("  %-24s %s\n", csg_method_name(i), csg_method_summary(i));
}

void cli_help(const struct cli_command *command)
{
    if (command) {
        printf("clip-surgeon %s %s\n\n%s\n\nOptions (in brackets the environment variable that sets the same):\n", command->name,
               command->usage, command->summary);
        print_options(command->use);
        if (command->use & USE_PICTURE)
            print_methods();
        return;
    }
    puts("clip-surgeon shows where CLIP sees words in a picture, on any OpenCL device.\n\nCommands:");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        printf("  clip-surgeon %-10s %s\n%28s%s\n", c->name, c->usage, "", c->summary);
    printf("\n`clip-surgeon COMMAND --help` lists the options of a command; `--` ends options; `-` as a picture is stdin,\n"
           "a quoted pattern ('*.jpg') is a folder of what it matches.\n\n"
           "Exit codes: %s\n",
           cli_exit_codes);
}
