/* Timing of ways where they run: in passes of the engine's own work every launch takes the way whose turn it is. So caches, clocks and the
 * launches before and behind are those of real work, and the numbers stay right. */
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "ocl/ocl.h"

#define PASSES 2         /* with each way; the first one may compile */
#define UNTUNED_PASSES 3 /* with the defaults, that all are compared with */
#define HOPELESS 1.5     /* a form that is so much slower than the best one is not tried in more parts */
#define GAIN 0.97        /* of the default's time: a smaller gain is within the noise */
#define MOST_LAUNCHES 16 /* of one call */

struct row {
    struct csg_ocl_shape shape;
    struct csg_ocl_way *ways;    /* [n_forms], the default first */
    struct csg_tune_form *forms; /* the same, in public */
    size_t n_forms;
    size_t turn;   /* whose turn it is; n_forms: all had it */
    size_t passes; /* that it had */
    size_t chosen;
    size_t launches; /* of the first pass that met it */
    bool seen;       /* in this pass */
    double flop;
};

/* A run of an operator in this pass. */
struct call {
    size_t row, form;
    double ms;
};

struct verdict {
    enum csg_op op;
    enum csg_precision precision;
    size_t form;
    bool split, right;
};

struct csg_ocl_tuner {
    struct csg_ocl_tune_params params;
    double pass_ms;    /* when this pass began */
    double longest_ms; /* of the passes in which some way ran for the first time, and so may have been compiled */
    struct row *rows;
    size_t n_rows;
    struct call *calls;
    size_t n_calls;
    struct verdict *verdicts;
    size_t n_verdicts;
};

static void tuner_destroy(struct csg_ocl *ocl)
{
    struct csg_ocl_tuner *tuner = ocl->tuner;
    ocl->tuner = NULL;
    for (size_t i = 0; tuner && i < tuner->n_rows; i++) {
        free(tuner->rows[i].ways);
        free(tuner->rows[i].forms);
    }
    if (tuner) {
        free(tuner->rows);
        free(tuner->calls);
        free(tuner->verdicts);
        free(tuner);
    }
}

int csg_ocl_tune_begin(struct csg_backend *backend, const struct csg_ocl_tune_params *params, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    int status = csg_ocl_finish(backend, err);
    struct csg_ocl_tuner *tuner = csg_calloc(1, sizeof *tuner);
    if (status || !tuner) {
        free(tuner);
        return status ? status : csg_fail_memory(err);
    }
    tuner->params = *params;
    tuner->pass_ms = csg_now_ms();
    ocl->tuner = tuner;
    return CSG_OK;
}

void csg_ocl_tune_cancel(struct csg_backend *backend)
{
    if (csg_ocl_of(backend)->tuner) {
        csg_ocl_finish(backend, NULL);
        tuner_destroy(csg_ocl_of(backend));
    }
}

/* ------------------------------------------------------------------------------------------ in a pass */

static int add_form(struct csg_ocl *ocl, struct row *row, struct csg_ocl_way way, struct csg_error *err)
{
    struct csg_ocl_way *ways = csg_realloc(row->ways, row->n_forms + 1, sizeof *ways);
    if (!ways)
        return csg_fail_memory(err);
    row->ways = ways;
    struct csg_tune_form *forms = csg_realloc(row->forms, row->n_forms + 1, sizeof *forms);
    if (!forms)
        return csg_fail_memory(err);
    row->forms = forms;
    ways[row->n_forms] = way;
    forms[row->n_forms++] = (struct csg_tune_form){
        .name = csg_ocl_ways_of(ocl, row->shape.op)->name(ocl, way.form), .splits = way.splits, .state = CSG_TUNE_SKIPPED};
    return CSG_OK;
}

/* The default, then every other way that fits: all forms, and then each of them in ever more parts. */
static int list_forms(struct csg_ocl *ocl, struct row *row, const void *args, struct csg_error *err)
{
    const struct csg_ocl_ways *ways = csg_ocl_ways_of(ocl, row->shape.op);
    struct csg_ocl_way untuned;
    bool any = true;
    int status = ways->untuned(ocl, args, &untuned, err);
    if (status == CSG_OK)
        status = add_form(ocl, row, untuned, err);
    if (status == CSG_OK)
        row->forms[0].untuned = true;
    for (size_t splits = 1; status == CSG_OK && any; splits++) {
        any = false;
        for (size_t i = 0; status == CSG_OK && ways->name(ocl, i); i++) {
            const struct csg_ocl_way way = {i, splits};
            bool fits = false;
            if (splits > (ways->most_splits ? ways->most_splits(i, args) : 1))
                continue;
            any = true;
            status = ways->fits(ocl, way, args, &fits, err);
            if (status == CSG_OK && fits && (i != untuned.form || splits != untuned.splits))
                status = add_form(ocl, row, way, err);
        }
    }
    return status;
}

static double flop_of(const struct csg_ocl_shape *shape)
{
    double rows = (double)shape->rows, all = 2.0 * rows * (double)shape->sides[0] * (double)shape->sides[1];
    return shape->op == CSG_OP_attention ? 2.0 * rows * all : all;
}

/* The row of the shape, a new one where none is near. */
static int find_row(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, const void *args, size_t *index,
                    struct csg_error *err)
{
    struct csg_ocl_tuner *tuner = ocl->tuner;
    for (*index = 0; *index < tuner->n_rows; ++*index)
        if (csg_ocl_shape_near(&tuner->rows[*index].shape, shape))
            return CSG_OK;
    struct row *rows = csg_realloc(tuner->rows, tuner->n_rows + 1, sizeof *rows);
    if (!rows)
        return csg_fail_memory(err);
    tuner->rows = rows;
    rows[tuner->n_rows] = (struct row){.shape = *shape, .flop = flop_of(shape)};
    return list_forms(ocl, &rows[tuner->n_rows++], args, err);
}

/* Makes the launches from `first` on those of a call. */
static int add_call(struct csg_ocl *ocl, size_t first, size_t row, size_t form, struct csg_error *err)
{
    struct csg_ocl_tuner *tuner = ocl->tuner;
    struct call *calls = csg_realloc(tuner->calls, tuner->n_calls + 1, sizeof *calls);
    if (!calls)
        return csg_fail_memory(err);
    tuner->calls = calls;
    calls[tuner->n_calls++] = (struct call){row, form, 0.0};
    for (size_t i = first; i < ocl->n_pending; i++)
        ocl->pending[i].call = tuner->n_calls;
    return CSG_OK;
}

int csg_ocl_tune_run(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, const void *args, struct csg_error *err)
{
    const struct csg_ocl_ways *ways = csg_ocl_ways_of(ocl, shape->op);
    size_t index;
    bool fits = false;
    int status = find_row(ocl, shape, args, &index, err);
    if (status == CSG_OK && ocl->n_pending + MOST_LAUNCHES > CSG_OCL_MAX_PENDING) /* the launches of a call end together */
        status = csg_ocl_finish(&ocl->base, err);
    if (status)
        return status;
    struct row *row = &ocl->tuner->rows[index];
    size_t form = row->turn < row->n_forms ? row->turn : row->chosen, first = ocl->n_pending;
    row->seen = true;
    row->launches += !row->passes && !row->turn;
    /* One that is near may differ in where it lies. */
    status = ways->fits(ocl, row->ways[form], args, &fits, err);
    if (status)
        return status;
    if (fits) {
        status = ways->run(ocl, row->ways[form], args, err);
        if (status == CSG_OK)
            return add_call(ocl, first, index, form, err);
        if (form == 0 || ocl->lost || status == CSG_ERROR_INTERRUPTED)
            return status;
        row->forms[form].state = CSG_TUNE_WRONG;
    }
    struct csg_ocl_way way;
    status = ways->untuned(ocl, args, &way, err);
    return status ? status : ways->run(ocl, way, args, err);
}

void csg_ocl_tune_took(struct csg_ocl_tuner *tuner, size_t call, double ms)
{
    tuner->calls[call - 1].ms += ms;
}

/* ------------------------------------------------------------------------------------------ between passes */

/* The least time of each way that ran. */
static void take_times(struct csg_ocl_tuner *tuner)
{
    for (size_t i = 0; i < tuner->n_calls; i++) {
        const struct call *call = &tuner->calls[i];
        struct csg_tune_form *form = &tuner->rows[call->row].forms[call->form];
        if (call->ms <= 0.0 || form->state == CSG_TUNE_WRONG)
            continue;
        form->ms = form->state == CSG_TUNE_TIMED && form->ms < call->ms ? form->ms : call->ms;
        form->state = CSG_TUNE_TIMED;
    }
    tuner->n_calls = 0;
}

/* The default where none is clearly faster. */
static size_t fastest(const struct row *row)
{
    size_t best = 0;
    for (size_t i = 1; i < row->n_forms; i++)
        if (row->forms[i].state == CSG_TUNE_TIMED && row->forms[i].ms < GAIN * row->forms[0].ms &&
            (best == 0 || row->forms[i].ms < row->forms[best].ms))
            best = i;
    return best;
}

/* Asks for the known answers once for each form, whole and in parts, in a precision. */
static int judge(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, struct csg_ocl_way way, bool *right,
                 struct csg_error *err)
{
    struct csg_ocl_tuner *tuner = ocl->tuner;
    for (const struct verdict *v = tuner->verdicts; v < tuner->verdicts + tuner->n_verdicts; v++)
        if (v->op == shape->op && v->precision == shape->precision && v->form == way.form && v->split == (way.splits > 1)) {
            *right = v->right;
            return CSG_OK;
        }
    struct verdict *verdicts = csg_realloc(tuner->verdicts, tuner->n_verdicts + 1, sizeof *verdicts);
    if (!verdicts)
        return csg_fail_memory(err);
    tuner->verdicts = verdicts;
    struct csg_error why = {0};
    ocl->tuner = NULL;
    ocl->limits.forced[shape->op] = (struct csg_ocl_way){way.form + 1, way.splits};
    int status = tuner->params.judge(tuner->params.user, &ocl->base, shape->op, shape->precision, right, &why);
    ocl->limits.forced[shape->op] = (struct csg_ocl_way){0, 0};
    ocl->tuner = tuner;
    if (status && (ocl->lost || status == CSG_ERROR_INTERRUPTED)) {
        if (err)
            *err = why;
        return status;
    }
    *right = *right && status == CSG_OK;
    const char *name = csg_ocl_ways_of(ocl, shape->op)->name(ocl, way.form);
    if (!*right)
        csg_log(&ocl->log, CSG_LOG_WARNING, "%s in the form %s %s on %s%s%s; it is not used", csg_op_name(shape->op), name,
                status ? "failed" : "computes wrong results", ocl->base.device, status ? ": " : "", why.sentence);
    verdicts[tuner->n_verdicts++] = (struct verdict){shape->op, shape->precision, way.form, way.splits > 1, *right};
    return CSG_OK;
}

/* The fastest way so far that gives right answers. */
static int choose(struct csg_ocl *ocl, struct row *row, struct csg_error *err)
{
    bool right = true;
    do {
        row->chosen = fastest(row);
        if (row->chosen == 0)
            break;
        int status = judge(ocl, &row->shape, row->ways[row->chosen], &right, err);
        if (status)
            return status;
        if (!right)
            row->forms[row->chosen].state = CSG_TUNE_WRONG;
    } while (!right);
    return CSG_OK;
}

/* Whether a way is not worth its turn: the same form in one part less was far behind. */
static bool hopeless(const struct row *row, size_t at)
{
    const struct csg_ocl_way *way = &row->ways[at];
    const struct csg_tune_form *before = NULL;
    double best = row->forms[0].ms;
    if (way->splits == 1)
        return false;
    for (size_t i = 0; i < at; i++) {
        if (row->ways[i].form == way->form && row->ways[i].splits == way->splits - 1)
            before = &row->forms[i];
        if (row->forms[i].state == CSG_TUNE_TIMED && row->forms[i].ms < best)
            best = row->forms[i].ms;
    }
    return before && (before->state != CSG_TUNE_TIMED || before->ms > HOPELESS * best);
}

/* Gives the turn on. */
static int advance(struct csg_ocl *ocl, struct row *row, struct csg_error *err)
{
    size_t wanted = row->turn == 0 ? UNTUNED_PASSES : PASSES;
    const struct csg_tune_form *form = &row->forms[row->turn];
    row->passes++;
    if (form->state == CSG_TUNE_TIMED && row->passes < wanted && form->ms <= HOPELESS * row->forms[0].ms)
        return CSG_OK;
    row->passes = 0;
    do
        row->turn++;
    while (row->turn < row->n_forms && hopeless(row, row->turn));
    return choose(ocl, row, err); /* now, so that nothing is left to be judged when the time is over */
}

int csg_ocl_tune_more(struct csg_backend *backend, double until_ms, bool *more, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    struct csg_ocl_tuner *tuner = ocl->tuner;
    int status = csg_ocl_finish(backend, err);
    bool first_time = false, next_first_time = false;
    take_times(tuner);
    *more = false;
    for (size_t i = 0; status == CSG_OK && i < tuner->n_rows; i++) {
        struct row *row = &tuner->rows[i];
        if (row->seen && row->turn < row->n_forms) {
            first_time = first_time || row->passes == 0;
            status = advance(ocl, row, err);
            next_first_time = next_first_time || row->passes == 0;
            *more = *more || row->turn < row->n_forms;
        }
        row->seen = false;
    }
    double now_ms = csg_now_ms(), took_ms = now_ms - tuner->pass_ms;
    tuner->pass_ms = now_ms;
    if (first_time && took_ms > tuner->longest_ms)
        tuner->longest_ms = took_ms;
    *more = *more && now_ms + (next_first_time ? tuner->longest_ms : took_ms) < until_ms;
    return status;
}

void csg_ocl_tune_progress(const struct csg_backend *backend, size_t *done, size_t *shapes)
{
    const struct csg_ocl_tuner *tuner = ((const struct csg_ocl *)backend)->tuner;
    *done = 0;
    *shapes = tuner->n_rows;
    for (size_t i = 0; i < tuner->n_rows; i++)
        *done += tuner->rows[i].turn == tuner->rows[i].n_forms;
}

/* ------------------------------------------------------------------------------------------ the end */

/* Of a row for which the time was over the ways that had their turn are compared all the same. */
static int keep_choices(struct csg_ocl *ocl, struct csg_error *err)
{
    const struct csg_ocl_tuner *tuner = ocl->tuner;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < tuner->n_rows; i++) {
        const struct row *row = &tuner->rows[i];
        if (row->forms[0].state == CSG_TUNE_TIMED && row->turn > 0)
            status = csg_ocl_tuned_set(ocl, &row->shape, row->ways[row->chosen], err);
    }
    return status;
}

int csg_ocl_tune_end(struct csg_backend *backend, struct csg_tune_shape **out, size_t *count, bool *kept, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    struct csg_ocl_tuner *tuner = ocl->tuner;
    struct csg_error why = {0};
    *kept = false;
    struct csg_tune_shape *shapes = csg_calloc(tuner->n_rows + 1, sizeof *shapes);
    int status = shapes ? keep_choices(ocl, err) : csg_fail_memory(err);
    if (status) {
        free(shapes);
        return status;
    }
    for (size_t i = 0; i < tuner->n_rows; i++) {
        struct row *row = &tuner->rows[i];
        row->forms[row->chosen].chosen = true;
        shapes[i] = (struct csg_tune_shape){.op = csg_op_name(row->shape.op),
                                            .precision = csg_precisions[row->shape.precision].name,
                                            .rows = row->shape.rows,
                                            .sides = {row->shape.sides[0], row->shape.sides[1]},
                                            .launches = row->launches,
                                            .flop = row->flop,
                                            .complete = row->turn == row->n_forms,
                                            .forms = row->forms,
                                            .n_forms = row->n_forms};
        row->forms = NULL;
    }
    *out = shapes;
    *count = tuner->n_rows;
    tuner_destroy(ocl);
    if (ocl->tuned_dir && csg_ocl_tuned_store(ocl, &why))
        csg_log(&ocl->log, CSG_LOG_WARNING, "the choices could not be kept: %s", why.sentence);
    *kept = ocl->tuned_dir && !why.status;
    return CSG_OK;
}

void csg_ocl_tune_free(struct csg_tune_shape *shapes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)shapes[i].forms);
    free(shapes);
}
