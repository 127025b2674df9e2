#include "report.h"

#include <stdio.h>

static json_t *texts_json(const struct csg_result *result)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < result->n_texts; i++) {
        const struct csg_text_result *text = result->texts + i;
        json_array_append_new(
            texts, json_pack("{s:o, s:o, s:o, s:o, s:o, s:[i, i], s:b}", "text", cli_json_string(text->text), "score",
                             cli_json_number((double)text->score), "raw_min", cli_json_number((double)text->raw_min), "raw_max",
                             cli_json_number((double)text->raw_max), "raw_mean", cli_json_number((double)text->raw_mean),
                             "peak_px", text->peak_x_px, text->peak_y_px, "constant", text->constant));
    }
    return texts;
}

static json_t *stages_json(const struct csg_result *result)
{
    json_t *stages = json_object();
    for (size_t i = 0; i < result->n_stages; i++)
        json_object_set_new(stages, result->stages[i].stage, cli_json_number(result->stages[i].ms));
    return stages;
}

static json_t *operators_json(const struct csg_op_stat *stats, size_t count)
{
    json_t *operators = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(operators,
                              json_pack("{s:s, s:I, s:o}", "op", stats[i].op, "launches", (json_int_t)stats[i].launches,
                                        "event_ms", cli_json_number(stats[i].event_ms)));
    return operators;
}

static json_t *files_json(char *const *files, size_t n_files)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n_files; i++)
        json_array_append_new(list, cli_json_string(files[i]));
    return list;
}

int cli_report_model(json_t **out, struct csg_engine *engine, struct csg_error *err)
{
    struct csg_engine_info info;
    const char *sha256;
    csg_engine_info(engine, &info);
    int status = csg_engine_model_sha256(engine, &sha256, err);
    if (status == CSG_OK)
        *out = json_pack("{s:o, s:o, s:s}", "name", cli_json_string(info.model_name), "path", cli_json_string(info.model_path),
                         "sha256", sha256);
    return status;
}

static json_t *device_json(struct csg_engine *engine)
{
    struct csg_engine_info info;
    csg_engine_info(engine, &info);
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:o}", "name", cli_json_string(info.device), "platform",
                     cli_json_string(info.platform), "driver", cli_json_string(info.driver), "class", info.device_class,
                     "precision", info.precision, "fallback_reason",
                     info.fallback_reason ? cli_json_string(info.fallback_reason) : json_null());
}

int cli_report_device(json_t **out, struct csg_engine *engine, struct csg_error *err)
{
    const struct csg_op_stat *stats;
    size_t n_stats;
    int status = csg_engine_stats(engine, &stats, &n_stats, err);
    if (status)
        return status;
    *out = device_json(engine);
    json_object_set_new(*out, "operators", operators_json(stats, n_stats));
    return CSG_OK;
}

int cli_report_engine(json_t **out, struct csg_engine *engine, struct csg_error *err)
{
    struct csg_engine_info info;
    const struct csg_op_stat *stats;
    size_t n_stats;
    json_t *model = NULL;
    csg_engine_info(engine, &info);
    int status = cli_report_model(&model, engine, err);
    if (status == CSG_OK)
        status = csg_engine_stats(engine, &stats, &n_stats, err);
    if (status == CSG_OK)
        *out = json_pack("{s:O, s:o, s:s, s:o}", "model", model, "device", device_json(engine), "precision_used", info.precision,
                         "operators", operators_json(stats, n_stats));
    json_decref(model);
    return status;
}

json_t *cli_report_result(const struct csg_result *result, char *const *files, size_t n_files)
{
    return json_pack("{s:s, s:s, s:s, s:[i, i], s:[i, i], s:i, s:i, s:o, s:o, s:o}", "method", result->method, "mode",
                     result->mode, "fit", result->fit, "size", result->input_width_px, result->input_height_px, "grid",
                     result->grid_w, result->grid_h, "first_block", (int)result->first_block, "set", (int)result->n_set, "texts",
                     texts_json(result), "stages_ms", stages_json(result), "files", files_json(files, n_files));
}

int cli_report_write(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                     const char *path, struct csg_error *err)
{
    json_t *document = NULL, *described = NULL;
    int status = csg_check_output(path, false, err);
    if (status == CSG_OK)
        status = cli_report_engine(&document, engine, err);
    if (status)
        return status;
    described = cli_report_result(result, files, n_files);
    json_object_update(document, described);
    json_decref(described);
    return cli_write_json(document, path, 9, err);
}

void cli_report_table(FILE *out, const struct csg_engine *engine, const struct csg_result *result, char *const *files,
                      size_t n_files)
{
    struct csg_engine_info info;
    csg_engine_info(engine, &info);
    fprintf(out, "%s on %s, %s, %s, feature surgery %s, %d x %d px (%d x %d patches)\n", info.model_name, info.device,
            info.precision, result->method, result->mode, result->input_width_px, result->input_height_px, result->grid_w,
            result->grid_h);
    fprintf(out, "%-24s %8s %10s %10s  %s\n", "text", "score", "raw min", "raw max", "peak (px)");
    for (size_t i = 0; i < result->n_texts; i++) {
        const struct csg_text_result *text = result->texts + i;
        char name[61];
        snprintf(name, sizeof name, "%s", text->text);
        fprintf(out, "%-24s %8.4f %10.5f %10.5f  %d,%d%s\n", cli_printable(name), (double)text->score, (double)text->raw_min,
                (double)text->raw_max, text->peak_x_px, text->peak_y_px, text->constant ? "  (constant: empty map)" : "");
    }
    for (size_t i = 0; i < n_files; i++)
        fprintf(out, "%s\n", files[i]);
}
