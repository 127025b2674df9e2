/* A folder for files that a test makes, and a tiny checkpoint to damage. */
#ifndef CSG_TEST_SCRATCH_H
#define CSG_TEST_SCRATCH_H

#include <setjmp.h> /* cmocka wants the standard headers before it */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka group fixtures: makes and removes the folder. */
int scratch_setup(void **state);
int scratch_teardown(void **state);
/* The path of a file in the folder; valid until the call after the next three. */
const char *scratch_path(const char *name);
const char *scratch_folder(void);
void scratch_write(const char *name, const void *data, size_t bytes);
void scratch_write_text(const char *name, const char *text);
void scratch_remove(const char *name);

struct bytes {
    uint8_t *data;
    size_t count;
};
/* The header's text and `data_bytes` of zeros behind it. */
struct bytes make_safetensors(const char *header, size_t data_bytes);

/* A checkpoint in open_clip's layout: vision width 8, 2 heads, 2 blocks, patch 2, image 4; text width 6, 2 heads, 1 block, context 5,
 * 514 tokens; embedding 3. The value of an element is its number in the file's data. `except` leaves a tensor out;
 * `extra` (may be NULL) is put in front of the header's entries. */
struct bytes make_tiny_model(const char *except, const char *extra);
extern const char tiny_config[];
extern const char tiny_merges[];
/* vocab.json of 514 tokens, to be freed. */
char *make_tiny_vocab(void);
/* Writes all of it into the folder. */
void write_tiny_model(void);

/* A file of the checkpoints that other libraries wrote (tests/golden/layouts), to be freed; or copied into the folder as `name`. */
struct bytes read_layout(const char *path);
void scratch_copy(const char *path, const char *name);

#endif
