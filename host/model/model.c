#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/catalogue.h"
#include "model/kinds.h"
#include "model/layout.h"

#define DEMO_MODEL "demo-model"

/* folder/part/name where it is a folder, else NULL. Takes over `folder`, which may be NULL, as `part`. */
static int folder_under(char **out, char *folder, const char *part, const char *name, struct csg_error *err)
{
    int status = part ? csg_path_append(&folder, part, err) : CSG_OK;
    if (status == CSG_OK)
        status = csg_path_append(&folder, name, err);
    bool there = folder && csg_is_folder(folder);
    *out = there ? folder : NULL;
    if (!there)
        free(folder);
    return status;
}

static int refuse_name(const char *name, struct csg_error *err)
{
    char *user, *data;
    if (csg_catalogue_knows(name))
        return csg_fail(err, CSG_ERROR_MODEL, "the model %s is not here; `clip-surgeon model pull %s` fetches it", name, name);
    int status = csg_user_data_folder(&user, err);
    if (status)
        return status;
    status = csg_data_folder(&data, err);
    if (status == CSG_OK)
        status = csg_fail(err, CSG_ERROR_MODEL,
                          "there is no model %s: neither a folder or file of that path, nor %s%s, nor one in %s", name,
                          user ? "one in " : "a user's data folder", user ? user : "", data ? data : "the project's data folder");
    free(user);
    free(data);
    return status;
}

static int find_folder(char **out, const char *name, struct csg_error *err)
{
    char *place = NULL;
    if (csg_is_folder(name) || csg_is_file(name)) {
        *out = csg_strdup(name);
        return *out ? CSG_OK : csg_fail_memory(err);
    }
    int status = csg_user_data_folder(&place, err);
    if (status == CSG_OK)
        status = folder_under(out, place, "models", name, err);
    if (status == CSG_OK && !*out) {
        status = csg_data_folder(&place, err);
        if (status == CSG_OK)
            status = folder_under(out, place, NULL, name, err);
    }
    if (status == CSG_OK && !*out) {
        status = csg_catalogue_find(out, name, err);
        if (status == CSG_ERROR_USAGE)
            status = csg_fail(err, CSG_ERROR_MODEL, "%s is no name of a model on Hugging Face's hub", name);
    }
    return status || *out ? status : refuse_name(name, err);
}

static char *last_component(const char *path)
{
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    return csg_strndup(path + begin, end - begin);
}

static int load(struct csg_model *model, const struct csg_log *log, struct csg_error *err)
{
    struct csg_tensors tensors = {0};
    int status = csg_kind_read(model, &tensors, err);
    if (!status)
        status = csg_layout_apply(model, &tensors, err);
    if (!status)
        csg_layout_tell_surplus(&tensors, log);
    csg_tensors_free(&tensors);
    return status;
}

int csg_model_open(struct csg_model **out, const char *folder, const struct csg_log *log, struct csg_error *err)
{
    struct csg_model *model = csg_calloc(1, sizeof *model);
    *out = NULL;
    if (!model)
        return csg_fail_memory(err);
    int status = find_folder(&model->path, folder ? folder : DEMO_MODEL, err);
    if (status)
        goto fail;
    model->name = last_component(model->path);
    if (!model->name) {
        status = csg_fail_memory(err);
        goto fail;
    }
    status = load(model, log, err);
    if (status)
        goto fail;
    *out = model;
    return CSG_OK;
fail:
    csg_model_close(&model);
    return status;
}

void csg_model_close(struct csg_model **model)
{
    if (!model || !*model)
        return;
    struct csg_model *m = *model;
    for (size_t i = 0; i < m->n_files; i++)
        csg_unmap_file(&m->files[i]);
    free(m->files);
    free(m->resnet.blocks);
    free(m->vision.blocks);
    free(m->text.blocks);
    free(m->weights_path);
    free(m->path);
    free(m->name);
    free(m);
    *model = NULL;
}

const char *csg_model_architecture(const struct csg_model *model)
{
    static const char *const names[] = {[CSG_VIT] = "ViT", [CSG_RESNET] = "ResNet"};
    return names[model->architecture];
}

void csg_model_release(const struct csg_model *model)
{
    for (size_t i = 0; i < model->n_files; i++)
        csg_release_pages(&model->files[i]);
}

static uint64_t count_block(const struct csg_block *b)
{
    const struct csg_tensor *all[] = {&b->ln_1.weight, &b->ln_1.bias, &b->ln_2.weight, &b->ln_2.bias,
                                      &b->q_weight,    &b->k_weight,  &b->v_weight,    &b->q_bias,
                                      &b->k_bias,      &b->v_bias,    &b->out_weight,  &b->out_bias,
                                      &b->fc_weight,   &b->fc_bias,   &b->proj_weight, &b->proj_bias};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        sum += all[i]->elements;
    return sum;
}

static uint64_t count_tower(const struct csg_tower *tower)
{
    uint64_t sum = 0;
    for (size_t i = 0; tower->blocks && i < tower->layers; i++)
        sum += count_block(&tower->blocks[i]);
    return sum;
}

static uint64_t count_conv(const struct csg_conv *conv)
{
    return conv->weight.elements + conv->gamma.elements + conv->beta.elements + conv->mean.elements + conv->var.elements;
}

static uint64_t count_resnet(const struct csg_resnet *resnet)
{
    uint64_t sum = count_block(&resnet->pool);
    for (size_t i = 0; i < 3; i++)
        sum += count_conv(&resnet->stem[i]);
    for (size_t i = 0; i < resnet->n_blocks; i++) {
        const struct csg_bottleneck *b = &resnet->blocks[i];
        sum += count_conv(&b->conv[0]) + count_conv(&b->conv[1]) + count_conv(&b->conv[2]) + count_conv(&b->down);
    }
    return sum;
}

uint64_t csg_model_parameters(const struct csg_model *model)
{
    const struct csg_model *m = model;
    const struct csg_tensor *all[] = {&m->patch_weight,    &m->class_embedding, &m->vision_position, &m->ln_pre.weight,
                                      &m->ln_pre.bias,     &m->ln_post.weight,  &m->ln_post.bias,    &m->vision_proj,
                                      &m->token_embedding, &m->text_position,   &m->ln_final.weight, &m->ln_final.bias,
                                      &m->text_proj,       &m->vision_explain};
    uint64_t sum = count_tower(&m->vision) + count_tower(&m->text) + count_resnet(&m->resnet);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        sum += all[i]->elements;
    return sum;
}

static uint64_t block_matrices(const struct csg_block *b)
{
    return b->q_weight.elements + b->k_weight.elements + b->v_weight.elements + b->out_weight.elements + b->fc_weight.elements +
           b->proj_weight.elements;
}

static uint64_t tower_matrices(const struct csg_tower *tower)
{
    uint64_t sum = 0;
    for (size_t i = 0; tower->blocks && i < tower->layers; i++)
        sum += block_matrices(&tower->blocks[i]);
    return sum;
}

static uint64_t resnet_matrices(const struct csg_resnet *resnet)
{
    uint64_t sum = block_matrices(&resnet->pool);
    for (size_t i = 0; i < 3; i++)
        sum += resnet->stem[i].weight.elements;
    for (size_t i = 0; i < resnet->n_blocks; i++) {
        const struct csg_bottleneck *b = &resnet->blocks[i];
        sum += b->conv[0].weight.elements + b->conv[1].weight.elements + b->conv[2].weight.elements + b->down.weight.elements;
    }
    return sum;
}

uint64_t csg_model_matrix_elements(const struct csg_model *model)
{
    return tower_matrices(&model->vision) + tower_matrices(&model->text) + resnet_matrices(&model->resnet) +
           model->patch_weight.elements + model->vision_proj.elements + model->vision_explain.elements +
           model->text_proj.elements;
}

void csg_tensor_to_f32(const struct csg_tensor *tensor, float *out)
{
    csg_to_f32(out, tensor->data, tensor->dtype, tensor->elements);
}

int csg_model_sha256(const struct csg_model *model, char hex[65], struct csg_error *err)
{
    struct csg_sha256 *hash = NULL;
    const size_t piece = (size_t)1 << 20;
    int status = csg_sha256_create(&hash, err);
    for (size_t i = 0; i < model->n_files; i++) {
        const struct csg_mapped *file = &model->files[i];
        for (size_t at = 0; at < file->bytes && !status; at += piece) {
            status = csg_sha256_update(hash, file->data + at, file->bytes - at < piece ? file->bytes - at : piece, err);
            csg_release_pages(file); /* else all of the file would be in memory beside the weights on the device */
        }
    }
    if (!status)
        status = csg_sha256_finish(&hash, hex, err);
    csg_sha256_destroy(&hash);
    return status;
}
