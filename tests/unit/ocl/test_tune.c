/* Timing and its choices, with times that the test makes up: the fastest way is taken, one that computes wrong is not, and what is kept
 * on disk is taken again or, where it is damaged, not. The linker sends csg_ocl_tune_took through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/store.h"
#include "ocl/ocl.h"

enum { ROWS = 24, N = 32, K = 16, FORMS = 4 };

static double fake_ms[FORMS]; /* of the ways in their order */
static size_t turn;           /* whose it is */

void __real_csg_ocl_tune_took(struct csg_ocl_tuner *tuner, size_t call, double ms);
void __wrap_csg_ocl_tune_took(struct csg_ocl_tuner *tuner, size_t call, double ms);
void __wrap_csg_ocl_tune_took(struct csg_ocl_tuner *tuner, size_t call, double ms)
{
    __real_csg_ocl_tune_took(tuner, call, ms > 0.0 ? fake_ms[turn] : ms);
}

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/csg-tune-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return csg_remove_tree(folder, NULL);
}

static struct csg_backend *device(void)
{
    struct csg_backend *backend = NULL;
    const struct csg_ocl_params params = {.device_class = "cpu", .cache_dir = folder};
    assert_int_equal(csg_ocl_backend_create(&backend, &params, NULL), CSG_OK);
    return backend;
}

struct product {
    struct csg_buffer *x, *y;
    struct csg_weight *weight;
    float values[ROWS * N];
};

static void make(struct product *p, struct csg_backend *backend)
{
    static float x[ROWS * K], w[N * K];
    for (size_t i = 0; i < ROWS * K; i++)
        x[i] = (float)(i % 7) - 3.0f;
    for (size_t i = 0; i < N * K; i++)
        w[i] = (float)(i % 5) - 2.0f;
    const struct csg_weight_part part = {.data = w, .dtype = CSG_F32, .n = N};
    assert_int_equal(csg_weight_create(backend, &part, 1, K, &p->weight, NULL), CSG_OK);
    assert_int_equal(csg_buffer_from(backend, x, sizeof x, &p->x, NULL), CSG_OK);
    assert_int_equal(csg_buffer_create(backend, sizeof p->values, &p->y, NULL), CSG_OK);
}

static void multiply(struct product *p, struct csg_backend *backend, size_t rows)
{
    const struct csg_gemm_args args = {
        .x = csg_view(p->x, 0), .weight = p->weight, .y = csg_view(p->y, 0), .x_stride = K, .y_stride = N, .rows = rows};
    assert_int_equal(csg_gemm(backend, &args, NULL), CSG_OK);
    assert_int_equal(csg_buffer_read(p->y, 0, p->values, rows * N * sizeof(float), NULL), CSG_OK);
}

static void destroy(struct product *p)
{
    csg_weight_destroy(&p->weight);
    csg_buffer_destroy(&p->x);
    csg_buffer_destroy(&p->y);
}

static const char *bad; /* the way that computes wrong */
static size_t judged;

static int judge(void *user, struct csg_backend *backend, enum csg_op op, enum csg_precision precision, bool *right,
                 struct csg_error *err)
{
    (void)user, (void)err;
    assert_int_equal(op, CSG_OP_gemm);
    assert_int_equal(precision, CSG_PRECISION_F32);
    const struct csg_ocl *ocl = csg_ocl_of(backend);
    size_t form = ocl->limits.forced[op].form;
    assert_true(form > 1 && form <= FORMS);
    *right = !bad || strcmp(csg_ocl_ways_of(ocl, op)->name(ocl, form - 1), bad) != 0;
    judged++;
    return CSG_OK;
}

/* Tunes one product in as many passes as it likes, and returns the number of the way that was chosen. */
static size_t tune(struct csg_backend *backend, struct product *p, const double times[FORMS], double seconds)
{
    const struct csg_ocl_tune_params params = {judge, NULL};
    struct csg_tune_shape *shapes;
    size_t count, passes = 0, chosen = 0;
    bool more = true, kept;
    memcpy(fake_ms, times, sizeof fake_ms);
    assert_int_equal(csg_ocl_tune_begin(backend, &params, NULL), CSG_OK);
    double until_ms = csg_now_ms() + 1e3 * seconds;
    for (turn = 0; more; passes++) {
        multiply(p, backend, ROWS);
        assert_int_equal(csg_ocl_tune_more(backend, until_ms, &more, NULL), CSG_OK);
        turn = passes < 2 ? 0 : passes / 2; /* the first way has three passes, the others two */
    }
    assert_int_equal(csg_ocl_tune_end(backend, &shapes, &count, &kept, NULL), CSG_OK);
    assert_true(kept);
    assert_int_equal(count, 1);
    assert_int_equal(shapes[0].n_forms, FORMS);
    assert_int_equal(shapes[0].rows, ROWS);
    assert_true(shapes[0].forms[0].untuned);
    assert_int_equal(shapes[0].complete, seconds > 0.0);
    size_t n = 0;
    for (size_t i = 0; i < FORMS; i++) {
        n += shapes[0].forms[i].chosen;
        chosen = shapes[0].forms[i].chosen ? i : chosen;
        if (bad && strcmp(shapes[0].forms[i].name, bad) == 0)
            assert_int_equal(shapes[0].forms[i].state, CSG_TUNE_WRONG);
    }
    assert_int_equal(n, 1);
    csg_ocl_tune_free(shapes, count);
    return chosen;
}

static size_t form_taken(struct csg_backend *backend, size_t rows)
{
    const struct csg_ocl_shape shape = {CSG_OP_gemm, CSG_PRECISION_F32, rows, {N, K}};
    const struct csg_ocl_way *way = csg_ocl_tuned(csg_ocl_of(backend), &shape);
    return way ? way->form : SIZE_MAX;
}

static void the_fastest_right_one_is_taken(void **state)
{
    (void)state;
    struct csg_backend *backend = device();
    struct product p = {0};
    float untuned[ROWS * N];
    make(&p, backend);
    multiply(&p, backend, ROWS);
    memcpy(untuned, p.values, sizeof untuned);
    assert_int_equal(backend->tuned, 0);
    bad = NULL;
    judged = 0;
    assert_int_equal(tune(backend, &p, (const double[]){10, 9, 8, 7}, 60), 3);
    assert_int_equal(judged, 3); /* each was the fastest in its turn */
    multiply(&p, backend, ROWS);
    assert_int_equal(backend->tuned, 1);
    assert_memory_equal(p.values, untuned, sizeof untuned); /* whole numbers: exact in every order */
    bad = "low-16";
    assert_int_equal(tune(backend, &p, (const double[]){10, 9, 8, 7}, 60), 2);
    assert_int_equal(form_taken(backend, ROWS), 2);
    bad = NULL;
    judged = 0;
    assert_int_equal(tune(backend, &p, (const double[]){10, 9.9, 11, 9.8}, 60), 0); /* within the noise */
    assert_int_equal(judged, 0);
    assert_int_equal(tune(backend, &p, (const double[]){10, 5, 5, 5}, 0), 0); /* no time */
    destroy(&p);
    csg_backend_destroy(&backend);
}

static void a_choice_is_for_its_shape(void **state)
{
    (void)state;
    struct csg_backend *backend = device();
    struct product p = {0};
    make(&p, backend);
    bad = NULL;
    assert_int_equal(tune(backend, &p, (const double[]){10, 9, 8, 9}, 60), 2);
    assert_int_equal(form_taken(backend, ROWS), 2);
    assert_int_equal(form_taken(backend, ROWS - ROWS / 8), 2);
    assert_int_equal(form_taken(backend, ROWS / 2), SIZE_MAX);
    uint64_t before = backend->tuned;
    multiply(&p, backend, 4); /* below a tall tile */
    assert_int_equal(backend->tuned, before);
    destroy(&p);
    csg_backend_destroy(&backend);
}

static char *record_path(void)
{
    static char path[300];
    char hex[65];
    struct csg_backend *backend = device();
    assert_int_equal(csg_ocl_fingerprint(backend, hex, NULL), CSG_OK);
    csg_backend_destroy(&backend);
    snprintf(path, sizeof path, "%s/tuned/%s.txt", folder, hex);
    return path;
}

static size_t kept_form(void)
{
    struct csg_backend *backend = device();
    size_t form = form_taken(backend, ROWS);
    csg_backend_destroy(&backend);
    return form;
}

static void write_back(const char *path, const char *data, size_t bytes)
{
    struct csg_output *output = NULL;
    assert_int_equal(csg_output_create(&output, path, true, NULL), CSG_OK);
    assert_int_equal(csg_output_write(output, data, bytes, NULL), CSG_OK);
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
}

static void what_is_kept_is_taken_again(void **state)
{
    (void)state;
    struct csg_backend *backend = device();
    struct product p = {0};
    char *data = NULL, *path = record_path();
    size_t bytes;
    make(&p, backend);
    bad = NULL;
    assert_int_equal(tune(backend, &p, (const double[]){10, 9, 8, 7}, 60), 3);
    destroy(&p);
    csg_backend_destroy(&backend);
    assert_int_equal(kept_form(), 3);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(kept_form(), SIZE_MAX);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(csg_read_file(&data, &bytes, path, 1 << 20, CSG_ERROR, NULL), CSG_OK);
    for (size_t i = 0; i <= bytes; i += bytes / 16) {
        size_t at = i < bytes ? i : bytes - 1;
        data[at] = (char)(data[at] ^ 1);
        write_back(path, data, bytes);
        assert_int_equal(kept_form(), SIZE_MAX);
        data[at] = (char)(data[at] ^ 1);
    }
    write_back(path, data, bytes);
    assert_int_equal(kept_form(), 3);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_fastest_right_one_is_taken, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_choice_is_for_its_shape, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_kept_is_taken_again, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
