#include <stdlib.h>

#include "api/device.h"
#include "image/caption.h"

/* What the blend works on, on the backend. */
struct layers {
    struct csg_buffer *image, *grid, *map;
    struct csg_buffer *table; /* the backend's */
};

static void free_layers(struct layers *layers)
{
    csg_buffer_destroy(&layers->image);
    csg_buffer_destroy(&layers->grid);
    csg_buffer_destroy(&layers->map);
}

static int upload(struct layers *layers, struct csg_backend *backend, const struct csg_result *result,
                  const struct csg_image *image, size_t text, const struct csg_colormap *map, struct csg_error *err)
{
    size_t cells = (size_t)image->width_px * (size_t)image->height_px;
    size_t grid = (size_t)result->map_w * (size_t)result->map_h;
    int status = csg_buffer_from(backend, image->rgb, 3 * cells, &layers->image, err);
    if (status == CSG_OK)
        status = csg_buffer_constant(backend, map->rgb, 256 * 3, &layers->table, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, result->grid_map + text * grid, grid * sizeof(float), &layers->grid, err);
    return status ? status : csg_buffer_create(backend, cells * sizeof(float), &layers->map, err);
}

/* Upsampling, colour map and blend on the device; one download. */
static int blend(struct csg_backend *backend, const struct csg_result *result, const struct csg_image *image, size_t text,
                 const struct csg_colormap *map, float opacity, struct csg_image *out, struct csg_error *err)
{
    struct layers layers = {0};
    size_t cells = (size_t)image->width_px * (size_t)image->height_px;
    int status = upload(&layers, backend, result, image, text, map, err);
    if (status == CSG_OK) {
        const struct csg_bilinear_args args = {.in = csg_view(layers.grid, 0),
                                               .out = csg_view(layers.map, 0),
                                               .n = 1,
                                               .in_w = (size_t)result->map_w,
                                               .in_h = (size_t)result->map_h,
                                               .out_w = (size_t)image->width_px,
                                               .out_h = (size_t)image->height_px};
        status = csg_bilinear(backend, &args, err);
    }
    if (status == CSG_OK) {
        const struct csg_blend_args args = {.image = csg_view(layers.image, 0),
                                            .map = csg_view(layers.map, 0),
                                            .table = csg_view(layers.table, 0),
                                            .out = csg_view(layers.image, 0),
                                            .cells = cells,
                                            .opacity = opacity};
        status = csg_blend(backend, &args, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_read(layers.image, 0, out->rgb, 3 * cells, err);
    free_layers(&layers);
    return status;
}

static int add_legend(struct csg_image **picture, const struct csg_text_result *text, const struct csg_colormap *map,
                      struct csg_error *err)
{
    struct csg_image *with_legend = NULL;
    int status = csg_legend_draw(&with_legend, *picture, text->text, map, text->raw_min, text->raw_max, err);
    csg_image_destroy(picture);
    *picture = with_legend;
    return status;
}

bool csg_colormap_known(const char *name)
{
    const struct csg_colormap *map;
    return csg_colormap_find(&map, name, NULL) == CSG_OK;
}

const uint8_t *csg_colormap_rgb(const char *name)
{
    const struct csg_colormap *map;
    return csg_colormap_find(&map, name, NULL) == CSG_OK ? map->rgb[0] : NULL;
}

int csg_draw_overlay(struct csg_engine *engine, const struct csg_result *result, const struct csg_image *image, size_t text,
                     const struct csg_draw_params *params, struct csg_image **out, struct csg_error *err)
{
    static const struct csg_draw_params defaults = {0};
    const struct csg_colormap *map = NULL;
    *out = NULL;
    if (!params)
        params = &defaults;
    double opacity = params->opacity < 0 ? 0 : params->opacity > 0 ? params->opacity : 0.6;
    if (text >= result->n_texts)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no text %zu in a result of %zu", text, result->n_texts);
    if (!(opacity <= 1))
        return csg_fail(err, CSG_ERROR_USAGE, "the opacity %g is not between 0 and 1", params->opacity);
    struct csg_image *picture = NULL;
    int status = csg_colormap_find(&map, params->colormap, err);
    if (status == CSG_OK)
        status = csg_image_create(&picture, image->width_px, image->height_px, err);
    if (status == CSG_OK)
        do
            status = blend(engine->backend, result, image, text, map, (float)opacity, picture, err);
        while (csg_engine_moves(engine, &status, err));
    if (status == CSG_OK && params->legend)
        status = add_legend(&picture, result->texts + text, map, err);
    if (status) {
        csg_image_destroy(&picture);
        return csg_engine_end(engine, status);
    }
    *out = picture;
    return CSG_OK;
}
