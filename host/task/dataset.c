#include "task/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/names.h"

#define LIST_LIMIT_BYTES ((size_t)1 << 28)

/* In the order in which markers are looked for; the first is what is assumed where there is none. */
static const struct csg_layout *const layouts[] = {&csg_layout_voc,  &csg_layout_context,  &csg_layout_cityscapes,
                                                   &csg_layout_coco, &csg_layout_panoptic, &csg_layout_nus};

static const char *layout_at(size_t index)
{
    return index < sizeof layouts / sizeof *layouts ? layouts[index]->name : NULL;
}

char *csg_dataset_path(const char *folder, const char *middle, const char *name, const char *ending)
{
    size_t bytes = strlen(folder) + strlen(middle) + strlen(name) + strlen(ending) + 3;
    char *path = csg_calloc(bytes, 1);
    if (path)
        snprintf(path, bytes, "%s/%s/%s%s", folder, middle, name, ending);
    return path;
}

bool csg_dataset_id_usable(const char *id)
{
    size_t length = strlen(id);
    return id[0] && id[0] != '/' && strcmp(id, "..") != 0 && strncmp(id, "../", 3) != 0 && !strstr(id, "/../") &&
           !(length > 2 && strcmp(id + length - 3, "/..") == 0);
}

int csg_dataset_lines(struct csg_strings *out, const char *path, bool first_word, struct csg_error *err)
{
    char *text;
    size_t bytes;
    int status = csg_read_file(&text, &bytes, path, LIST_LIMIT_BYTES, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    for (char *at = text; status == CSG_OK && *at;) {
        char *end = at + strcspn(at, "\r\n"), *next = end + strspn(end, "\r\n");
        while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        *end = 0;
        at += strspn(at, " \t");
        if (first_word)
            at[strcspn(at, " \t")] = 0;
        for (char *c = at; *c; c++)
            *c = *c == '\\' ? '/' : *c;
        if (*at)
            status = csg_strings_add(out, at, err);
        at = next;
    }
    free(text);
    return status;
}

static int choose_layout(struct csg_dataset *dataset, const char *name, struct csg_error *err)
{
    size_t row = 0;
    if (name) {
        int status = csg_name_find(&row, name, "layout of a data set", layout_at, err);
        dataset->layout = status ? NULL : layouts[row];
        return status;
    }
    dataset->layout = layouts[0];
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *marker = csg_path_join(dataset->folder, layouts[i]->marker);
        bool there = marker && (csg_is_folder(marker) || csg_is_file(marker));
        free(marker);
        if (there) {
            dataset->layout = layouts[i];
            break;
        }
    }
    return CSG_OK;
}

int csg_dataset_open(struct csg_dataset **out, const char *folder, const char *layout, const char *split, struct csg_error *err)
{
    struct csg_dataset *dataset = csg_calloc(1, sizeof *dataset);
    int status = dataset ? CSG_OK : csg_fail_memory(err);
    *out = NULL;
    if (status == CSG_OK && !csg_is_folder(folder))
        status = csg_fail(err, CSG_ERROR_INPUT, "there is no folder %s", folder);
    if (status == CSG_OK && !(dataset->folder = csg_strdup(folder)))
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = choose_layout(dataset, layout, err);
    if (status == CSG_OK)
        status = dataset->layout->open(dataset, split, err);
    if (status == CSG_OK && !dataset->ids.count)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s lists no picture", folder);
    for (size_t i = 0; status == CSG_OK && i < dataset->ids.count; i++)
        if (!csg_dataset_id_usable(dataset->ids.items[i]))
            status =
                csg_fail(err, CSG_ERROR_INPUT, "%s names '%s', which is outside of the data set", folder, dataset->ids.items[i]);
    if (status) {
        csg_dataset_destroy(&dataset);
        return status;
    }
    *out = dataset;
    return CSG_OK;
}

void csg_dataset_destroy(struct csg_dataset **out)
{
    struct csg_dataset *dataset = out ? *out : NULL;
    if (!dataset)
        return;
    if (dataset->layout && dataset->layout->close)
        dataset->layout->close(dataset);
    free(dataset->folder);
    free(dataset->split);
    csg_strings_free(&dataset->ids);
    csg_strings_free(&dataset->classes);
    free(dataset);
    *out = NULL;
}

int csg_dataset_load(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    *truth = (struct csg_truth){0};
    int status = dataset->layout->load(dataset, index, truth, err);
    if (status == CSG_OK && truth->mask &&
        (truth->image->width_px != truth->mask->width_px || truth->image->height_px != truth->mask->height_px))
        status =
            csg_fail(err, CSG_ERROR_INPUT, "the picture %s is %d x %d pixels, but its mask %d x %d", dataset->ids.items[index],
                     truth->image->width_px, truth->image->height_px, truth->mask->width_px, truth->mask->height_px);
    if (status)
        csg_truth_free(truth);
    return status;
}

void csg_truth_free(struct csg_truth *truth)
{
    csg_image_destroy(&truth->image);
    csg_mask_destroy(&truth->mask);
    free(truth->positive);
    *truth = (struct csg_truth){0};
}
