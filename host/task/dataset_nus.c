/* NUS-WIDE: labels of pictures without masks. ImageList/{Train,Test}Imagelist.txt, TrainTestLabels/Labels_CLASS_{Train,Test}.txt with a 0 or 1
 * a line, ConceptsList/Concepts81.txt, the pictures below Flickr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "task/dataset.h"

/* own: [pictures, classes] */

static int read_class(struct csg_dataset *dataset, size_t class_, struct csg_error *err)
{
    const char *name = dataset->classes.items[class_];
    struct csg_strings lines = {0};
    char *start = csg_dataset_path(dataset->folder, "TrainTestLabels", "Labels_", name);
    size_t bytes = start ? strlen(start) + strlen(dataset->split) + sizeof "_.txt" : 0;
    char *path = start ? csg_calloc(bytes, 1) : NULL;
    if (path)
        snprintf(path, bytes, "%s_%s.txt", start, dataset->split);
    int status = path ? csg_dataset_lines(&lines, path, true, err) : csg_fail_memory(err);
    if (status == CSG_OK && lines.count != dataset->ids.count)
        status =
            csg_fail(err, CSG_ERROR_INPUT, "%s has %zu lines, but there are %zu pictures", path, lines.count, dataset->ids.count);
    for (size_t i = 0; status == CSG_OK && i < lines.count; i++) {
        bool one = strcmp(lines.items[i], "1") == 0;
        if (!one && strcmp(lines.items[i], "0") != 0)
            status = csg_fail(err, CSG_ERROR_INPUT, "line %zu of %s is '%s', but must be 0 or 1", i + 1, path, lines.items[i]);
        ((uint8_t *)dataset->own)[i * dataset->classes.count + class_] = one;
    }
    csg_strings_free(&lines);
    free(start);
    free(path);
    return status;
}

static int open_nus(struct csg_dataset *dataset, const char *split, struct csg_error *err)
{
    dataset->split = csg_strdup(split ? split : "Test");
    if (split && !csg_dataset_id_usable(split))
        return csg_fail(err, CSG_ERROR_USAGE, "'%s' is no name of a split", split);
    char *list = dataset->split ? csg_dataset_path(dataset->folder, "ImageList", dataset->split, "Imagelist.txt") : NULL;
    char *names = csg_path_join(dataset->folder, "ConceptsList/Concepts81.txt");
    int status = list && names ? csg_dataset_lines(&dataset->ids, list, true, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_dataset_lines(&dataset->classes, names, false, err);
    for (size_t c = 0; status == CSG_OK && c < dataset->classes.count; c++)
        if (!csg_dataset_id_usable(dataset->classes.items[c]) || strchr(dataset->classes.items[c], '/'))
            status = csg_fail(err, CSG_ERROR_INPUT, "%s names '%s', which can be part of no file's name", names,
                              dataset->classes.items[c]);
    if (status == CSG_OK && !(dataset->own = csg_calloc(dataset->ids.count, dataset->classes.count)))
        status = csg_fail_memory(err);
    for (size_t c = 0; status == CSG_OK && c < dataset->classes.count; c++)
        status = read_class(dataset, c, err);
    free(list);
    free(names);
    return status;
}

static int load_nus(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err)
{
    size_t n = dataset->classes.count;
    char *picture = csg_dataset_path(dataset->folder, dataset->layout->pictures, dataset->ids.items[index], "");
    truth->positive = csg_calloc(n, 1);
    int status = picture && truth->positive ? csg_image_load(&truth->image, picture, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        memcpy(truth->positive, (const uint8_t *)dataset->own + index * n, n);
    free(picture);
    return status;
}

static void close_nus(struct csg_dataset *dataset)
{
    free(dataset->own);
}

const struct csg_layout csg_layout_nus = {
    .name = "nus", .marker = "ImageList", .pictures = "Flickr", .open = open_nus, .load = load_nus, .close = close_nus};
