/* The frame of a PNG: its chunks are whole and their checksums right. */
#include <string.h>

#include "image/decode.h"

/* CRC-32 by nibbles: sixteen words that can be read, and fast enough beside inflating. */
static uint32_t crc32_of(const uint8_t *data, size_t bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int csg_png_check(const uint8_t *data, size_t bytes, const uint8_t **exif, size_t *exif_bytes, const char *name,
                  struct csg_error *err)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t at = sizeof signature;
    *exif = NULL;
    *exif_bytes = 0;
    if (bytes < at || memcmp(data, signature, at) != 0)
        return csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: its PNG signature is broken", name);
    for (;;) {
        /* length, type, data, checksum */
        if (bytes - at < 12 || big32(data + at) > bytes - at - 12)
            return csg_fail(err, CSG_ERROR_INPUT, "%s is cut off: a PNG without its end", name);
        size_t length = big32(data + at);
        const uint8_t *type = data + at + 4;
        if (crc32_of(type, length + 4) != big32(type + 4 + length))
            return csg_fail(err, CSG_ERROR_INPUT, "%s is damaged: the checksum of a PNG chunk is wrong", name);
        if (memcmp(type, "eXIf", 4) == 0 && !*exif) {
            *exif = type + 4;
            *exif_bytes = length;
        }
        if (memcmp(type, "IEND", 4) == 0)
            return CSG_OK;
        at += 12 + length;
    }
}
