#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

int scratch_setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/csg-model-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

int scratch_teardown(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlink(scratch_path(entry->d_name));
    if (dir)
        closedir(dir);
    return rmdir(folder);
}

const char *scratch_folder(void)
{
    return folder;
}

const char *scratch_path(const char *name)
{
    static char paths[4][400];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

void scratch_write(const char *name, const void *data, size_t bytes)
{
    /* A new file: overwriting one makes some file systems wait for the disk. */
    unlink(scratch_path(name));
    FILE *f = fopen(scratch_path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

void scratch_write_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

void scratch_remove(const char *name)
{
    unlink(scratch_path(name));
}

struct bytes make_safetensors(const char *header, size_t data_bytes)
{
    size_t length = strlen(header);
    struct bytes out = {calloc(8 + length + data_bytes, 1), 8 + length + data_bytes};
    assert_non_null(out.data);
    for (size_t i = 0; i < 8; i++)
        out.data[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(out.data + 8, header, length);
    return out;
}

const char tiny_config[] = "{\"model_cfg\":{\"embed_dim\":3,\"quick_gelu\":true,\"vision_cfg\":{\"image_size\":4,\"layers\":2,"
                           "\"width\":8,\"head_width\":4,\"patch_size\":2},\"text_cfg\":{\"context_length\":5,"
                           "\"vocab_size\":514,\"width\":6,\"heads\":2,\"layers\":1}}}";
const char tiny_merges[] = "#version: 0.2\n";

struct maker {
    char *header;
    size_t used, capacity, at;
    const char *except;
};

static void add(struct maker *m, const char *name, size_t a, size_t b, size_t c, size_t d)
{
    size_t dims[4] = {a, b, c, d}, elements = 1;
    char shape[64] = "";
    if (m->except && strcmp(m->except, name) == 0)
        return;
    for (size_t i = 0; i < 4 && dims[i]; i++) {
        elements *= dims[i];
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%zu", i ? "," : "", dims[i]);
    }
    m->used += (size_t)snprintf(m->header + m->used, m->capacity - m->used,
                                "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                                strchr("{,", m->header[m->used - 1]) ? "" : ",", name, shape, m->at, m->at + 4 * elements);
    m->at += 4 * elements;
}

static void add_block(struct maker *m, const char *prefix, size_t w)
{
    static const struct {
        const char *name;
        size_t a, b; /* in widths */
    } parts[] = {{"attn.in_proj_weight", 3, 1}, {"attn.in_proj_bias", 3, 0}, {"attn.out_proj.weight", 1, 1},
                 {"attn.out_proj.bias", 1, 0},  {"ln_1.weight", 1, 0},       {"ln_1.bias", 1, 0},
                 {"ln_2.weight", 1, 0},         {"ln_2.bias", 1, 0},         {"mlp.c_fc.weight", 2, 1},
                 {"mlp.c_fc.bias", 2, 0},       {"mlp.c_proj.weight", 1, 2}, {"mlp.c_proj.bias", 1, 0}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, parts[i].name);
        add(m, name, parts[i].a * w, parts[i].b * w, 0, 0);
    }
}

struct bytes make_tiny_model(const char *except, const char *extra)
{
    struct maker m = {calloc(1, 16384), 0, 16384, 0, except};
    assert_non_null(m.header);
    m.used = (size_t)snprintf(m.header, m.capacity, "{%s", extra ? extra : "");
    add(&m, "visual.conv1.weight", 8, 3, 2, 2);
    add(&m, "visual.class_embedding", 8, 0, 0, 0);
    add(&m, "visual.positional_embedding", 5, 8, 0, 0);
    add(&m, "visual.ln_pre.weight", 8, 0, 0, 0);
    add(&m, "visual.ln_pre.bias", 8, 0, 0, 0);
    add(&m, "visual.ln_post.weight", 8, 0, 0, 0);
    add(&m, "visual.ln_post.bias", 8, 0, 0, 0);
    add(&m, "visual.proj", 8, 3, 0, 0);
    add_block(&m, "visual.transformer.resblocks.0.", 8);
    add_block(&m, "visual.transformer.resblocks.1.", 8);
    add(&m, "token_embedding.weight", 514, 6, 0, 0);
    add(&m, "positional_embedding", 5, 6, 0, 0);
    add(&m, "ln_final.weight", 6, 0, 0, 0);
    add(&m, "ln_final.bias", 6, 0, 0, 0);
    add(&m, "text_projection", 6, 3, 0, 0);
    add_block(&m, "transformer.resblocks.0.", 6);
    snprintf(m.header + m.used, m.capacity - m.used, "}");
    struct bytes out = make_safetensors(m.header, m.at);
    for (size_t i = 0; i < m.at / 4; i++) {
        float value = (float)i;
        memcpy(out.data + out.count - m.at + 4 * i, &value, 4);
    }
    free(m.header);
    return out;
}

char *make_tiny_vocab(void)
{
    char *text = calloc(1, 32768);
    size_t used = 0, others = 0;
    assert_non_null(text);
    text[used++] = '{';
    for (unsigned end = 0; end < 2; end++)
        for (unsigned byte = 0; byte < 256; byte++) {
            bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
            unsigned point = printable ? byte : 256 + (unsigned)(others++ % 68);
            used += (size_t)snprintf(text + used, 32768 - used, "\"\\u%04x%s\":%u,", point, end ? "</w>" : "", 256 * end + byte);
        }
    snprintf(text + used, 32768 - used, "\"<|startoftext|>\":512,\"<|endoftext|>\":513}");
    return text;
}

void write_tiny_model(void)
{
    struct bytes weights = make_tiny_model(NULL, NULL);
    char *vocab = make_tiny_vocab();
    scratch_write("open_clip_model.safetensors", weights.data, weights.count);
    scratch_write_text("open_clip_config.json", tiny_config);
    scratch_write_text("vocab.json", vocab);
    scratch_write_text("merges.txt", tiny_merges);
    free(weights.data);
    free(vocab);
}

struct bytes read_layout(const char *path)
{
    char whole[4096];
    struct bytes out = {NULL, 0};
    snprintf(whole, sizeof whole, "%s/%s", getenv("CSG_TEST_LAYOUTS"), path);
    FILE *f = fopen(whole, "rb");
    if (!f)
        fail_msg("%s cannot be read", whole);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    out.count = (size_t)ftell(f);
    rewind(f);
    out.data = malloc(out.count);
    assert_non_null(out.data);
    assert_int_equal(fread(out.data, 1, out.count, f), out.count);
    fclose(f);
    return out;
}

void scratch_copy(const char *path, const char *name)
{
    struct bytes file = read_layout(path);
    scratch_write(name, file.data, file.count);
    free(file.data);
}
