/* Data sets in the layout of PASCAL VOC: JPEGImages/ID.jpg, SegmentationClass/ID.png, ImageSets/Segmentation/SPLIT.txt. */
#ifndef CSG_TASK_DATASET_H
#define CSG_TASK_DATASET_H

#include "image/image.h"
#include "image/mask.h"
#include "model/labels.h"

struct csg_dataset {
    char *folder, *split;
    struct csg_strings ids;
};

/* split: the name of a list of the data set, or a file anywhere that ends with .txt; NULL: val, or the only list that there is.
 * CSG_ERROR_INPUT, CSG_ERROR_USAGE. */
int csg_dataset_open(struct csg_dataset **out, const char *folder, const char *split, struct csg_error *err);
void csg_dataset_destroy(struct csg_dataset **dataset);

/* A picture and its mask, of one size. CSG_ERROR_INPUT. */
int csg_dataset_load(const struct csg_dataset *dataset, size_t index, struct csg_image **image, struct csg_mask **mask,
                     struct csg_error *err);

#endif
