#include "task/segment.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "task/map.h"

/* Class by class, so that no more than one upsampled map is in memory: sum is that of exp(scale * (s - best)) so far. */
static void add_class(const float *map, size_t pixels, size_t class_, double scale, float *best, float *sum, uint16_t *index)
{
    for (size_t i = 0; i < pixels; i++) {
        if (class_ == 0 || map[i] > best[i]) {
            float down = class_ ? expf((float)scale * (best[i] - map[i])) : 0.0f;
            sum[i] = sum[i] * down + 1;
            best[i] = map[i];
            index[i] = (uint16_t)(class_ + 1);
        } else {
            sum[i] += expf((float)scale * (map[i] - best[i]));
        }
    }
}

int csg_task_segment(struct csg_backend *backend, const float *similarity, size_t n, size_t grid_w, size_t grid_h, size_t w,
                     size_t h, double scale, double background, uint16_t *index, struct csg_error *err)
{
    size_t pixels = w * h;
    float *map = csg_calloc(pixels, sizeof *map), *best = csg_calloc(pixels, sizeof *best);
    float *sum = csg_calloc(pixels, sizeof *sum);
    int status = map && best && sum ? CSG_OK : csg_fail_memory(err);
    for (size_t c = 0; status == CSG_OK && c < n; c++) {
        status = csg_task_bilinear(backend, similarity + c * grid_w * grid_h, 1, grid_w, grid_h, map, w, h, err);
        if (status == CSG_OK)
            add_class(map, pixels, c, scale, best, sum, index);
    }
    for (size_t i = 0; status == CSG_OK && i < pixels; i++)
        if (!(1 / (double)sum[i] >= background))
            index[i] = 0;
    free(map);
    free(best);
    free(sum);
    return status;
}
