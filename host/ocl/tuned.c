/* What timing found on a device: CACHE/tuned/FINGERPRINT.txt, as base/record.h says. The payload is a line of text for each shape:
 *   OPERATOR PRECISION ROWS SIDE SIDE FORM SPLITS
 * FINGERPRINT is csg_ocl_fingerprint: another driver or another kernel has other choices. A line that names what there is not is no
 * choice; whether a way fits what it is asked for is looked at each time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/record.h"
#include "ocl/ocl.h"

#define MOST_CHOICES 1024
#define MOST_SPLITS 64
#define LINE_BYTES 160

static const struct csg_record_kind tuned = {"CSGTUNE1", ".txt", (size_t)MOST_CHOICES *LINE_BYTES};

static bool same_sides(const struct csg_ocl_shape *a, const struct csg_ocl_shape *b)
{
    return a->op == b->op && a->precision == b->precision && a->sides[0] == b->sides[0] && a->sides[1] == b->sides[1];
}

static size_t distance(const struct csg_ocl_shape *a, const struct csg_ocl_shape *b)
{
    return a->rows > b->rows ? a->rows - b->rows : b->rows - a->rows;
}

bool csg_ocl_shape_near(const struct csg_ocl_shape *a, const struct csg_ocl_shape *b)
{
    return same_sides(a, b) && distance(a, b) <= (a->rows > b->rows ? a->rows : b->rows) / 8;
}

const struct csg_ocl_way *csg_ocl_tuned(const struct csg_ocl *ocl, const struct csg_ocl_shape *shape)
{
    const struct csg_ocl_choice *best = NULL;
    for (const struct csg_ocl_choice *c = ocl->tuned; c < ocl->tuned + ocl->n_tuned; c++)
        if (csg_ocl_shape_near(&c->shape, shape) && (!best || distance(&c->shape, shape) < distance(&best->shape, shape)))
            best = c;
    return best ? &best->way : NULL;
}

int csg_ocl_tuned_set(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, struct csg_ocl_way way, struct csg_error *err)
{
    for (struct csg_ocl_choice *c = ocl->tuned; c < ocl->tuned + ocl->n_tuned; c++)
        if (same_sides(&c->shape, shape) && c->shape.rows == shape->rows) {
            c->way = way;
            return CSG_OK;
        }
    if (ocl->n_tuned == MOST_CHOICES) /* the oldest gives way */
        memmove(ocl->tuned, ocl->tuned + 1, --ocl->n_tuned * sizeof *ocl->tuned);
    struct csg_ocl_choice *more = csg_realloc(ocl->tuned, ocl->n_tuned + 1, sizeof *more);
    if (!more)
        return csg_fail_memory(err);
    ocl->tuned = more;
    more[ocl->n_tuned++] = (struct csg_ocl_choice){*shape, way};
    return CSG_OK;
}

size_t csg_ocl_tuned_count(const struct csg_backend *backend)
{
    return ((const struct csg_ocl *)backend)->n_tuned;
}

/* ------------------------------------------------------------------------------------------ on disk */

/* The operator that has ways and is called so, or CSG_OP_COUNT. */
static enum csg_op op_named(const struct csg_ocl *ocl, const char *name)
{
    int op = 0;
    while (op < CSG_OP_COUNT && (!csg_ocl_ways_of(ocl, (enum csg_op)op) || strcmp(csg_op_name((enum csg_op)op), name) != 0))
        op++;
    return (enum csg_op)op;
}

static bool take_line(const struct csg_ocl *ocl, const char *line, struct csg_ocl_choice *choice)
{
    char op[32], precision[16], form[32];
    struct csg_ocl_shape *shape = &choice->shape;
    size_t p;
    int end = 0;
    if (sscanf(line, "%31s %15s %zu %zu %zu %31s %zu%n", op, precision, &shape->rows, &shape->sides[0], &shape->sides[1], form,
               &choice->way.splits, &end) != 7 ||
        line[end])
        return false;
    shape->op = op_named(ocl, op);
    if (csg_name_find(&p, precision, "precision", csg_precision_name, NULL) != CSG_OK || shape->op == CSG_OP_COUNT ||
        choice->way.splits < 1 || choice->way.splits > MOST_SPLITS)
        return false;
    shape->precision = (enum csg_precision)p;
    const struct csg_ocl_ways *ways = csg_ocl_ways_of(ocl, shape->op);
    const char *name;
    for (choice->way.form = 0; (name = ways->name(ocl, choice->way.form)); choice->way.form++)
        if (strcmp(name, form) == 0)
            return true;
    return false;
}

int csg_ocl_tuned_load(struct csg_ocl *ocl, struct csg_error *err)
{
    char key[65];
    size_t bytes = 0;
    int status = csg_ocl_fingerprint(&ocl->base, key, err);
    unsigned char *payload = status ? NULL : csg_record_load(&tuned, ocl->tuned_dir, key, &bytes, NULL);
    for (size_t at = 0, end; payload && status == CSG_OK && at < bytes; at = end + 1) {
        struct csg_ocl_choice choice = {0};
        char line[LINE_BYTES];
        for (end = at; end < bytes && payload[end] != '\n'; end++)
            ;
        snprintf(line, sizeof line, "%.*s", (int)(end - at < sizeof line ? end - at : sizeof line), (const char *)payload + at);
        if (take_line(ocl, line, &choice))
            status = csg_ocl_tuned_set(ocl, &choice.shape, choice.way, err);
    }
    free(payload);
    return status;
}

int csg_ocl_tuned_store(struct csg_ocl *ocl, struct csg_error *err)
{
    char key[65], *text = csg_calloc(ocl->n_tuned + 1, LINE_BYTES);
    size_t used = 0;
    int status = text ? csg_ocl_fingerprint(&ocl->base, key, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < ocl->n_tuned; i++) {
        const struct csg_ocl_choice *c = &ocl->tuned[i];
        used += (size_t)snprintf(text + used, LINE_BYTES, "%s %s %zu %zu %zu %s %zu\n", csg_op_name(c->shape.op),
                                 csg_precisions[c->shape.precision].name, c->shape.rows, c->shape.sides[0], c->shape.sides[1],
                                 csg_ocl_ways_of(ocl, c->shape.op)->name(ocl, c->way.form), c->way.splits);
    }
    if (status == CSG_OK)
        status = csg_record_store(&tuned, ocl->tuned_dir, key, text, used, err);
    free(text);
    return status;
}
