/* Writing PNG through libpng: into memory first, for compressing takes long, and a file should be there for a moment only before it is
 * whole. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/files.h"
#include "base/mem.h"
#include "image/image.h"
#include "image/mask.h"

struct writer {
    png_structp png;
    png_infop info;
    uint8_t *data;
    size_t bytes, capacity;
    struct csg_error *err;
    int status;
};

static _Noreturn void on_error(png_structp png, png_const_charp reason)
{
    struct writer *writer = png_get_error_ptr(png);
    if (writer->status == CSG_OK)
        writer->status = csg_fail(writer->err, CSG_ERROR, "the PNG cannot be written: %s", reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp reason)
{
    (void)png;
    (void)reason;
}

static void on_write(png_structp png, png_bytep data, size_t bytes)
{
    struct writer *writer = png_get_io_ptr(png);
    size_t wanted = writer->bytes + bytes;
    if (wanted > writer->capacity) {
        uint8_t *larger = csg_realloc(writer->data, 2, wanted);
        if (!larger) {
            writer->status = csg_fail_memory(writer->err);
            png_error(png, "memory");
        }
        writer->data = larger;
        writer->capacity = 2 * wanted;
    }
    memcpy(writer->data + writer->bytes, data, bytes);
    writer->bytes = wanted;
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* RGB, or indices into 256 colours. */
struct picture {
    int width_px, height_px;
    const uint8_t *pixels; /* packed rows of 3 bytes, or of 1 with a palette */
    const png_color *palette;
};

/* Everything that may longjmp. */
static void write_picture(struct writer *writer, const struct picture *image)
{
    size_t row_bytes = (size_t)image->width_px * (image->palette ? 1 : 3);
    if (setjmp(png_jmpbuf(writer->png)))
        return;
    png_set_write_fn(writer->png, writer, on_write, on_flush);
    png_set_user_limits(writer->png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(writer->png, writer->info, (png_uint_32)image->width_px, (png_uint_32)image->height_px, 8,
                 image->palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (image->palette)
        png_set_PLTE(writer->png, writer->info, image->palette, 256);
    if (!image->palette) {
        /* Photographs with a heat map: four times as fast as libpng's defaults, and an eighth larger. */
        png_set_compression_level(writer->png, 2);
        png_set_filter(writer->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    }
    png_write_info(writer->png, writer->info);
    for (int y = 0; y < image->height_px; y++)
        png_write_row(writer->png, image->pixels + (size_t)y * row_bytes);
    png_write_end(writer->png, NULL);
}

static int write_png(const struct picture *image, const char *path, bool overwrite, struct csg_error *err)
{
    struct writer writer = {.err = err};
    struct csg_output *output = NULL;
    int status = csg_check_output(path, overwrite, err);
    if (status)
        return status;
    writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
    writer.info = writer.png ? png_create_info_struct(writer.png) : NULL;
    if (writer.info)
        write_picture(&writer, image);
    else
        writer.status = csg_fail_memory(err);
    png_destroy_write_struct(&writer.png, &writer.info);
    status = writer.status;
    if (status == CSG_OK)
        status = csg_output_create(&output, path, overwrite, err);
    if (status == CSG_OK)
        status = csg_output_write(output, writer.data, writer.bytes, err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    free(writer.data);
    return status;
}

int csg_image_write_png(const struct csg_image *image, const char *path, bool overwrite, struct csg_error *err)
{
    if (!image || !path)
        return csg_fail(err, CSG_ERROR_USAGE, "writing a PNG needs a picture and a path, not NULL");
    const struct picture picture = {image->width_px, image->height_px, image->rgb, NULL};
    return write_png(&picture, path, overwrite, err);
}

int csg_mask_write(const uint16_t *index, int width_px, int height_px, const char *path, bool overwrite, struct csg_error *err)
{
    size_t pixels = (size_t)width_px * (size_t)height_px;
    uint8_t *bytes = csg_calloc(pixels, 1);
    png_color palette[256];
    if (!bytes)
        return csg_fail_memory(err);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t rgb[3];
        csg_mask_colour(i, rgb);
        palette[i] = (png_color){rgb[0], rgb[1], rgb[2]};
    }
    for (size_t i = 0; i < pixels; i++)
        bytes[i] = (uint8_t)index[i];
    const struct picture picture = {width_px, height_px, bytes, palette};
    int status = write_png(&picture, path, overwrite, err);
    free(bytes);
    return status;
}
