#include "model/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/config.h"
#include "model/safetensors.h"
#include "model/shards.h"
#include "model/torch_archive.h"

struct kind {
    const char *config, *weights, *index; /* files of the folder; weights "*.pt": the only one of that ending; NULL: none */
    int (*read_config)(struct csg_model *model, const char *path, struct csg_error *err);
    int (*read_weights)(struct csg_tensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err);
};

/* In the order in which they are tried: a folder may hold several. */
static const struct kind kinds[] = {
    {"open_clip_config.json", "open_clip_model.safetensors", NULL, csg_config_open_clip, csg_safetensors_read},
    {"config.json", "model.safetensors", "model.safetensors.index.json", csg_config_hugging_face, csg_safetensors_read},
    {NULL, "*.pt", NULL, csg_config_openai, csg_torch_archive_read},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])
#define ARCHIVE (&kinds[2])

/* Endings of pickles that are programs as much as data. */
static const char *const pickles[] = {".bin", ".pth", ".ckpt", ".pkl"};

static bool ends_with(const char *path, const char *suffix)
{
    size_t a = strlen(path), b = strlen(suffix);
    return a > b && strcmp(path + a - b, suffix) == 0;
}

static int refuse_pickle(const char *path, struct csg_error *err)
{
    return csg_fail(
        err, CSG_ERROR_MODEL,
        "%s is a Python pickle, which runs code as it is read, and is not opened; convert it where it is trusted: "
        "python3 -c \"import sys, torch; from safetensors.torch import save_file; save_file({k: v.contiguous().clone() for "
        "k, v in torch.load(sys.argv[1], weights_only=True).items()}, sys.argv[2])\" OLD.bin model.safetensors "
        "(open_clip's as open_clip_model.safetensors)",
        path);
}

/* path/name where it is a file; *out is NULL where not. */
static int find_file(char **out, const char *folder, const char *name, struct csg_error *err)
{
    *out = name ? csg_path_join(folder, name) : NULL;
    if (name && !*out)
        return csg_fail_memory(err);
    if (*out && !csg_is_file(*out)) {
        free(*out);
        *out = NULL;
    }
    return CSG_OK;
}

/* The weights of a kind: a file, or one with the kind's ending. */
static int find_weights(char **out, const char *folder, const char *pattern, struct csg_error *err)
{
    if (pattern[0] != '*')
        return find_file(out, folder, pattern, err);
    char **names;
    size_t count;
    *out = NULL;
    int status = csg_list_files(&names, &count, folder, pattern + 1, CSG_ERROR_MODEL, err);
    if (!status && count > 1)
        status = csg_fail(err, CSG_ERROR_MODEL, "%s holds %zu files %s, among them %s and %s; name the one that is meant", folder,
                          count, pattern, names[0], names[1]);
    if (!status && count == 1)
        status = find_file(out, folder, names[0], err);
    csg_names_free(&names, count);
    return status;
}

/* Nothing that can be read is there: says what comes closest to it. */
static int refuse_folder(const char *folder, struct csg_error *err)
{
    for (size_t i = 0; i < sizeof pickles / sizeof pickles[0]; i++) {
        char **names, *path = NULL;
        size_t count;
        int status = csg_list_files(&names, &count, folder, pickles[i], CSG_ERROR_MODEL, err);
        if (!status && count)
            status = find_file(&path, folder, names[0], err);
        if (!status && path)
            status = refuse_pickle(path, err);
        free(path);
        csg_names_free(&names, count);
        if (status)
            return status;
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        char *config;
        int status = find_file(&config, folder, kinds[i].config, err);
        free(config);
        if (status)
            return status;
        if (config)
            return csg_fail(err, CSG_ERROR_MODEL, "%s holds no %s", folder, kinds[i].weights);
    }
    return csg_fail(err, CSG_ERROR_MODEL, "%s holds no model: neither %s with %s, nor %s with %s, nor an archive %s of OpenAI's",
                    folder, kinds[0].weights, kinds[0].config, kinds[1].weights, kinds[1].config, kinds[2].weights);
}

/* The kind of the folder; its weights or its index in model->weights_path. */
static int recognise(struct csg_model *model, const struct kind **kind, bool *sharded, struct csg_error *err)
{
    *sharded = false;
    if (csg_is_file(model->path)) {
        *kind = ARCHIVE;
        for (size_t i = 0; i < sizeof pickles / sizeof pickles[0]; i++)
            if (ends_with(model->path, pickles[i]))
                return refuse_pickle(model->path, err);
        if (!ends_with(model->path, ".pt"))
            return csg_fail(err, CSG_ERROR_MODEL,
                            "%s is a file; a model is a folder with %s and %s, or an archive %s of OpenAI's", model->path,
                            kinds[0].config, kinds[0].weights, ARCHIVE->weights);
        model->weights_path = csg_strdup(model->path);
        return model->weights_path ? CSG_OK : csg_fail_memory(err);
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        *kind = &kinds[i];
        int status = find_weights(&model->weights_path, model->path, kinds[i].weights, err);
        if (!status && !model->weights_path) {
            status = find_file(&model->weights_path, model->path, kinds[i].index, err);
            *sharded = model->weights_path != NULL;
        }
        if (status || model->weights_path)
            return status;
    }
    return refuse_folder(model->path, err);
}

static int read_config(struct csg_model *model, const struct kind *kind, struct csg_error *err)
{
    char *path = kind->config ? csg_path_join(model->path, kind->config) : NULL;
    int status = CSG_OK;
    if (kind->config && !path)
        status = csg_fail_memory(err);
    else if (path && !csg_is_file(path))
        status = csg_fail(err, CSG_ERROR_MODEL, "%s holds no %s", model->path, kind->config);
    if (!status)
        status = kind->read_config(model, path, err);
    free(path);
    return status;
}

/* A pickle, or the archive that holds one, whatever it is called. The eighth byte is zero in every header of safetensors. */
static bool is_pickle(const struct csg_mapped *file)
{
    static const uint8_t zip[4] = {'P', 'K', 3, 4};
    const uint8_t *data = file->data;
    return file->bytes >= 8 && (memcmp(data, zip, 4) == 0 || (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 && data[7] != 0));
}

static int read_file(struct csg_model *model, const struct kind *kind, const char *path, struct csg_tensors *tensors,
                     struct csg_error *err)
{
    struct csg_mapped *file = &model->files[model->n_files];
    int status = csg_map_file(file, path, CSG_ERROR_MODEL, err);
    if (status)
        return status;
    model->n_files++;
    status = kind->read_weights(tensors, file, path, err);
    return status && kind != ARCHIVE && is_pickle(file) ? refuse_pickle(path, err) : status;
}

static int read_shards(struct csg_model *model, const struct kind *kind, struct csg_tensors *tensors, struct csg_error *err)
{
    struct csg_shards shards;
    int status = csg_shards_read(&shards, model->weights_path, err);
    if (status)
        return status;
    model->files = csg_calloc(shards.count, sizeof *model->files);
    if (!model->files)
        status = csg_fail_memory(err);
    for (size_t i = 0; i < shards.count && !status; i++) {
        char *path = csg_path_join(model->path, shards.names[i]);
        status = path ? read_file(model, kind, path, tensors, err) : csg_fail_memory(err);
        free(path);
    }
    csg_shards_free(&shards);
    return status;
}

int csg_kind_read(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err)
{
    const struct kind *kind;
    bool sharded;
    int status = recognise(model, &kind, &sharded, err);
    if (!status)
        status = read_config(model, kind, err);
    if (status)
        return status;
    if (sharded) {
        status = read_shards(model, kind, tensors, err);
    } else {
        model->files = csg_calloc(1, sizeof *model->files);
        status = model->files ? read_file(model, kind, model->weights_path, tensors, err) : csg_fail_memory(err);
    }
    return status ? status : csg_tensors_sort(tensors, model->weights_path, err);
}
