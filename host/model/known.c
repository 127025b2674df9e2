/* The words that a model was taught. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/labels.h"
#include "model/model.h"
#include "model/tokenizer.h"
#include "model/words.h"

#define LIST_LIMIT ((size_t)1 << 20)
#define LONGEST_PHRASE 8 /* words */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The cleaned text's words between blanks, without punctuation at their ends. */
static int split(struct csg_strings *out, char *cleaned, struct csg_error *err)
{
    int status = CSG_OK;
    size_t bytes = strlen(cleaned);
    for (size_t at = 0; at < bytes && !status;) {
        size_t length = strcspn(cleaned + at, " "), begin = at, end = at + length;
        while (begin < end && strchr(".,;:!?()\"'", cleaned[begin]))
            begin++;
        while (end > begin && strchr(".,;:!?()\"'", cleaned[end - 1]))
            end--;
        at += length + 1;
        cleaned[end] = 0;
        if (end > begin)
            status = csg_strings_add(out, cleaned + begin, err);
    }
    return status;
}

/* Words that hold a text together, which every text tower has met in its prompts: those of the project's templates, and a few that
 * the templates lack. */
static int add_function_words(struct csg_strings *list, struct csg_error *err)
{
    static const char *const more[] = {"a",  "an", "the", "of",  "in",   "on",   "at",   "by",    "with", "and",
                                       "or", "to", "is",  "are", "from", "near", "next", "under", "over", "photo"};
    struct csg_strings templates = {0};
    int status = CSG_OK;
    for (size_t i = 0; i < sizeof more / sizeof more[0] && !status; i++)
        status = csg_strings_add(list, more[i], err);
    if (!status && csg_templates_load(&templates, NULL, NULL) != CSG_OK)
        return CSG_OK; /* without the data folder they are only told once more */
    for (size_t i = 0; i < templates.count && !status; i++) {
        char *cleaned, *filled = csg_template_fill(templates.items[i], "");
        if (!filled)
            status = csg_fail_memory(err);
        else if (csg_clean_text(filled, &cleaned, NULL) == CSG_OK) {
            status = split(list, cleaned, err);
            free(cleaned);
        }
        free(filled);
    }
    csg_strings_free(&templates);
    return status;
}

/* The list with the words that hold texts together, sorted; an entry may have several words. */
static int read_list(struct csg_strings *out, const char *path, struct csg_error *err)
{
    char *text = NULL;
    size_t bytes;
    int status = csg_read_file(&text, &bytes, path, LIST_LIMIT, CSG_ERROR_MODEL, err);
    for (size_t at = 0; !status && at < bytes;) {
        size_t length = strcspn(text + at, "\r\n");
        text[at + length] = 0;
        char *cleaned = NULL;
        if (length)
            status = csg_clean_text(text + at, &cleaned, NULL) == CSG_OK
                         ? csg_strings_add(out, cleaned, err)
                         : csg_fail(err, CSG_ERROR_MODEL, "%s is not a text in UTF-8", path);
        free(cleaned);
        at += length + 1;
    }
    if (!status)
        status = add_function_words(out, err);
    if (!status && out->count)
        qsort(out->items, out->count, sizeof *out->items, by_text);
    free(text);
    return status;
}

static bool is_known(const struct csg_strings *list, const char *text)
{
    return list->count && bsearch(&text, list->items, list->count, sizeof *list->items, by_text);
}

/* The number of words from `first` on that are one entry of the list, the longest there is; 0: none. */
static size_t longest_entry(const struct csg_strings *list, const struct csg_strings *words, size_t first)
{
    char phrase[256] = "";
    size_t used = 0, best = 0;
    for (size_t n = 0; n < LONGEST_PHRASE && first + n < words->count; n++) {
        size_t length = strlen(words->items[first + n]);
        if (used + length + 2 > sizeof phrase)
            break;
        if (n)
            phrase[used++] = ' ';
        memcpy(phrase + used, words->items[first + n], length + 1);
        used += length;
        if (is_known(list, phrase))
            best = n + 1;
    }
    return best;
}

/* False where there is no room for the whole word. */
static bool append(char *words, size_t capacity, size_t *used, const char *word)
{
    size_t length = strlen(word), comma = *used ? 2 : 0;
    if (length + comma >= capacity - *used)
        return false;
    memcpy(words + *used, ", ", comma);
    memcpy(words + *used + comma, word, length + 1);
    *used += comma + length;
    return true;
}

static int tell_unknown(const struct csg_strings *list, const char *part, struct csg_strings *told, char *words, size_t capacity,
                        size_t *used, struct csg_error *err)
{
    struct csg_strings split_words = {0};
    char *cleaned;
    int status = csg_clean_text(part, &cleaned, err);
    if (!status)
        status = split(&split_words, cleaned, err);
    for (size_t i = 0; i < split_words.count && !status;) {
        size_t known = longest_entry(list, &split_words, i);
        const char *word = split_words.items[i];
        bool is_new = !known;
        i += known ? known : 1;
        for (size_t j = 0; j < told->count && is_new; j++)
            is_new = strcmp(told->items[j], word) != 0;
        if (!is_new)
            continue;
        if (!append(words, capacity, used, word))
            break;
        status = csg_strings_add(told, word, err);
    }
    csg_strings_free(&split_words);
    free(cleaned);
    return status;
}

int csg_model_unknown_words(const struct csg_model *model, const char *text, char *words, size_t capacity, struct csg_error *err)
{
    struct csg_strings list = {0}, parts = {0}, told = {0};
    int status = CSG_OK;
    size_t used = 0;
    if (capacity == 0)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no room for the unknown words");
    words[0] = 0;
    char *path = csg_path_join(model->path, "known_words.txt");
    if (!path)
        return csg_fail_memory(err);
    if (!csg_is_file(path))
        goto end;
    status = read_list(&list, path, err);
    if (!status)
        status = csg_text_parts(&parts, text, err);
    for (size_t i = 0; i < parts.count && !status; i++)
        status = tell_unknown(&list, parts.items[i], &told, words, capacity, &used, err);
end:
    csg_strings_free(&list);
    csg_strings_free(&parts);
    csg_strings_free(&told);
    free(path);
    return status;
}
