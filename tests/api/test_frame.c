/* What a frame asks of the driver: the linker sends these calls through here. Once a picture of a size was mapped, the next one of that size
 * takes no memory of the device, uploads the picture alone, downloads the finished result alone, and waits but for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <CL/cl.h>
#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>

static struct counts {
    int creates, writes, reads, finishes, waits;
    size_t written, read;
} counts;

cl_mem __real_clCreateBuffer(cl_context c, cl_mem_flags f, size_t n, void *p, cl_int *e);
cl_mem __wrap_clCreateBuffer(cl_context c, cl_mem_flags f, size_t n, void *p, cl_int *e);
cl_mem __wrap_clCreateBuffer(cl_context c, cl_mem_flags f, size_t n, void *p, cl_int *e)
{
    counts.creates++;
    return __real_clCreateBuffer(c, f, n, p, e);
}

cl_int __real_clEnqueueWriteBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, const void *p, cl_uint w,
                                   const cl_event *l, cl_event *e);
cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, const void *p, cl_uint w,
                                   const cl_event *l, cl_event *e);
cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, const void *p, cl_uint w,
                                   const cl_event *l, cl_event *e)
{
    counts.writes++;
    counts.written += n;
    return __real_clEnqueueWriteBuffer(q, m, b, at, n, p, w, l, e);
}

cl_int __real_clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, void *p, cl_uint w,
                                  const cl_event *l, cl_event *e);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, void *p, cl_uint w,
                                  const cl_event *l, cl_event *e);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool b, size_t at, size_t n, void *p, cl_uint w,
                                  const cl_event *l, cl_event *e)
{
    counts.reads++;
    counts.read += n;
    return __real_clEnqueueReadBuffer(q, m, b, at, n, p, w, l, e);
}

cl_int __real_clFinish(cl_command_queue q);
cl_int __wrap_clFinish(cl_command_queue q);
cl_int __wrap_clFinish(cl_command_queue q)
{
    counts.finishes++;
    return __real_clFinish(q);
}

cl_int __real_clWaitForEvents(cl_uint n, const cl_event *e);
cl_int __wrap_clWaitForEvents(cl_uint n, const cl_event *e);
cl_int __wrap_clWaitForEvents(cl_uint n, const cl_event *e)
{
    counts.waits++;
    return __real_clWaitForEvents(n, e);
}

enum { W_PX = 128, H_PX = 96 };
static uint8_t rgb[H_PX * W_PX * 3];
static const char *const texts[] = {"dog", "cat"};

static struct csg_image *picture(unsigned number)
{
    struct csg_image *image = NULL;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * (7 + number));
    assert_int_equal(csg_image_from_rgb(&image, rgb, W_PX, H_PX, 0, NULL), CSG_OK);
    return image;
}

static struct counts map(struct csg_engine *engine, unsigned number, const struct csg_map_params *params)
{
    struct csg_image *image = picture(number);
    struct csg_result *result = NULL;
    counts = (struct counts){0};
    assert_int_equal(csg_map(engine, image, texts, 2, params, &result, NULL), CSG_OK);
    csg_result_destroy(&result);
    csg_image_destroy(&image);
    return counts;
}

static void nothing_but_the_picture_and_the_result(void **state)
{
    struct csg_engine *engine = *state;
    const struct csg_map_params cases[] = {
        {.no_peaks = true}, {0}, {.labels = "demo"}, {.redundant = "empty"}, {.fit = "aspect"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        map(engine, 0, &cases[i]);
        map(engine, 1, &cases[i]);
        const struct counts c = map(engine, 2, &cases[i]);
        assert_int_equal(c.creates, 0);
        assert_int_equal(c.writes, 1);
        assert_int_equal(c.written, sizeof rgb);
        assert_int_equal(c.reads, 1);
        assert_int_equal(c.finishes, 1); /* after the download, for the events */
        assert_int_equal(c.waits, 0);
    }
}

/* Other sizes in between cost something, and what comes back is as it was. */
static void what_is_kept_is_right(void **state)
{
    struct csg_engine *engine = *state;
    struct csg_result *first = NULL, *again = NULL;
    struct csg_image *image = picture(3);
    const struct csg_map_params wide = {.fit = "aspect"}, empty = {.redundant = "empty"};
    assert_int_equal(csg_map(engine, image, texts, 2, NULL, &first, NULL), CSG_OK);
    map(engine, 4, &wide);
    map(engine, 5, &empty);
    map(engine, 6, NULL);
    assert_int_equal(csg_map(engine, image, texts, 2, NULL, &again, NULL), CSG_OK);
    size_t cells = (size_t)first->map_w * (size_t)first->map_h;
    assert_int_equal(again->map_w * again->map_h, cells);
    assert_memory_equal(first->similarity, again->similarity, 2 * cells * sizeof(float));
    assert_memory_equal(first->grid_map, again->grid_map, 2 * cells * sizeof(float));
    assert_memory_equal(first->tokens, again->tokens, (1 + cells) * first->embed_dim * sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(first->texts[i].peak_x_px, again->texts[i].peak_x_px);
        assert_int_equal(first->texts[i].peak_y_px, again->texts[i].peak_y_px);
    }
    bool encoded = false;
    for (size_t i = 0; i < again->n_stages; i++)
        encoded = encoded || (strcmp(again->stages[i].stage, "encode") == 0 && again->stages[i].ms > 0);
    assert_true(encoded);
    csg_result_destroy(&first);
    csg_result_destroy(&again);
    csg_image_destroy(&image);
}

static int open_engine(void **state)
{
    return csg_engine_create((struct csg_engine **)state, NULL, NULL);
}

static int close_engine(void **state)
{
    csg_engine_destroy((struct csg_engine **)state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_the_picture_and_the_result),
        cmocka_unit_test(what_is_kept_is_right),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
