#include <string.h>

#include "model/runes.h"
#include "model/tokenizer.h"

/* Blanks at both ends away, every other run of them one space. */
static void collapse(struct csg_runes *runes)
{
    size_t kept = 0;
    bool blank = false;
    for (size_t i = 0; i < runes->count; i++) {
        if (csg_rune_is_space(runes->at[i])) {
            blank = true;
            continue;
        }
        if (blank && kept)
            runes->at[kept++] = ' ';
        blank = false;
        runes->at[kept++] = runes->at[i];
    }
    runes->count = kept;
}

int csg_clean_text(const char *text, char **cleaned, struct csg_error *err)
{
    struct csg_runes runes;
    *cleaned = NULL;
    int status = csg_runes_decode(&runes, text, strlen(text), err);
    if (status)
        goto end;
    /* References are decoded twice, since captions from the web are often escaped twice. */
    bool done = csg_runes_repair(&runes) && csg_runes_unescape(&runes) && csg_runes_unescape(&runes);
    if (done) {
        collapse(&runes);
        done = csg_runes_lower(&runes);
    }
    if (done)
        *cleaned = csg_runes_encode(&runes);
    if (!*cleaned)
        status = csg_fail_memory(err);
end:
    csg_runes_free(&runes);
    return status;
}
