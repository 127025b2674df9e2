/* Reading the files that make_data.py has written. */
#ifndef CSG_TEST_DATA_H
#define CSG_TEST_DATA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/files.h"
#include "image/image.h"

/* Of a file in data/, the folder being named by CSG_TEST_DATA. */
static inline const char *data_path(char path[512], const char *name)
{
    const char *folder = getenv("CSG_TEST_DATA");
    assert_non_null(folder);
    snprintf(path, 512, "%s/%s", folder, name);
    return path;
}

static inline uint8_t *read_data(const char *name, size_t *bytes)
{
    char path[512], *data;
    assert_int_equal(csg_read_file(&data, bytes, data_path(path, name), 1 << 24, CSG_ERROR_INPUT, NULL), CSG_OK);
    return (uint8_t *)data;
}

/* A PPM as Pillow writes it, read without the code under test. */
static inline struct csg_image *read_ppm(const char *name)
{
    size_t bytes;
    uint8_t *data = read_data(name, &bytes);
    int width, height, head = 0;
    struct csg_image *image;
    assert_int_equal(sscanf((const char *)data, "P6 %d %d 255%n", &width, &height, &head), 2);
    head++;
    assert_int_equal(bytes, (size_t)head + 3 * (size_t)width * (size_t)height);
    assert_int_equal(csg_image_from_rgb(&image, data + head, width, height, 0, NULL), CSG_OK);
    free(data);
    return image;
}

static inline void assert_same_picture(const struct csg_image *got, const struct csg_image *wanted)
{
    assert_int_equal(got->width_px, wanted->width_px);
    assert_int_equal(got->height_px, wanted->height_px);
    assert_memory_equal(got->rgb, wanted->rgb, 3 * (size_t)wanted->width_px * (size_t)wanted->height_px);
}

/* Mean absolute difference in levels. */
static inline double difference(const struct csg_image *a, const struct csg_image *b)
{
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    size_t n = 3 * (size_t)a->width_px * (size_t)a->height_px;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / (double)n;
}

#endif
