/* The one file with stb_image. It is fed through callbacks, because they alone show that it reads past the end of the data: it
 * takes such bytes for zeros and calls a cut off BMP or GIF a picture. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/decode.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_PIC
#define STBI_NO_PNM
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS (1 << 28)
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function" /* not popped: it is judged at the end of the file */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#include <stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

struct source {
    const uint8_t *data;
    size_t bytes, at;
    const char *buffer; /* stb_image's look-ahead, which may run ahead of the data; its first read tells it */
    bool past_end;
};

static int on_read(void *user, char *data, int size)
{
    struct source *source = user;
    size_t left = source->bytes - source->at, take = (size_t)size < left ? (size_t)size : left;
    if (!source->buffer)
        source->buffer = data;
    if (data == source->buffer ? !take : take < (size_t)size)
        source->past_end = true;
    memcpy(data, source->data + source->at, take);
    source->at += take;
    return (int)take;
}

static void on_skip(void *user, int bytes)
{
    struct source *source = user;
    size_t left = source->bytes - source->at;
    if (bytes < 0) {
        source->past_end = true; /* a length that has overflowed: never step back */
    } else if ((size_t)bytes > left) {
        source->at = source->bytes;
        source->past_end = true;
    } else {
        source->at += (size_t)bytes;
    }
}

static int on_eof(void *user)
{
    const struct source *source = user;
    return source->at == source->bytes;
}

/* Takes the pixels over instead of copying what may be 800 MB; stb_image's memory is malloc's. */
static int adopt(struct csg_image **out, uint8_t **rgb, int width, int height, struct csg_error *err)
{
    struct csg_image *image = csg_calloc(1, sizeof *image);
    if (!image)
        return csg_fail_memory(err);
    *image = (struct csg_image){width, height, *rgb};
    *rgb = NULL;
    *out = image;
    return CSG_OK;
}

int csg_decode_stb(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err)
{
    static const stbi_io_callbacks callbacks = {on_read, on_skip, on_eof};
    struct source source = {.data = data, .bytes = bytes};
    int width, height, channels;
    *out = NULL;
    if (!stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels))
        return csg_fail(err, CSG_ERROR_INPUT, "%s is no picture of a known format, or its head is damaged", name);
    int status = csg_image_check_size(width, height, name, err);
    if (status)
        return status;
    source = (struct source){.data = data, .bytes = bytes};
    uint8_t *rgb = stbi_load_from_callbacks(&callbacks, &source, &width, &height, &channels, 3);
    if (source.past_end)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s is cut off: its pixels are not all there", name);
    else if (!rgb)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: its pixels cannot be decoded", name);
    else
        status = adopt(out, &rgb, width, height, err);
    stbi_image_free(rgb);
    return status;
}
