/* Every row of the method table against its golden, through the public header alone:
 *
 *     test_methods DEVICE MODELS GOLDEN_ROOT CASE...
 *
 * CASE/NAME.npy is [patches, labels]: raw values, before min-max. A method without one fails: it is not to be in the table.
 * CASE/../pamr_arch_eighth.npy is [pixels / 8, labels]: every eighth pixel of the refined maps; CASE/../windows_arch.npy is of the picture
 * at 208 x 160 in windows of 112 every 48, CASE/../pyramid_surgery.npy of 144 x 112, 192 x 144 and 240 x 176 together. The score of a text is
 * CLIP's own, whatever the method makes of the patches.
 * DEVICE is a device SPEC, or "best". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_case.h"

/* Of the map's range. */
#define LIMIT 1e-4

/* The largest error over all texts in units of the golden's own range, at every step-th value of a map; infinite where shapes differ. */
static double error_of(const struct csg_result *result, const struct npy *want, size_t step)
{
    size_t cells = (size_t)result->map_w * (size_t)result->map_h, n = result->n_texts;
    double worst = 0;
    if (want->n_dims != 2 || want->dims[0] != (cells + step - 1) / step || want->dims[1] != n)
        return INFINITY;
    for (size_t t = 0; t < n; t++) {
        double low = INFINITY, high = -INFINITY, error = 0;
        for (size_t i = 0; i < cells; i += step) {
            double x = (double)want->data[i / step * n + t], d = fabs((double)result->similarity[t * cells + i] - x);
            low = fmin(low, x);
            high = fmax(high, x);
            error = d <= error ? error : isnan(d) ? INFINITY : d;
        }
        worst = fmax(worst, error / (high - low));
    }
    return worst;
}

/* The largest difference of two results' scores. */
static double scores_apart(const struct csg_result *a, const struct csg_result *b)
{
    double apart = 0;
    for (size_t t = 0; t < a->n_texts; t++)
        apart = fmax(apart, fabs((double)a->texts[t].score - (double)b->texts[t].score));
    return apart;
}

/* One golden file, against what the parameters give; the result too, where it is wanted. */
static int check_file(struct csg_engine *engine, const struct golden_case *golden, const char *file, struct csg_map_params params,
                      size_t step, struct csg_result **kept)
{
    struct csg_error err = {0};
    struct csg_result *result = NULL;
    struct npy want = npy_read(golden_path(golden, file));
    if (!want.data) {
        printf("FAILED there is no %s\n", golden_path(golden, file));
        return 1;
    }
    params.fit = params.fit ? params.fit : golden->fit;
    params.size_px = params.size_px ? params.size_px : golden->size_px;
    int status = csg_map(engine, golden->picture, golden->labels, golden->n_labels, &params, &result, &err);
    double error = status == CSG_OK ? error_of(result, &want, step) : INFINITY;
    bool held = error <= LIMIT;
    printf("%s %-10s %-24s error %.2e of the range, limit %.0e%s%s\n", held ? "ok    " : "FAILED", golden->name, file, error,
           LIMIT, status ? ": " : "", status ? err.sentence : "");
    if (kept)
        *kept = result;
    else
        csg_result_destroy(&result);
    npy_free(&want);
    return !held;
}

/* `single` alone makes another CLS, that is its point. */
static int check_method(struct csg_engine *engine, const struct golden_case *golden, const char *method,
                        const struct csg_result *raw)
{
    char file[256];
    struct csg_result *result = NULL;
    snprintf(file, sizeof file, "%s.npy", method);
    int failed = check_file(engine, golden, file, (struct csg_map_params){.method = method}, 1, &result);
    if (result && (scores_apart(result, raw) > 1e-5) != (strcmp(method, "single") == 0)) {
        printf("FAILED the scores of %s are %.2e from raw's\n", method, scores_apart(result, raw));
        failed++;
    }
    csg_result_destroy(&result);
    return failed;
}

static int check_case(const char *device, const char *models, const char *root, const char *name)
{
    struct csg_error err = {0};
    struct csg_engine *engine = NULL;
    struct golden_case *golden = golden_open(root, name);
    int failed = !golden;
    if (golden) {
        char model[4096];
        snprintf(model, sizeof model, "%s/%s", models, golden_model(golden));
        const struct csg_engine_params params = {.model = model, .device = device, .cache_dir = ""};
        if (csg_engine_create(&engine, &params, &err) != CSG_OK) {
            printf("FAILED %s: %s\n", name, err.sentence);
            failed = 1;
        }
    }
    struct csg_result *raw = NULL;
    if (engine)
        failed += check_file(engine, golden, "raw.npy", (struct csg_map_params){.method = "raw"}, 1, &raw);
    for (size_t i = 0; raw && csg_method_name(i); i++)
        if (csg_method_fits(engine, i))
            failed += check_method(engine, golden, csg_method_name(i), raw);
    csg_result_destroy(&raw);
    const struct csg_map_params refined = {.method = "arch", .refine = "pamr"};
    const struct csg_map_params windows = {.method = "arch", .fit = "aspect", .size_px = 160, .window_px = 112, .stride_px = 48};
    const struct csg_map_params pyramid = {.fit = "aspect", .size_px = 176, .pyramid = 3};
    if (engine)
        failed += check_file(engine, golden, "../pyramid_surgery.npy", pyramid, 1, NULL) +
                  check_file(engine, golden, "../pamr_arch_eighth.npy", refined, 8, NULL) +
                  check_file(engine, golden, "../windows_arch.npy", windows, 1, NULL);
    csg_engine_destroy(&engine);
    golden_close(&golden);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: test_methods DEVICE MODELS GOLDEN_ROOT CASE...\n");
        return 2;
    }
    int failed = 0;
    for (int i = 4; i < argc; i++)
        failed += check_case(strcmp(argv[1], "best") == 0 ? NULL : argv[1], argv[2], argv[3], argv[i]);
    return failed ? 1 : 0;
}
