/* Decoders of one family of formats each, from memory; and what they share. Inside host/image and its tests only. */
#ifndef CSG_IMAGE_DECODE_H
#define CSG_IMAGE_DECODE_H

#include "image/image.h"

/* CSG_ERROR_INPUT where a side is below 1 or the area above CSG_MAX_PIXELS; before anything is allocated. */
int csg_image_check_size(long long width_px, long long height_px, const char *name, struct csg_error *err);

/* libjpeg-turbo with Pillow's settings. Without libjpeg (CSG_HAVE_LIBJPEG) it is not there. */
int csg_decode_jpeg(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err);
/* stb_image: every other format of the public header, and JPEG. */
int csg_decode_stb(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err);

/* No Huffman table of the JPEG has more codes than there are bytes; csg_decode_stb asks this itself. */
bool csg_jpeg_tables_fit(const uint8_t *data, size_t bytes);

bool csg_is_pnm(const uint8_t *data, size_t bytes);
int csg_decode_pnm(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err);

/* Walks the chunks of a PNG and compares their checksums, which stb_image does not. exif: the place of the eXIf chunk's
 * data, or NULL. */
int csg_png_check(const uint8_t *data, size_t bytes, const uint8_t **exif, size_t *exif_bytes, const char *name,
                  struct csg_error *err);

/* The orientation tag, 1..8, of a TIFF structure; 1 where it is absent or the structure is damaged: a picture is not
 * refused for its metadata. */
int csg_exif_orientation(const uint8_t *tiff, size_t bytes);
/* The same, of a JPEG file's APP1 segment. */
int csg_jpeg_orientation(const uint8_t *data, size_t bytes);
/* Turns and mirrors *image so that it stands upright. */
int csg_image_orient(struct csg_image **image, int orientation, struct csg_error *err);

#endif
