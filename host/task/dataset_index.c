/* Pictures beside masks whose values are classes: PASCAL VOC, PASCAL Context, Cityscapes. */
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "task/dataset.h"

/* A list anywhere is given as a file; what has another ending is the name of one of the data set's own. */
static bool is_list_file(const char *split)
{
    size_t length = split ? strlen(split) : 0;
    return length > strlen(".txt") && strcmp(split + length - strlen(".txt"), ".txt") == 0;
}

/* The list of the split: val, or the only one. */
static int choose_split(struct csg_dataset *dataset, const char *lists, const char *split, struct csg_error *err)
{
    char **names = NULL, *val = csg_dataset_path(lists, ".", "val", ".txt");
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

/* The list's path, to be freed. */
static int find_list(struct csg_dataset *dataset, const char *split, char **list, struct csg_error *err)
{
    char *lists = csg_path_join(dataset->folder, dataset->layout->lists);
    int status = lists ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && is_list_file(split)) {
        dataset->split = csg_strdup(split);
        *list = csg_strdup(split);
    } else if (status == CSG_OK) {
        if (!csg_is_folder(lists))
            status =
                csg_fail(err, CSG_ERROR_INPUT,
                         "%s has no %s: a data set in a known layout is wanted (PASCAL VOC, PASCAL Context, Cityscapes, COCO, "
                         "NUS-WIDE), or a list as a file",
                         dataset->folder, dataset->layout->lists);
        else if (split && !csg_dataset_id_usable(split))
            status = csg_fail(err, CSG_ERROR_USAGE, "'%s' is no name of a split", split);
        else
            status = choose_split(dataset, lists, split, err);
        if (status == CSG_OK)
            *list = csg_dataset_path(lists, ".", dataset->split, ".txt");
    }
    if (status == CSG_OK && !(dataset->split && *list))
        status = csg_fail_memory(err);
    free(lists);
    return status;
}

static int open_listed(struct csg_dataset *dataset, const char *split, struct csg_error *err)
{
    char *list = NULL;
    int status = find_list(dataset, split, &list, err);
    if (status == CSG_OK)
        status = csg_dataset_lines(&dataset->ids, list, true, err);
    free(list);
    return status;
}

static int load_pair(struct csg_truth *truth, const char *picture, const char *mask, struct csg_error *err)
{
    int status = picture && mask ? csg_image_load(&truth->image, picture, err) : csg_fail_memory(err);
    return status ? status : csg_mask_load(&truth->mask, mask, err);
}

static int load_listed(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    const struct csg_layout *layout = dataset->layout;
    const char *id = dataset->ids.items[index];
    char *picture = csg_dataset_path(dataset->folder, layout->pictures, id, ".jpg");
    char *mask = csg_dataset_path(dataset->folder, layout->truth, id, ".png");
    if (picture && !csg_is_file(picture)) {
        free(picture);
        picture = csg_dataset_path(dataset->folder, layout->pictures, id, ".png");
    }
    int status = load_pair(truth, picture, mask, err);
    free(picture);
    free(mask);
    return status;
}

const struct csg_layout csg_layout_voc = {.name = "voc",
                                          .marker = "ImageSets/Segmentation",
                                          .labels = "voc20",
                                          .masks = true,
                                          .pictures = "JPEGImages",
                                          .truth = "SegmentationClass",
                                          .lists = "ImageSets/Segmentation",
                                          .open = open_listed,
                                          .load = load_listed};
const struct csg_layout csg_layout_context = {.name = "context",
                                              .marker = "ImageSets/SegmentationContext",
                                              .labels = "pascal59",
                                              .masks = true,
                                              .pictures = "JPEGImages",
                                              .truth = "SegmentationClassContext",
                                              .lists = "ImageSets/SegmentationContext",
                                              .open = open_listed,
                                              .load = load_listed};

/* ------------------------------------------------------------------------------------------ Cityscapes */

#define PICTURE_END "_leftImg8bit.png"
#define MASK_END "_gtFine_labelTrainIds.png"

/* Train ids 0 to 18. */
static const char *const cityscapes[] = {
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky",  "person",   "rider",    "car",  "truck", "bus",  "train",         "motorcycle",   "bicycle"};

/* The pictures of one city, as CITY/NAME. */
static int list_city(struct csg_dataset *dataset, const char *pictures, const char *city, struct csg_error *err)
{
    char **names = NULL, *folder = csg_path_join(pictures, city);
    size_t count = 0;
    int status = folder ? csg_list_files(&names, &count, folder, PICTURE_END, CSG_ERROR_INPUT, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        names[i][strlen(names[i]) - strlen(PICTURE_END)] = 0;
        char *id = csg_path_join(city, names[i]);
        status = id ? csg_strings_add(&dataset->ids, id, err) : csg_fail_memory(err);
        free(id);
    }
    csg_names_free(&names, count);
    free(folder);
    return status;
}

static int open_cityscapes(struct csg_dataset *dataset, const char *split, struct csg_error *err)
{
    if (split && !csg_dataset_id_usable(split))
        return csg_fail(err, CSG_ERROR_USAGE, "'%s' is no name of a split", split);
    char **cities = NULL, *pictures = csg_dataset_path(dataset->folder, dataset->layout->pictures, split ? split : "val", "");
    size_t count = 0;
    dataset->split = csg_strdup(split ? split : "val");
    int status =
        pictures && dataset->split ? csg_list_folders(&cities, &count, pictures, CSG_ERROR_INPUT, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < count; i++)
        status = list_city(dataset, pictures, cities[i], err);
    for (size_t i = 0; status == CSG_OK && i < sizeof cityscapes / sizeof *cityscapes; i++)
        status = csg_strings_add(&dataset->classes, cityscapes[i], err);
    csg_names_free(&cities, count);
    free(pictures);
    return status;
}

/* There is no background: 0 is a class. */
static int load_cityscapes(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    const char *id = dataset->ids.items[index];
    char *pictures = csg_path_join(dataset->layout->pictures, dataset->split);
    char *masks = csg_path_join(dataset->layout->truth, dataset->split);
    char *picture = pictures ? csg_dataset_path(dataset->folder, pictures, id, PICTURE_END) : NULL;
    char *mask = masks ? csg_dataset_path(dataset->folder, masks, id, MASK_END) : NULL;
    int status = load_pair(truth, picture, mask, err);
    for (size_t i = 0; status == CSG_OK && i < (size_t)truth->mask->width_px * (size_t)truth->mask->height_px; i++)
        if (truth->mask->index[i] != CSG_MASK_VOID)
            truth->mask->index[i]++;
    free(pictures);
    free(masks);
    free(picture);
    free(mask);
    return status;
}

const struct csg_layout csg_layout_cityscapes = {.name = "cityscapes",
                                                 .marker = "leftImg8bit",
                                                 .masks = true,
                                                 .pictures = "leftImg8bit",
                                                 .truth = "gtFine",
                                                 .open = open_cityscapes,
                                                 .load = load_cityscapes};
