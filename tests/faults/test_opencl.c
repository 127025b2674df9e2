/* Every call of OpenCL fails once, in every way that a driver has: what was begun ends in the right picture, or in one sentence with its
 * exit code, and leaves nothing behind. CSG_FAULTS=all: every call; else those of each name in turn. */
#include <dirent.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "ocl/backend.h"
#include "opencl.h"
#include "scenarios.h"

/* The status that a way to fail ends with; a device that answers no questions may be refused for other reasons. */
static const struct kind {
    const char *name;
    struct fault fault;
    int status;
} kinds[] = {
    {"out of host memory", {.kind = FAULT_CODE, .code = CL_OUT_OF_HOST_MEMORY}, CSG_ERROR_MEMORY},
    {"out of resources", {.kind = FAULT_CODE, .code = CL_OUT_OF_RESOURCES}, CSG_ERROR_DEVICE_LOST},
    {"memory object allocation failure", {.kind = FAULT_CODE, .code = CL_MEM_OBJECT_ALLOCATION_FAILURE}, CSG_ERROR_MEMORY},
    {"invalid kernel", {.kind = FAULT_CODE, .code = CL_INVALID_KERNEL}, CSG_ERROR_BUILD},
    {"device not available", {.kind = FAULT_CODE, .code = CL_DEVICE_NOT_AVAILABLE}, CSG_ERROR_DEVICE_LOST},
    {"build failure, a log of 1 MB",
     {.kind = FAULT_BUILD, .code = CL_BUILD_PROGRAM_FAILURE, .log_bytes = 1 << 20},
     CSG_ERROR_BUILD},
    {"build failure, an empty log", {.kind = FAULT_BUILD, .code = CL_BUILD_PROGRAM_FAILURE}, CSG_ERROR_BUILD},
    {"a kernel is aborted", {.kind = FAULT_ABORTED, .code = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST}, CSG_ERROR_DEVICE_LOST},
    {"a kernel reads where it must not", {.kind = FAULT_ABORTED, .code = -9999}, CSG_ERROR_DEVICE_LOST},
    {"a wait never ends", {.kind = FAULT_NEVER}, CSG_ERROR_DEVICE_LOST},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static bool never;

int __real_csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err);
int __wrap_csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err);
int __wrap_csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err)
{
    struct csg_ocl_params impatient = *params;
    if (never)
        impatient.limit = "wait=100";
    return __real_csg_ocl_backend_create(out, &impatient, err);
}

/* Removes what is in the folder; the number of names that no scenario gave. */
static size_t sweep(const char *folder)
{
    size_t strange = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[800];
        const char *end = strrchr(entry->d_name, '.');
        if (entry->d_name[0] == '.')
            continue;
        strange += !end || (strcmp(end, ".png") != 0 && strcmp(end, ".npy") != 0);
        snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    return strange;
}

/* Every picture that stands under its name can be read. */
static bool whole(const char *folder)
{
    struct csg_picture_list list;
    bool good = true;
    if (csg_picture_list_load(&list, folder, NULL) != CSG_OK)
        return true;
    for (size_t i = 0; i < list.count; i++) {
        struct csg_image *image = NULL;
        good = good && csg_image_load(&image, list.paths[i], NULL) == CSG_OK;
        csg_image_destroy(&image);
    }
    csg_picture_list_free(&list);
    return good;
}

static double apart(const struct yield *a, const struct yield *b)
{
    double most = a->count == b->count ? 0.0 : INFINITY;
    for (size_t i = 0; i < a->count && most < INFINITY; i++)
        most = fmax(most, fabs((double)a->values[i] - (double)b->values[i]));
    return most;
}

static bool near(const struct yield *a, const struct yield *b, double most)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!(fabs((double)a->values[i] - (double)b->values[i]) <= most))
            return false;
    return true;
}

struct tally {
    size_t injected, right, replaced, told;
};

/* What a scenario gives where nothing fails: on the device, on the reference, and where the reference draws what the device computed. */
struct expected {
    struct yield device, reference, drawn;
};

/* Every part is one of the device or of the reference, to the bit. */
static bool either(const struct expected *expected, const struct yield *got)
{
    const struct yield *const all[] = {&expected->device, &expected->reference, &expected->drawn};
    if (got->n_parts != all[0]->n_parts || got->count != all[0]->count)
        return false;
    for (size_t i = 0; i < got->n_parts; i++) {
        const struct part *part = got->parts + i;
        bool same = false;
        for (size_t k = 0; k < sizeof all / sizeof *all && !same; k++)
            same = part->picture == all[k]->parts[i].picture &&
                   memcmp(got->values + part->from, all[k]->values + part->from, part->count * sizeof *got->values) == 0;
        if (!same)
            return false;
    }
    return true;
}

/* A device that answered no questions is used in another form, and texts of one device in pictures of another are nobody's to the bit. */
static const char *judge_result(const struct scenario *scenario, const struct expected *expected, const struct yield *got,
                                bool asks)
{
    if (!near(&expected->device, got, got->replaced || asks ? 2e-3 : 0.0))
        return "the result is another one";
    if (!asks && !(got->replaced && scenario->pair) && !either(expected, got))
        return "the result is neither the device's nor the reference's";
    if (scenario->fallback && got->replaced && !got->warnings)
        return "another device took over without a word";
    return NULL;
}

/* NULL, or what is wrong with the outcome. */
static const char *judge(const struct scenario *scenario, const struct kind *kind, const struct expected *expected,
                         const struct yield *got, int status, const struct csg_error *err, const struct fault_report *report,
                         const char *out)
{
    enum fault_sort sort = report->happened ? fault_call_sort(report->call) : FAULT_WORK;
    bool asks = kind->fault.kind == FAULT_CODE && sort == FAULT_QUERY;
    if (!whole(out))
        return "a picture is not whole";
    if (sweep(out))
        return "a file was left that nobody asked for";
    if (kind->fault.kind != FAULT_NEVER && report->live)
        return "objects of OpenCL were not given back";
    if (status == CSG_OK) {
        const char *problem = judge_result(scenario, expected, got, asks);
        if (problem)
            return problem;
    } else {
        if (scenario->fallback)
            return "the fallback that was allowed was not taken";
        bool right = status == kind->status || (asks && (status == CSG_ERROR_NO_DEVICE || status == CSG_ERROR_BUILD ||
                                                         status == CSG_ERROR_MEMORY || status == CSG_ERROR_DEVICE_LOST));
        /* Where memory is asked for, nothing has run that could be lost. */
        right = right || (report->call == FAULT_clCreateBuffer && status == CSG_ERROR_MEMORY);
        if (!right)
            return "the status is another one";
        if (err->status != (enum csg_status)status || strlen(err->sentence) < 10 || strchr(err->sentence, '\n'))
            return "the sentence is none";
    }
    /* Of two engines each has to see for itself that a device is lost. */
    bool other = scenario->pair && scenario->fallback;
    if (report->spoiled && kind->status == CSG_ERROR_DEVICE_LOST && !other &&
        (report->after || (report->finishes_after && !scenario->pair)))
        return "the device was not left alone";
    return NULL;
}

static size_t failures;

static void try_one(const struct scenario *scenario, const struct place *place, const struct kind *kind, size_t at,
                    const struct expected *expected, struct tally *tally)
{
    static struct yield got;
    struct fault fault = kind->fault;
    struct fault_report report;
    struct csg_error err = {0};
    memset(&got, 0, sizeof got);
    fault.at = at;
    csg_cache_clear(place->cache, "texts", NULL); /* so that they are computed */
    never = fault.kind == FAULT_NEVER;
    fault_begin(&fault);
    double start_ms = csg_now_ms();
    int status = scenario->run(place, &got, &err);
    double ms = csg_now_ms() - start_ms;
    fault_end(&report);
    never = false;
    const char *problem = judge(scenario, kind, expected, &got, status, &err, &report, place->out);
    if (!problem && ms > 300e3) /* of a machine that may have other work */
        problem = "it took more than five minutes";
    tally->injected += report.happened;
    tally->right += report.happened && status == CSG_OK && !got.replaced;
    tally->replaced += report.happened && status == CSG_OK && got.replaced;
    tally->told += report.happened && status != CSG_OK;
    if (!problem)
        return;
    failures++;
    printf("%s, %s, at %s (%zu): %s: %d %s%s%s, %g\n", scenario->name, kind->name,
           report.happened ? fault_call_name(report.call) : "nothing", at, problem, status, err.sentence,
           report.after ? "; after it " : "", report.after ? fault_call_name(report.first_after) : "",
           apart(&expected->device, &got));
}

/* The first call of each name and, of every third name, one further in; which names those are goes round with the kinds. */
static bool chosen(size_t seen, size_t total, enum fault_call call, size_t turn)
{
    return (call + turn) % 6 == 0 && seen == (turn * 7919) % total;
}

static void run_kind(const struct scenario *scenario, const struct place *place, size_t k, size_t turn, bool all,
                     const struct expected *expected)
{
    struct tally tally = {0};
    struct fault count = kinds[k].fault;
    struct fault_report report;
    struct csg_error err = {0};
    static struct yield undisturbed;
    memset(&undisturbed, 0, sizeof undisturbed);
    count.at = SIZE_MAX;
    csg_cache_clear(place->cache, "texts", NULL);
    fault_begin(&count);
    int status = scenario->run(place, &undisturbed, &err);
    fault_end(&report);
    sweep(place->out);
    if (status || undisturbed.replaced || !near(&expected->device, &undisturbed, 0.0)) {
        failures++;
        printf("%s: without a fault: %d %s\n", scenario->name, status, err.sentence);
        return;
    }
    enum fault_call *order = calloc(report.calls + 1, sizeof *order);
    size_t seen[FAULT_CALL_COUNT] = {0}, befalls[FAULT_CALL_COUNT] = {0};
    if (!order)
        abort();
    for (size_t i = 0; i < report.calls; i++)
        befalls[order[i] = fault_call_at(i)]++;
    for (size_t i = 0; i < report.calls; i++) {
        size_t nth = seen[order[i]]++;
        bool few = kinds[k].fault.kind != FAULT_CODE && nth == (turn * 7919) % befalls[order[i]];
        if (all || few || chosen(nth, befalls[order[i]], order[i], turn))
            try_one(scenario, place, &kinds[k], i, expected, &tally);
    }
    free(order);
    printf("| %-15s | %-33s | %6zu | %6zu | %6zu | %6zu | %6zu |\n", scenario->name, kinds[k].name, report.calls, tally.injected,
           tally.right, tally.replaced, tally.told);
    fflush(stdout);
}

/* CSG_ERROR_NO_DEVICE where there is none. */
static int run_undisturbed(const struct scenario *scenario, const struct place *place, struct expected *expected,
                           struct csg_error *err)
{
    const struct {
        const char *device, *drawer;
        struct yield *yield;
    } ways[] = {
        {NULL, NULL, &expected->device}, {"reference", NULL, &expected->reference}, {NULL, "reference", &expected->drawn}};
    struct fault_report report;
    int status = CSG_OK;
    memset(expected, 0, sizeof *expected);
    fault_begin(&(struct fault){0});
    for (size_t i = 0; status == CSG_OK && i < sizeof ways / sizeof *ways; i++) {
        struct place other = *place;
        other.device = ways[i].device;
        other.drawer = ways[i].drawer;
        other.fallback = NULL;
        csg_cache_clear(place->cache, "texts", NULL);
        status = scenario->run(&other, ways[i].yield, err);
        sweep(place->out);
    }
    fault_end(&report);
    return status;
}

int main(int argc, char **argv)
{
    static struct expected expected;
    const char *how = getenv("CSG_FAULTS");
    bool all = how && strcmp(how, "all") == 0;
    char out[] = "/tmp/csg-faults-XXXXXX";
    /* Memory that is given back to the system and fetched again for every run would be a third of the time. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
    size_t passed = 0, failed = 0;
    if (argc < 3 || !mkdtemp(out)) {
        fprintf(stderr, "test_opencl MODEL CACHE [SCENARIO...]\n");
        return 2;
    }
    printf("| %-15s | %-33s | %6s | %6s | %6s | %6s | %6s |\n", "what", "how it fails", "calls", "failed", "right", "moved",
           "told");
    printf("|---|---|---|---|---|---|---|\n");
    for (size_t s = 0; s < SCENARIO_COUNT; s++) {
        const struct place place = {.model = argv[1], .cache = argv[2], .out = out, .fallback = scenarios[s].fallback};
        struct csg_error err = {0};
        bool wanted = argc == 3;
        for (int i = 3; i < argc; i++)
            wanted |= strcmp(argv[i], scenarios[s].name) == 0;
        if (!wanted)
            continue;
        int status = run_undisturbed(&scenarios[s], &place, &expected, &err);
        if (status == CSG_ERROR_NO_DEVICE) {
            printf("skipped: %s\n0 passed, 0 failed, 1 skipped\n", err.sentence);
            rmdir(out);
            return 77;
        }
        if (status) {
            printf("%s: %d %s\n", scenarios[s].name, status, err.sentence);
            failed++;
            continue;
        }
        for (size_t k = 0; k < KIND_COUNT; k++) {
            size_t before = failures;
            run_kind(&scenarios[s], &place, k, k + KIND_COUNT * s, all, &expected);
            *(failures == before ? &passed : &failed) += 1;
        }
    }
    rmdir(out);
    printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
