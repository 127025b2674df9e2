/* One reader of other untrusted files per program, chosen by FUZZ_TARGET: masks, journals, lists of labels and templates. */
#include <stdlib.h>
#include <string.h>

#include "base/journal.h"
#include "fuzz.h"
#include "image/mask.h"
#include "model/labels.h"
#include "task/eval_record.h"

static uint32_t crc(const uint8_t *data, size_t bytes)
{
    uint32_t sum = 0xffffffffu;
    for (size_t i = 0; i < bytes; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

/* Chunks with the checksums that they want, else every change would end there. */
FUZZ(mask)
{
    struct csg_mask *mask;
    uint8_t *copy = malloc(bytes + 1);
    if (!copy)
        return;
    memcpy(copy, data, bytes);
    for (size_t at = 8; bytes >= 12 && at <= bytes - 12;) {
        size_t length = (size_t)copy[at] << 24 | (size_t)copy[at + 1] << 16 | (size_t)copy[at + 2] << 8 | copy[at + 3];
        if (length > bytes - 12 - at)
            break;
        uint32_t sum = crc(copy + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            copy[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
    csg_mask_load(&mask, fuzz_file(copy, bytes, "mask.png"), NULL);
    csg_mask_destroy(&mask);
    free(copy);
}

static const struct csg_eval_shape shape = {2, 3, 5};

static int replay(void *user, const void *data, size_t bytes, struct csg_error *err)
{
    struct csg_eval_record record;
    int status = csg_eval_record_parse(&record, &shape, data, bytes, err);
    if (status == CSG_OK)
        csg_eval_sums_add(user, &record);
    csg_eval_record_free(&record);
    return status;
}

/* The input is the records, each behind its length; head and checksums are put in. */
FUZZ(journal)
{
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct csg_eval_sums sums = {0};
    struct csg_journal *journal;
    uint8_t *file = malloc(72 + 5 * bytes + 8);
    size_t used = 72;
    if (!file || csg_eval_sums_create(&sums, &shape, NULL) != CSG_OK)
        abort();
    memcpy(file, "csgjrnl1", 8);
    memcpy(file + 8, key, 64);
    for (size_t at = 0; bytes - at >= 2;) {
        size_t length = data[at] | (size_t)data[at + 1] << 8, there = length < bytes - at - 2 ? length : bytes - at - 2;
        uint32_t sum = 2166136261u;
        for (size_t i = 0; i < there; i++)
            sum = (sum ^ data[at + 2 + i]) * 16777619u;
        for (int i = 0; i < 4; i++) {
            file[used + (size_t)i] = (uint8_t)((uint32_t)length >> 8 * i);
            file[used + 4 + (size_t)i] = (uint8_t)(sum >> 8 * i);
        }
        memcpy(file + used + 8, data + at + 2, there);
        used += 8 + there;
        at += 2 + there;
    }
    const char *path = fuzz_file(file, used, "journal");
    if (csg_journal_open(&journal, path, key, replay, &sums, NULL) == CSG_OK)
        csg_journal_append(journal, "more", 4, NULL);
    csg_journal_close(&journal);
    csg_eval_sums_free(&sums);
    free(file);
}

FUZZ(labels)
{
    struct csg_strings strings = {0}, parts = {0};
    const char *path = fuzz_file(data, bytes, "labels.txt");
    if (csg_labels_load(&strings, path, NULL) == CSG_OK && csg_text_parts(&parts, strings.items[0], NULL) == CSG_OK)
        csg_strings_free(&parts);
    csg_strings_free(&strings);
    if (csg_templates_load(&strings, path, NULL) == CSG_OK)
        free(csg_template_fill(strings.items[0], "cat"));
    csg_strings_free(&strings);
}
