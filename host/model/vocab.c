#include "model/vocab.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/files.h"
#include "base/mem.h"
#include "model/json.h"

#define START_TOKEN "<|startoftext|>"
#define END_TOKEN "<|endoftext|>"
#define FILE_LIMIT ((size_t)32 << 20)
#define MAX_MERGES ((size_t)1 << 20)
#define N_BYTES 512 /* symbols of bytes, inside a word and at its end */

/* One line of merges.txt, pointing into the file. */
struct line {
    const char *left, *right;
    size_t left_bytes, right_bytes;
};

/* Merges of tokenizer.json as merges.txt has them. */
struct merges_text {
    char *data;
    size_t used;
};

/* Builds a vocabulary: the text of every symbol and a hash table over them. */
struct builder {
    struct csg_vocab *vocab;
    const char **text; /* [symbols] in `arena` */
    size_t *length;
    uint32_t *slots;
    size_t n_slots;
    char *arena;
    size_t arena_used;
    struct line *lines;
    size_t n_lines;
    const char *path;
};

static uint64_t hash_text(const char *a, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)a[i]) * 0x100000001B3u;
    return hash;
}

/* The slot of the text a + b, or the free one where it belongs. */
static uint32_t *find_slot(struct builder *b, const char *left, size_t n_left, const char *right, size_t n_right)
{
    uint64_t hash = hash_text(right, n_right, hash_text(left, n_left, 0xCBF29CE484222325u));
    size_t at = (size_t)(hash ^ (hash >> 32)) & (b->n_slots - 1);
    for (;; at = (at + 1) & (b->n_slots - 1)) {
        uint32_t symbol = b->slots[at];
        if (symbol == CSG_NO_SYMBOL)
            return &b->slots[at];
        if (b->length[symbol] == n_left + n_right && memcmp(b->text[symbol], left, n_left) == 0 &&
            (n_right == 0 || memcmp(b->text[symbol] + n_left, right, n_right) == 0))
            return &b->slots[at];
    }
}

static uint32_t intern(struct builder *b, const char *left, size_t n_left, const char *right, size_t n_right)
{
    uint32_t *slot = find_slot(b, left, n_left, right, n_right);
    if (*slot != CSG_NO_SYMBOL)
        return *slot;
    uint32_t symbol = (uint32_t)b->vocab->n_symbols++;
    char *text = b->arena + b->arena_used;
    memcpy(text, left, n_left);
    if (n_right)
        memcpy(text + n_left, right, n_right);
    b->arena_used += n_left + n_right;
    *slot = symbol;
    b->text[symbol] = text;
    b->length[symbol] = n_left + n_right;
    b->vocab->symbols[symbol] = (struct csg_symbol){-1, CSG_NO_SYMBOL, CSG_NO_SYMBOL, 1};
    return symbol;
}

static size_t slots_for(size_t count)
{
    size_t slots = 64;
    while (slots < count * 2)
        slots *= 2;
    return slots;
}

static struct csg_merge *merge_slot(struct csg_merge *merges, size_t slots, uint32_t left, uint32_t right)
{
    uint64_t hash = (((uint64_t)left << 32) | right) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & (slots - 1);
    while (merges[at].left != CSG_NO_SYMBOL && (merges[at].left != left || merges[at].right != right))
        at = (at + 1) & (slots - 1);
    return &merges[at];
}

const struct csg_merge *csg_vocab_merge(const struct csg_vocab *vocab, uint32_t left, uint32_t right)
{
    const struct csg_merge *merge = merge_slot(vocab->merges, vocab->merge_slots, left, right);
    return merge->left == CSG_NO_SYMBOL ? NULL : merge;
}

/* Splits the file into lines of two parts. The first line is a comment where it begins with #version. */
static int read_lines(struct builder *b, char *text, size_t bytes, struct csg_error *err)
{
    size_t count = 0, number = 0, capacity = 0;
    for (size_t i = 0; i < bytes; i++)
        capacity += text[i] == '\n';
    if (capacity > MAX_MERGES)
        return csg_fail(err, CSG_ERROR_MODEL, "%s has more than %zu lines", b->path, MAX_MERGES);
    b->lines = csg_calloc(capacity + 1, sizeof *b->lines);
    if (!b->lines)
        return csg_fail_memory(err);
    for (size_t at = 0; at < bytes;) {
        char *line = text + at, *end = memchr(line, '\n', bytes - at);
        size_t length = end ? (size_t)(end - line) : bytes - at;
        at += length + 1;
        number++;
        if (length && line[length - 1] == '\r')
            length--;
        if (length == 0 || (number == 1 && length >= 8 && memcmp(line, "#version", 8) == 0))
            continue;
        char *space = memchr(line, ' ', length);
        size_t left = space ? (size_t)(space - line) : 0, right = space ? length - left - 1 : 0;
        if (!left || !right || memchr(space + 1, ' ', right))
            return csg_fail(err, CSG_ERROR_MODEL, "line %zu of %s is not two parts and a space between them", number, b->path);
        b->lines[count++] = (struct line){line, space + 1, left, right};
    }
    b->n_lines = count;
    return CSG_OK;
}

/* The printable character that stands for a byte, in the order in which CLIP numbers them. */
static void add_bytes(struct builder *b)
{
    unsigned others = 0, order[256], points[256], n = 0;
    for (unsigned byte = 0; byte < 256; byte++)
        if ((byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE) {
            points[n] = byte;
            order[n++] = byte;
        }
    for (unsigned byte = 0; byte < 256; byte++)
        if (!((byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE)) {
            points[n] = 256 + others++;
            order[n++] = byte;
        }
    for (unsigned end = 0; end < 2; end++)
        for (unsigned i = 0; i < 256; i++) {
            utf8proc_uint8_t text[4];
            size_t length = (size_t)utf8proc_encode_char((utf8proc_int32_t)points[i], text);
            b->vocab->byte[end][order[i]] = intern(b, (const char *)text, length, "</w>", end ? 4 : 0);
        }
}

/* All results become symbols first, since a merge may use what only a later line makes. A merge of something that no
 * line makes can never happen and is left out. */
static void add_merges(struct builder *b)
{
    struct csg_vocab *v = b->vocab;
    for (size_t i = 0; i < b->n_lines; i++)
        intern(b, b->lines[i].left, b->lines[i].left_bytes, b->lines[i].right, b->lines[i].right_bytes);
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct line *l = &b->lines[i];
        uint32_t left = *find_slot(b, l->left, l->left_bytes, "", 0), right = *find_slot(b, l->right, l->right_bytes, "", 0);
        if (left == CSG_NO_SYMBOL || right == CSG_NO_SYMBOL)
            continue;
        uint32_t merged = *find_slot(b, l->left, l->left_bytes, l->right, l->right_bytes);
        *merge_slot(v->merges, v->merge_slots, left, right) = (struct csg_merge){left, right, (uint32_t)i, merged};
        if (merged >= N_BYTES && v->symbols[merged].left == CSG_NO_SYMBOL) {
            v->symbols[merged].left = left;
            v->symbols[merged].right = right;
        }
    }
}

static int number_by_rule(struct builder *b, size_t vocab_size, struct csg_error *err)
{
    struct csg_vocab *v = b->vocab;
    size_t tokens = N_BYTES + b->n_lines + 2;
    if (tokens > vocab_size)
        return csg_fail(
            err, CSG_ERROR_MODEL,
            "the model has %zu tokens and no vocab.json and merges.txt of its own, but CLIP's vocabulary has %zu tokens",
            vocab_size, tokens);
    for (size_t i = 0; i < N_BYTES; i++)
        v->symbols[i].id = (int32_t)i;
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct line *l = &b->lines[i];
        uint32_t merged = *find_slot(b, l->left, l->left_bytes, l->right, l->right_bytes);
        v->symbols[merged].id = (int32_t)(N_BYTES + i);
    }
    v->start = (int32_t)(tokens - 2);
    v->end = (int32_t)(tokens - 1);
    return CSG_OK;
}

static int read_ids(struct builder *b, json_t *ids, size_t vocab_size, const char *path, struct csg_error *err)
{
    struct csg_vocab *v = b->vocab;
    const char *token;
    json_t *value;
    int status = CSG_OK;
    uint8_t *seen = csg_calloc(vocab_size, 1);
    if (!seen)
        return csg_fail_memory(err);
    v->start = v->end = -1;
    json_object_foreach(ids, token, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || (uint64_t)id >= vocab_size) {
            status = csg_fail(err, CSG_ERROR_MODEL, "%s: the id of '%.40s' is not a whole number below the model's %zu tokens",
                              path, token, vocab_size);
            goto end;
        }
        if (seen[id]) {
            status =
                csg_fail(err, CSG_ERROR_MODEL, "%s: the id %lld of '%.40s' is another token's too", path, (long long)id, token);
            goto end;
        }
        seen[id] = 1;
        if (strcmp(token, START_TOKEN) == 0)
            v->start = (int32_t)id;
        else if (strcmp(token, END_TOKEN) == 0)
            v->end = (int32_t)id;
        uint32_t symbol = *find_slot(b, token, strlen(token), "", 0);
        if (symbol != CSG_NO_SYMBOL)
            v->symbols[symbol].id = (int32_t)id;
    }
    if (v->start < 0 || v->end < 0) {
        status = csg_fail(err, CSG_ERROR_MODEL, "%s lacks the token %s", path, v->start < 0 ? START_TOKEN : END_TOKEN);
        goto end;
    }
    for (size_t i = 0; i < N_BYTES && !status; i++)
        if (v->symbols[i].id < 0)
            status = csg_fail(err, CSG_ERROR_MODEL, "%s lacks the token '%.*s', one of the %d that stand for single bytes", path,
                              (int)b->length[i], b->text[i], N_BYTES);
end:
    free(seen);
    return status;
}

/* Bytes of text that a symbol covers: one for each character but those of </w>. */
static void measure(struct csg_vocab *v, const size_t *length, const char *const *text)
{
    for (size_t i = 0; i < v->n_symbols; i++) {
        bool at_end = length[i] > 4 && memcmp(text[i] + length[i] - 4, "</w>", 4) == 0;
        size_t bytes = 0, n = length[i] - (at_end ? 4 : 0);
        for (size_t j = 0; j < n; j++)
            bytes += ((unsigned char)text[i][j] & 0xC0) != 0x80;
        v->symbols[i].bytes = (uint32_t)bytes;
    }
}

/* Of the text of merges.txt, which it keeps no hold of; ids NULL: by CLIP's rule. */
static int build(struct csg_vocab *out, char *merges, size_t bytes, const char *merges_path, json_t *ids, const char *ids_path,
                 size_t vocab_size, struct csg_error *err)
{
    struct builder b = {.vocab = out, .path = merges_path};
    int status = read_lines(&b, merges, bytes, err);
    if (status)
        goto end;
    size_t most = N_BYTES + b.n_lines;
    b.n_slots = slots_for(most);
    out->merge_slots = slots_for(b.n_lines + 1);
    out->symbols = csg_calloc(most, sizeof *out->symbols);
    out->merges = csg_calloc(out->merge_slots, sizeof *out->merges);
    b.text = csg_calloc(most, sizeof *b.text);
    b.length = csg_calloc(most, sizeof *b.length);
    b.slots = csg_calloc(b.n_slots, sizeof *b.slots);
    b.arena = csg_calloc(bytes + N_BYTES * 8, 1);
    if (!out->symbols || !out->merges || !b.text || !b.length || !b.slots || !b.arena) {
        status = csg_fail_memory(err);
        goto end;
    }
    memset(b.slots, 0xFF, b.n_slots * sizeof *b.slots);
    memset(out->merges, 0xFF, out->merge_slots * sizeof *out->merges);
    add_bytes(&b);
    add_merges(&b);
    measure(out, b.length, b.text);
    status = ids ? read_ids(&b, ids, vocab_size, ids_path, err) : number_by_rule(&b, vocab_size, err);
end:
    free(b.text);
    free(b.length);
    free(b.slots);
    free(b.arena);
    free(b.lines);
    return status;
}

static int load_json(json_t **out, const char *path, size_t max_depth, struct csg_error *err)
{
    char *text = NULL;
    size_t bytes;
    *out = NULL;
    int status = csg_read_file(&text, &bytes, path, FILE_LIMIT, CSG_ERROR_MODEL, err);
    if (!status)
        status = csg_json_object(out, text, bytes, max_depth, MAX_MERGES, path, err);
    free(text);
    return status;
}

int csg_vocab_load(struct csg_vocab *out, const char *merges_txt, const char *vocab_json, size_t vocab_size,
                   struct csg_error *err)
{
    char *merges = NULL;
    size_t bytes;
    json_t *ids = NULL;
    *out = (struct csg_vocab){0};
    int status = csg_read_file(&merges, &bytes, merges_txt, FILE_LIMIT, CSG_ERROR_MODEL, err);
    if (!status && vocab_json)
        status = load_json(&ids, vocab_json, 1, err);
    if (!status)
        status = build(out, merges, bytes, merges_txt, ids, vocab_json, vocab_size, err);
    if (status)
        csg_vocab_free(out);
    json_decref(ids);
    free(merges);
    return status;
}

/* One merge of tokenizer.json, "a b" or ["a", "b"], as a line at the end of `text`. */
static bool add_line(struct merges_text *text, json_t *merge)
{
    const char *parts[2] = {json_string_value(merge), NULL};
    if (json_is_array(merge) && json_array_size(merge) == 2)
        for (size_t i = 0; i < 2; i++)
            parts[i] = json_string_value(json_array_get(merge, i));
    if (!parts[0] || (json_is_array(merge) && !parts[1]) || strchr(parts[0], '\n') || (parts[1] && strchr(parts[1], '\n')))
        return false;
    for (size_t i = 0; i < 2 && parts[i]; i++) {
        size_t length = strlen(parts[i]);
        if (i)
            text->data[text->used++] = ' ';
        memcpy(text->data + text->used, parts[i], length);
        text->used += length;
    }
    text->data[text->used++] = '\n';
    return true;
}

/* Tokens that stand beside the model's own vocabulary, which some files give for start and end. */
static int add_tokens(json_t *ids, json_t *added, struct csg_error *err)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_t *token = json_array_get(added, i), *id = json_object_get(token, "id");
        const char *content = json_string_value(json_object_get(token, "content"));
        if (content && id && !json_object_get(ids, content) && json_object_set(ids, content, id) != 0)
            return csg_fail_memory(err);
    }
    return CSG_OK;
}

int csg_vocab_load_tokenizer(struct csg_vocab *out, const char *tokenizer_json, size_t vocab_size, struct csg_error *err)
{
    json_t *root = NULL;
    struct merges_text text = {0};
    *out = (struct csg_vocab){0};
    int status = load_json(&root, tokenizer_json, 16, err);
    if (status)
        return status;
    json_t *model = json_object_get(root, "model"), *ids = json_object_get(model, "vocab");
    json_t *merges = json_object_get(model, "merges");
    const char *type = json_string_value(json_object_get(model, "type"));
    const char *suffix = json_string_value(json_object_get(model, "end_of_word_suffix"));
    size_t most = 0;
    if ((type && strcmp(type, "BPE") != 0) || !suffix || strcmp(suffix, "</w>") != 0 || !json_is_object(ids) ||
        !json_is_array(merges)) {
        status = csg_fail(err, CSG_ERROR_MODEL, "%s is not a byte-pair encoding as CLIP's, with words that end with </w>",
                          tokenizer_json);
        goto end;
    }
    for (size_t i = 0; i < json_array_size(merges); i++) {
        json_t *merge = json_array_get(merges, i);
        most += 2 + json_string_length(merge) + json_string_length(json_array_get(merge, 0)) +
                json_string_length(json_array_get(merge, 1));
    }
    text.data = csg_calloc(most + 1, 1);
    status = text.data ? add_tokens(ids, json_object_get(root, "added_tokens"), err) : csg_fail_memory(err);
    for (size_t i = 0; i < json_array_size(merges) && !status; i++)
        if (!add_line(&text, json_array_get(merges, i)))
            status = csg_fail(err, CSG_ERROR_MODEL, "%s: merge %zu is not two parts", tokenizer_json, i);
    if (!status)
        status = build(out, text.data, text.used, tokenizer_json, ids, tokenizer_json, vocab_size, err);
end:
    if (status)
        csg_vocab_free(out);
    free(text.data);
    json_decref(root);
    return status;
}

void csg_vocab_free(struct csg_vocab *vocab)
{
    free(vocab->symbols);
    free(vocab->merges);
    *vocab = (struct csg_vocab){0};
}
