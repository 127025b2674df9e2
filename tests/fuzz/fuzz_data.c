/* One reader of pictures, texts, data sets and the cache per program, chosen by FUZZ_TARGET. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/record.h"
#include "fuzz.h"
#include "image/image.h"
#include "model/labels.h"
#include "model/tokenizer.h"
#include "task/dataset.h"

FUZZ(picture)
{
    struct csg_image *image = NULL;
    if (csg_image_load(&image, fuzz_file(data, bytes, "picture"), NULL) == CSG_OK) {
        const uint8_t *rgb = csg_image_rgb(image);
        size_t count = 3 * (size_t)csg_image_width_px(image) * (size_t)csg_image_height_px(image), sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += rgb[i];
        if (sum > 255 * count)
            abort();
    }
    csg_image_destroy(&image);
}

/* The demo model's vocabulary; any text has between 2 and `context` tokens. */
FUZZ(text)
{
    static struct csg_tokenizer *tokenizer;
    int32_t ids[24];
    size_t count = 0, cut = 0;
    struct csg_strings parts = {0};
    if (!tokenizer && csg_tokenizer_create(&tokenizer, FUZZ_SOURCE "/assets/demo-model", 4096, NULL) != CSG_OK)
        abort();
    char *text = malloc(bytes + 1);
    if (!text)
        return;
    memcpy(text, data, bytes);
    text[bytes] = 0;
    if (csg_tokenize(tokenizer, text, 24, ids, &count, &cut, NULL) == CSG_OK && (count < 2 || count > 24))
        abort();
    csg_text_parts(&parts, text, NULL);
    csg_strings_free(&parts);
    free(csg_template_fill("a {} b {}", text));
    free(text);
}

static void folder_of(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    if (csg_make_folders(path, NULL) != CSG_OK)
        abort();
}

static void write_text(const char *text, const char *name)
{
    fuzz_file((const uint8_t *)text, strlen(text), name);
}

/* A picture of 6 x 4 pixels. */
static void write_picture(const char *name)
{
    static const char head[] = "P6 6 4 255\n";
    uint8_t file[sizeof head - 1 + 6 * 4 * 3] = {0};
    memcpy(file, head, sizeof head - 1);
    file[sizeof head + 10] = 1; /* a segment of the panoptic truth */
    fuzz_file(file, sizeof file, name);
}

static void open_and_load(const char *layout, const char *split)
{
    struct csg_dataset *dataset = NULL;
    if (csg_dataset_open(&dataset, fuzz_folder(), layout, split, NULL) == CSG_OK)
        for (size_t i = 0; i < dataset->ids.count && i < 8; i++) {
            struct csg_truth truth = {0};
            if (!csg_dataset_id_usable(dataset->ids.items[i]))
                abort();
            csg_dataset_load(dataset, i, &truth, NULL);
            csg_truth_free(&truth);
        }
    csg_dataset_destroy(&dataset);
}

/* The first byte says which file of a data set the rest is. */
FUZZ(lists)
{
    static const struct {
        const char *layout, *split, *file;
    } files[] = {{"voc", "val", "ImageSets/Segmentation/val.txt"},
                 {"nus", "Test", "ImageList/TestImagelist.txt"},
                 {"nus", "Test", "ConceptsList/Concepts81.txt"},
                 {"nus", "Test", "TrainTestLabels/Labels_sky_Test.txt"}};
    static const char *const folders[] = {"ImageSets/Segmentation", "ImageList", "ConceptsList", "TrainTestLabels", "Flickr"};
    if (!bytes)
        return;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        folder_of(folders[i]);
    write_text("a.ppm\nb.ppm\n", "ImageList/TestImagelist.txt");
    write_text("sky\n", "ConceptsList/Concepts81.txt");
    write_text("0\n1\n", "TrainTestLabels/Labels_sky_Test.txt");
    write_picture("Flickr/a.ppm");
    size_t which = data[0] % (sizeof files / sizeof *files);
    fuzz_file(data + 1, bytes - 1, files[which].file);
    open_and_load(files[which].layout, files[which].split);
}

static void annotations(const uint8_t *data, size_t bytes, const char *layout, const char *name)
{
    folder_of("annotations/panoptic_val2017");
    folder_of("val2017");
    write_picture("val2017/p.ppm");
    write_picture("annotations/panoptic_val2017/p.png");
    fuzz_file(data, bytes, name);
    open_and_load(layout, "val2017");
}

FUZZ(coco)
{
    annotations(data, bytes, "coco", "annotations/instances_val2017.json");
}

FUZZ(panoptic)
{
    annotations(data, bytes, "coco-panoptic", "annotations/panoptic_val2017.json");
}

/* As it is, and with the lengths and sums that it wants. */
FUZZ(record)
{
    static const struct csg_record_kind kind = {"CSGFUZZ1", ".bin", 1 << 16};
    char key[CSG_SHA256_HEX], name[96], digest[CSG_SHA256_HEX];
    size_t got = 0;
    bool damaged;
    if (csg_sha256_of("key", 3, key, NULL) != CSG_OK)
        abort();
    snprintf(name, sizeof name, "%s.bin", key);
    fuzz_file(data, bytes, name);
    free(csg_record_load(&kind, fuzz_folder(), key, &got, &damaged));
    uint8_t *file = malloc(144 + bytes);
    if (!file || csg_sha256_of(data, bytes, digest, NULL) != CSG_OK)
        abort();
    memcpy(file, kind.format, 8);
    memcpy(file + 8, key, 64);
    for (unsigned i = 0; i < 8; i++)
        file[72 + i] = (uint8_t)((uint64_t)bytes >> 8 * i);
    memcpy(file + 80, digest, 64);
    memcpy(file + 144, data, bytes);
    fuzz_file(file, 144 + bytes, name);
    unsigned char *kept = csg_record_load(&kind, fuzz_folder(), key, &got, &damaged);
    if (bytes && 144 + bytes <= kind.limit_bytes && (!kept || damaged || got != bytes || memcmp(kept, data, bytes) != 0))
        abort();
    free(kept);
    free(file);
}
