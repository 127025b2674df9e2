#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* One line for each tenth of a file that arrives. */
struct watcher {
    bool quiet;
    char file[128];
    int tenths;
};

static void on_progress(void *user, const char *file, uint64_t done, uint64_t total, double rate)
{
    struct watcher *w = user;
    if (w->quiet || !total)
        return;
    if (strncmp(w->file, file, sizeof w->file - 1) != 0) {
        snprintf(w->file, sizeof w->file, "%s", file);
        w->tenths = -1;
    }
    int tenths = (int)(done * 10 / total);
    if (tenths == w->tenths)
        return;
    w->tenths = tenths;
    double left_s = rate > 0 ? (double)(total - done) / rate : 0.0;
    cli_say("%s: %d %% of %.1f MB, %.1f MB/s, %d:%02d left", file, tenths * 10, (double)total / 1e6, rate / 1e6,
            (int)(left_s / 60), (int)left_s % 60);
}

static int list(const struct cli_args *args, struct csg_error *err)
{
    struct csg_model_row *rows;
    size_t count;
    int status = csg_models_list(&rows, &count, err);
    if (status)
        return status;
    if (args->json) {
        json_t *all = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:I, s:i, s:b, s:o}", "name", rows[i].name, "source",
                                                 rows[i].source, "licence", rows[i].licence, "bytes", (json_int_t)rows[i].bytes,
                                                 "image_size_px", rows[i].image_size_px, "present", rows[i].path[0] != 0, "path",
                                                 rows[i].path[0] ? cli_json_string(rows[i].path) : json_null()));
        status = cli_print_json(json_pack("{s:o}", "models", all), err);
    } else {
        puts("  name            pixels  about     licence  from");
        for (size_t i = 0; i < count; i++)
            printf("%c %-15s %6d  %5.0f MB  %-7s  %s\n", rows[i].path[0] ? '*' : ' ', rows[i].name, rows[i].image_size_px,
                   (double)rows[i].bytes / 1e6, rows[i].licence, rows[i].path[0] ? rows[i].path : rows[i].source);
        puts("\n* is here. `clip-surgeon model pull NAME` fetches one; then -m NAME uses it. Any other model of CLIP's kind on "
             "the\n"
             "hub is pulled and used as hf:OWNER/REPO.");
    }
    csg_models_free(&rows);
    return status;
}

static int info(const struct cli_args *args, const char *name, struct csg_error *err)
{
    struct csg_model_info m;
    int status = csg_model_info(name, &m, err);
    if (status)
        return status;
    if (args->json)
        return cli_print_json(
            json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, "
                      "s:[f,f,f], s:[f,f,f], s:f, s:s, s:[i,i,i,i]}",
                      "path", cli_json_string(m.path), "weights", cli_json_string(m.weights), "bytes", (json_int_t)m.bytes,
                      "parameters", (json_int_t)m.parameters, "f32_bytes", (json_int_t)m.f32_bytes, "f16_bytes",
                      (json_int_t)m.f16_bytes, "bf16_bytes", (json_int_t)m.bf16_bytes, "sha256", m.sha256, "quick_gelu",
                      m.quick_gelu, "image_size_px", m.image_size_px, "patch_px", m.patch_px, "layers", (int)m.layers, "width",
                      (int)m.width, "heads", (int)m.heads, "mlp_width", (int)m.mlp_width, "text_layers", (int)m.text_layers,
                      "text_width", (int)m.text_width, "text_heads", (int)m.text_heads, "context", (int)m.context, "vocab",
                      (int)m.vocab, "embed_dim", (int)m.embed_dim, "mean", (double)m.mean[0], (double)m.mean[1],
                      (double)m.mean[2], "std", (double)m.std[0], (double)m.std[1], (double)m.std[2], "logit_scale",
                      (double)m.logit_scale, "architecture", m.architecture, "stages", (int)m.stages[0], (int)m.stages[1],
                      (int)m.stages[2], (int)m.stages[3]),
            err);
    char tower[200];
    if (m.stages[0])
        snprintf(tower, sizeof tower, "%s of %zu, %zu, %zu and %zu blocks, an attention pool of %zu, %zu heads", m.architecture,
                 m.stages[0], m.stages[1], m.stages[2], m.stages[3], m.width, m.heads);
    else
        snprintf(tower, sizeof tower, "%zu blocks of %zu, %zu heads, MLP of %zu", m.layers, m.width, m.heads, m.mlp_width);
    printf("%s\n  weights     %s, %.1f MB\n  sha256      %s\n  picture     %d px in patches of %d, mean %g %g %g, std %g %g %g\n"
           "  image tower %s\n  text tower  %zu blocks of %zu, %zu heads, %zu places, %zu "
           "tokens\n"
           "  embedding   %zu, logits %.4g times the cosine\n  activation  %s\n  parameters  %.1f million; on the device %.0f MB "
           "in f32, %.0f MB in f16, %.0f "
           "MB in bf16\n",
           m.path, m.weights, (double)m.bytes / 1e6, m.sha256, m.image_size_px, m.patch_px, (double)m.mean[0], (double)m.mean[1],
           (double)m.mean[2], (double)m.std[0], (double)m.std[1], (double)m.std[2], tower, m.text_layers, m.text_width,
           m.text_heads, m.context, m.vocab, m.embed_dim, (double)m.logit_scale, m.quick_gelu ? "QuickGELU" : "GELU",
           (double)m.parameters / 1e6, (double)m.f32_bytes / 1e6, (double)m.f16_bytes / 1e6, (double)m.bf16_bytes / 1e6);
    return CSG_OK;
}

static int pull(const struct cli_args *args, const char *name, struct csg_error *err)
{
    struct watcher watcher = {.quiet = args->quiet, .tenths = -1};
    char path[4096];
    int status = csg_model_pull(name, on_progress, &watcher, path, sizeof path, err);
    if (status)
        return status;
    return args->json ? cli_print_json(json_pack("{s:o}", "path", cli_json_string(path)), err)
                      : (puts(path) == EOF ? cli_fail(err, CSG_ERROR, "standard output cannot be written") : CSG_OK);
}

static int remove_one(const struct cli_args *args, const char *name, struct csg_error *err)
{
    int status = csg_model_remove(name, err);
    if (!status && !args->quiet)
        cli_say("%s is removed", name);
    return status;
}

/* The one table of what `model` can do. */
static const struct {
    const char *name;
    int (*with)(const struct cli_args *args, const char *name, struct csg_error *err); /* or */
    int (*without)(const struct cli_args *args, struct csg_error *err);
} verbs[] = {{"list", NULL, list}, {"info", info, NULL}, {"pull", pull, NULL}, {"rm", remove_one, NULL}};

int cli_model(const struct cli_args *args, struct csg_error *err)
{
    const char *verb = args->n_words ? args->words[0] : "list";
    size_t given = args->n_words > 1 ? args->n_words - 1 : 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t wanted = verbs[i].with ? 1 : 0;
        if (strcmp(verb, verbs[i].name) != 0)
            continue;
        if (given != wanted)
            return cli_fail(err, CSG_ERROR_USAGE, "model %s takes %s, but got %zu words", verb, wanted ? "one name" : "no name",
                            given);
        return wanted ? verbs[i].with(args, args->words[1], err) : verbs[i].without(args, err);
    }
    return cli_fail(err, CSG_ERROR_USAGE, "model has no verb '%s': it has list, info, pull and rm", verb);
}
