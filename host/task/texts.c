#include "task/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"

#define MAX_TEXTS 100000

const char *csg_mode_name(enum csg_mode mode)
{
    static const char *const names[] = {"off", "set", "empty"};
    return names[mode];
}

static const char *redundant_at(size_t index)
{
    static const char *const names[] = {"auto", "set", "empty"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

/* The index of the text in the set, added where it is new. */
static int intern(struct csg_strings *set, const char *text, int32_t *index, struct csg_error *err)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i], text) == 0) {
            *index = (int32_t)i;
            return CSG_OK;
        }
    *index = (int32_t)set->count;
    return csg_strings_add(set, text, err);
}

static int add_text(struct csg_text_set *set, const char *text, struct csg_error *err)
{
    struct csg_strings parts = {0};
    size_t from = set->part_from[set->n_texts];
    int status = csg_text_parts(&parts, text, err);
    if (status == CSG_OK) {
        int32_t *larger = csg_realloc(set->parts, from + parts.count, sizeof *larger);
        if (larger)
            set->parts = larger;
        else
            status = csg_fail_memory(err);
    }
    for (size_t i = 0; status == CSG_OK && i < parts.count; i++)
        status = intern(&set->set, parts.items[i], set->parts + from + i, err);
    set->part_from[++set->n_texts] = from + parts.count;
    csg_strings_free(&parts);
    return status;
}

static int add_labels(struct csg_text_set *set, const char *name, struct csg_error *err)
{
    struct csg_strings labels = {0};
    int32_t ignored;
    int status = csg_labels_load(&labels, name, err);
    for (size_t i = 0; status == CSG_OK && i < labels.count; i++)
        status = intern(&set->set, labels.items[i], &ignored, err);
    csg_strings_free(&labels);
    return status;
}

/* Several texts, or one with a label set, share what is redundant; one alone has the empty string to share it with. The parts of one
 * a+b are single texts, as published. */
static int choose_mode(struct csg_text_set *set, const struct csg_method *method, bool labels, const char *redundant,
                       struct csg_error *err)
{
    size_t row;
    int status = csg_name_find(&row, redundant, "kind of redundant features", redundant_at, err);
    if (status)
        return status;
    bool several = set->set.count > 1 && (set->n_texts > 1 || labels);
    static const enum csg_mode explicit_modes[] = {CSG_MODE_OFF, CSG_MODE_SET, CSG_MODE_EMPTY};
    if (!method->feature_surgery)
        set->mode = CSG_MODE_OFF;
    else if (row)
        set->mode = explicit_modes[row];
    else
        set->mode = several ? CSG_MODE_SET : CSG_MODE_EMPTY;
    if (set->mode == CSG_MODE_SET && set->set.count < 2)
        return csg_fail(err, CSG_ERROR_USAGE,
                        "feature surgery over a set needs two different texts; give more texts, labels, or 'empty'");
    return CSG_OK;
}

int csg_text_set_create(struct csg_text_set **out, const char *const *texts, size_t n_texts, const struct csg_method *method,
                        const char *labels, const char *redundant, struct csg_error *err)
{
    *out = NULL;
    if (n_texts == 0 || n_texts > MAX_TEXTS)
        return n_texts ? csg_fail(err, CSG_ERROR_USAGE, "%zu texts are more than the %d that are read", n_texts, MAX_TEXTS)
                       : csg_fail(err, CSG_ERROR_USAGE, "there is no text to look for");
    struct csg_text_set *set = csg_calloc(1, sizeof *set);
    if (!set)
        return csg_fail_memory(err);
    set->part_from = csg_calloc(n_texts + 1, sizeof *set->part_from);
    int status = set->part_from ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++)
        status = add_text(set, texts[i], err);
    if (status == CSG_OK && labels)
        status = add_labels(set, labels, err);
    if (status == CSG_OK)
        status = choose_mode(set, method, labels != NULL, redundant, err);
    if (status) {
        csg_text_set_destroy(&set);
        return status;
    }
    *out = set;
    return CSG_OK;
}

int csg_text_set_plain(struct csg_text_set **out, const struct csg_strings *names, const struct csg_method *method,
                       const char *redundant, struct csg_error *err)
{
    struct csg_text_set *set = csg_calloc(1, sizeof *set);
    *out = NULL;
    if (!set)
        return csg_fail_memory(err);
    set->part_from = csg_calloc(names->count + 1, sizeof *set->part_from);
    set->parts = csg_calloc(names->count, sizeof *set->parts);
    set->n_texts = names->count;
    int status = set->part_from && set->parts ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < names->count; i++) {
        status = csg_strings_add(&set->set, names->items[i], err);
        set->parts[i] = (int32_t)i;
        set->part_from[i + 1] = i + 1;
    }
    if (status == CSG_OK)
        status = choose_mode(set, method, false, redundant, err);
    if (status) {
        csg_text_set_destroy(&set);
        return status;
    }
    *out = set;
    return CSG_OK;
}

void csg_text_set_destroy(struct csg_text_set **out)
{
    struct csg_text_set *set = out ? *out : NULL;
    if (!set)
        return;
    csg_strings_free(&set->set);
    free(set->part_from);
    free(set->parts);
    free(set);
    *out = NULL;
}
