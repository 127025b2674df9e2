#include "task/bench.h"

#include "api/engine.h"
#include "ocl/backend.h"
#include "ref/ref.h"

int csg_bench_run(struct csg_engine *engine, const struct csg_bench_params *params, struct csg_bench **out, struct csg_error *err)
{
    static const struct csg_bench_params defaults = {0};
    const struct csg_context context = csg_engine_context(engine);
    struct csg_full_bench *full = NULL;
    struct csg_engine_info info;
    *out = NULL;
    csg_engine_info(engine, &info);
    struct csg_backend *reference = NULL;
    if (!params)
        params = &defaults;
    int status = params->no_reference ? CSG_OK : csg_ref_backend_create(&reference, err);
    if (reference)
        reference->interrupted = &engine->interrupted;
    if (status == CSG_OK)
        status = csg_task_bench(&context, params, reference, &full, err);
    csg_backend_destroy(&reference);
    if (status == CSG_OK && engine->backend->class_->counts_itself) {
        struct csg_ocl_peak peak = {0};
        status = csg_ocl_peak_measure(engine->backend, &peak, err);
        full->bench.peak_gflop_s = peak.gflop_s;
        full->bench.peak_gbyte_s = peak.gbyte_s;
        full->bench.peak_of = csg_precision_name(peak.of);
    }
    if (status) {
        csg_full_bench_destroy(&full);
        return csg_engine_end(engine, status);
    }
    full->bench.device = info.device;
    full->bench.precision = info.precision;
    *out = &full->bench;
    return CSG_OK;
}

void csg_bench_free(struct csg_bench **result)
{
    if (result) {
        struct csg_full_bench *full = (struct csg_full_bench *)*result; /* its first member */
        csg_full_bench_destroy(&full);
        *result = NULL;
    }
}
