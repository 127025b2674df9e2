/* clip-surgeon(1), from the tables of commands, options and methods. */
#include <stdio.h>

#include "completion.h"

/* text as roff takes it: hyphens that can be copied, nothing that it takes for a request. */
static void print_roff(const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
        start = *text == '\n';
    }
}

static void print_line(const char *text)
{
    print_roff(text);
    putchar('\n');
}

static void print_option(const struct cli_option *option)
{
    char name[64];
    fputs(".TP\n", stdout);
    if (option->letter)
        printf("\\fB\\-%s\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stdout);
    print_roff(option->name);
    fputs("\\fR", stdout);
    if (option->value)
        printf(" \\fI%s\\fR", option->value);
    putchar('\n');
    print_roff(option->help);
    if (option->value) {
        printf(" [");
        print_roff(cli_option_environment(option, name));
        printf("]");
    }
    putchar('\n');
}

static void print_commands(void)
{
    puts(".SH COMMANDS\n"
         "In brackets stands the environment variable that sets the same.");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        fputs(".SS ", stdout);
        print_line(c->name);
        fputs("\\fBclip\\-surgeon ", stdout);
        print_roff(c->name);
        fputs("\\fR ", stdout);
        print_line(c->usage);
        puts(".PP");
        print_line(c->summary);
        for (size_t i = 0; cli_option_at(i); i++)
            if (cli_option_at(i)->use & c->use)
                print_option(cli_option_at(i));
    }
}

static void print_methods(void)
{
    puts(".SH METHODS");
    for (size_t i = 0; csg_method_name(i); i++) {
        printf(".TP\n\\fB");
        print_roff(csg_method_name(i));
        puts("\\fR");
        print_line(csg_method_summary(i));
    }
}

static const struct {
    const char *name, *says;
} variables[] = {
    {"CSG_DATA_DIR",
     "the folder with the demo model, label sets and vocabulary; default: share/clip-surgeon of the installation"},
    {"XDG_DATA_HOME", "models of the user's own are in its clip-surgeon/models; default: ~/.local/share"},
    {"XDG_CACHE_HOME", "what is kept to be faster next time is in its clip-surgeon; default: ~/.cache"},
    {"HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE", "as Hugging Face's own tools take them"},
};

void cli_manual_print(void)
{
    printf(".TH CLIP\\-SURGEON 1 \"\" \"clip\\-surgeon %s\" \"User Commands\"\n", csg_version());
    puts(".nh\n" /* no name is to be hyphenated */
         ".ad l\n"
         ".SH NAME\n"
         "clip\\-surgeon \\- show where CLIP sees words in a picture, on any OpenCL device\n"
         ".SH SYNOPSIS\n"
         ".B clip\\-surgeon\n"
         ".I COMMAND\n"
         "[\\fIOPTION\\fR...] [\\fIWORD\\fR...]\n"
         ".SH DESCRIPTION\n"
         "CLIP Surgery makes a heat map of where a picture shows what a text says, without training. It runs on GPUs and CPUs\n"
         "through OpenCL. Words and options may be mixed; \\fB\\-\\-\\fR ends options; \\fB\\-\\fR as a picture is standard "
         "input.\n"
         "Data go to standard output, messages to standard error.");
    print_commands();
    print_methods();
    puts(".SH ENVIRONMENT");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        puts(".TP");
        printf(".B ");
        print_line(variables[i].name);
        print_line(variables[i].says);
    }
    puts(".SH EXIT STATUS");
    print_line(cli_exit_codes);
    puts(".SH EXAMPLES\n"
         ".EX\n"
         "clip\\-surgeon map photo.jpg dog \"potted plant\" \\-o heat.png\n"
         "clip\\-surgeon points photo.jpg person \\-\\-labels coco80\n"
         "clip\\-surgeon selftest \\-\\-device 0\n"
         ".EE");
}
