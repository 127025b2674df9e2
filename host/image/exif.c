/* EXIF orientation: where it stands in a file, and what it asks for. Every offset comes from the file. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/decode.h"

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12

/* A TIFF structure in its own byte order. */
struct tiff {
    const uint8_t *data;
    size_t bytes;
    bool little;
};

/* The caller has made sure that at + 2 lies in the structure. */
static unsigned get16(const struct tiff *tiff, size_t at)
{
    unsigned a = tiff->data[at], b = tiff->data[at + 1];
    return tiff->little ? b << 8 | a : a << 8 | b;
}

static size_t get32(const struct tiff *tiff, size_t at)
{
    size_t a = get16(tiff, at), b = get16(tiff, at + 2);
    return tiff->little ? b << 16 | a : a << 16 | b;
}

int csg_exif_orientation(const uint8_t *data, size_t bytes)
{
    struct tiff tiff = {data, bytes, false};
    if (bytes < 8)
        return 1;
    if (memcmp(data, "II", 2) == 0)
        tiff.little = true;
    else if (memcmp(data, "MM", 2) != 0)
        return 1;
    if (get16(&tiff, 2) != 42)
        return 1;
    size_t at = get32(&tiff, 4);
    if (at > bytes || bytes - at < 2)
        return 1;
    size_t entries = get16(&tiff, at);
    at += 2;
    for (size_t i = 0; i < entries && bytes - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        if (get16(&tiff, at) != TAG_ORIENTATION)
            continue;
        if (get16(&tiff, at + 2) != TYPE_SHORT || get32(&tiff, at + 4) != 1)
            return 1;
        unsigned value = get16(&tiff, at + 8);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

int csg_jpeg_orientation(const uint8_t *data, size_t bytes)
{
    static const char magic[] = "Exif\0"; /* with its NUL: six bytes */
    size_t at = 2;
    while (bytes >= 4 && at <= bytes - 4 && data[at] == 0xff) {
        unsigned marker = data[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) /* start of scan, end of image: the headers are over */
            return 1;
        size_t length = (size_t)data[at + 2] << 8 | data[at + 3];
        if (length < 2 || length > bytes - at - 2)
            return 1;
        if (marker == 0xe1 && length >= 2 + sizeof magic && memcmp(data + at + 4, magic, sizeof magic) == 0)
            return csg_exif_orientation(data + at + 4 + sizeof magic, length - 2 - sizeof magic);
        at += 2 + length;
    }
    return 1;
}

int csg_image_orient(struct csg_image **image, int orientation, struct csg_error *err)
{
    /* What each value asks for, as: swap the axes first, then mirror. */
    static const struct {
        bool transpose, mirror_x, mirror_y;
    } rows[9] = {
        [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true}, [5] = {true, false, false},
        [6] = {true, true, false},  [7] = {true, true, true},  [8] = {true, false, true},
    };
    if (orientation < 2 || orientation > 8)
        return CSG_OK;
    const struct csg_image *in = *image;
    bool transpose = rows[orientation].transpose;
    struct csg_image *out;
    int status = csg_image_create(&out, transpose ? in->height_px : in->width_px, transpose ? in->width_px : in->height_px, err);
    if (status)
        return status;
    for (int y = 0; y < out->height_px; y++) {
        uint8_t *row = out->rgb + (size_t)y * (size_t)out->width_px * 3;
        int from_y = rows[orientation].mirror_y ? out->height_px - 1 - y : y;
        for (int x = 0; x < out->width_px; x++) {
            int from_x = rows[orientation].mirror_x ? out->width_px - 1 - x : x;
            size_t column = (size_t)(transpose ? from_y : from_x), line = (size_t)(transpose ? from_x : from_y);
            memcpy(row + (size_t)x * 3, in->rgb + (line * (size_t)in->width_px + column) * 3, 3);
        }
    }
    csg_image_destroy(image);
    *image = out;
    return CSG_OK;
}
