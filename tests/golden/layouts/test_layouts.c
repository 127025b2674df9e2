/* Checkpoints of every layout, written by the libraries that publish in it, against what those libraries compute from them. The same
 * checkpoint in three layouts gives the same bits. */
#include <setjmp.h> /* cmocka wants the standard headers before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <clip_surgeon/clip_surgeon.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-4f

static const char *const texts[] = {"dog", "a photo of a horse", "two cats, sleeping", "",
                                    "it's a person's bench"}; /* texts.txt */
#define N_TEXTS (sizeof texts / sizeof texts[0])

static const struct {
    const char *model;
    int side_px;
    size_t layers, heads, context, embed_dim;
} cases[] = {
    {"openai", 48, 2, 1, 20, 64},           {"open-clip", 48, 2, 1, 20, 64},           {"hugging-face", 48, 2, 1, 20, 64},
    {"openai-resnet", 96, 1, 2, 20, 24},    {"open-clip-resnet", 96, 1, 2, 20, 24},    {"open-clip-g14", 42, 7, 2, 16, 20},
    {"open-clip-custom", 28, 2, 2, 24, 12}, {"hugging-face-shards", 32, 3, 3, 18, 20},
};
#define N_CASES (sizeof cases / sizeof cases[0])

static const char *path_of(const char *name, const char *file)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", getenv("CSG_TEST_LAYOUTS"), name, file);
    return path;
}

static void count_warnings(void *user, enum csg_log_level level, const char *message)
{
    if (level != CSG_LOG_WARNING)
        return;
    print_message("warning: %s\n", message);
    ++*(int *)user;
}

static int warnings; /* since the last model was opened, whose engine goes on counting */

static struct csg_engine *open_model(const char *name, const char *device)
{
    struct csg_engine *engine;
    struct csg_error err = {0};
    warnings = 0;
    const struct csg_engine_params params = {
        .model = path_of(name, ""), .device = device, .templates = "none", .log = count_warnings, .log_user = &warnings};
    if (csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s: %s", name, err.sentence);
    assert_int_equal(warnings, 0); /* every tensor of the file has its place */
    return engine;
}

static struct csg_image *open_picture(int side_px)
{
    struct csg_image *image;
    char name[32];
    snprintf(name, sizeof name, "picture-%d.ppm", side_px);
    assert_int_equal(csg_image_load(&image, path_of(name, ""), NULL), CSG_OK);
    return image;
}

static struct csg_result *map(struct csg_engine *engine, int side_px, const char *method)
{
    struct csg_image *image = open_picture(side_px);
    const struct csg_map_params params = {.method = method, .size_px = side_px};
    struct csg_result *result;
    struct csg_error err = {0};
    if (csg_map(engine, image, texts, 2, &params, &result, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    csg_image_destroy(&image);
    return result;
}

static void compare(const char *model, const char *file, const float *values, size_t n)
{
    float *expected = calloc(n + 1, sizeof *expected), worst = 0.0f;
    FILE *f = fopen(path_of(model, file), "rb");
    assert_non_null(expected);
    assert_non_null(f);
    assert_int_equal(fread(expected, sizeof *expected, n + 1, f), n);
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        float d = fabsf(values[i] - expected[i]);
        worst = d <= worst ? worst : d; /* NaN stays */
    }
    print_message("%s%s: largest difference %.3g\n", model, file, (double)worst);
    assert_true(worst <= TOLERANCE);
    free(expected);
}

static void check_case(size_t i, const char *device)
{
    struct csg_engine *engine = open_model(cases[i].model, device);
    struct csg_engine_info info;
    csg_engine_info(engine, &info);
    assert_int_equal(info.image_size_px, cases[i].side_px);
    assert_int_equal(info.layers, cases[i].layers);
    assert_int_equal(info.heads, cases[i].heads);
    assert_int_equal(info.context, cases[i].context);
    assert_int_equal(info.embed_dim, cases[i].embed_dim);
    struct csg_result *result = map(engine, cases[i].side_px, "raw");
    size_t tokens = 1 + (size_t)result->grid_w * (size_t)result->grid_h;
    compare(cases[i].model, "/expected-tokens.f32", result->tokens, tokens * info.embed_dim);
    csg_result_destroy(&result);
    float *features = calloc(N_TEXTS * info.embed_dim, sizeof *features);
    assert_non_null(features);
    assert_int_equal(csg_embed_texts(engine, texts, N_TEXTS, features, NULL), CSG_OK);
    compare(cases[i].model, "/expected-texts.f32", features, N_TEXTS * info.embed_dim);
    free(features);
    csg_engine_destroy(&engine);
}

/* What the published code makes of a ResNet's attention pool, and the paper; at the native size and at another. */
static void check_resnet(const char *device)
{
    static const struct {
        const char *method, *file;
        int side_px;
    } rows[] = {{"surgery", "/expected-surgery.f32", 96},
                {"arch", "/expected-surgery.f32", 96},
                {"surgery", "/expected-surgery-128.f32", 128},
                {"surgery_paper", "/expected-surgery_paper.f32", 96},
                {"arch_paper", "/expected-surgery_paper-128.f32", 128},
                {"surgery", "/expected-surgery.f32", 96}}; /* again: nothing of the other size is left */
    struct csg_engine *engine = open_model("openai-resnet", device);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct csg_result *result = map(engine, rows[i].side_px, rows[i].method);
        size_t tokens = 1 + (size_t)result->grid_w * (size_t)result->grid_h;
        assert_int_equal(tokens, 1 + rows[i].side_px / 32 * (rows[i].side_px / 32));
        compare("openai-resnet", rows[i].file, result->tokens, tokens * 24);
        csg_result_destroy(&result);
    }
    csg_engine_destroy(&engine);
}

static void test_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++)
        check_case(i, "reference");
    check_resnet("reference");
}

static void test_opencl(void **state)
{
    (void)state;
    struct csg_device_info *devices;
    size_t count, usable = 0;
    assert_int_equal(csg_devices_list(&devices, &count, NULL), CSG_OK);
    for (size_t i = 0; i < count; i++)
        usable += devices[i].usable;
    csg_devices_free(&devices);
    if (!usable) {
        print_message("skipped: no OpenCL device\n");
        skip();
    }
    for (size_t i = 0; i < N_CASES; i++)
        check_case(i, NULL);
    check_resnet(NULL);
}

static void check_same_bits(const char *const *same, size_t count, int side_px)
{
    struct csg_result *results[3];
    float features[3][N_TEXTS * 64] = {{0}};
    for (size_t i = 0; i < count; i++) {
        struct csg_engine *engine = open_model(same[i], "reference");
        results[i] = map(engine, side_px, "surgery");
        assert_int_equal(csg_embed_texts(engine, texts, N_TEXTS, features[i], NULL), CSG_OK);
        csg_engine_destroy(&engine);
    }
    size_t cells = (size_t)results[0]->grid_w * (size_t)results[0]->grid_h, embed = results[0]->embed_dim;
    for (size_t i = 1; i < count; i++) {
        assert_memory_equal(features[i], features[0], sizeof features[0]);
        assert_memory_equal(results[i]->tokens, results[0]->tokens, (1 + cells) * embed * sizeof(float));
        assert_memory_equal(results[i]->similarity, results[0]->similarity, 2 * cells * sizeof(float));
        assert_memory_equal(results[i]->grid_map, results[0]->grid_map, 2 * cells * sizeof(float));
    }
    for (size_t i = 0; i < count; i++)
        csg_result_destroy(&results[i]);
}

static void test_same_bits(void **state)
{
    (void)state;
    static const char *const vits[] = {"openai", "open-clip", "hugging-face"}, *const resnets[] = {"openai-resnet",
                                                                                                   "open-clip-resnet"};
    check_same_bits(vits, 3, 48);
    check_same_bits(resnets, 2, 96);
}

static const char *why_not(bool resnet, const char *method)
{
    if (!resnet && strcmp(method, "eclip") == 0)
        return "needs the tensor visual.proj_explain, which the checkpoint lacks; there are surgery, arch, raw, ";
    return resnet ? "is no method for a ResNet; there are surgery, arch, raw, "
                  : "is no method for a ViT; there are surgery, arch, raw, ";
}

/* A method that the model cannot do is refused, with those that it can; each of those gives a map. */
static void test_methods(void **state)
{
    (void)state;
    static const char *const models[] = {"open-clip-resnet", "open-clip-custom"};
    static const int sides[] = {96, 28};
    for (size_t m = 0; m < 2; m++) {
        struct csg_engine *engine = open_model(models[m], "reference");
        struct csg_image *image = open_picture(sides[m]);
        size_t refused = 0;
        for (size_t i = 0; csg_method_name(i); i++) {
            const struct csg_map_params params = {.method = csg_method_name(i)};
            struct csg_result *result;
            struct csg_error err = {0};
            int status = csg_map(engine, image, texts, 2, &params, &result, &err);
            assert_int_equal(status, csg_method_fits(engine, i) ? CSG_OK : CSG_ERROR_USAGE);
            if (status)
                assert_non_null(strstr(err.sentence, why_not(m == 0, params.method)));
            refused += status != CSG_OK;
            csg_result_destroy(&result);
        }
        assert_int_equal(refused, m ? 3 : 9);
        assert_int_equal(warnings, 0); /* no map is empty */
        csg_image_destroy(&image);
        csg_engine_destroy(&engine);
    }
}

/* An archive alone in its place has no vocabulary beside it, and this one's is not CLIP's: that comes out with the first text. */
static void test_archive_alone(void **state)
{
    (void)state;
    struct csg_engine *engine;
    struct csg_error err = {0};
    const struct csg_engine_params params = {.model = path_of("openai/ViT-tiny.pt", ""), .device = "reference"};
    const char *text = "a dog";
    struct csg_engine_info info;
    assert_int_equal(csg_engine_create(&engine, &params, &err), CSG_OK);
    csg_engine_info(engine, &info);
    float *feature = calloc(info.embed_dim, sizeof *feature);
    assert_non_null(feature);
    assert_int_equal(csg_embed_texts(engine, &text, 1, feature, &err), CSG_ERROR_MODEL);
    assert_non_null(strstr(err.sentence, "CLIP's vocabulary has 49408 tokens"));
    free(feature);
    csg_engine_destroy(&engine);
}

/* What make_resnets.py --full writes, which is too large to keep. */
static void test_full(void **state)
{
    char **words = *state; /* NAME PX ... */
    for (; words[0] && words[1]; words += 2) {
        static const char *const methods[] = {"raw", "surgery"}, *const files[] = {"/expected-tokens.f32",
                                                                                   "/expected-surgery.f32"};
        struct csg_engine *engine = open_model(words[0], NULL);
        for (size_t m = 0; m < 2; m++) {
            struct csg_result *result = map(engine, atoi(words[1]), methods[m]);
            size_t tokens = 1 + (size_t)result->grid_w * (size_t)result->grid_h;
            compare(words[0], files[m], result->tokens, tokens * result->embed_dim);
            csg_result_destroy(&result);
        }
        csg_engine_destroy(&engine);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest full[] = {cmocka_unit_test_prestate(test_full, argv + 1)};
    if (argc > 1)
        return cmocka_run_group_tests(full, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_opencl),        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_methods),   cmocka_unit_test(test_archive_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
