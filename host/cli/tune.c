#include <stdio.h>

#include "cli.h"
#include "progress.h"

#define MOST_SECONDS 86400
#define NOISE 1.05 /* an encoding that takes so many times as long as before was disturbed */

static const struct csg_tune_form *form_of(const struct csg_tune_shape *shape, bool untuned)
{
    const struct csg_tune_form *found = NULL;
    for (size_t i = 0; i < shape->n_forms; i++)
        if (untuned ? shape->forms[i].untuned : shape->forms[i].chosen)
            found = &shape->forms[i];
    return found;
}

static double gflop_s(const struct csg_tune_shape *shape, const struct csg_tune_form *form)
{
    return form->ms > 0.0 ? shape->flop / form->ms * 1e-6 : 0.0;
}

/* ------------------------------------------------------------------------------------------ JSON */

static json_t *forms_json(const struct csg_tune_shape *shape)
{
    static const char *const states[] = {"timed", "wrong", "skipped"};
    json_t *list = json_array();
    for (size_t i = 0; i < shape->n_forms; i++) {
        const struct csg_tune_form *f = &shape->forms[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:s, s:o, s:o, s:b, s:b}", "form", f->name, "splits", (json_int_t)f->splits,
                                        "state", states[f->state], "ms", f->ms > 0.0 ? json_real(f->ms) : json_null(), "gflops",
                                        f->ms > 0.0 ? json_real(gflop_s(shape, f)) : json_null(), "default", f->untuned, "chosen",
                                        f->chosen));
    }
    return list;
}

static json_t *document(const struct csg_tune *tune)
{
    json_t *shapes = json_array();
    for (size_t i = 0; i < tune->n_shapes; i++) {
        const struct csg_tune_shape *s = &tune->shapes[i];
        json_array_append_new(shapes,
                              json_pack("{s:s, s:s, s:I, s:[I, I], s:I, s:b, s:o}", "op", s->op, "precision", s->precision,
                                        "rows", (json_int_t)s->rows, "sides", (json_int_t)s->sides[0], (json_int_t)s->sides[1],
                                        "launches", (json_int_t)s->launches, "complete", s->complete, "forms", forms_json(s)));
    }
    return json_pack("{s:o, s:o, s:s, s:i, s:f, s:b, s:b, s:f, s:f, s:o}", "device", cli_json_string(tune->device), "driver",
                     cli_json_string(tune->driver), "precision", tune->precision, "size_px", tune->size_px, "seconds",
                     tune->seconds, "complete", tune->complete, "kept", tune->kept, "encode_before_ms", tune->before_ms,
                     "encode_after_ms", tune->after_ms, "shapes", shapes);
}

/* ------------------------------------------------------------------------------------------ in words */

static void print_form(const struct csg_tune_shape *shape, const struct csg_tune_form *form)
{
    char name[48];
    snprintf(name, sizeof name, form->splits > 1 ? "%s / %d" : "%s", form->name, (int)form->splits);
    if (form->state == CSG_TUNE_WRONG)
        printf("  %c %-20s    wrong", form->chosen ? '*' : ' ', name);
    else
        printf("  %c %-20s %8.4f ms %9.1f GFLOP/s", form->chosen ? '*' : ' ', name, form->ms, gflop_s(shape, form));
    puts(form->untuned ? "  default" : "");
}

/* Whether there is anything to be compared. */
static bool compared(const struct csg_tune_shape *shape)
{
    size_t timed = 0;
    for (size_t i = 0; i < shape->n_forms; i++)
        timed += shape->forms[i].state != CSG_TUNE_SKIPPED;
    return timed > 1;
}

static void print_shape(const struct csg_tune_shape *shape)
{
    size_t left_out = 0;
    printf("%s %zu x %zu x %zu, %s, %d launches a pass\n", shape->op, shape->rows, shape->sides[0], shape->sides[1],
           shape->precision, (int)shape->launches);
    for (size_t i = 0; i < shape->n_forms; i++)
        if (shape->forms[i].state == CSG_TUNE_SKIPPED)
            left_out++;
        else
            print_form(shape, &shape->forms[i]);
    if (left_out)
        printf("    %zu more %s\n", left_out, shape->complete ? "were too far behind" : "were not timed");
}

static void print_table(const struct csg_tune *tune)
{
    char name[256];
    size_t changed = 0, untimed = 0;
    snprintf(name, sizeof name, "%s", tune->device);
    printf("%s, %s, %d px, %.1f s; the least time of a launch, * is chosen\n", cli_printable(name), tune->precision,
           tune->size_px, tune->seconds);
    for (size_t i = 0; i < tune->n_shapes; i++) {
        if (compared(&tune->shapes[i]))
            print_shape(&tune->shapes[i]);
        untimed += !tune->shapes[i].complete;
        changed += form_of(&tune->shapes[i], false) != form_of(&tune->shapes[i], true);
    }
    printf("%zu of %zu shapes go another way than the default", changed, tune->n_shapes);
    if (tune->before_ms > 0.0)
        printf("; encoding took %.2f ms before and takes %.2f ms now", tune->before_ms, tune->after_ms);
    puts(".");
    if (tune->after_ms > NOISE * tune->before_ms)
        puts("That is slower, so something else ran meanwhile: tune again when the machine is quiet.");
    if (untimed)
        printf("For %zu of them there was not time enough for every form, and what was not timed is not chosen: --seconds gives "
               "more.\n",
               untimed);
    puts(tune->kept ? "It is remembered for this device and driver; `clip-surgeon cache clear tuned` forgets it."
                    : "It is not remembered: nothing is kept on disk.");
}

/* ------------------------------------------------------------------------------------------ the command */

/* One line, drawn again: shapes come up as they are met, so that there is no end to be told but that of the time. */
static void show(void *user, size_t passes, size_t done, size_t shapes, double seconds_left)
{
    struct cli_progress *progress = user;
    cli_progress_line(progress, "pass %zu, %zu of %zu shapes done, %.0f s left", passes, done, shapes,
                      seconds_left > 0.0 ? seconds_left : 0.0);
}

int cli_tune(const struct cli_args *args, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    struct csg_tune *tune = NULL;
    struct csg_map_params map = {0};
    struct cli_progress progress;
    double seconds = 0.0;
    if (args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "tune takes no words, but got '%s'", args->words[0]);
    int status = cli_map_params(&map, args, err);
    if (status == CSG_OK)
        status = cli_number(&seconds, args->seconds, "--seconds", 0.001, MOST_SECONDS, err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    cli_progress_begin(&progress, args->quiet);
    const struct csg_tune_params params = {
        .size_px = map.size_px, .first_block = map.first_block, .seconds = seconds, .progress = show, .progress_user = &progress};
    if (status == CSG_OK)
        status = csg_tune_run(engine, &params, &tune, err);
    cli_progress_clear(&progress);
    if (status == CSG_OK && args->json)
        status = cli_print_json(document(tune), err);
    else if (status == CSG_OK)
        print_table(tune);
    csg_tune_free(&tune);
    cli_engine_close(&engine);
    return status;
}
