#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ref/ref.h"

/* w = p / mean(p) of p = softmax(2 s): the sum of p is 1, but is divided by as the mean anyway, in the published order. */
static void weights(double *w, const float *s, size_t n)
{
    double top = (double)s[0], sum = 0.0, total = 0.0;
    for (size_t t = 1; t < n; t++)
        top = (double)s[t] > top ? (double)s[t] : top;
    for (size_t t = 0; t < n; t++) {
        w[t] = exp(2.0 * ((double)s[t] - top));
        sum += w[t];
    }
    for (size_t t = 0; t < n; t++) {
        w[t] /= sum;
        total += w[t];
    }
    for (size_t t = 0; t < n; t++)
        w[t] /= total / (double)n;
}

int csg_ref_surgery(struct csg_backend *backend, const struct csg_surgery_args *a, struct csg_error *err)
{
    (void)backend;
    const float *s = CSG_REF_AT(a->s, float);
    float *out = CSG_REF_AT(a->out, float);
    size_t n = a->n_texts;
    double *w = csg_calloc(n, sizeof *w);
    if (!w)
        return csg_fail_memory(err);

    weights(w, s, n);
    for (size_t i = 0; i < a->rows; i++, s += n, out += n) {
        double sum = 0.0;
        for (size_t t = 0; t < n; t++)
            sum += w[t] * (double)s[t];
        for (size_t t = 0; t < n; t++)
            out[t] = (float)(w[t] * (double)s[t] - sum / (double)n);
    }
    free(w);
    return CSG_OK;
}
