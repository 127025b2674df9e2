/* PBM, PGM and PPM, binary and plain. Not through stb_image: the versions up to 2.27 write past the end of a picture with 16
 * bits a channel, and none scales values to the largest that the file declares. */
#include <math.h>
#include <string.h>

#include "image/decode.h"

struct pnm {
    const uint8_t *data;
    size_t bytes, at;
    const char *name;
    struct csg_error *err;
};

static int cut_off(const struct pnm *pnm)
{
    return csg_fail(pnm->err, CSG_ERROR_INPUT, "%s is cut off: its pixels are not all there", pnm->name);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks and comments, which go on to the end of their line. */
static void skip_blanks(struct pnm *pnm)
{
    bool comment = false;
    for (; pnm->at < pnm->bytes; pnm->at++) {
        uint8_t c = pnm->data[pnm->at];
        if (comment)
            comment = c != '\n' && c != '\r';
        else if (c == '#')
            comment = true;
        else if (!is_blank(c))
            return;
    }
}

/* The next number; `digits` is the most that it may have. */
static int get_number(struct pnm *pnm, int digits, long *value)
{
    skip_blanks(pnm);
    size_t start = pnm->at;
    *value = 0;
    while (pnm->at < pnm->bytes && pnm->data[pnm->at] >= '0' && pnm->data[pnm->at] <= '9' && digits--)
        *value = *value * 10 + (pnm->data[pnm->at++] - '0');
    if (pnm->at > start)
        return CSG_OK;
    if (pnm->at == pnm->bytes)
        return cut_off(pnm);
    return csg_fail(pnm->err, CSG_ERROR_INPUT, "%s is damaged: a number of the PNM format is missing", pnm->name);
}

/* As Pillow scales: in double, halves to the even level. */
static uint8_t scaled(long value, long largest)
{
    if (value >= largest)
        return 255;
    return (uint8_t)lrint((double)value / (double)largest * 255);
}

static int read_plain(struct pnm *pnm, struct csg_image *image, size_t channels, bool bits, long largest)
{
    size_t pixels = (size_t)image->width_px * (size_t)image->height_px;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++) {
            long value;
            /* bits may stand without blanks between them, and 1 is black */
            int status = get_number(pnm, bits ? 1 : 6, &value);
            if (status)
                return status;
            uint8_t level = bits ? (value ? 0 : 255) : scaled(value, largest);
            memset(image->rgb + 3 * i + c, level, channels == 1 ? 3 : 1);
        }
    return CSG_OK;
}

static int read_binary(struct pnm *pnm, struct csg_image *image, size_t channels, bool bits, long largest)
{
    size_t width = (size_t)image->width_px, height = (size_t)image->height_px, wide = largest > 255 ? 2 : 1;
    size_t row_bytes = bits ? (width + 7) / 8 : width * channels * wide;
    if ((pnm->bytes - pnm->at) / row_bytes < height)
        return cut_off(pnm);
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = pnm->data + pnm->at + y * row_bytes;
        uint8_t *rgb = image->rgb + 3 * y * width;
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < channels; c++) {
                const uint8_t *p = row + (x * channels + c) * wide;
                uint8_t level;
                if (bits)
                    level = row[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
                else
                    level = scaled(wide == 2 ? p[0] << 8 | p[1] : p[0], largest);
                memset(rgb + 3 * x + c, level, channels == 1 ? 3 : 1);
            }
    }
    return CSG_OK;
}

bool csg_is_pnm(const uint8_t *data, size_t bytes)
{
    return bytes >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && (is_blank(data[2]) || data[2] == '#');
}

int csg_decode_pnm(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err)
{
    struct pnm pnm = {data, bytes, 2, name, err};
    unsigned kind = data[1] - '0'; /* 1..3 plain, 4..6 binary; of bits, grey, colour */
    bool bits = kind % 3 == 1, plain = kind <= 3;
    long width, height, largest = 1;
    *out = NULL;
    int status = get_number(&pnm, 9, &width);
    if (status == CSG_OK)
        status = get_number(&pnm, 9, &height);
    if (status == CSG_OK && !bits)
        status = get_number(&pnm, 6, &largest);
    if (status == CSG_OK && (largest < 1 || largest > 65535))
        status = csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: its largest value is %ld, not 1 to 65535", name, largest);
    if (status == CSG_OK)
        status = csg_image_check_size(width, height, name, err);
    if (status)
        return status;
    if (pnm.at == bytes)
        return cut_off(&pnm);
    if (!is_blank(data[pnm.at++])) /* one blank, then the pixels */
        return csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: a blank before the pixels of a PNM is missing", name);
    struct csg_image *image;
    status = csg_image_create(&image, (int)width, (int)height, err);
    if (status)
        return status;
    status = (plain ? read_plain : read_binary)(&pnm, image, kind % 3 == 0 ? 3 : 1, bits, largest);
    if (status) {
        csg_image_destroy(&image);
        return status;
    }
    *out = image;
    return CSG_OK;
}
