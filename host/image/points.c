/* Points on a picture. */
#include <string.h>

#include "image/image.h"

#define SHARE 100 /* of the shorter side: a point's radius */
#define LEAST_PX 3

static void dot(struct csg_image *image, const int point[2], int radius, const uint8_t rgb[3])
{
    static const uint8_t white[3] = {255, 255, 255};
    int rim = radius + (radius + 2) / 3;
    for (int dy = -rim; dy <= rim; dy++) {
        for (int dx = -rim; dx <= rim; dx++) {
            int x = point[0] + dx, y = point[1] + dy, away = dx * dx + dy * dy;
            if (away <= rim * rim && x >= 0 && y >= 0 && x < image->width_px && y < image->height_px)
                memcpy(image->rgb + ((size_t)y * (size_t)image->width_px + (size_t)x) * 3, away <= radius * radius ? rgb : white,
                       3);
        }
    }
}

int csg_draw_points(const struct csg_image *image, const int (*points)[2], const uint8_t *labels, size_t count,
                    struct csg_image **out, struct csg_error *err)
{
    static const uint8_t positive[3] = {46, 160, 67}, negative[3] = {207, 52, 46};
    int shorter = image->width_px < image->height_px ? image->width_px : image->height_px;
    int radius = shorter / SHARE > LEAST_PX ? shorter / SHARE : LEAST_PX;
    struct csg_image *picture = NULL;
    *out = NULL;
    int status = csg_image_create(&picture, image->width_px, image->height_px, err);
    if (status)
        return status;
    memcpy(picture->rgb, image->rgb, (size_t)image->width_px * (size_t)image->height_px * 3);
    for (size_t i = 0; i < count; i++)
        if (points[i][0] >= 0 && points[i][1] >= 0 && points[i][0] < image->width_px && points[i][1] < image->height_px)
            dot(picture, points[i], radius, labels[i] ? positive : negative);
    *out = picture;
    return CSG_OK;
}
