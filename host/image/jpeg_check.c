/* What must hold of a JPEG before stb_image may read it: up to 2.27 it fills a Huffman table past its end. */
#include "image/decode.h"

#define MARKER_DHT 0xc4
#define MARKER_SOI 0xd8
#define MARKER_EOI 0xd9
#define TABLE_CODES 256

static bool is_restart(unsigned marker)
{
    return marker >= 0xd0 && marker <= 0xd7;
}

/* One segment may define several tables: class and place, 16 counts, and as many symbols as they sum up to. */
static bool tables_fit(const uint8_t *segment, size_t bytes)
{
    while (bytes >= 17) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16; i++)
            codes += segment[i];
        if (codes > TABLE_CODES || codes > bytes - 17)
            return false;
        segment += 17 + codes;
        bytes -= 17 + codes;
    }
    return bytes == 0;
}

/* Steps over segments by their lengths and over everything else byte by byte, as stb_image does, so that both see the same
 * tables. */
bool csg_jpeg_tables_fit(const uint8_t *data, size_t bytes)
{
    size_t at = 0;
    for (;;) {
        while (at < bytes && data[at] != 0xff)
            at++;
        while (at < bytes && data[at] == 0xff)
            at++;
        if (at == bytes)
            return true;
        unsigned marker = data[at++];
        if (marker == 0 || marker == MARKER_SOI || is_restart(marker))
            continue;
        if (marker == MARKER_EOI || bytes - at < 2)
            return true;
        size_t length = (size_t)data[at] << 8 | data[at + 1];
        if (length < 2 || length > bytes - at)
            return marker != MARKER_DHT; /* damaged, and found to be so before its pixels */
        if (marker == MARKER_DHT && !tables_fit(data + at + 2, length - 2))
            return false;
        at += length;
    }
}
