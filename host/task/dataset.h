/* Data sets on disk, as their publishers lay them out: a row a layout. Untrusted. */
#ifndef CSG_TASK_DATASET_H
#define CSG_TASK_DATASET_H

#include "image/image.h"
#include "image/mask.h"
#include "model/labels.h"

struct csg_layout;
struct csg_dataset {
    const struct csg_layout *layout;
    char *folder, *split;
    struct csg_strings ids;     /* of the pictures, each once */
    struct csg_strings classes; /* in the order of mask indices from 1; empty: the data set does not say */
    void *own;                  /* of the layout */
};

/* What is known about a picture. */
struct csg_truth {
    struct csg_image *image;
    struct csg_mask *mask; /* of the picture's size; NULL: the layout has no masks */
    uint8_t *positive;     /* without masks: [dataset->classes.count] whether the class is there */
};

struct csg_layout {
    const char *name, *marker; /* a folder or file that tells it */
    const char *labels;        /* the usual label set where the data set does not name its classes, or NULL */
    bool masks;
    const char *pictures, *truth, *lists; /* folders, for the layouts that share their code */
    /* ids, split (not NULL afterwards) and classes; CSG_ERROR_INPUT, CSG_ERROR_USAGE. */
    int (*open)(struct csg_dataset *dataset, const char *split, struct csg_error *err);
    int (*load)(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err);
    void (*close)(struct csg_dataset *dataset); /* may be NULL */
};
extern const struct csg_layout csg_layout_voc, csg_layout_context, csg_layout_cityscapes, csg_layout_coco, csg_layout_panoptic,
    csg_layout_nus;

/* layout NULL: the first whose marker is there. split: the name of a list of the data set, or in some layouts a file anywhere that ends with
 * .txt; NULL: the usual one, or the only one that there is. CSG_ERROR_INPUT, CSG_ERROR_USAGE. */
int csg_dataset_open(struct csg_dataset **out, const char *folder, const char *layout, const char *split, struct csg_error *err);
void csg_dataset_destroy(struct csg_dataset **dataset);

/* CSG_ERROR_INPUT: missing, damaged, or a mask of another size. May be called by one thread beside others that look at other members. */
int csg_dataset_load(const struct csg_dataset *dataset, size_t index, struct csg_truth *truth, struct csg_error *err);
void csg_truth_free(struct csg_truth *truth);

/* For the layouts. FOLDER/middle/NAMEending; to be freed; NULL where memory is short. */
char *csg_dataset_path(const char *folder, const char *middle, const char *name, const char *ending);
/* Ids are names of files below the data set's folders and lead nowhere else. */
bool csg_dataset_id_usable(const char *id);
/* Reads the lines of a file, without what stands behind a blank where `first_word`; backslashes become slashes. CSG_ERROR_INPUT. */
int csg_dataset_lines(struct csg_strings *out, const char *path, bool first_word, struct csg_error *err);

#endif
