/* Writing PNG through libpng. */
#include <setjmp.h>
#include <stdlib.h>

#include <png.h>

#include "base/files.h"
#include "image/image.h"

struct writer {
    png_structp png;
    png_infop info;
    struct csg_output *output;
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
    writer->status = csg_output_write(writer->output, data, bytes, writer->err);
    if (writer->status)
        png_error(png, "the file");
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* Everything that may longjmp. */
static void write_picture(struct writer *writer, const struct csg_image *image)
{
    if (setjmp(png_jmpbuf(writer->png)))
        return;
    png_set_write_fn(writer->png, writer, on_write, on_flush);
    png_set_user_limits(writer->png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(writer->png, writer->info, (png_uint_32)image->width_px, (png_uint_32)image->height_px, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer->png, writer->info);
    for (int y = 0; y < image->height_px; y++)
        png_write_row(writer->png, image->rgb + (size_t)y * (size_t)image->width_px * 3);
    png_write_end(writer->png, NULL);
}

int csg_image_write_png(const struct csg_image *image, const char *path, bool overwrite, struct csg_error *err)
{
    struct writer writer = {.err = err};
    if (!image || !path)
        return csg_fail(err, CSG_ERROR_USAGE, "writing a PNG needs a picture and a path, not NULL");
    int status = csg_output_create(&writer.output, path, overwrite, err);
    if (status)
        return status;
    writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
    writer.info = writer.png ? png_create_info_struct(writer.png) : NULL;
    if (writer.info)
        write_picture(&writer, image);
    else
        writer.status = csg_fail_memory(err);
    png_destroy_write_struct(&writer.png, &writer.info);
    if (writer.status == CSG_OK)
        writer.status = csg_output_commit(&writer.output, err);
    csg_output_destroy(&writer.output);
    return writer.status;
}
