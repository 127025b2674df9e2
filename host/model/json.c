#include "model/json.h"

#include <setjmp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/threads.h"

/* ------------------------------------------------------------------------------------------ memory
 * Where its buffer for a token cannot grow, jansson (2.14) goes on and reads and writes past it. So a parse is left at the first
 * allocation that fails, and what it has allocated by then is freed here. */

struct parse {
    jmp_buf out;
    void **blocks; /* [count], in order; NULL: freed again */
    size_t count, room;
};

static json_malloc_t allocate; /* what was there before */
static json_free_t release;
static _Thread_local struct parse *parsing;

static bool remember(struct parse *parse, void *block)
{
    if (parse->count == parse->room) {
        size_t room = parse->room ? 2 * parse->room : 64;
        void **blocks = csg_realloc(parse->blocks, room, sizeof *blocks);
        if (!blocks)
            return false;
        parse->blocks = blocks;
        parse->room = room;
    }
    parse->blocks[parse->count++] = block;
    return true;
}

static void *guarded_allocate(size_t bytes)
{
    void *block = allocate(bytes);
    if (parsing && (!block || !remember(parsing, block))) {
        if (block)
            release(block);
        longjmp(parsing->out, 1);
    }
    return block;
}

/* What is freed during a parse is mostly what came last. */
static void guarded_release(void *block)
{
    struct parse *parse = parsing;
    for (size_t i = parse && block ? parse->count : 0; i-- > 0;)
        if (parse->blocks[i] == block) {
            parse->blocks[i] = NULL;
            break;
        }
    while (parse && parse->count && !parse->blocks[parse->count - 1])
        parse->count--;
    release(block);
}

/* Blocks stay those of the functions that were there before, whoever frees them. */
static void guard(void)
{
    json_malloc_t now;
    json_free_t then;
    csg_process_lock_enter();
    json_get_alloc_funcs(&now, &then);
    if (now != guarded_allocate) {
        allocate = now;
        release = then;
        json_set_alloc_funcs(guarded_allocate, guarded_release);
    }
    csg_process_lock_leave();
}

/* NULL and false: memory is short. */
static bool load(json_t **out, struct parse *parse, const char *text, size_t bytes, json_error_t *reason)
{
    guard();
    parsing = parse;
    if (setjmp(parse->out) == 0) {
        *out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, reason);
        parsing = NULL;
        return true;
    }
    parsing = NULL;
    for (size_t i = 0; i < parse->count; i++)
        if (parse->blocks[i])
            release(parse->blocks[i]);
    return false;
}

/* ------------------------------------------------------------------------------------------ bounds */

/* Depth and number of values are found by a scan before anything is allocated: the parser's own memory grows with both. */
static int check_bounds(const char *text, size_t bytes, size_t max_depth, size_t max_values, const char *what,
                        struct csg_error *err)
{
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if ((c == '{' || c == '[') && ++depth > max_depth)
            return csg_fail(err, CSG_ERROR_MODEL, "%s nests JSON deeper than %zu", what, max_depth);
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        if ((c == ',' || c == '{' || c == '[') && ++values > max_values)
            return csg_fail(err, CSG_ERROR_MODEL, "%s holds more than %zu JSON values", what, max_values);
    }
    return CSG_OK;
}

int csg_json_object(json_t **out, const char *text, size_t bytes, size_t max_depth, size_t max_values, const char *what,
                    struct csg_error *err)
{
    json_error_t reason;
    struct parse parse = {0};
    *out = NULL;
    int status = check_bounds(text, bytes, max_depth, max_values, what, err);
    if (status)
        return status;
    bool whole = load(out, &parse, text, bytes, &reason);
    free(parse.blocks);
    if (!whole)
        return csg_fail_memory(err);
    if (!*out)
        return csg_fail(err, CSG_ERROR_MODEL, "%s is not valid JSON: %s (line %d)", what, reason.text, reason.line);
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return csg_fail(err, CSG_ERROR_MODEL, "%s is no JSON object", what);
    }
    return CSG_OK;
}
