/* Loading: which decoder, then the orientation. */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "image/decode.h"

/* A PNM of CSG_MAX_PIXELS takes 805 MB. */
#define LIMIT_BYTES ((size_t)1 << 30)

static bool starts_with(const uint8_t *data, size_t bytes, const char *magic, size_t magic_bytes)
{
    return bytes >= magic_bytes && memcmp(data, magic, magic_bytes) == 0;
}

int csg_image_decode(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err)
{
    struct csg_image *image = NULL;
    int status, orientation = 1;
    *out = NULL;
    if (!bytes)
        return csg_fail(err, CSG_ERROR_INPUT, "%s is empty", name);
    if (starts_with(data, bytes, "\xff\xd8\xff", 3)) {
        orientation = csg_jpeg_orientation(data, bytes);
#ifdef CSG_HAVE_LIBJPEG
        status = csg_decode_jpeg(&image, data, bytes, name, err);
#else
        status = csg_decode_stb(&image, data, bytes, name, err);
#endif
    } else if (starts_with(data, bytes, "\x89PNG", 4)) {
        const uint8_t *exif;
        size_t exif_bytes;
        status = csg_png_check(data, bytes, &exif, &exif_bytes, name, err);
        if (status == CSG_OK && exif)
            orientation = csg_exif_orientation(exif, exif_bytes);
        if (status == CSG_OK)
            status = csg_decode_stb(&image, data, bytes, name, err);
    } else if (csg_is_pnm(data, bytes)) {
        status = csg_decode_pnm(&image, data, bytes, name, err);
    } else {
        status = csg_decode_stb(&image, data, bytes, name, err);
    }
    if (status == CSG_OK)
        status = csg_image_orient(&image, orientation, err);
    if (status) {
        csg_image_destroy(&image);
        return status;
    }
    *out = image;
    return CSG_OK;
}

int csg_image_load(struct csg_image **out, const char *path, struct csg_error *err)
{
    char *data;
    size_t bytes;
    *out = NULL;
    if (!path)
        return csg_fail(err, CSG_ERROR_USAGE, "a picture needs a path, not NULL");
    int status = csg_read_file(&data, &bytes, path, LIMIT_BYTES, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    status = csg_image_decode(out, (const uint8_t *)data, bytes, strcmp(path, "-") == 0 ? "standard input" : path, err);
    free(data);
    return status;
}
