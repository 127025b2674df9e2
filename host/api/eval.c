#include "task/eval.h"

#include <stdlib.h>
#include <string.h>

#include "api/engine.h"
#include "base/mem.h"

/* They share features and records, which another model would not fit. */
static int check_models(struct csg_engine *engine, const struct csg_eval_params *params, struct csg_error *err)
{
    const char *first, *other;
    int status = csg_engine_model_sha256(engine, &first, err);
    for (size_t i = 0; status == CSG_OK && i < params->n_beside; i++) {
        status = csg_engine_model_sha256(params->beside[i], &other, err);
        if (status == CSG_OK && strcmp(first, other) != 0)
            status = csg_fail(err, CSG_ERROR_USAGE, "the engines of an evaluation have different models");
    }
    return status;
}

int csg_eval(struct csg_engine *engine, const char *folder, const struct csg_eval_params *params, struct csg_eval_result **out,
             struct csg_error *err)
{
    size_t n_beside = params ? params->n_beside : 0;
    struct csg_context *contexts = csg_calloc(n_beside + 1, sizeof *contexts);
    struct csg_full_eval *full = NULL;
    int status = contexts ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && n_beside)
        status = check_models(engine, params, err);
    if (status == CSG_OK) {
        contexts[0] = csg_engine_context(engine);
        for (size_t i = 0; i < n_beside; i++)
            contexts[i + 1] = csg_engine_context(params->beside[i]);
        status = csg_task_eval(contexts, n_beside + 1, folder, params, &full, err);
    }
    free(contexts);
    *out = full ? &full->result : NULL;
    for (size_t i = 0; status && i < n_beside; i++) /* those that were not at work have not seen that it ended */
        csg_engine_end(params->beside[i], CSG_ERROR_INTERRUPTED);
    if (status)
        csg_engine_end(engine, CSG_ERROR_INTERRUPTED);
    return status;
}

void csg_eval_destroy(struct csg_eval_result **result)
{
    if (result && *result) {
        struct csg_full_eval *full = (struct csg_full_eval *)(void *)*result;
        csg_full_eval_destroy(&full);
        *result = NULL;
    }
}
