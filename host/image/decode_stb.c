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
/* Zeroed: its JPEG decoder may use tables that the file does not define, and then must not follow what lay in that memory. */
#define STBI_MALLOC(bytes) csg_calloc(1, bytes)
#define STBI_REALLOC(old, bytes) csg_realloc(old, 1, bytes)
#define STBI_FREE(old) free(old)
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

/* The most pixels that a byte of each format can stand for. stb_image would go on for minutes over a picture of 2^28 pixels in
 * a file of 50 bytes before it is found to be cut off. */
static size_t pixels_per_byte(const uint8_t *data, size_t bytes)
{
    static const struct {
        const char *magic;
        size_t magic_bytes, pixels;
    } rows[] = {
        {"\xff\xd8", 2, 512}, /* a block of 64 in one bit */
        {"\x89PNG", 4, 8256}, /* deflate's 1032, eight pixels each */
        {"GIF8", 4, 2731},    /* a string of 4096 in a code of 12 bits */
        {"BM", 2, 8},         /* one bit each */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (bytes >= rows[i].magic_bytes && memcmp(data, rows[i].magic, rows[i].magic_bytes) == 0)
            return rows[i].pixels;
    return 64; /* TGA and PSD: runs of 128 in two bytes */
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
    if (data[0] == 0xff && !csg_jpeg_tables_fit(data, bytes))
        return csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: a Huffman table of the JPEG is too long", name);
    if (!stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels))
        return csg_fail(err, CSG_ERROR_INPUT, "%s is no picture of a known format, or its head is damaged", name);
    int status = csg_image_check_size(width, height, name, err);
    if (status)
        return status;
    if ((size_t)width * (size_t)height / pixels_per_byte(data, bytes) > bytes)
        return csg_fail(err, CSG_ERROR_INPUT, "%s is cut off: %zu bytes cannot hold %d x %d pixels", name, bytes, width, height);
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
