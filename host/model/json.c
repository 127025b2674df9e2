#include "model/json.h"

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
    *out = NULL;
    int status = check_bounds(text, bytes, max_depth, max_values, what, err);
    if (status)
        return status;
    *out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &reason);
    if (!*out)
        return csg_fail(err, CSG_ERROR_MODEL, "%s is not valid JSON: %s (line %d)", what, reason.text, reason.line);
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return csg_fail(err, CSG_ERROR_MODEL, "%s is no JSON object", what);
    }
    return CSG_OK;
}
