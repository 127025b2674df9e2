#include "task/ensemble.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "task/kept.h"

/* Texts that are encoded together: prompts share their beginnings within a chunk, and progress is told after each. */
#define CHUNK_TEXTS 128

struct entry {
    char *text;
    float *feature; /* [embed_dim] */
    bool given;
};

struct csg_ensemble {
    struct csg_backend *backend;
    const struct csg_model *model;
    const struct csg_log *log;
    struct csg_text *tower;          /* NULL until it is needed */
    struct csg_tokenizer *tokenizer; /* the same */
    struct csg_strings templates;
    bool given_only;
    const char *cache_dir; /* NULL: nothing is kept on disk */
    char *identity;
    struct csg_kept *kept; /* NULL until a text is not known: its key holds the hash of all weights */
    struct entry *known;
    size_t n_known, capacity;
};

int csg_ensemble_create(struct csg_ensemble **out, const struct csg_ensemble_params *params, struct csg_error *err)
{
    struct csg_ensemble *ensemble = csg_calloc(1, sizeof *ensemble);
    *out = NULL;
    if (!ensemble)
        return csg_fail_memory(err);
    ensemble->backend = params->backend;
    ensemble->model = params->model;
    ensemble->log = params->log;
    ensemble->given_only = params->given_only;
    int status = csg_templates_load(&ensemble->templates, params->templates, err);
    if (status) {
        csg_ensemble_destroy(&ensemble);
        return status;
    }
    *out = ensemble;
    return CSG_OK;
}

static void forget_computed(struct csg_ensemble *ensemble)
{
    size_t kept = 0;
    for (size_t i = 0; i < ensemble->n_known; i++) {
        struct entry *entry = ensemble->known + i;
        if (entry->given || ensemble->given_only) {
            ensemble->known[kept++] = *entry;
        } else {
            free(entry->text);
            free(entry->feature);
        }
    }
    ensemble->n_known = kept;
}

int csg_ensemble_move(struct csg_ensemble *ensemble, struct csg_backend *backend, const char *cache_dir, const char *identity,
                      struct csg_error *err)
{
    char *own = csg_strdup(identity);
    if (!own)
        return csg_fail_memory(err);
    free(ensemble->identity);
    ensemble->identity = own;
    ensemble->cache_dir = cache_dir;
    csg_kept_destroy(&ensemble->kept);
    csg_text_destroy(&ensemble->tower);
    forget_computed(ensemble);
    ensemble->backend = backend;
    return CSG_OK;
}

/* Vocabulary and text tower, which nobody needs whose texts are known. */
static int wake(struct csg_ensemble *ensemble, const char *text, struct csg_error *err)
{
    const struct csg_model *model = ensemble->model;
    int status = CSG_OK;
    if (ensemble->given_only)
        return csg_fail(err, CSG_ERROR_USAGE,
                        "this engine was opened without its text tower and was not given the features of '%.100s'", text);
    if (!ensemble->tokenizer)
        status = csg_tokenizer_create(&ensemble->tokenizer, model->path, model->vocab_size, err);
    if (status == CSG_OK && !ensemble->tower)
        status = csg_text_create(&ensemble->tower, ensemble->backend, model, err);
    return status;
}

void csg_ensemble_destroy(struct csg_ensemble **out)
{
    struct csg_ensemble *ensemble = out ? *out : NULL;
    if (!ensemble)
        return;
    for (size_t i = 0; i < ensemble->n_known; i++) {
        free(ensemble->known[i].text);
        free(ensemble->known[i].feature);
    }
    free(ensemble->known);
    csg_strings_free(&ensemble->templates);
    csg_kept_destroy(&ensemble->kept);
    free(ensemble->identity);
    csg_tokenizer_destroy(&ensemble->tokenizer);
    csg_text_destroy(&ensemble->tower);
    free(ensemble);
    *out = NULL;
}

static const float *find(const struct csg_ensemble *ensemble, const char *text)
{
    for (size_t i = 0; i < ensemble->n_known; i++)
        if (strcmp(ensemble->known[i].text, text) == 0)
            return ensemble->known[i].feature;
    return NULL;
}

static int remember(struct csg_ensemble *ensemble, const char *text, const float *feature, bool given, struct csg_error *err)
{
    size_t bytes = ensemble->model->embed_dim * sizeof *feature;
    if (ensemble->n_known == ensemble->capacity) {
        size_t capacity = ensemble->capacity ? 2 * ensemble->capacity : 64;
        struct entry *larger = csg_realloc(ensemble->known, capacity, sizeof *larger);
        if (!larger)
            return csg_fail_memory(err);
        ensemble->known = larger;
        ensemble->capacity = capacity;
    }
    struct entry entry = {csg_strdup(text), csg_calloc(1, bytes), given};
    if (!entry.text || !entry.feature) {
        free(entry.text);
        free(entry.feature);
        return csg_fail_memory(err);
    }
    memcpy(entry.feature, feature, bytes);
    ensemble->known[ensemble->n_known++] = entry;
    return CSG_OK;
}

int csg_ensemble_take(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, const float *features,
                      struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++)
        if (!find(ensemble, texts[i]))
            status = remember(ensemble, texts[i], features + i * ensemble->model->embed_dim, true, err);
    return status;
}

/* Says where a prompt was cut: the last characters that the model still reads. */
static void warn_cut(const struct csg_ensemble *ensemble, const char *prompt, size_t cut_bytes)
{
    char *cleaned = NULL;
    if (csg_clean_text(prompt, &cleaned, NULL) != CSG_OK)
        return;
    size_t length = strlen(cleaned), end = cut_bytes < length ? cut_bytes : length, begin = end > 24 ? end - 24 : 0;
    while (begin < end && ((unsigned char)cleaned[begin] & 0xc0) == 0x80)
        begin++;
    csg_log(ensemble->log, CSG_LOG_WARNING,
            "a text is longer than the %zu tokens that the model reads; it is cut after \"%s%.*s\"", ensemble->model->context,
            begin ? "..." : "", (int)(end - begin), cleaned + begin);
    free(cleaned);
}

/* The prompts of texts [0, n), tokenized; prompts->ids has room for context ids a prompt. cut (may be NULL): those that were too long. */
static int tokenize(const struct csg_ensemble *ensemble, const char *const *texts, size_t n, struct csg_prompts *prompts,
                    bool *cut, struct csg_error *err)
{
    size_t context = ensemble->model->context, templates = ensemble->templates.count;
    int status = CSG_OK;
    prompts->count = 0;
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        bool warned = false;
        for (size_t t = 0; status == CSG_OK && t < templates; t++) {
            size_t count = 0, cut_bytes = SIZE_MAX;
            int32_t at = prompts->offsets[prompts->count];
            char *prompt = csg_template_fill(ensemble->templates.items[t], texts[i]);
            if (!prompt)
                return csg_fail_memory(err);
            status = csg_tokenize(ensemble->tokenizer, prompt, context, prompts->ids + at, &count, &cut_bytes, err);
            if (status == CSG_OK && cut_bytes != SIZE_MAX && !warned) {
                warn_cut(ensemble, prompt, cut_bytes);
                warned = true;
            }
            if (status == CSG_OK && cut && warned)
                cut[i] = true;
            prompts->offsets[++prompts->count] = at + (int32_t)count;
            free(prompt);
        }
    }
    return status;
}

static int encode_chunk(struct csg_ensemble *ensemble, const char *const *texts, size_t n, float *features, bool *cut,
                        struct csg_error *err)
{
    size_t templates = ensemble->templates.count, count, ids;
    struct csg_prompts prompts = {0};
    int status = CSG_OK;
    if (!csg_mul(n, templates, &count) || !csg_mul(count, ensemble->model->context, &ids) || ids > INT32_MAX)
        return csg_fail(err, CSG_ERROR_INPUT, "%zu templates are more than can be encoded at once", templates);
    prompts.ids = csg_calloc(ids, sizeof *prompts.ids);
    prompts.offsets = csg_calloc(count + 1, sizeof *prompts.offsets);
    if (!prompts.ids || !prompts.offsets)
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = tokenize(ensemble, texts, n, &prompts, cut, err);
    if (status == CSG_OK)
        status = csg_text_encode(ensemble->tower, &prompts, n, templates, features, err);
    free(prompts.ids);
    free(prompts.offsets);
    return status;
}

static int compute(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features, bool *cut,
                   struct csg_error *err)
{
    int status = wake(ensemble, texts[0], err);
    for (size_t from = 0; status == CSG_OK && from < n_texts; from += CHUNK_TEXTS) {
        size_t n = n_texts - from < CHUNK_TEXTS ? n_texts - from : CHUNK_TEXTS;
        if (n_texts > CHUNK_TEXTS)
            csg_log(ensemble->log, CSG_LOG_INFO, "encoding texts: %zu of %zu", from + n, n_texts);
        status =
            encode_chunk(ensemble, texts + from, n, features + from * ensemble->model->embed_dim, cut ? cut + from : NULL, err);
    }
    return status;
}

int csg_ensemble_compute(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features,
                         struct csg_error *err)
{
    return compute(ensemble, texts, n_texts, features, NULL, err);
}

bool csg_ensemble_computes(const struct csg_ensemble *ensemble)
{
    return !ensemble->given_only;
}

size_t csg_ensemble_templates(const struct csg_ensemble *ensemble)
{
    return ensemble->templates.count;
}

/* Takes what is kept on disk into memory. */
static int take_kept(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, struct csg_error *err)
{
    float *feature = csg_calloc(ensemble->model->embed_dim, sizeof *feature);
    int status = feature ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++) {
        if (find(ensemble, texts[i]))
            continue;
        if (!ensemble->kept)
            status = csg_kept_create(&ensemble->kept, ensemble->cache_dir, ensemble->identity, ensemble->model,
                                     &ensemble->templates, err);
        if (status == CSG_OK && csg_kept_load(ensemble->kept, texts[i], feature))
            status = remember(ensemble, texts[i], feature, false, err);
    }
    free(feature);
    return status;
}

/* Computes those of the texts that are not known yet, each once. */
static int encode_missing(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, struct csg_error *err)
{
    size_t missing = 0, embed = ensemble->model->embed_dim;
    const char **list = csg_calloc(n_texts, sizeof *list);
    bool *cut = csg_calloc(n_texts, sizeof *cut);
    float *features = NULL;
    int status = list && cut ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK && ensemble->cache_dir)
        status = take_kept(ensemble, texts, n_texts, err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++) {
        bool there = find(ensemble, texts[i]) != NULL;
        for (size_t j = 0; j < missing && !there; j++)
            there = strcmp(list[j], texts[i]) == 0;
        if (!there)
            list[missing++] = texts[i];
    }
    if (status == CSG_OK && missing && !(features = csg_calloc(missing, embed * sizeof *features)))
        status = csg_fail_memory(err);
    if (status == CSG_OK && missing)
        status = compute(ensemble, list, missing, features, cut, err);
    for (size_t i = 0; status == CSG_OK && i < missing; i++) {
        status = remember(ensemble, list[i], features + i * embed, false, err);
        /* One that was cut is computed again, so that the user hears of it again. */
        if (status == CSG_OK && ensemble->kept && !cut[i])
            csg_kept_store(ensemble->kept, list[i], features + i * embed);
    }
    if (status == CSG_OK && ensemble->kept && missing)
        csg_kept_trim(ensemble->kept);
    free(features);
    free(cut);
    free(list);
    return status;
}

int csg_ensemble_features(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features,
                          struct csg_error *err)
{
    size_t embed = ensemble->model->embed_dim;
    int status = encode_missing(ensemble, texts, n_texts, err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++)
        memcpy(features + i * embed, find(ensemble, texts[i]), embed * sizeof *features);
    return status;
}

/* What the tokens are: where the tokenizer cuts a shorter and shorter context says where each ends in the cleaned text. */
static int name_tokens(const struct csg_ensemble *ensemble, const char *sentence, size_t count, struct csg_strings *names,
                       struct csg_error *err)
{
    char *cleaned = NULL;
    int32_t *ids = csg_calloc(count, sizeof *ids);
    size_t from = 0;
    int status = ids ? csg_clean_text(sentence, &cleaned, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_strings_add(names, "[start]", err);
    for (size_t i = 1; status == CSG_OK && i + 1 < count; i++) {
        size_t used = 0, to = SIZE_MAX, length = strlen(cleaned);
        status = csg_tokenize(ensemble->tokenizer, sentence, i + 2, ids, &used, &to, err);
        to = to < length ? to : length;
        while (from < to && cleaned[from] == ' ')
            from++;
        size_t end = to;
        while (end > from && cleaned[end - 1] == ' ')
            end--;
        char *name = status == CSG_OK ? csg_strndup(cleaned + from, end > from ? end - from : 0) : NULL;
        if (status == CSG_OK)
            status = name ? csg_strings_add(names, name, err) : csg_fail_memory(err);
        free(name);
        from = to;
    }
    if (status == CSG_OK)
        status = csg_strings_add(names, "[end]", err);
    free(cleaned);
    free(ids);
    return status;
}

int csg_ensemble_tokens(struct csg_ensemble *ensemble, const char *sentence, struct csg_strings *names, float **features,
                        struct csg_error *err)
{
    size_t context = ensemble->model->context, count = 0, cut_bytes = SIZE_MAX;
    *names = (struct csg_strings){0};
    *features = NULL;
    struct csg_prompts prompts = {.ids = csg_calloc(context, context * sizeof *prompts.ids),
                                  .offsets = csg_calloc(context + 1, sizeof *prompts.offsets)};
    int32_t *ids = csg_calloc(context, sizeof *ids);
    int status = prompts.ids && prompts.offsets && ids ? wake(ensemble, sentence, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_tokenize(ensemble->tokenizer, sentence, context, ids, &count, &cut_bytes, err);
    if (status == CSG_OK && cut_bytes != SIZE_MAX)
        warn_cut(ensemble, sentence, cut_bytes);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        memcpy(prompts.ids + prompts.offsets[i], ids, (i + 1) * sizeof *ids);
        prompts.offsets[i + 1] = prompts.offsets[i] + (int32_t)(i + 1);
    }
    prompts.count = count;
    if (status == CSG_OK)
        status = name_tokens(ensemble, sentence, count, names, err);
    if (status == CSG_OK && !(*features = csg_calloc(count, ensemble->model->embed_dim * sizeof **features)))
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_text_encode(ensemble->tower, &prompts, count, 1, *features, err);
    free(prompts.ids);
    free(prompts.offsets);
    free(ids);
    if (status) {
        csg_strings_free(names);
        free(*features);
        *features = NULL;
    }
    return status;
}
