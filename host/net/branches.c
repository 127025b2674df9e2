#include "net/branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t common(const struct csg_sorted_prompt *a, const struct csg_sorted_prompt *b)
{
    size_t n = 0;
    while (n < a->length && n < b->length && a->ids[n] == b->ids[n])
        n++;
    return n;
}

static int by_ids(const void *left, const void *right)
{
    const struct csg_sorted_prompt *a = left, *b = right;
    size_t n = common(a, b);
    if (n < a->length && n < b->length)
        return a->ids[n] < b->ids[n] ? -1 : 1;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

int csg_branches_sort(struct csg_sorted_prompt **out, const struct csg_prompts *prompts, struct csg_error *err)
{
    struct csg_sorted_prompt *sorted = csg_calloc(prompts->count, sizeof *sorted);
    *out = sorted;
    if (!sorted)
        return csg_fail_memory(err);
    for (size_t i = 0; i < prompts->count; i++)
        sorted[i] = (struct csg_sorted_prompt){prompts->ids + prompts->offsets[i],
                                               (size_t)(prompts->offsets[i + 1] - prompts->offsets[i]), i};
    qsort(sorted, prompts->count, sizeof *sorted, by_ids);
    return CSG_OK;
}

/* How many prompts from the first on fit, and what they need: tokens, steps of all paths, different prompts, steps to their ends. */
struct extent {
    size_t prompts, rows, steps, ends, end_steps, longest;
};

static struct extent measure(const struct csg_sorted_prompt *sorted, size_t count, size_t limit)
{
    struct extent e = {0};
    for (; e.prompts < count; e.prompts++) {
        const struct csg_sorted_prompt *p = sorted + e.prompts;
        size_t shared = e.prompts ? common(p - 1, p) : 0, added = p->length - shared;
        if (e.prompts && e.rows + added > limit)
            break;
        e.rows += added;
        for (size_t depth = shared; depth < p->length; depth++)
            e.steps += depth + 1;
        e.ends += added > 0;
        e.end_steps += added ? p->length : 0;
        e.longest = p->length > e.longest ? p->length : e.longest;
    }
    return e;
}

static void fill(struct csg_branches *b, const struct csg_sorted_prompt *sorted, size_t prompts, int32_t *line, size_t unique,
                 int32_t *row_of)
{
    int32_t row = 0;
    size_t end = 0;
    for (size_t i = 0; i < prompts; i++) {
        const struct csg_sorted_prompt *p = sorted + i;
        size_t shared = i ? common(p - 1, p) : 0;
        for (size_t depth = shared; depth < p->length; depth++, row++) {
            line[depth] = row;
            b->ids[row] = p->ids[depth];
            b->places[row] = (int32_t)depth;
            memcpy(b->path + b->from[row], line, (depth + 1) * sizeof *line);
            b->from[row + 1] = b->from[row] + (int32_t)depth + 1;
        }
        if (shared < p->length) {
            memcpy(b->end_path + b->end_from[end], line, p->length * sizeof *line);
            b->end_from[end + 1] = b->end_from[end] + (int32_t)p->length;
            b->end_rows[end++] = row - 1;
        }
        row_of[p->index] = (int32_t)(unique + end - 1);
    }
}

/* The number of a token's (id, place) among the different ones, which goes into pair_of: open addressing, slots hold number + 1. */
static void find_pairs(struct csg_branches *b, int32_t *pair_of, int32_t *slots, size_t n_slots)
{
    for (size_t row = 0; row < b->rows; row++) {
        uint32_t mixed = ((uint32_t)b->ids[row] * 77u + (uint32_t)b->places[row]) * 2654435761u;
        size_t slot = mixed % n_slots;
        while (slots[slot] && (b->pair_ids[slots[slot] - 1] != b->ids[row] || b->pair_places[slots[slot] - 1] != b->places[row]))
            slot = (slot + 1) % n_slots;
        if (!slots[slot]) {
            b->pair_ids[b->pairs] = b->ids[row];
            b->pair_places[b->pairs] = b->places[row];
            slots[slot] = (int32_t)++b->pairs;
        }
        pair_of[row] = slots[slot] - 1;
    }
    for (int32_t i = 0; i < b->from[b->rows]; i++)
        b->pair_path[i] = pair_of[b->path[i]];
}

int csg_branches_create(struct csg_branches *out, const struct csg_sorted_prompt *sorted, size_t count, size_t limit,
                        size_t *next, size_t *unique, int32_t *row_of, struct csg_error *err)
{
    struct extent e = measure(sorted + *next, count - *next, limit);
    size_t n_slots = 2 * e.rows + 1;
    int32_t *line = csg_calloc(e.longest, sizeof *line), *pair_of = csg_calloc(e.rows, sizeof *pair_of);
    int32_t *slots = csg_calloc(n_slots, sizeof *slots);
    *out = (struct csg_branches){.rows = e.rows,
                                 .ids = csg_calloc(e.rows, sizeof(int32_t)),
                                 .places = csg_calloc(e.rows, sizeof(int32_t)),
                                 .from = csg_calloc(e.rows + 1, sizeof(int32_t)),
                                 .path = csg_calloc(e.steps, sizeof(int32_t)),
                                 .pair_ids = csg_calloc(e.rows, sizeof(int32_t)),
                                 .pair_places = csg_calloc(e.rows, sizeof(int32_t)),
                                 .pair_path = csg_calloc(e.steps, sizeof(int32_t)),
                                 .ends = e.ends,
                                 .end_from = csg_calloc(e.ends + 1, sizeof(int32_t)),
                                 .end_path = csg_calloc(e.end_steps, sizeof(int32_t)),
                                 .end_rows = csg_calloc(e.ends, sizeof(int32_t))};
    bool memory = line && pair_of && slots && out->ids && out->places && out->from && out->path && out->pair_ids &&
                  out->pair_places && out->pair_path && out->end_from && out->end_path && out->end_rows;
    if (memory) {
        fill(out, sorted + *next, e.prompts, line, *unique, row_of);
        find_pairs(out, pair_of, slots, n_slots);
        *next += e.prompts;
        *unique += e.ends;
    } else {
        csg_branches_free(out);
    }
    free(line);
    free(pair_of);
    free(slots);
    return memory ? CSG_OK : csg_fail_memory(err);
}

void csg_branches_free(struct csg_branches *b)
{
    free(b->ids);
    free(b->places);
    free(b->from);
    free(b->path);
    free(b->pair_ids);
    free(b->pair_places);
    free(b->pair_path);
    free(b->end_from);
    free(b->end_path);
    free(b->end_rows);
    *b = (struct csg_branches){0};
}
