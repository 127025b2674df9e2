#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_list_free(struct cli_list *list)
{
    for (size_t i = 0; list->items && i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct cli_list){0};
}

static int add_word(struct cli_list *list, const char *word, size_t length, struct csg_error *err)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return cli_fail(err, CSG_ERROR, "out of memory");
    list->items = items;
    items[list->count] = calloc(length + 1, 1);
    if (!items[list->count])
        return cli_fail(err, CSG_ERROR, "out of memory");
    memcpy(items[list->count++], word, length);
    return CSG_OK;
}

static int add_name(struct cli_list *list, const char *name, size_t length, struct csg_error *err)
{
    size_t method = 0;
    while (csg_method_name(method) &&
           (strlen(csg_method_name(method)) != length || strncmp(csg_method_name(method), name, length) != 0))
        method++;
    if (!csg_method_name(method))
        return cli_fail(err, CSG_ERROR_USAGE, "there is no method '%.*s'; `clip-surgeon map --help` lists them", (int)length,
                        name);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], csg_method_name(method)) == 0)
            return cli_fail(err, CSG_ERROR_USAGE, "the method %s is named twice", list->items[i]);
    return add_word(list, name, length, err);
}

/* `add` for each of "a,b,c"; the list is empty where one failed. */
static int split(struct cli_list *list, const char *text, int (*add)(struct cli_list *, const char *, size_t, struct csg_error *),
                 struct csg_error *err)
{
    int status = CSG_OK;
    for (const char *at = text; status == CSG_OK && at;) {
        size_t length = strcspn(at, ",");
        status = add(list, at, length, err);
        at = at[length] ? at + length + 1 : NULL;
    }
    if (status)
        cli_list_free(list);
    return status;
}

int cli_word_list(struct cli_list *list, const char *text, struct csg_error *err)
{
    *list = (struct cli_list){0};
    return split(list, text, add_word, err);
}

int cli_method_list(struct cli_list *list, const char *text, struct csg_error *err)
{
    int status = CSG_OK;
    *list = (struct cli_list){0};
    if (!text)
        text = csg_method_name(0);
    if (strcmp(text, "all") != 0)
        return split(list, text, add_name, err);
    list->all = true;
    for (size_t i = 0; status == CSG_OK && csg_method_name(i); i++)
        status = add_word(list, csg_method_name(i), strlen(csg_method_name(i)), err);
    if (status)
        cli_list_free(list);
    return status;
}

void cli_method_list_fit(struct cli_list *list, const struct csg_engine *engine, bool quiet)
{
    char left_out[400] = "";
    size_t count = 0, used = 0;
    for (size_t i = 0; list->all && i < list->count; i++) {
        if (csg_method_fits(engine, i)) {
            list->items[count++] = list->items[i];
            continue;
        }
        int n = snprintf(left_out + used, sizeof left_out - used, "%s%s", used ? ", " : "", list->items[i]);
        used += n > 0 && (size_t)n < sizeof left_out - used ? (size_t)n : 0;
        free(list->items[i]);
    }
    if (list->all)
        list->count = count;
    if (used && !quiet)
        cli_say("left out, as the model cannot do them: %s", left_out);
}

struct cell {
    struct csg_image *picture;
    char caption[160];
};

static int fill_cell(const struct cli_sheet *sheet, struct cell *cell, const struct csg_result *result, size_t text,
                     struct csg_error *err)
{
    if (sheet->n_compared)
        snprintf(cell->caption, sizeof cell->caption, "%s: %.120s", result->method, result->texts[text].text);
    else
        snprintf(cell->caption, sizeof cell->caption, "%.150s", result->texts[text].text);
    return csg_draw_overlay(sheet->engine, result, sheet->image, text, &sheet->draw, &cell->picture, err);
}

static int copy_picture(const struct cli_sheet *sheet, struct cell *cell, struct csg_error *err)
{
    snprintf(cell->caption, sizeof cell->caption, "picture");
    return csg_image_from_rgb(&cell->picture, csg_image_rgb(sheet->image), csg_image_width_px(sheet->image),
                              csg_image_height_px(sheet->image), 0, err);
}

/* So that the next text begins a row. */
static int leave_blank(struct cell *cell, struct csg_error *err)
{
    static const uint8_t white[3] = {255, 255, 255};
    return csg_image_from_rgb(&cell->picture, white, 1, 1, 0, err);
}

static int fill_cells(const struct cli_sheet *sheet, struct cell *cells, size_t columns, struct csg_error *err)
{
    size_t at = 0;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sheet->result->n_texts; i++) {
        if (i == 0 || sheet->n_compared)
            status = copy_picture(sheet, cells + at++, err);
        for (size_t m = 0; status == CSG_OK && m < sheet->n_compared; m++)
            status = fill_cell(sheet, cells + at++, sheet->compared[m], i, err);
        if (status == CSG_OK)
            status = fill_cell(sheet, cells + at++, sheet->result, i, err);
        while (status == CSG_OK && sheet->n_compared && i + 1 < sheet->result->n_texts && at % columns)
            status = leave_blank(cells + at++, err);
    }
    return status;
}

/* A row a text while that stays legible, else about as many columns as rows. */
static size_t columns_for(size_t count, size_t per_text)
{
    size_t columns = 1;
    if (per_text > 1 && per_text <= 4)
        return per_text;
    if (per_text > 1)
        count = per_text;
    while (columns * columns < count)
        columns++;
    return columns;
}

int cli_draw_sheet(const struct cli_sheet *sheet, struct csg_image **out, struct csg_error *err)
{
    size_t n_texts = sheet->result->n_texts, per_text = sheet->n_compared ? 2 + sheet->n_compared : 1;
    size_t count = sheet->n_compared ? per_text * n_texts : 1 + n_texts, columns = columns_for(count, per_text);
    if (sheet->n_compared)
        count = (per_text + columns - 1) / columns * columns * (n_texts - 1) + per_text;
    struct cell *cells = calloc(count, sizeof *cells);
    const struct csg_image **pictures = calloc(count, sizeof *pictures);
    const char **captions = calloc(count, sizeof *captions);
    int status = cells && pictures && captions ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK)
        status = fill_cells(sheet, cells, columns, err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        pictures[i] = cells[i].picture;
        captions[i] = cells[i].caption[0] ? cells[i].caption : NULL;
    }
    if (status == CSG_OK)
        status = csg_contact_sheet(pictures, captions, count, (int)columns, 0, out, err);
    for (size_t i = 0; cells && i < count; i++)
        csg_image_destroy(&cells[i].picture);
    free(cells);
    free(pictures);
    free(captions);
    return status;
}
