/* stb_image expands palettes, so masks are read through libpng. */
#include "image/mask.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/files.h"
#include "base/mem.h"
#include "image/decode.h"
#include "image/image.h"

int csg_mask_create(struct csg_mask **out, int width_px, int height_px, struct csg_error *err)
{
    struct csg_mask *mask = csg_calloc(1, sizeof *mask);
    *out = NULL;
    if (mask) {
        *mask = (struct csg_mask){width_px, height_px, csg_calloc((size_t)width_px * (size_t)height_px, sizeof *mask->index)};
        if (!mask->index)
            csg_mask_destroy(&mask);
    }
    if (!mask)
        return csg_fail_memory(err);
    *out = mask;
    return CSG_OK;
}

struct reader {
    png_structp png;
    png_infop info;
    const uint8_t *data;
    size_t bytes, at;
    struct csg_error *err;
    const char *path;
    struct csg_mask *mask;
    uint8_t **rows; /* [height], into one block that begins at rows[0] */
    unsigned sample_bytes;
    int status;
};

static _Noreturn void on_error(png_structp png, png_const_charp reason)
{
    struct reader *reader = png_get_error_ptr(png);
    if (reader->status == CSG_OK)
        reader->status = csg_fail(reader->err, CSG_ERROR_INPUT, "%s is damaged: %s", reader->path, reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp reason)
{
    (void)png;
    (void)reason;
}

static void on_read(png_structp png, png_bytep data, size_t bytes)
{
    struct reader *reader = png_get_io_ptr(png);
    if (bytes > reader->bytes - reader->at)
        png_error(png, "the file ends too early");
    memcpy(data, reader->data + reader->at, bytes);
    reader->at += bytes;
}

static int allocate(struct reader *reader, png_uint_32 width, png_uint_32 height)
{
    size_t row_bytes = (size_t)width * reader->sample_bytes;
    reader->mask = csg_calloc(1, sizeof *reader->mask);
    reader->rows = csg_calloc(height, sizeof *reader->rows);
    uint8_t *block = csg_calloc(height, row_bytes);
    if (reader->mask)
        reader->mask->index = csg_calloc((size_t)width * height, sizeof *reader->mask->index);
    if (!reader->mask || !reader->rows || !block || !reader->mask->index) {
        free(block);
        return csg_fail_memory(reader->err);
    }
    for (size_t y = 0; y < height; y++)
        reader->rows[y] = block + y * row_bytes;
    reader->mask->width_px = (int)width;
    reader->mask->height_px = (int)height;
    return CSG_OK;
}

/* Everything that may longjmp. */
static void read_picture(struct reader *reader)
{
    if (setjmp(png_jmpbuf(reader->png)))
        return;
    png_set_read_fn(reader->png, reader, on_read);
    png_set_user_limits(reader->png, 0x7fffffff, 0x7fffffff);
    png_read_info(reader->png, reader->info);
    png_uint_32 width = png_get_image_width(reader->png, reader->info);
    png_uint_32 height = png_get_image_height(reader->png, reader->info);
    int depth = png_get_bit_depth(reader->png, reader->info);
    png_byte type = png_get_color_type(reader->png, reader->info);
    if ((size_t)width * height > CSG_MAX_PIXELS) {
        reader->status = csg_fail(reader->err, CSG_ERROR_INPUT, "%s has %u x %u pixels, more than are read", reader->path,
                                  (unsigned)width, (unsigned)height);
        return;
    }
    if (type != PNG_COLOR_TYPE_PALETTE && type != PNG_COLOR_TYPE_GRAY) {
        reader->status =
            csg_fail(reader->err, CSG_ERROR_INPUT,
                     "%s is no mask: a PNG with a palette or of grey values is wanted, whose values are classes", reader->path);
        return;
    }
    png_set_packing(reader->png); /* 1, 2 and 4 bits to bytes, without scaling */
    png_set_interlace_handling(reader->png);
    png_read_update_info(reader->png, reader->info);
    reader->sample_bytes = depth == 16 ? 2 : 1;
    reader->status = allocate(reader, width, height);
    if (reader->status)
        return;
    png_read_image(reader->png, reader->rows);
    png_read_end(reader->png, NULL);
}

static void unpack(const struct reader *reader)
{
    size_t pixels = (size_t)reader->mask->width_px * (size_t)reader->mask->height_px;
    const uint8_t *from = reader->rows[0];
    for (size_t i = 0; i < pixels; i++)
        reader->mask->index[i] =
            reader->sample_bytes == 2 ? (uint16_t)((unsigned)from[2 * i] << 8 | from[2 * i + 1]) : (uint16_t)from[i];
}

static int decode(struct reader *reader)
{
    const uint8_t *exif;
    size_t exif_bytes;
    int status = csg_png_check(reader->data, reader->bytes, &exif, &exif_bytes, reader->path, reader->err);
    if (status)
        return status;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
    if (reader->info)
        read_picture(reader);
    else
        reader->status = csg_fail_memory(reader->err);
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    if (reader->status == CSG_OK)
        unpack(reader);
    return reader->status;
}

int csg_mask_load(struct csg_mask **out, const char *path, struct csg_error *err)
{
    struct csg_mapped file;
    *out = NULL;
    int status = csg_map_file(&file, path, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    struct reader reader = {.data = file.data, .bytes = file.bytes, .err = err, .path = path};
    status = decode(&reader);
    csg_unmap_file(&file);
    if (reader.rows)
        free(reader.rows[0]);
    free(reader.rows);
    if (status)
        csg_mask_destroy(&reader.mask);
    *out = reader.mask;
    return status;
}

void csg_mask_destroy(struct csg_mask **mask)
{
    if (!mask || !*mask)
        return;
    free((*mask)->index);
    free(*mask);
    *mask = NULL;
}

void csg_mask_colour(unsigned index, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        for (unsigned c = 0; c < 3; c++)
            rgb[c] |= (uint8_t)((index >> (3 * bit + c) & 1u) << (7 - bit));
}
