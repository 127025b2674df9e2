#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "model/runes.h"
#include "model/vocab.h"
#include "model/words.h"

struct csg_tokenizer {
    struct csg_vocab vocab;
};

/* The files of a vocabulary: merges and, where there is one, vocab; or both in one. */
struct source {
    char *merges, *vocab, *both;
};

static void source_free(struct source *source)
{
    free(source->merges);
    free(source->vocab);
    free(source->both);
    *source = (struct source){0};
}

static int find_source(struct source *out, const char *model_folder, struct csg_error *err)
{
    *out = (struct source){csg_path_join(model_folder, "merges.txt"), csg_path_join(model_folder, "vocab.json"),
                           csg_path_join(model_folder, "tokenizer.json")};
    bool memory = out->merges && out->vocab && out->both;
    if (memory && csg_is_file(out->merges) && csg_is_file(out->vocab)) {
        free(out->both);
        out->both = NULL;
        return CSG_OK;
    }
    if (memory && csg_is_file(out->both)) {
        free(out->merges);
        free(out->vocab);
        out->merges = out->vocab = NULL;
        return CSG_OK;
    }
    source_free(out);
    if (!memory)
        return csg_fail_memory(err);
    int status = csg_data_folder(&out->merges, err);
    if (status == CSG_OK)
        status = csg_path_append(&out->merges, "clip-bpe/merges.txt", err);
    return status || out->merges
               ? status
               : csg_fail(err, CSG_ERROR_MODEL, "CLIP's vocabulary is not there: the project's data folder was not found");
}

int csg_tokenizer_create(struct csg_tokenizer **out, const char *model_folder, size_t vocab_size, struct csg_error *err)
{
    struct csg_tokenizer *tokenizer = csg_calloc(1, sizeof *tokenizer);
    struct source source = {0};
    *out = NULL;
    int status = tokenizer ? find_source(&source, model_folder, err) : csg_fail_memory(err);
    if (status == CSG_OK && source.both)
        status = csg_vocab_load_tokenizer(&tokenizer->vocab, source.both, vocab_size, err);
    else if (status == CSG_OK)
        status = csg_vocab_load(&tokenizer->vocab, source.merges, source.vocab, vocab_size, err);
    source_free(&source);
    if (status)
        csg_tokenizer_destroy(&tokenizer);
    else
        *out = tokenizer;
    return status;
}

int csg_tokenizer_sha256(const char *model_folder, char hex[65], struct csg_error *err)
{
    struct source source = {0};
    struct csg_sha256 *hash = NULL;
    int status = find_source(&source, model_folder, err);
    const char *const files[] = {source.merges, source.vocab, source.both};
    if (status == CSG_OK)
        status = csg_sha256_create(&hash, err);
    for (size_t i = 0; status == CSG_OK && i < sizeof files / sizeof *files; i++) {
        struct csg_mapped file = {0};
        if (files[i])
            status = csg_map_file(&file, files[i], CSG_ERROR_MODEL, err);
        uint64_t bytes = file.bytes;
        if (status == CSG_OK) /* so that no end of one file is the beginning of the next */
            status = csg_sha256_update(hash, &bytes, sizeof bytes, err);
        if (status == CSG_OK && file.data)
            status = csg_sha256_update(hash, file.data, file.bytes, err);
        csg_unmap_file(&file);
    }
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, hex, err);
    csg_sha256_destroy(&hash);
    source_free(&source);
    return status;
}

void csg_tokenizer_destroy(struct csg_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer)
        return;
    csg_vocab_free(&(*tokenizer)->vocab);
    free(*tokenizer);
    *tokenizer = NULL;
}

/* A part of a word, at its first byte's place in the word. */
struct node {
    uint32_t symbol; /* CSG_NO_SYMBOL: merged into an earlier one */
    uint32_t previous, next;
};

/* A pair that can be merged; stale where its symbols have changed since. */
struct candidate {
    uint32_t rank, at, left, right;
};

struct bpe {
    const struct csg_vocab *vocab;
    struct node *nodes;
    struct candidate *heap, *batch;
    uint32_t *stack;
    size_t capacity, heaped;
};

static void bpe_free(struct bpe *b)
{
    free(b->nodes);
    free(b->heap);
    free(b->batch);
    free(b->stack);
}

/* A word of n bytes never has more than 2 n candidates: n - 1 at first and at most two for each merge, which takes one part away. */
static bool bpe_reserve(struct bpe *b, size_t bytes)
{
    if (bytes <= b->capacity)
        return true;
    size_t capacity = bytes + bytes / 2 + 64;
    bpe_free(b);
    b->capacity = capacity;
    b->nodes = csg_calloc(capacity, sizeof *b->nodes);
    b->heap = csg_calloc(capacity, 3 * sizeof *b->heap);
    b->batch = csg_calloc(capacity, 3 * sizeof *b->batch);
    b->stack = csg_calloc(capacity + 8, sizeof *b->stack); /* a word's parts in characters, with </w> */
    return b->nodes && b->heap && b->batch && b->stack;
}

static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void heap_push(struct bpe *b, struct candidate c)
{
    size_t i = b->heaped++;
    for (; i > 0 && is_before(&c, &b->heap[(i - 1) / 2]); i = (i - 1) / 2)
        b->heap[i] = b->heap[(i - 1) / 2];
    b->heap[i] = c;
}

static struct candidate heap_pop(struct bpe *b)
{
    struct candidate top = b->heap[0], last = b->heap[--b->heaped];
    size_t i = 0;
    for (size_t child = 1; child < b->heaped; child = 2 * i + 1) {
        if (child + 1 < b->heaped && is_before(&b->heap[child + 1], &b->heap[child]))
            child++;
        if (!is_before(&b->heap[child], &last))
            break;
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = last;
    return top;
}

static void offer(struct bpe *b, uint32_t at)
{
    uint32_t next = b->nodes[at].next;
    if (next == CSG_NO_SYMBOL)
        return;
    const struct csg_merge *merge = csg_vocab_merge(b->vocab, b->nodes[at].symbol, b->nodes[next].symbol);
    if (merge)
        heap_push(b, (struct candidate){merge->rank, at, merge->left, merge->right});
}

static void merge_one(struct bpe *b, const struct candidate *c)
{
    struct node *node = &b->nodes[c->at];
    uint32_t next = node->next;
    if (node->symbol != c->left || next == CSG_NO_SYMBOL || b->nodes[next].symbol != c->right)
        return;
    node->symbol = csg_vocab_merge(b->vocab, c->left, c->right)->merged;
    node->next = b->nodes[next].next;
    b->nodes[next].symbol = CSG_NO_SYMBOL;
    if (node->next != CSG_NO_SYMBOL)
        b->nodes[node->next].previous = c->at;
    if (node->previous != CSG_NO_SYMBOL)
        offer(b, node->previous);
    offer(b, c->at);
}

/* Merges by rank. All pairs of one rank are merged from left to right before any pair that this creates is looked at, as CLIP does;
 * a heap instead of its scans keeps long words from costing the square of their length. */
static bool merge_word(struct bpe *b, const char *word, size_t bytes)
{
    if (!bpe_reserve(b, bytes))
        return false;
    b->heaped = 0;
    for (size_t i = 0; i < bytes; i++) {
        b->nodes[i].symbol = b->vocab->byte[i + 1 == bytes][(uint8_t)word[i]];
        b->nodes[i].previous = i ? (uint32_t)i - 1 : CSG_NO_SYMBOL;
        b->nodes[i].next = i + 1 < bytes ? (uint32_t)i + 1 : CSG_NO_SYMBOL;
    }
    for (size_t i = 0; i + 1 < bytes; i++)
        offer(b, (uint32_t)i);
    while (b->heaped) {
        uint32_t rank = b->heap[0].rank;
        size_t n = 0;
        while (b->heaped && b->heap[0].rank == rank)
            b->batch[n++] = heap_pop(b);
        for (size_t i = 0; i < n; i++)
            merge_one(b, &b->batch[i]);
    }
    return true;
}

/* The ids that are written; one place is kept for the end. */
struct sink {
    int32_t *ids;
    size_t count, room, cut_bytes;
};

/* False where the text is cut at byte `at`. */
static bool emit(struct sink *s, int32_t id, size_t at)
{
    if (s->count < s->room) {
        s->ids[s->count++] = id;
        return true;
    }
    s->cut_bytes = at;
    return false;
}

/* A symbol that the vocabulary lacks is written as its parts, down to bytes, which all vocabularies have. */
static bool emit_symbol(struct bpe *b, struct sink *s, uint32_t symbol, size_t at)
{
    size_t depth = 0;
    b->stack[depth++] = symbol;
    while (depth) {
        const struct csg_symbol *top = &b->vocab->symbols[b->stack[--depth]];
        if (top->id >= 0) {
            if (!emit(s, top->id, at))
                return false;
            at += top->bytes;
            continue;
        }
        b->stack[depth++] = top->right;
        b->stack[depth++] = top->left;
    }
    return true;
}

int csg_tokenize(const struct csg_tokenizer *tokenizer, const char *text, size_t context, int32_t *ids, size_t *count,
                 size_t *cut_bytes, struct csg_error *err)
{
    struct bpe bpe = {.vocab = &tokenizer->vocab};
    struct sink sink = {ids, 0, context - 1, SIZE_MAX};
    struct csg_word word;
    char *cleaned = NULL;
    if (context < 2)
        return csg_fail(err, CSG_ERROR_USAGE, "a context of %zu tokens has no room for a start and an end", context);
    int status = csg_clean_text(text, &cleaned, err);
    if (status)
        return status;
    size_t bytes = strlen(cleaned);
    if (bytes >= UINT32_MAX / 4) {
        status = csg_fail(err, CSG_ERROR_INPUT, "a text of %zu bytes is too long", bytes);
        goto end;
    }
    emit(&sink, tokenizer->vocab.start, 0);
    for (size_t at = 0; csg_next_word(cleaned, bytes, &at, &word);) {
        if (word.kind != CSG_WORD_TEXT) {
            if (!emit(&sink, word.kind == CSG_WORD_START ? tokenizer->vocab.start : tokenizer->vocab.end, word.at))
                break;
            continue;
        }
        if (!merge_word(&bpe, cleaned + word.at, word.bytes)) {
            status = csg_fail_memory(err);
            goto end;
        }
        bool fits = true;
        for (uint32_t i = 0; fits && i != CSG_NO_SYMBOL; i = bpe.nodes[i].next)
            fits = emit_symbol(&bpe, &sink, bpe.nodes[i].symbol, word.at + i);
        if (!fits)
            break;
    }
    ids[sink.count++] = tokenizer->vocab.end;
    *count = sink.count;
    *cut_bytes = sink.cut_bytes;
end:
    bpe_free(&bpe);
    free(cleaned);
    return status;
}
