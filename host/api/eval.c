#include "task/eval.h"
#include "api/engine.h"

int csg_eval(struct csg_engine *engine, const char *folder, const struct csg_eval_params *params, struct csg_eval_result **out,
             struct csg_error *err)
{
    const struct csg_context context = csg_engine_context(engine);
    struct csg_full_eval *full;
    int status = csg_task_eval(&context, folder, params, &full, err);
    *out = full ? &full->result : NULL;
    return csg_engine_end(engine, status);
}

void csg_eval_destroy(struct csg_eval_result **result)
{
    if (result && *result) {
        struct csg_full_eval *full = (struct csg_full_eval *)(void *)*result;
        csg_full_eval_destroy(&full);
        *result = NULL;
    }
}
