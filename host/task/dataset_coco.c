/* COCO: annotations/instances_SPLIT.json with shapes, or annotations/panoptic_SPLIT.json with a PNG a picture in the folder of that name, whose
 * colours are ids; the pictures in SPLIT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "model/json.h"
#include "task/coco.h"
#include "task/dataset.h"

#define LIMIT_BYTES ((size_t)1 << 30)
#define MAX_DEPTH 12
#define MAX_VALUES ((size_t)1 << 28)
#define MAX_CLASSES (CSG_MASK_VOID - 1)

struct numbered {
    json_int_t number;
    size_t at;
    double area;
};

struct coco {
    json_t *document;
    struct numbered *categories; /* by id; at: the class */
    struct numbered *pictures;   /* by id; at: the index into the ids */
    /* Annotations of picture i: annotations[from[i]] up to from[i + 1] - 1, at: in the document's list. The larger ones first, so that what lies
     * before another is drawn over it. */
    struct numbered *annotations;
    size_t n_annotations, *from;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (x->area > y->area || x->area < y->area)
        return x->area > y->area ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static const struct numbered *find(const struct numbered *list, size_t n, json_int_t number)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && list[low].number == number ? list + low : NULL;
}

/* The list of that name, [*n], with the ids of its objects, sorted; to be freed. */
static int index_list(struct numbered **out, size_t *n, const json_t *document, const char *name, const char *path,
                      struct csg_error *err)
{
    const json_t *list = json_object_get(document, name);
    *n = json_array_size(list);
    if (!*n)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has no %s", path, name);
    *out = csg_calloc(*n, sizeof **out);
    if (!*out)
        return csg_fail_memory(err);
    for (size_t i = 0; i < *n; i++) {
        const json_t *id = json_object_get(json_array_get(list, i), "id");
        if (!json_is_integer(id))
            return csg_fail(err, CSG_ERROR_INPUT, "entry %zu of the %s of %s has no id", i, name, path);
        (*out)[i] = (struct numbered){json_integer_value(id), i, 0};
    }
    qsort(*out, *n, sizeof **out, by_number);
    for (size_t i = 1; i < *n; i++)
        if ((*out)[i].number == (*out)[i - 1].number)
            return csg_fail(err, CSG_ERROR_INPUT, "%s has two %s of one id", path, name);
    return CSG_OK;
}

/* The strings `key` of a list, in its order. */
static int strings_of(struct csg_strings *out, const json_t *document, const char *name, const char *key, const char *path,
                      struct csg_error *err)
{
    const json_t *list = json_object_get(document, name);
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(list, i), key));
        status = text ? csg_strings_add(out, text, err)
                      : csg_fail(err, CSG_ERROR_INPUT, "entry %zu of the %s of %s has no %s", i, name, path, key);
    }
    return status;
}

/* Which annotations belong to which picture. */
static int sort_annotations(struct csg_dataset *dataset, struct coco *coco, const char *path, struct csg_error *err)
{
    const json_t *list = json_object_get(coco->document, "annotations");
    size_t n = json_array_size(list), pictures = dataset->ids.count;
    coco->annotations = csg_calloc(n, sizeof *coco->annotations);
    coco->from = csg_calloc(pictures + 1, sizeof *coco->from);
    if (!coco->annotations || !coco->from)
        return csg_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i), *id = json_object_get(one, "image_id");
        const struct numbered *picture = json_is_integer(id) ? find(coco->pictures, pictures, json_integer_value(id)) : NULL;
        if (!picture)
            return csg_fail(err, CSG_ERROR_INPUT, "annotation %zu of %s belongs to no picture", i, path);
        coco->annotations[i] = (struct numbered){(json_int_t)picture->at, i, json_number_value(json_object_get(one, "area"))};
        coco->from[picture->at + 1]++;
    }
    for (size_t i = 0; i < pictures; i++)
        coco->from[i + 1] += coco->from[i];
    coco->n_annotations = n;
    qsort(coco->annotations, n, sizeof *coco->annotations, by_number);
    return CSG_OK;
}

/* The split: val2017, or the only one. */
static int choose_split(struct csg_dataset *dataset, const char *split, struct csg_error *err)
{
    const char *prefix = dataset->layout->truth;
    char **names = NULL, *folder = csg_path_join(dataset->folder, "annotations"), *only = NULL;
    size_t count = 0, matching = 0;
    bool usual = false;
    int status = folder ? csg_list_files(&names, &count, folder, ".json", CSG_ERROR_INPUT, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        if (strncmp(names[i], prefix, strlen(prefix)) != 0)
            continue;
        names[i][strlen(names[i]) - strlen(".json")] = 0;
        only = names[i] + strlen(prefix);
        usual = usual || strcmp(only, "val2017") == 0;
        matching++;
    }
    if (status == CSG_OK && !split && !usual && matching != 1)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s has %zu files %sSPLIT.json and none is of val2017: name the split", folder,
                          matching, prefix);
    if (status == CSG_OK && !(dataset->split = csg_strdup(split ? split : usual ? "val2017" : only)))
        status = csg_fail_memory(err);
    csg_names_free(&names, count);
    free(folder);
    return status;
}

static int read_document(struct coco *coco, const char *path, struct csg_error *err)
{
    char *text = NULL;
    size_t bytes;
    int status = csg_read_file(&text, &bytes, path, LIMIT_BYTES, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    status = csg_json_object(&coco->document, text, bytes, MAX_DEPTH, MAX_VALUES, path, err);
    free(text);
    if (status == CSG_ERROR_MODEL && err) /* what a file of a model would be */
        err->status = CSG_ERROR_INPUT;
    return status == CSG_ERROR_MODEL ? CSG_ERROR_INPUT : status;
}

static int open_coco(struct csg_dataset *dataset, const char *split, struct csg_error *err)
{
    struct coco *coco = dataset->own = csg_calloc(1, sizeof *coco);
    size_t n_categories = 0, n_pictures = 0;
    if (!coco)
        return csg_fail_memory(err);
    if (split && (!csg_dataset_id_usable(split) || strchr(split, '/')))
        return csg_fail(err, CSG_ERROR_USAGE, "'%s' is no name of a split", split);
    int status = choose_split(dataset, split, err);
    char *name = status ? NULL : csg_dataset_path(dataset->folder, "annotations", dataset->layout->truth, dataset->split);
    size_t bytes = name ? strlen(name) + sizeof ".json" : 0;
    char *path = name ? csg_calloc(bytes, 1) : NULL;
    if (path)
        snprintf(path, bytes, "%s.json", name);
    if (status == CSG_OK)
        status = path ? read_document(coco, path, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = index_list(&coco->categories, &n_categories, coco->document, "categories", path, err);
    if (status == CSG_OK && n_categories > MAX_CLASSES)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s has %zu categories, more than %d", path, n_categories, MAX_CLASSES);
    if (status == CSG_OK)
        status = index_list(&coco->pictures, &n_pictures, coco->document, "images", path, err);
    if (status == CSG_OK)
        status = strings_of(&dataset->classes, coco->document, "categories", "name", path, err);
    if (status == CSG_OK)
        status = strings_of(&dataset->ids, coco->document, "images", "file_name", path, err);
    if (status == CSG_OK)
        status = sort_annotations(dataset, coco, path, err);
    free(name);
    free(path);
    return status;
}

static int load_picture(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    char *path = csg_dataset_path(dataset->folder, dataset->split, dataset->ids.items[index], "");
    int status = path ? csg_image_load(&truth->image, path, err) : csg_fail_memory(err);
    free(path);
    return status ? status : csg_mask_create(&truth->mask, truth->image->width_px, truth->image->height_px, err);
}

/* The index in the mask of a category, or 0. */
static uint16_t class_of(const struct csg_dataset *dataset, const json_t *object)
{
    const struct coco *coco = dataset->own;
    const json_t *id = json_object_get(object, "category_id");
    const struct numbered *found =
        json_is_integer(id) ? find(coco->categories, dataset->classes.count, json_integer_value(id)) : NULL;
    return found ? (uint16_t)(found->at + 1) : 0;
}

static int load_instances(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    const struct coco *coco = dataset->own;
    const json_t *list = json_object_get(coco->document, "annotations");
    int status = load_picture(dataset, index, truth, err);
    for (size_t i = coco->from[index]; status == CSG_OK && i < coco->from[index + 1]; i++) {
        const json_t *one = json_array_get(list, coco->annotations[i].at);
        uint16_t class_ = class_of(dataset, one);
        if (!class_)
            return csg_fail(err, CSG_ERROR_INPUT, "an annotation of %s has no known category", dataset->ids.items[index]);
        status = csg_coco_draw(truth->mask, json_object_get(one, "segmentation"), class_, dataset->ids.items[index], err);
    }
    return status;
}

/* The class of a colour's id: those of the picture's segments; 0 belongs to none and is void. */
static int paint(const struct csg_dataset *dataset, const json_t *segments, const struct csg_image *ids, struct csg_mask *mask,
                 const char *what, struct csg_error *err)
{
    size_t n = json_array_size(segments);
    struct numbered *list = csg_calloc(n, sizeof *list);
    int status = list ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        const json_t *one = json_array_get(segments, i);
        list[i] = (struct numbered){json_integer_value(json_object_get(one, "id")), class_of(dataset, one), 0};
        if (!list[i].at)
            status = csg_fail(err, CSG_ERROR_INPUT, "a segment of %s has no known category", what);
    }
    if (status == CSG_OK)
        qsort(list, n, sizeof *list, by_number);
    for (size_t i = 0; status == CSG_OK && i < (size_t)mask->width_px * (size_t)mask->height_px; i++) {
        const uint8_t *rgb = ids->rgb + 3 * i;
        json_int_t id = rgb[0] + 256 * rgb[1] + 65536 * rgb[2];
        const struct numbered *found = id ? find(list, n, id) : NULL;
        if (id && !found)
            status =
                csg_fail(err, CSG_ERROR_INPUT, "the PNG of %s has a segment %d that its annotation does not name", what, (int)id);
        mask->index[i] = found ? (uint16_t)found->at : CSG_MASK_VOID;
    }
    free(list);
    return status;
}

static int load_panoptic(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    const struct coco *coco = dataset->own;
    const char *id = dataset->ids.items[index];
    if (coco->from[index + 1] - coco->from[index] != 1)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has %zu annotations, but one is wanted", id,
                        coco->from[index + 1] - coco->from[index]);
    const json_t *one = json_array_get(json_object_get(coco->document, "annotations"), coco->annotations[coco->from[index]].at);
    const char *png = json_string_value(json_object_get(one, "file_name"));
    if (!png || !csg_dataset_id_usable(png))
        return csg_fail(err, CSG_ERROR_INPUT, "the annotation of %s names no PNG of the data set", id);
    char *middle = csg_dataset_path("annotations", ".", dataset->layout->truth, dataset->split);
    char *path = middle ? csg_dataset_path(dataset->folder, middle, png, "") : NULL;
    struct csg_image *ids = NULL;
    int status = path ? load_picture(dataset, index, truth, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_image_load(&ids, path, err);
    if (status == CSG_OK && (ids->width_px != truth->mask->width_px || ids->height_px != truth->mask->height_px))
        status = csg_fail(err, CSG_ERROR_INPUT, "the picture %s is %d x %d pixels, but its PNG of segments %d x %d", id,
                          truth->mask->width_px, truth->mask->height_px, ids->width_px, ids->height_px);
    if (status == CSG_OK)
        status = paint(dataset, json_object_get(one, "segments_info"), ids, truth->mask, id, err);
    csg_image_destroy(&ids);
    free(middle);
    free(path);
    return status;
}

static void close_coco(struct csg_dataset *dataset)
{
    struct coco *coco = dataset->own;
    if (!coco)
        return;
    json_decref(coco->document);
    free(coco->categories);
    free(coco->pictures);
    free(coco->annotations);
    free(coco->from);
    free(coco);
}

const struct csg_layout csg_layout_coco = {.name = "coco",
                                           .marker = "annotations",
                                           .masks = true,
                                           .truth = "instances_",
                                           .open = open_coco,
                                           .load = load_instances,
                                           .close = close_coco};
const struct csg_layout csg_layout_panoptic = {.name = "coco-panoptic",
                                               .marker = "annotations",
                                               .masks = true,
                                               .truth = "panoptic_",
                                               .open = open_coco,
                                               .load = load_panoptic,
                                               .close = close_coco};
