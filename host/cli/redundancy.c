/* `redundancy`: what the features of labels share. The feature of a label in a picture is the product of both, channel by channel,
 * whose sum is the cosine; where the products of labels that are there and of labels that are not lie close in L1, the
 * cosine is made of what all texts share. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"

#define SIDE_PX 480 /* of the picture of the matrix, about */

struct redundancy {
    const char **labels; /* the empty text first */
    size_t count, embed_dim;
    float *features; /* [count, embed_dim] */
    float *picture;  /* [embed_dim] */
    float *matrix;   /* [count, count] L1 distances */
};

static int compute(struct redundancy *job, struct csg_engine *engine, const struct csg_image *image, struct csg_error *err)
{
    int status = csg_embed_texts(engine, job->labels, job->count, job->features, err);
    if (status == CSG_OK)
        status = csg_embed_image(engine, image, job->picture, err);
    for (size_t i = 0; status == CSG_OK && i < job->count; i++)
        for (size_t j = 0; j < job->count; j++) {
            double sum = 0;
            for (size_t c = 0; c < job->embed_dim; c++)
                sum += fabs((double)job->picture[c] *
                            ((double)job->features[i * job->embed_dim + c] - (double)job->features[j * job->embed_dim + c]));
            job->matrix[i * job->count + j] = (float)sum;
        }
    return status;
}

/* Black is no distance, white the greatest; row 0 is the empty text. */
static int draw(const struct redundancy *job, const char *path, bool overwrite, struct csg_error *err)
{
    size_t n = job->count, cell = SIDE_PX / n ? SIDE_PX / n : 1, side = n * cell;
    uint8_t *rgb = malloc(side * side * 3);
    struct csg_image *image = NULL;
    float most = 0;
    if (!rgb)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; i < n * n; i++)
        most = fmaxf(most, job->matrix[i]);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            float share = most > 0 ? job->matrix[y / cell * n + x / cell] / most : 0;
            memset(rgb + (y * side + x) * 3, (int)(share * 255 + 0.5f), 3);
        }
    int status = csg_image_from_rgb(&image, rgb, (int)side, (int)side, 0, err);
    if (status == CSG_OK)
        status = csg_image_write_png(image, path, overwrite, err);
    csg_image_destroy(&image);
    free(rgb);
    return status;
}

static int report(const struct redundancy *job, const struct cli_args *args, const char *file, struct csg_error *err)
{
    size_t n = job->count;
    json_t *labels = json_array();
    if (!args->json)
        printf("%-24s %9s %9s %9s\n", "label", "to empty", "to others", "cosine");
    for (size_t i = 1; i < n; i++) {
        double others = 0, cosine = 0;
        char printable[61];
        for (size_t j = 1; j < n; j++)
            others += n > 2 ? (double)job->matrix[i * n + j] / (double)(n - 2) : 0;
        for (size_t c = 0; c < job->embed_dim; c++)
            cosine += (double)job->picture[c] * (double)job->features[i * job->embed_dim + c];
        snprintf(printable, sizeof printable, "%s", job->labels[i]);
        if (args->json)
            json_array_append_new(labels, json_pack("{s:o, s:f, s:f, s:f}", "label", cli_json_string(job->labels[i]), "to_empty",
                                                    (double)job->matrix[i * n], "to_others", others, "cosine", cosine));
        else
            printf("%-24s %9.5f %9.5f %9.4f\n", cli_printable(printable), (double)job->matrix[i * n], others, cosine);
    }
    if (args->json)
        return cli_print_json(json_pack("{s:o, s:o}", "file", cli_json_string(file), "labels", labels), err);
    json_decref(labels);
    puts(file);
    return CSG_OK;
}

static int allocate(struct redundancy *job, const char *const *labels, size_t n_labels, struct csg_engine *engine,
                    struct csg_error *err)
{
    struct csg_engine_info info;
    csg_engine_info(engine, &info);
    job->count = n_labels + 1;
    job->embed_dim = info.embed_dim;
    job->labels = calloc(job->count, sizeof *job->labels);
    job->features = calloc(job->count, job->embed_dim * sizeof *job->features);
    job->picture = calloc(job->embed_dim, sizeof *job->picture);
    job->matrix = calloc(job->count, job->count * sizeof *job->matrix);
    if (!job->labels || !job->features || !job->picture || !job->matrix)
        return cli_fail(err, CSG_ERROR, "out of memory");
    job->labels[0] = "";
    for (size_t i = 0; i < n_labels; i++)
        job->labels[1 + i] = labels[i];
    return CSG_OK;
}

int cli_redundancy(const struct cli_args *args, struct csg_error *err)
{
    struct redundancy job = {0};
    struct csg_label_set set = {0};
    struct csg_image *image = NULL;
    struct csg_engine *engine = NULL;
    if (args->n_words < 1)
        return cli_fail(err, CSG_ERROR_USAGE, "redundancy wants a picture and labels");
    const char *const *labels = args->words + 1;
    size_t n_labels = args->n_words - 1;
    int status = CSG_OK;
    char *file = NULL;
    if (!n_labels) {
        status = csg_label_set_load(&set, args->labels ? args->labels : "voc20", err);
        labels = (const char *const *)set.labels;
        n_labels = set.count;
    }
    if (status == CSG_OK)
        status = cli_checked_output(&file, args, "_redundancy", err);
    if (status == CSG_OK)
        status = csg_image_load(&image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    if (status == CSG_OK)
        cli_warn_unknown(engine, args, 1);
    if (status == CSG_OK)
        status = allocate(&job, labels, n_labels, engine, err);
    if (status == CSG_OK)
        status = compute(&job, engine, image, err);
    if (status == CSG_OK)
        status = draw(&job, file, args->overwrite, err);
    if (status == CSG_OK && args->npy) {
        const size_t dims[2] = {job.count, job.count};
        status = csg_npy_write(args->npy, job.matrix, dims, 2, args->overwrite, err);
    }
    if (status == CSG_OK)
        status = report(&job, args, file, err);
    free(job.labels);
    free(job.features);
    free(job.picture);
    free(job.matrix);
    free(file);
    cli_engine_close(&engine);
    csg_image_destroy(&image);
    csg_label_set_free(&set);
    return status;
}
