#include "task/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"

#define LIST_LIMIT_BYTES ((size_t)1 << 28)

/* folder/middle/name; to be freed; NULL where memory is short. */
static char *path_of(const char *folder, const char *middle, const char *name, const char *ending)
{
    size_t bytes = strlen(folder) + strlen(middle) + strlen(name) + strlen(ending) + 3;
    char *path = csg_calloc(bytes, 1);
    if (path)
        snprintf(path, bytes, "%s/%s/%s%s", folder, middle, name, ending);
    return path;
}

/* Ids are names of files below the data set's folders and lead nowhere else. */
static bool usable_id(const char *id)
{
    return id[0] != '/' && strcmp(id, "..") != 0 && strncmp(id, "../", 3) != 0 && !strstr(id, "/../");
}

/* A line is an id and, in some lists, more behind it. */
static int read_list(struct csg_dataset *dataset, const char *path, struct csg_error *err)
{
    char *text;
    size_t bytes;
    int status = csg_read_file(&text, &bytes, path, LIST_LIMIT_BYTES, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    for (char *at = text; status == CSG_OK && *at;) {
        char *end = at + strcspn(at, "\r\n");
        char *next = end + strspn(end, "\r\n");
        *end = 0;
        at += strspn(at, " \t");
        at[strcspn(at, " \t")] = 0;
        if (*at && !usable_id(at))
            status = csg_fail(err, CSG_ERROR_INPUT, "%s names '%s', which is outside of the data set", path, at);
        else if (*at)
            status = csg_strings_add(&dataset->ids, at, err);
        at = next;
    }
    free(text);
    if (status == CSG_OK && !dataset->ids.count)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s lists no picture", path);
    return status;
}

/* The list of the split: val, or the only one. */
static int choose_split(struct csg_dataset *dataset, const char *lists, const char *split, struct csg_error *err)
{
    char **names = NULL, *val = path_of(lists, ".", "val", ".txt");
    size_t count = 0;
    int status = val ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && !split && csg_is_file(val))
        split = "val";
    if (status == CSG_OK && !split)
        status = csg_list_files(&names, &count, lists, ".txt", CSG_ERROR_INPUT, err);
    if (status == CSG_OK && !split && count != 1)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s has %zu lists and none is val.txt: name the split", lists, count);
    if (status == CSG_OK) {
        size_t length = split ? strlen(split) : strlen(names[0]) - strlen(".txt");
        dataset->split = csg_strndup(split ? split : names[0], length);
        if (!dataset->split)
            status = csg_fail_memory(err);
    }
    csg_names_free(&names, count);
    free(val);
    return status;
}

/* A list anywhere is given as a file; what has another ending is the name of one of the data set's own. */
static bool is_list_file(const char *split)
{
    size_t length = split ? strlen(split) : 0;
    return length > strlen(".txt") && strcmp(split + length - strlen(".txt"), ".txt") == 0;
}

/* The list's path, to be freed. */
static int find_list(struct csg_dataset *dataset, const char *split, char **list, struct csg_error *err)
{
    char *lists = path_of(dataset->folder, "ImageSets", "Segmentation", "");
    int status = lists ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && is_list_file(split)) {
        dataset->split = csg_strdup(split);
        *list = csg_strdup(split);
    } else if (status == CSG_OK) {
        if (!csg_is_folder(lists))
            status =
                csg_fail(err, CSG_ERROR_INPUT,
                         "%s has no ImageSets/Segmentation: a data set in PASCAL VOC's layout is wanted, or a list as a file",
                         dataset->folder);
        else if (split && !usable_id(split))
            status = csg_fail(err, CSG_ERROR_USAGE, "'%s' is no name of a split", split);
        else
            status = choose_split(dataset, lists, split, err);
        if (status == CSG_OK)
            *list = path_of(lists, ".", dataset->split, ".txt");
    }
    if (status == CSG_OK && !(dataset->split && *list))
        status = csg_fail_memory(err);
    free(lists);
    return status;
}

int csg_dataset_open(struct csg_dataset **out, const char *folder, const char *split, struct csg_error *err)
{
    struct csg_dataset *dataset = csg_calloc(1, sizeof *dataset);
    char *list = NULL;
    int status = dataset ? CSG_OK : csg_fail_memory(err);
    *out = NULL;
    if (status == CSG_OK && !csg_is_folder(folder))
        status = csg_fail(err, CSG_ERROR_INPUT, "there is no folder %s", folder);
    if (status == CSG_OK && !(dataset->folder = csg_strdup(folder)))
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = find_list(dataset, split, &list, err);
    if (status == CSG_OK)
        status = read_list(dataset, list, err);
    free(list);
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
    free(dataset->folder);
    free(dataset->split);
    csg_strings_free(&dataset->ids);
    free(dataset);
    *out = NULL;
}

int csg_dataset_load(const struct csg_dataset *dataset, size_t index, struct csg_image **image, struct csg_mask **mask,
                     struct csg_error *err)
{
    const char *id = dataset->ids.items[index];
    char *picture = path_of(dataset->folder, "JPEGImages", id, ".jpg");
    char *truth = path_of(dataset->folder, "SegmentationClass", id, ".png");
    *image = NULL;
    *mask = NULL;
    int status = picture && truth ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && !csg_is_file(picture)) {
        free(picture);
        picture = path_of(dataset->folder, "JPEGImages", id, ".png");
        status = picture ? CSG_OK : csg_fail_memory(err);
    }
    if (status == CSG_OK)
        status = csg_image_load(image, picture, err);
    if (status == CSG_OK)
        status = csg_mask_load(mask, truth, err);
    if (status == CSG_OK && ((*image)->width_px != (*mask)->width_px || (*image)->height_px != (*mask)->height_px))
        status = csg_fail(err, CSG_ERROR_INPUT, "the picture %s is %d x %d pixels, but its mask %d x %d", id, (*image)->width_px,
                          (*image)->height_px, (*mask)->width_px, (*mask)->height_px);
    if (status) {
        csg_image_destroy(image);
        csg_mask_destroy(mask);
    }
    free(picture);
    free(truth);
    return status;
}
