/* The work runs in kernels: on an OpenCL device every operator is launched and no function of the reference is called; and turning any
 * one operator's launches into nothing changes the result or makes the call fail.
 *
 * The linker sends every call of csg_ref_NAME through __wrap_csg_ref_NAME here, which counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/engine.h"
#include "base/hash.h"
#include "ref/ref.h"

static unsigned long reference_calls[CSG_OP_COUNT];

#define CSG_OP(name)                                                                                                             \
    int __real_csg_ref_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ref_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ref_##name(struct csg_backend *backend, const struct csg_##name##_args *args, struct csg_error *err)          \
    {                                                                                                                            \
        reference_calls[CSG_OP_##name]++;                                                                                        \
        return __real_csg_ref_##name(backend, args, err);                                                                        \
    }
#include "ops/op_list.h"
#undef CSG_OP

#define NO_OP (-1)

/* SHA-256 over everything that a user can get: features, tokens, similarities, maps, peaks, points, drawings. Empty where a call failed. */
struct outcome {
    int status;
    char digest[CSG_SHA256_HEX];
    uint64_t launches[CSG_OP_COUNT];
};

static struct csg_image *picture(void)
{
    static uint8_t rgb[120][160][3];
    struct csg_image *image;
    for (int y = 0; y < 120; y++)
        for (int x = 0; x < 160; x++) {
            rgb[y][x][0] = (uint8_t)(x + y);
            rgb[y][x][1] = (uint8_t)(x * y / 40);
            rgb[y][x][2] = (uint8_t)((x / 20 + y / 20) % 2 * 200);
        }
    assert_int_equal(csg_image_from_rgb(&image, &rgb[0][0][0], 160, 120, 0, NULL), CSG_OK);
    return image;
}

static int add_map(struct csg_engine *engine, struct csg_sha256 *hash, const struct csg_image *image, const char *const *texts,
                   size_t n_texts, const struct csg_map_params *params)
{
    struct csg_result *result = NULL;
    struct csg_image *drawn = NULL;
    int status = csg_map(engine, image, texts, n_texts, params, &result, NULL);
    if (status == CSG_OK) {
        size_t cells = (size_t)result->grid_w * (size_t)result->grid_h, values = (size_t)result->map_w * (size_t)result->map_h;
        csg_sha256_update(hash, result->similarity, n_texts * values * sizeof(float), NULL);
        csg_sha256_update(hash, result->grid_map, n_texts * values * sizeof(float), NULL);
        csg_sha256_update(hash, result->tokens, (cells + 1) * result->embed_dim * sizeof(float), NULL);
        for (size_t t = 0; t < n_texts; t++) {
            csg_sha256_update(hash, &result->texts[t].peak_x_px, sizeof result->texts[t].peak_x_px, NULL);
            csg_sha256_update(hash, &result->texts[t].peak_y_px, sizeof result->texts[t].peak_y_px, NULL);
        }
        status = csg_draw_overlay(engine, result, image, 0, NULL, &drawn, NULL);
    }
    if (status == CSG_OK)
        csg_sha256_update(hash, csg_image_rgb(drawn), 3 * 160 * 120, NULL);
    if (status == CSG_OK && !(params && params->refine)) { /* a refined map has no points */
        const int(*points)[2];
        const uint8_t *labels;
        size_t count;
        status = csg_result_points(engine, result, 0, 0, &points, &labels, &count, NULL);
        if (status == CSG_OK)
            csg_sha256_update(hash, points, count * sizeof *points, NULL);
    }
    csg_image_destroy(&drawn);
    csg_result_destroy(&result);
    return status;
}

/* A ResNet takes what no ViT does. */
static void add_resnet(struct outcome *outcome, struct csg_sha256 *hash, const struct csg_image *image, const char *device,
                       int skipped)
{
    const struct csg_engine_params params = {
        .model = getenv("CSG_TEST_RESNET"), .device = device, .templates = "none", .cache_dir = getenv("CSG_TEST_CACHE")};
    static const char *const texts[] = {"dog", "horse"};
    struct csg_engine *engine;
    struct csg_error err = {0};
    if (csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    if (skipped != NO_OP)
        engine->backend->skip[skipped] = true;
    outcome->status = add_map(engine, hash, image, texts, 2, NULL);
    csg_backend_finish(engine->backend, NULL);
    for (int op = 0; op < CSG_OP_COUNT; op++)
        outcome->launches[op] += engine->backend->launches[op];
    csg_engine_destroy(&engine);
}

static struct outcome run(const char *device, int skipped)
{
    struct outcome outcome = {0};
    struct csg_error err = {0};
    const struct csg_engine_params params = {
        .device = device, .templates = getenv("CSG_TEST_TEMPLATES"), .cache_dir = getenv("CSG_TEST_CACHE")};
    struct csg_engine *engine;
    struct csg_sha256 *hash;
    struct csg_image *image = picture();
    static const char *const texts[] = {"dog+person", "horse"};
    const struct csg_map_params empty = {.redundant = "empty", .size_px = 160};
    /* Compiled kernels may be kept, but texts are to be computed. */
    if (csg_cache_clear(params.cache_dir, "texts", &err) != CSG_OK || csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    assert_int_equal(csg_sha256_create(&hash, NULL), CSG_OK);
    if (skipped != NO_OP)
        engine->backend->skip[skipped] = true;
    outcome.status = add_map(engine, hash, image, texts, 2, NULL);
    if (outcome.status == CSG_OK)
        outcome.status = add_map(engine, hash, image, texts, 2, &empty);
    /* Methods that between them take every operator that the two maps above do not. */
    static const struct csg_map_params others[] = {{.method = "gem", .size_px = 64},         {.method = "gradcam", .size_px = 64},
                                                   {.method = "bimodal_all", .size_px = 64}, {.method = "scclip", .size_px = 128},
                                                   {.method = "gradeclip", .size_px = 64},   {.refine = "pamr", .size_px = 64},
                                                   {.method = "gscorecam", .size_px = 32}};
    for (size_t i = 0; outcome.status == CSG_OK && i < sizeof others / sizeof *others; i++)
        outcome.status = add_map(engine, hash, image, texts, 2, &others[i]);
    csg_backend_finish(engine->backend, NULL);
    memcpy(outcome.launches, engine->backend->launches, sizeof outcome.launches);
    if (outcome.status == CSG_OK)
        add_resnet(&outcome, hash, image, device, skipped);
    csg_sha256_finish(&hash, outcome.digest, NULL);
    csg_image_destroy(&image);
    csg_engine_destroy(&engine);
    return outcome;
}

static void every_operator_is_launched_and_no_reference_called(void **state)
{
    (void)state;
    memset(reference_calls, 0, sizeof reference_calls);
    struct outcome outcome = run(NULL, NO_OP);
    assert_int_equal(outcome.status, CSG_OK);
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        if (!outcome.launches[op])
            fail_msg("%s was not launched", csg_op_name((enum csg_op)op));
        if (reference_calls[op])
            fail_msg("csg_ref_%s was called %lu times on an OpenCL device", csg_op_name((enum csg_op)op), reference_calls[op]);
    }
}

/* Without this the test above would pass if the counters never counted. */
static void the_counters_count_on_the_reference(void **state)
{
    (void)state;
    memset(reference_calls, 0, sizeof reference_calls);
    struct outcome outcome = run("reference", NO_OP);
    assert_int_equal(outcome.status, CSG_OK);
    for (int op = 0; op < CSG_OP_COUNT; op++)
        assert_int_equal(reference_calls[op], outcome.launches[op]);
    for (int op = 0; op < CSG_OP_COUNT; op++)
        assert_true(reference_calls[op] > 0);
}

#ifndef CSG_SANITIZED /* dozens of runs, in each of which the host does the same */
static void no_operator_can_be_left_out(void **state)
{
    (void)state;
    struct outcome whole = run(NULL, NO_OP), again = run(NULL, NO_OP);
    assert_int_equal(whole.status, CSG_OK);
    assert_string_equal(whole.digest, again.digest); /* else a difference below would mean nothing */
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        struct outcome without = run(NULL, op);
        if (without.status == CSG_OK && strcmp(without.digest, whole.digest) == 0)
            fail_msg("the result is the same without %s", csg_op_name((enum csg_op)op));
        assert_int_equal(without.launches[op], 0);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_is_launched_and_no_reference_called),
        cmocka_unit_test(the_counters_count_on_the_reference),
#ifndef CSG_SANITIZED
        cmocka_unit_test(no_operator_can_be_left_out),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
