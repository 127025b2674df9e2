/* One reader of untrusted model files per program, chosen by FUZZ_TARGET; run as libFuzzer wants it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "model/config.h"
#include "model/hub.h"
#include "model/pickle.h"
#include "model/safetensors.h"
#include "model/shards.h"
#include "model/tokenizer.h"
#include "model/torch_archive.h"
#include "model/vocab.h"

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

FUZZ(archive)
{
    struct csg_tensors tensors = {0};
    const struct csg_mapped file = {data, bytes};
    if (csg_torch_archive_read(&tensors, &file, "input", NULL) == CSG_OK)
        touch(&tensors);
    csg_tensors_free(&tensors);
}

FUZZ(pickle)
{
    struct csg_pickle pickle;
    if (csg_pickle_read(&pickle, data, bytes, "input", NULL) == CSG_OK)
        for (size_t i = 0; i < pickle.n_values; i++)
            for (size_t j = 0; j < 6; j++)
                csg_pickle_is(csg_pickle_item(&pickle, &pickle.values[i], j), "storage");
    csg_pickle_free(&pickle);
}

FUZZ(safetensors)
{
    struct csg_tensors tensors = {0};
    const struct csg_mapped file = {data, bytes};
    if (csg_safetensors_read(&tensors, &file, "input", NULL) == CSG_OK)
        touch(&tensors);
    csg_tensors_free(&tensors);
}

FUZZ(config_hf)
{
    struct csg_model model = {0};
    csg_config_hugging_face(&model, fuzz_file(data, bytes, "config.json"), NULL);
}

FUZZ(config_open_clip)
{
    struct csg_model model = {0};
    csg_config_open_clip(&model, fuzz_file(data, bytes, "open_clip_config.json"), NULL);
}

FUZZ(shards)
{
    struct csg_shards shards;
    csg_shards_read(&shards, fuzz_file(data, bytes, "model.safetensors.index.json"), NULL);
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

FUZZ(tokenizer_json)
{
    tokenize(fuzz_file(data, bytes, "tokenizer.json"));
}

/* Ids by CLIP's rule, which wants no second file. */
FUZZ(merges)
{
    struct csg_vocab vocab;
    csg_vocab_load(&vocab, fuzz_file(data, bytes, "merges.txt"), NULL, 100000, NULL);
    for (size_t i = 0; i < vocab.n_symbols; i++)
        csg_vocab_merge(&vocab, (uint32_t)i, (uint32_t)(vocab.n_symbols - 1 - i));
    csg_vocab_free(&vocab);
}

/* vocab.json beside merges that never change. */
FUZZ(vocab)
{
    static const char merges[] = "#version: 0.2\na b\nc d</w>\nab cd</w>\n";
    struct csg_vocab vocab;
    char other[192];
    snprintf(other, sizeof other, "%s", fuzz_file((const uint8_t *)merges, sizeof merges - 1, "merges.txt"));
    csg_vocab_load(&vocab, other, fuzz_file(data, bytes, "vocab.json"), 600, NULL);
    csg_vocab_free(&vocab);
}

/* An archive of OpenAI's down to where its tensors belong. */
FUZZ(checkpoint)
{
    struct csg_model *model;
    if (csg_model_open(&model, fuzz_file(data, bytes, "model.pt"), NULL, NULL) == CSG_OK)
        csg_model_parameters(model);
    csg_model_close(&model);
}

/* What the hub's cache says of a revision. */
FUZZ(hub)
{
    char *path, folder[128];
    setenv("HF_HUB_CACHE", fuzz_folder(), 1);
    snprintf(folder, sizeof folder, "%s/models--a--b/refs", fuzz_folder());
    if (csg_make_folders(folder, NULL) != CSG_OK)
        abort();
    fuzz_file(data, bytes, "models--a--b/refs/main");
    csg_hub_find(&path, "a/b", NULL);
    free(path);
}

FUZZ(known_words)
{
    char folder[128], words[300];
    snprintf(folder, sizeof folder, "%s", fuzz_folder());
    fuzz_file(data, bytes, "known_words.txt");
    const struct csg_model model = {.path = folder};
    csg_model_unknown_words(&model, "a potted plant + two cats\xC3\xA9 and dogs", words, sizeof words, NULL);
}
