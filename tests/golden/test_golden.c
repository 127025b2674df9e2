/* The library against the goldens, through the public header alone:
 *
 *     test_golden DEVICE[,PRECISION] MODELS GOLDEN_ROOT CASE...
 *
 * DEVICE is a device SPEC, or "best". The largest error of every figure is printed, held or not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"

/* What a precision is held to: r >= 0.999 and 3 % of a map's own range in 16 bits, a hundred times that in f32. A feature of length 1 is off
 * by its map's error at most, and where a map is steep a pixel changes sides; peaks, points and drawings are compared in f32 alone. */
static const struct limits {
    const char *precision;
    double feature;    /* absolute; features have length 1 */
    double similarity; /* of the map's own range */
    double pearson;    /* at least */
    double map;        /* absolute; a finished map is 0..1 */
    double side;       /* share of pixels on another side of the threshold */
    bool exact;        /* the same peaks, points and drawings */
} precisions[] = {{"f32", 1e-4, 1e-3, 0.99999, 2e-3, 2e-4, true},
                  {"f16", 3e-2, 3e-2, 0.999, 3e-2, 2e-2, false},
                  {"bf16", 3e-2, 3e-2, 0.999, 3e-2, 2e-2, false}};
/* Share of the drawing's bytes that may be more than 1 level off: a map that is off by e moves up to 2 * 255 e of its values across a
 * step of the colour table, 3e-3 for the 6e-6 measured. */
#define OVERLAY_LIMIT 5e-4

static const struct limits *limits = precisions;
static const char *device, *models, *root;
static struct golden_case *golden;
/* Cases of one model share its engine: weights go to the device once. */
static struct csg_engine *engine;
static char engine_model[4096];

static void log_warning(void *user, enum csg_log_level level, const char *message)
{
    (void)user;
    if (level == CSG_LOG_WARNING)
        print_message("warning: %s\n", message);
}

static void require(int status, const struct csg_error *err)
{
    if (status != CSG_OK)
        fail_msg("%s: status %d, %s", golden ? golden->name : "no case", status, err->sentence);
}

static int open_case(void **state)
{
    struct csg_error err = {0};
    golden = golden_open(root, *state);
    if (!golden)
        return -1;
    char model[sizeof engine_model];
    snprintf(model, sizeof model, "%s/%s", models, golden_model(golden));
    if (engine && strcmp(model, engine_model) == 0)
        return 0;
    csg_engine_destroy(&engine);
    strcpy(engine_model, model);
    const struct csg_engine_params params = {
        .model = model, .device = device, .precision = limits->precision, .cache_dir = "", .log = log_warning};
    if (csg_engine_create(&engine, &params, &err) == CSG_OK)
        return 0;
    print_error("%s: %s\n", golden->name, err.sentence);
    return -1;
}

static int close_case(void **state)
{
    (void)state;
    golden_close(&golden);
    return 0;
}

static struct npy read_figure(const char *name, size_t n_dims)
{
    struct npy npy = npy_read(golden_path(golden, name));
    if (!npy.data || npy.n_dims != n_dims)
        fail_msg("%s is missing, damaged or of another shape", golden_path(golden, name));
    return npy;
}

/* NaN is an error without bound. */
static double larger(double worst, double error)
{
    return error <= worst ? worst : isnan(error) ? INFINITY : error;
}

static void report(const char *what, double error, double limit)
{
    print_message("  %-18s %-34s error %.2e, limit %.0e\n", golden->name, what, error, limit);
    if (!(error <= limit))
        fail_msg("%s: %s is off by %.3e, more than %.0e", golden->name, what, error, limit);
}

static struct csg_result *map_all(const char *const *texts, size_t n_texts, const char *method, const char *redundant)
{
    struct csg_error err = {0};
    struct csg_result *result = NULL;
    const struct csg_map_params params = {.method = method,
                                          .redundant = redundant,
                                          .fit = golden->fit,
                                          .size_px = golden->size_px,
                                          .first_block = golden->first_block};
    require(csg_map(engine, golden->picture, texts, n_texts, &params, &result, &err), &err);
    assert_string_equal(result->method, method);
    assert_int_equal(result->n_texts, n_texts);
    assert_int_equal(result->image_width_px, csg_image_width_px(golden->picture));
    assert_int_equal(result->image_height_px, csg_image_height_px(golden->picture));
    return result;
}

static void check_features(const char *file, const char *const *texts, size_t n_texts, size_t n_dims)
{
    struct csg_error err = {0};
    struct npy want = read_figure(file, n_dims);
    float *got = malloc(want.elements * sizeof *got);
    struct csg_engine_info info;
    double worst = 0;
    assert_non_null(got);
    csg_engine_info(engine, &info);
    assert_int_equal(want.elements, n_texts * info.embed_dim);
    require(csg_embed_texts(engine, texts, n_texts, got, &err), &err);
    for (size_t i = 0; i < want.elements; i++)
        worst = larger(worst, fabs((double)got[i] - (double)want.data[i]));
    free(got);
    npy_free(&want);
    report(file, worst, limits->feature);
}

static void check_tokens(const char *file, const struct csg_result *result)
{
    struct npy want = read_figure(file, 2);
    size_t step = golden->token_step, rows = 1 + (size_t)result->grid_w * (size_t)result->grid_h;
    double worst = 0;
    assert_int_equal(want.dims[0], (rows + step - 1) / step);
    assert_int_equal(want.dims[1], result->embed_dim);
    for (size_t i = 0; i < want.elements; i++) {
        size_t row = i / want.dims[1] * step, column = i % want.dims[1];
        worst = larger(worst, fabs((double)result->tokens[row * result->embed_dim + column] - (double)want.data[i]));
    }
    npy_free(&want);
    report(file, worst, limits->feature);
}

/* One text: the largest error in units of the golden's range, and 1 - r. `want` stands `stride` apart. */
static void compare_map(const float *got, const float *want, size_t stride, size_t cells, double *error, double *correlation)
{
    double low = INFINITY, high = -INFINITY, worst = 0, x_mean = 0, y_mean = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < cells; i++) {
        double x = (double)want[i * stride], y = (double)got[i];
        low = fmin(low, x);
        high = fmax(high, x);
        worst = larger(worst, fabs(x - y));
        x_mean += x / (double)cells;
        y_mean += y / (double)cells;
    }
    for (size_t i = 0; i < cells; i++) {
        double x = (double)want[i * stride] - x_mean, y = (double)got[i] - y_mean;
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    *error = larger(*error, worst / (high - low));
    *correlation = larger(*correlation, 1 - xy / sqrt(xx * yy));
}

static void check_ranges(const struct csg_result *result)
{
    size_t cells = (size_t)result->grid_w * (size_t)result->grid_h;
    for (size_t t = 0; t < result->n_texts; t++) {
        float low = INFINITY, high = -INFINITY;
        double sum = 0;
        for (size_t i = 0; i < cells; i++) {
            float s = result->similarity[t * cells + i];
            low = fminf(low, s);
            high = fmaxf(high, s);
            sum += (double)s;
        }
        assert_true(result->texts[t].raw_min == low && result->texts[t].raw_max == high);
        assert_true(fabs((double)result->texts[t].raw_mean - sum / (double)cells) <= 1e-6);
        assert_false(result->texts[t].constant);
        for (size_t i = 0; i < cells; i++) {
            double want = ((double)result->similarity[t * cells + i] - (double)low) / ((double)high - (double)low);
            assert_true(fabs((double)result->grid_map[t * cells + i] - want) <= 1e-5);
        }
    }
}

static void check_similarity(const char *file, const struct csg_result *result, const char *mode)
{
    struct npy want = read_figure(file, 2);
    size_t cells = (size_t)result->grid_w * (size_t)result->grid_h;
    double error = 0, correlation = 0;
    assert_string_equal(result->mode, mode);
    assert_int_equal(want.dims[0], cells + 1);
    assert_int_equal(want.dims[1], result->n_texts);
    for (size_t t = 0; t < result->n_texts; t++)
        compare_map(result->similarity + t * cells, want.data + result->n_texts + t, result->n_texts, cells, &error,
                    &correlation);
    npy_free(&want);
    check_ranges(result);
    report(file, error, limits->similarity);
    report("  1 - Pearson's r", correlation, 1 - limits->pearson);
}

/* Row 0 of the similarities without feature surgery is the score of each text. */
static void check_scores(const char *file, const struct csg_result *result)
{
    struct npy want = read_figure(file, 2);
    double worst = 0;
    for (size_t t = 0; t < result->n_texts; t++)
        worst = larger(worst, fabs((double)result->texts[t].score - (double)want.data[t]));
    npy_free(&want);
    report("scores", worst, limits->feature);
}

/* What a user sees of all errors together: how alike the finished map and the published one are, and how many pixels change sides at the
 * threshold that points are made with. */
static void check_what_a_user_sees(const struct csg_result *result, const struct npy *want, const float *map)
{
    size_t w = (size_t)result->image_width_px, other = 0;
    double error = 0, correlation = 0;
    float *quarter = malloc(want->elements * sizeof *quarter);
    assert_non_null(quarter);
    for (size_t i = 0; i < want->elements; i++) {
        quarter[i] = map[i / want->dims[1] * 4 * w + i % want->dims[1] * 4];
        other += (quarter[i] >= 0.8f) != (want->data[i] >= 0.8f);
    }
    compare_map(quarter, want->data, 1, want->elements, &error, &correlation);
    free(quarter);
    double share = (double)other / (double)want->elements;
    print_message("  %-18s user's figures (%s): 1 - r %.1e of the finished map, %.3f %% of its pixels on another side of 0.8\n",
                  golden->name, limits->precision, correlation, 100 * share);
    report("  finished map: 1 - Pearson's r", correlation, 1 - limits->pearson);
    report("  on another side of the threshold", share, limits->side);
}

static void check_map(const struct csg_result *result)
{
    struct csg_error err = {0};
    struct npy want = read_figure("map_first_label_quarter.npy", 2);
    size_t w = (size_t)result->image_width_px, h = (size_t)result->image_height_px, peak = 0;
    float *map = malloc(w * h * sizeof *map);
    double worst = 0;
    assert_non_null(map);
    require(csg_result_map(engine, result, 0, 0, 0, map, &err), &err);
    assert_int_equal(want.dims[0], (h + 3) / 4);
    assert_int_equal(want.dims[1], (w + 3) / 4);
    for (size_t i = 0; i < want.elements; i++) {
        size_t y = i / want.dims[1] * 4, x = i % want.dims[1] * 4;
        worst = larger(worst, fabs((double)map[y * w + x] - (double)want.data[i]));
    }
    for (size_t i = 0; i < w * h; i++)
        if (map[i] > map[peak])
            peak = i;
    if (limits->exact) {
        assert_int_equal(result->texts[0].peak_x_px, peak % w);
        assert_int_equal(result->texts[0].peak_y_px, peak / w);
    }
    check_what_a_user_sees(result, &want, map);
    free(map);
    npy_free(&want);
    report("map_first_label_quarter.npy", worst, limits->map);
}

static void check_points(struct csg_result *result, size_t text, const json_t *want)
{
    struct csg_error err = {0};
    const int(*points)[2] = NULL;
    const uint8_t *labels = NULL;
    size_t count = 0;
    json_t *want_points = json_object_get(want, "points"), *want_labels = json_object_get(want, "labels");
    require(csg_result_points(engine, result, text, 0, &points, &labels, &count, &err), &err);
    assert_true(json_array_size(want_points) > 0);
    assert_int_equal(count, json_array_size(want_points));
    for (size_t i = 0; i < count; i++) {
        json_t *point = json_array_get(want_points, i);
        assert_int_equal(points[i][0], json_integer_value(json_array_get(point, 0)));
        assert_int_equal(points[i][1], json_integer_value(json_array_get(point, 1)));
        assert_int_equal(labels[i], json_integer_value(json_array_get(want_labels, i)));
    }
}

static void check_all_points(struct csg_result *result)
{
    json_t *points = json_object_get(golden->about, "points");
    if (!limits->exact)
        return;
    for (size_t t = 0; t < golden->n_labels; t++)
        check_points(result, t, json_object_get(points, golden->labels[t]));
    print_message("  %-18s points of %zu texts are the same\n", golden->name, golden->n_labels);
}

static void check_combined(void)
{
    json_t *combined = json_object_get(golden->about, "combined");
    const char *const text[] = {json_string_value(json_object_get(combined, "text"))};
    static const char *const ways[] = {"empty", NULL}; /* one a+b alone takes the empty text by itself */
    struct npy want = read_figure("combined_sm_mean.npy", 1);
    double error = 0, correlation = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct csg_result *result = map_all(text, 1, "surgery", ways[i]);
        assert_string_equal(result->mode, "empty");
        assert_int_equal(want.elements, (size_t)result->grid_w * (size_t)result->grid_h);
        compare_map(result->similarity, want.data, 1, want.elements, &error, &correlation);
        check_ranges(result);
        if (limits->exact)
            check_points(result, 0, combined);
        csg_result_destroy(&result);
    }
    npy_free(&want);
    report("combined_sm_mean.npy", error, limits->similarity);
    report("  1 - Pearson's r", correlation, 1 - limits->pearson);
}

/* The colour is that of floor(255 * map): where 255 * map lies within MARGIN of an integer, rounding decides which of two neighbours in
 * the table it is, 4 levels apart at most in JET, of which 0.6 are drawn. Everywhere else 1 level is allowed. */
#define MARGIN 0.01
static void check_overlay(const struct csg_result *result)
{
    struct csg_error err = {0};
    struct csg_image *want = NULL, *got = NULL;
    const struct csg_draw_params params = {.colormap = "jet", .opacity = 0.6};
    size_t pixels = (size_t)result->image_width_px * (size_t)result->image_height_px;
    float *map = malloc(pixels * sizeof *map);
    size_t others = 0;
    int worst = 0, worst_near = 0;
    assert_non_null(map);
    require(csg_image_load(&want, golden_path(golden, "overlay_jet_first_label.png"), &err), &err);
    require(csg_draw_overlay(engine, result, golden->picture, 0, &params, &got, &err), &err);
    require(csg_result_map(engine, result, 0, 0, 0, map, &err), &err);
    assert_int_equal(csg_image_width_px(got), csg_image_width_px(want));
    assert_int_equal(csg_image_height_px(got), csg_image_height_px(want));
    for (size_t i = 0; i < 3 * pixels; i++) {
        double level = 255 * (double)map[i / 3];
        int *into = fabs(level - round(level)) < MARGIN ? &worst_near : &worst;
        int difference = abs((int)csg_image_rgb(got)[i] - (int)csg_image_rgb(want)[i]);
        *into = difference > *into ? difference : *into;
        others += difference > 1;
    }
    free(map);
    csg_image_destroy(&want);
    csg_image_destroy(&got);
    report("overlay_jet_first_label.png", (double)worst, 1);
    report("  between two colours", (double)worst_near, 3);
    report("  share of bytes more than 1 off", (double)others / (double)(3 * pixels), OVERLAY_LIMIT);
}

static void test_case(void **state)
{
    (void)state;
    const char *const *labels = golden->labels, *const empty[] = {""};
    size_t n = golden->n_labels;
    bool whole = json_object_get(golden->about, "points") != NULL;
    check_features("text_features.npy", labels, n, 2);

    struct csg_result *result = map_all(labels, n, "raw", NULL);
    check_similarity("raw_similarity.npy", result, "off");
    check_scores("raw_similarity.npy", result);
    if (whole)
        check_tokens("raw_tokens.npy", result);
    csg_result_destroy(&result);

    result = map_all(labels, n, "arch", NULL);
    check_similarity("architecture_similarity.npy", result, "off");
    check_scores("architecture_similarity.npy", result);
    if (whole)
        check_tokens("surgery_tokens.npy", result);
    csg_result_destroy(&result);

    result = map_all(labels, n, "surgery", NULL);
    check_similarity("surgery_similarity.npy", result, "set");
    if (whole) {
        check_map(result);
        check_all_points(result);
    }
    if (limits->exact && json_is_true(json_object_get(golden->about, "overlay")))
        check_overlay(result);
    csg_result_destroy(&result);

    if (whole) {
        check_features("redundant_features.npy", empty, 1, 1);
        result = map_all(labels, n, "surgery", "empty");
        check_similarity("surgery_similarity_empty.npy", result, "empty");
        csg_result_destroy(&result);
        check_combined();
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: test_golden DEVICE[,PRECISION] MODELS GOLDEN_ROOT CASE...\n");
        return 2;
    }
    char *precision = strchr(argv[1], ',');
    if (precision)
        *precision++ = '\0';
    for (size_t i = 0; precision && i < sizeof precisions / sizeof *precisions; i++)
        if (strcmp(precisions[i].precision, precision) == 0)
            limits = &precisions[i];
    if (precision && strcmp(limits->precision, precision) != 0) {
        fprintf(stderr, "test_golden: there is no precision %s\n", precision);
        return 2;
    }
    device = strcmp(argv[1], "best") == 0 ? NULL : argv[1];
    models = argv[2];
    root = argv[3];
    size_t count = (size_t)argc - 4;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){argv[4 + i], test_case, open_case, close_case, argv[4 + i]};
    /* What cmocka_run_group_tests does with an array whose length is not known to the compiler. */
    int failed = _cmocka_run_group_tests("golden", tests, count, NULL, NULL);
    csg_engine_destroy(&engine);
    free(tests);
    return failed ? 1 : 0;
}
