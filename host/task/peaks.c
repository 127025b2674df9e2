#include "task/peaks.h"

#include "base/mem.h"

/* Of finished maps at a time: no more than a device can do without, and room for several that are small. */
#define PIECE_BYTES ((size_t)16 << 20)

int csg_task_peaks(struct csg_backend *backend, struct csg_view maps, size_t n, size_t in_w, size_t in_h, size_t out_w,
                   size_t out_h, struct csg_view peaks, struct csg_error *err)
{
    struct csg_buffer *finished = NULL;
    size_t pixels = out_w * out_h, at_once = PIECE_BYTES / sizeof(float) / pixels;
    at_once = at_once == 0 ? 1 : at_once > n ? n : at_once;
    int status = csg_buffer_create(backend, at_once * pixels * sizeof(float), &finished, err);
    for (size_t from = 0; status == CSG_OK && from < n; from += at_once) {
        size_t count = n - from < at_once ? n - from : at_once;
        const struct csg_bilinear_args resize = {.in = csg_view(maps.buffer, maps.at + from * in_w * in_h),
                                                 .out = csg_view(finished, 0),
                                                 .n = count,
                                                 .in_w = in_w,
                                                 .in_h = in_h,
                                                 .out_w = out_w,
                                                 .out_h = out_h};
        const struct csg_peak_args peak = {
            .in = resize.out, .out = csg_view(peaks.buffer, peaks.at + 2 * from), .n = count, .w = out_w, .h = out_h};
        status = csg_bilinear(backend, &resize, err);
        if (status == CSG_OK)
            status = csg_peak(backend, &peak, err);
    }
    csg_buffer_destroy(&finished);
    return status;
}
