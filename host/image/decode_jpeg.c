/* JPEG through libjpeg-turbo: the accurate integer DCT and smooth chroma upsampling, which are its defaults and Pillow's. */
#include "image/decode.h"

#ifdef CSG_HAVE_LIBJPEG

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h uses FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/mem.h"

/* A progressive file may repeat its scans, each a pass over the whole picture, in ten bytes. */
#define MAX_SCANS 500

struct reader {
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf escape;
    const char *name;
    struct csg_error *err;
    int status;
    struct csg_image *image;
    uint8_t *cmyk; /* one row */
};

static _Noreturn void give_up(struct reader *reader, const char *reason)
{
    reader->status = csg_fail(reader->err, CSG_ERROR_INPUT, "%s is damaged: %s", reader->name, reason);
    longjmp(reader->escape, 1);
}

static _Noreturn void on_error(j_common_ptr jpeg)
{
    struct reader *reader = jpeg->client_data;
    char reason[JMSG_LENGTH_MAX];
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY) {
        reader->status = csg_fail_memory(reader->err);
        longjmp(reader->escape, 1);
    }
    jpeg->err->format_message(jpeg, reason);
    give_up(reader, reason);
}

/* level -1 is a warning: libjpeg goes on with invented pixels. Those about headers leave the pixels what they are. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
        on_error(jpeg);
    default:
        jpeg->err->num_warnings++;
    }
}

static void on_print(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_start(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static boolean on_end_of_data(j_decompress_ptr jpeg)
{
    struct reader *reader = jpeg->client_data;
    reader->status = csg_fail(reader->err, CSG_ERROR_INPUT, "%s is cut off: a JPEG without its end", reader->name);
    longjmp(reader->escape, 1);
}

static void on_skip(j_decompress_ptr jpeg, long bytes)
{
    struct jpeg_source_mgr *source = jpeg->src;
    if (bytes <= 0)
        return;
    if ((unsigned long)bytes > source->bytes_in_buffer)
        on_end_of_data(jpeg);
    source->next_input_byte += bytes;
    source->bytes_in_buffer -= (size_t)bytes;
}

static void on_progress(j_common_ptr jpeg)
{
    struct reader *reader = jpeg->client_data;
    if (reader->jpeg.input_scan_number > MAX_SCANS)
        give_up(reader, "a JPEG with too many scans");
}

/* Adobe's programs store inverted CMYK; like Pillow, take every file for one of theirs. v / 255 is rounded. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        unsigned light = cmyk[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            unsigned ink = 255u - cmyk[4 * i + c];
            unsigned v = ink * light + 128;
            rgb[3 * i + c] = (uint8_t)(light - ((v + (v >> 8)) >> 8));
        }
    }
}

static void read_rows(struct reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    size_t width = jpeg->output_width;
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *rgb = reader->image->rgb + 3 * width * jpeg->output_scanline;
        JSAMPROW row = reader->cmyk ? reader->cmyk : rgb;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (reader->cmyk)
            cmyk_to_rgb(rgb, reader->cmyk, width);
    }
}

/* Everything that may longjmp. What must outlive it is in *reader, not in locals. */
static void read_picture(struct reader *reader, const uint8_t *data, size_t bytes)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->escape))
        return;
    jpeg_create_decompress(jpeg);
    reader->source = (struct jpeg_source_mgr){.next_input_byte = data,
                                              .bytes_in_buffer = bytes,
                                              .init_source = on_start,
                                              .fill_input_buffer = on_end_of_data,
                                              .skip_input_data = on_skip,
                                              .resync_to_restart = jpeg_resync_to_restart,
                                              .term_source = on_start};
    reader->progress.progress_monitor = on_progress;
    jpeg->src = &reader->source;
    jpeg->progress = &reader->progress;
    jpeg_read_header(jpeg, TRUE);
    reader->status = csg_image_check_size(jpeg->image_width, jpeg->image_height, reader->name, reader->err);
    if (reader->status)
        return;
    if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4) {
        reader->status = csg_fail(reader->err, CSG_ERROR_INPUT, "%s is a JPEG of %d components, where 1, 3 or 4 are understood",
                                  reader->name, jpeg->num_components);
        return;
    }
    bool four = jpeg->num_components == 4;
    jpeg->out_color_space = four ? JCS_CMYK : JCS_RGB;
    reader->status = csg_image_create(&reader->image, (int)jpeg->image_width, (int)jpeg->image_height, reader->err);
    if (reader->status)
        return;
    if (four && !(reader->cmyk = csg_calloc(jpeg->image_width, 4))) {
        reader->status = csg_fail_memory(reader->err);
        return;
    }
    jpeg_start_decompress(jpeg);
    read_rows(reader);
    jpeg_finish_decompress(jpeg);
}

int csg_decode_jpeg(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err)
{
    *out = NULL;
    struct reader *reader = csg_calloc(1, sizeof *reader);
    if (!reader)
        return csg_fail_memory(err);
    reader->name = name;
    reader->err = err;
    reader->jpeg.err = jpeg_std_error(&reader->errors);
    reader->jpeg.client_data = reader;
    reader->errors.error_exit = on_error;
    reader->errors.emit_message = on_message;
    reader->errors.output_message = on_print;
    read_picture(reader, data, bytes);
    jpeg_destroy_decompress(&reader->jpeg);
    int status = reader->status;
    if (status == CSG_OK)
        *out = reader->image;
    else
        csg_image_destroy(&reader->image);
    free(reader->cmyk);
    free(reader);
    return status;
}

#else

typedef int csg_decode_jpeg_is_left_out; /* ISO C wants one declaration in a file */

#endif
