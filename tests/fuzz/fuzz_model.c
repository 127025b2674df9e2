/* One reader of untrusted model files per program, chosen by FUZZ_TARGET; run as libFuzzer wants it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/pickle.h"
#include "model/safetensors.h"
#include "model/shards.h"
#include "model/tokenizer.h"
#include "model/torch_archive.h"
#include "model/vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
void fuzz_archive(const uint8_t *data, size_t bytes);
void fuzz_pickle(const uint8_t *data, size_t bytes);
void fuzz_safetensors(const uint8_t *data, size_t bytes);
void fuzz_config_hf(const uint8_t *data, size_t bytes);
void fuzz_config_open_clip(const uint8_t *data, size_t bytes);
void fuzz_shards(const uint8_t *data, size_t bytes);
void fuzz_tokenizer_json(const uint8_t *data, size_t bytes);
void fuzz_merges(const uint8_t *data, size_t bytes);

/* Every byte of what was accepted is read. */
static void touch(const struct csg_tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const struct csg_tensor *t = &tensors->items[i].tensor;
        float *values = tensors->items[i].readable ? malloc((t->elements + 1) * sizeof *values) : NULL;
        if (values)
            csg_tensor_to_f32(t, values);
        free(values);
    }
}

void fuzz_archive(const uint8_t *data, size_t bytes)
{
    struct csg_tensors tensors = {0};
    const struct csg_mapped file = {data, bytes};
    if (csg_torch_archive_read(&tensors, &file, "input", NULL) == CSG_OK)
        touch(&tensors);
    csg_tensors_free(&tensors);
}

void fuzz_pickle(const uint8_t *data, size_t bytes)
{
    struct csg_pickle pickle;
    if (csg_pickle_read(&pickle, data, bytes, "input", NULL) == CSG_OK)
        for (size_t i = 0; i < pickle.n_values; i++)
            for (size_t j = 0; j < 6; j++)
                csg_pickle_is(csg_pickle_item(&pickle, &pickle.values[i], j), "storage");
    csg_pickle_free(&pickle);
}

void fuzz_safetensors(const uint8_t *data, size_t bytes)
{
    struct csg_tensors tensors = {0};
    const struct csg_mapped file = {data, bytes};
    if (csg_safetensors_read(&tensors, &file, "input", NULL) == CSG_OK)
        touch(&tensors);
    csg_tensors_free(&tensors);
}

/* The input as the file `name` of a folder of this process. */
static const char *as_file(const uint8_t *data, size_t bytes, const char *name)
{
    static char folder[64], path[128];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/dev/shm/csg-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0)
        abort();
    return path;
}

void fuzz_config_hf(const uint8_t *data, size_t bytes)
{
    struct csg_model model = {0};
    csg_config_hugging_face(&model, as_file(data, bytes, "config.json"), NULL);
}

void fuzz_config_open_clip(const uint8_t *data, size_t bytes)
{
    struct csg_model model = {0};
    csg_config_open_clip(&model, as_file(data, bytes, "open_clip_config.json"), NULL);
}

void fuzz_shards(const uint8_t *data, size_t bytes)
{
    struct csg_shards shards;
    csg_shards_read(&shards, as_file(data, bytes, "model.safetensors.index.json"), NULL);
    csg_shards_free(&shards);
}

static void tokenize(const char *file)
{
    struct csg_tokenizer *tokenizer;
    int32_t ids[20];
    size_t count, cut;
    char folder[128];
    snprintf(folder, sizeof folder, "%s", file);
    *strrchr(folder, '/') = 0;
    if (csg_tokenizer_create(&tokenizer, folder, 600, NULL) != CSG_OK)
        return;
    csg_tokenize(tokenizer, "a photo of two sleeping cats' benches \xC3\xA9", 20, ids, &count, &cut, NULL);
    csg_tokenizer_destroy(&tokenizer);
}

void fuzz_tokenizer_json(const uint8_t *data, size_t bytes)
{
    tokenize(as_file(data, bytes, "tokenizer.json"));
}

/* Ids by CLIP's rule, which wants no second file. */
void fuzz_merges(const uint8_t *data, size_t bytes)
{
    struct csg_vocab vocab;
    csg_vocab_load(&vocab, as_file(data, bytes, "merges.txt"), NULL, 100000, NULL);
    for (size_t i = 0; i < vocab.n_symbols; i++)
        csg_vocab_merge(&vocab, (uint32_t)i, (uint32_t)(vocab.n_symbols - 1 - i));
    csg_vocab_free(&vocab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    FUZZ_TARGET(data, bytes);
    return 0;
}
