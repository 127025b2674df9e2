/* Completion for shells, from the tables of commands and options. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

/* What an option's value can be, where that is a list. */
struct choice {
    const char *option;
    const char *(*name)(size_t index); /* of the library */
    const char *words;                 /* further ones; each stands in the help of one of that name */
};
static const struct choice choices[] = {
    {"method", csg_method_name, ""},
    {"compare", csg_method_name, ""},
    {"colormap", csg_colormap_name, ""},
    {"precision", csg_precision_name, "auto"},
    {"labels", NULL, "demo pascal59 coco80 voc20 imagenet1000"},
    {"fit", NULL, "stretch aspect"},
    {"redundant", NULL, "auto set empty"},
    {"blocks", NULL, "last all"},
    {"fallback", NULL, "none next reference"},
    {"device-class", NULL, "cpu gpu"},
    {"cache", NULL, "on off"},
};

/* Words of a command that are fixed. */
static const struct {
    const char *command, *words;
} subcommands[] = {{"model", "list info pull rm"}, {"cache", "list clear"}, {"completion", "bash zsh fish man"}};

static const char *subcommands_of(const struct cli_command *command)
{
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        if (strcmp(subcommands[i].command, command->name) == 0)
            return subcommands[i].words;
    return "";
}

/* The words that the value of an option can be, separated by spaces; false: it has no list. */
static bool print_choices(const struct cli_option *option)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const struct choice *choice = choices + i;
        if (strcmp(choice->option, option->name) != 0)
            continue;
        const char *space = "";
        for (size_t k = 0; choice->name && choice->name(k); k++) {
            printf("%s%s", space, choice->name(k));
            space = " ";
        }
        printf("%s%s", *choice->words ? space : "", choice->words);
        return true;
    }
    return false;
}

static bool has_choices(const struct cli_option *option)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].option, option->name) == 0)
            return true;
    return false;
}

static void print_commands(void)
{
    for (const struct cli_command *c = cli_commands; c->name; c++)
        printf("%s%s", c == cli_commands ? "" : " ", c->name);
}

/* text for between single quotes: a quote in it becomes `quote`, and the characters of `special` get a backslash. */
static void print_quoted(const char *text, const char *quote, const char *special)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs(quote, stdout);
        else
            printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
}

static void print_bash(void)
{
    puts("# clip-surgeon's commands and options for bash.\n"
         "_clip_surgeon()\n"
         "{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
         "    if [[ $COMP_CWORD -eq 1 ]]; then");
    printf("        COMPREPLY=($(compgen -W '");
    print_commands();
    puts("' -- \"$cur\"))\n"
         "        return\n"
         "    fi\n"
         "    case ${COMP_WORDS[1]}:$prev in");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        for (size_t i = 0; cli_option_at(i); i++) {
            const struct cli_option *option = cli_option_at(i);
            if (!(option->use & c->use) || !has_choices(option))
                continue;
            printf("    %s:--%s) words='", c->name, option->name);
            print_choices(option);
            puts("' ;;");
        }
    puts("    esac\n"
         "    if [[ -z $words && $cur == -* ]]; then\n"
         "        case ${COMP_WORDS[1]} in");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        printf("        %s) words='", c->name);
        for (size_t i = 0; cli_option_at(i); i++) {
            const struct cli_option *option = cli_option_at(i);
            if (option->use & c->use)
                printf("%s%s%s--%s ", option->letter ? "-" : "", option->letter ? option->letter : "", option->letter ? " " : "",
                       option->name);
        }
        puts("' ;;");
    }
    puts("        esac\n"
         "    elif [[ -z $words && $COMP_CWORD -eq 2 ]]; then\n"
         "        case ${COMP_WORDS[1]} in");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        if (*subcommands_of(c))
            printf("        %s) words='%s' ;;\n", c->name, subcommands_of(c));
    puts("        esac\n"
         "    fi\n"
         "    if [[ -n $words ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "    else\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        local IFS=$'\\n'\n"
         "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
         "    fi\n"
         "}\n"
         "complete -F _clip_surgeon clip-surgeon");
}

static void print_zsh_option(const struct cli_option *option)
{
    const char *letter = option->letter;
    printf(" \\\n            ");
    if (letter)
        printf("'(-%s --%s)'{-%s,--%s}'", letter, option->name, letter, option->name);
    else
        printf("'--%s", option->name);
    putchar('[');
    print_quoted(option->help, "'\\''", "[]:\\"); /* which the brackets of _arguments take for their own */
    putchar(']');
    if (option->value) {
        printf(":%s:", option->value);
        if (has_choices(option)) {
            putchar('(');
            print_choices(option);
            putchar(')');
        } else {
            fputs("_files", stdout);
        }
    }
    putchar('\'');
}

static void print_zsh(void)
{
    puts("#compdef clip-surgeon\n"
         "# clip-surgeon's commands and options for zsh.\n"
         "_clip_surgeon() {\n"
         "    local -a commands=(");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        printf("        '%s:", c->name);
        print_quoted(c->summary, "'\\''", ":\\");
        puts("'");
    }
    puts("    )\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    local command=$words[2]\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case $command in");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        printf("    %s)\n        _arguments", c->name);
        for (size_t i = 0; cli_option_at(i); i++)
            if (cli_option_at(i)->use & c->use)
                print_zsh_option(cli_option_at(i));
        if (*subcommands_of(c))
            printf(" \\\n            '1:what:(%s)'", subcommands_of(c));
        puts(" \\\n            '*:file:_files'\n        ;;");
    }
    puts("    esac\n"
         "}\n"
         "_clip_surgeon \"$@\"");
}

static void print_fish(void)
{
    puts("# clip-surgeon's commands and options for fish.");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        printf("complete -c clip-surgeon -n __fish_use_subcommand -f -a %s -d '", c->name);
        print_quoted(c->summary, "\\'", "\\");
        puts("'");
        if (*subcommands_of(c))
            printf("complete -c clip-surgeon -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, subcommands_of(c));
        for (size_t i = 0; cli_option_at(i); i++) {
            const struct cli_option *option = cli_option_at(i);
            if (!(option->use & c->use))
                continue;
            printf("complete -c clip-surgeon -n '__fish_seen_subcommand_from %s' -l %s", c->name, option->name);
            if (option->letter)
                printf(" -s %s", option->letter);
            if (option->value)
                fputs(has_choices(option) ? " -x -a '" : " -r", stdout);
            if (option->value && print_choices(option))
                putchar('\'');
            fputs(" -d '", stdout);
            print_quoted(option->help, "\\'", "\\");
            puts("'");
        }
    }
}

static const struct {
    const char *name;
    void (*print)(void);
} kinds[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}, {"man", cli_manual_print}};

int cli_completion(const struct cli_args *args, struct csg_error *err)
{
    for (size_t i = 0; args->n_words == 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(args->words[0], kinds[i].name) == 0) {
            kinds[i].print();
            return CSG_OK;
        }
    return cli_fail(err, CSG_ERROR_USAGE, "completion wants one word: bash, zsh, fish or man");
}
