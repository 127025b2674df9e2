/* Every allocation fails once: the command ends with what it gives otherwise, or with one sentence and a status, and leaves neither memory
 * nor a file behind. The linker sends what the library and the command line allocate through here, what jansson asks them for too. CSG_FAULTS=all:
 * every one; else some forty of a command, spread over all. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/store.h"

int cli_main(int argc, char **argv);

/* ------------------------------------------------------------------------------------------ counting */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *old);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *old);

#define SLOTS ((size_t)1 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *known[SLOTS]; /* what was allocated and not freed, by address; linear probing */
static bool counting;
static size_t allocations, failing, live;

static size_t slot_of(const void *at)
{
    return (size_t)(((uintptr_t)at >> 4) * 11400714819323198485u >> 44) % SLOTS;
}

static void add(void *at)
{
    size_t slot = slot_of(at);
    while (known[slot])
        slot = (slot + 1) % SLOTS;
    known[slot] = at;
    live++;
}

static bool drop(const void *at)
{
    size_t slot = slot_of(at);
    while (known[slot] && known[slot] != at)
        slot = (slot + 1) % SLOTS;
    if (!known[slot])
        return false;
    known[slot] = NULL;
    live--;
    for (size_t next = (slot + 1) % SLOTS; known[next]; next = (next + 1) % SLOTS) {
        void *moved = known[next];
        known[next] = NULL;
        live--;
        add(moved);
    }
    return true;
}

/* True: this one is to fail. */
static bool counted(void)
{
    return counting && allocations++ == failing;
}

void *__wrap_malloc(size_t bytes)
{
    pthread_mutex_lock(&lock);
    void *made = counted() ? NULL : __real_malloc(bytes);
    if (made && counting)
        add(made);
    pthread_mutex_unlock(&lock);
    return made;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    pthread_mutex_lock(&lock);
    void *made = counted() ? NULL : __real_calloc(count, bytes);
    if (made && counting)
        add(made);
    pthread_mutex_unlock(&lock);
    return made;
}

void *__wrap_realloc(void *old, size_t bytes)
{
    pthread_mutex_lock(&lock);
    bool fails = counted();
    bool ours = !fails && drop(old);
    void *made = fails ? NULL : __real_realloc(old, bytes);
    if (made && (ours || (counting && !old)))
        add(made);
    pthread_mutex_unlock(&lock);
    return made;
}

void __wrap_free(void *old)
{
    pthread_mutex_lock(&lock);
    if (old)
        drop(old);
    pthread_mutex_unlock(&lock);
    __real_free(old);
}

/* ------------------------------------------------------------------------------------------ running */

static char folder[] = "/tmp/csg-allocations-XXXXXX";
static int real_stdout, real_stderr;

static char *content(const char *path)
{
    FILE *f = fopen(path, "rb");
    long bytes = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    char *text = __real_calloc((size_t)bytes + 1, 1);
    if (!text || (f && (fseek(f, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)bytes, f) != (size_t)bytes)))
        abort();
    if (f)
        fclose(f);
    return text;
}

/* Both streams go to files. */
static void capture(bool on)
{
    fflush(stdout);
    fflush(stderr);
    if (!on) {
        dup2(real_stdout, STDOUT_FILENO);
        dup2(real_stderr, STDERR_FILENO);
        return;
    }
    static const char *const names[] = {"stdout", "stderr"};
    for (int i = 0; i < 2; i++) {
        int fd = open(names[i], O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || dup2(fd, i ? STDERR_FILENO : STDOUT_FILENO) < 0)
            abort();
        close(fd);
    }
}

#define MOST_WORDS 24
struct command {
    const char *name, *words[MOST_WORDS];
    bool stable; /* stdout is the same each time */
};

/* What a run leaves: its status, the sentence, and a hash of stdout and of the files. */
struct outcome {
    int status;
    uint64_t hash;
    size_t others, allocations, live; /* others: files that an undisturbed run does not leave as they are */
    char *said;
};

static uint64_t mix(uint64_t hash, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint8_t)data[i]) * 1099511628211u;
    return hash;
}

static bool same(const char *path, const char *folder_, const char *name)
{
    struct csg_mapped a = {0}, b = {0};
    char other[600];
    snprintf(other, sizeof other, "want-%s/%s", folder_, name);
    bool equal = csg_map_file(&a, path, CSG_ERROR, NULL) == CSG_OK && csg_map_file(&b, other, CSG_ERROR, NULL) == CSG_OK &&
                 a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
    csg_unmap_file(&a);
    csg_unmap_file(&b);
    return equal;
}

static void look(const char *name, struct outcome *outcome)
{
    char **names;
    size_t count;
    if (csg_list_files(&names, &count, name, "", CSG_ERROR, NULL) != CSG_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        struct csg_mapped file;
        char path[600];
        snprintf(path, sizeof path, "%s/%s", name, names[i]);
        outcome->others += !same(path, name, names[i]);
        outcome->hash = mix(outcome->hash, names[i], strlen(names[i]));
        if (csg_map_file(&file, path, CSG_ERROR, NULL) == CSG_OK)
            outcome->hash = mix(outcome->hash, (const char *)file.data, file.bytes);
        csg_unmap_file(&file);
    }
    csg_names_free(&names, count);
}

static struct outcome run(const struct command *command, size_t fail_at)
{
    char *argv[MOST_WORDS + 2] = {(char *)(uintptr_t) "clip-surgeon"};
    struct outcome outcome = {0};
    int argc = 1;
    for (; command->words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)command->words[argc - 1];
    csg_remove_tree("out", NULL);
    mkdir("out", 0700);
    capture(true);
    failing = fail_at;
    allocations = 0;
    counting = true;
    outcome.status = cli_main(argc, argv);
    counting = false;
    capture(false);
    outcome.allocations = allocations;
    outcome.live = live;
    outcome.said = content("stderr");
    char *out = content("stdout");
    if (command->stable)
        outcome.hash = mix(1, out, strlen(out));
    look("out", &outcome);
    __real_free(out);
    return outcome;
}

/* NULL, or what is wrong. */
static const char *judge(const struct outcome *expected, const struct outcome *got)
{
    size_t length = strlen(got->said);
    if (got->live)
        return "memory was not given back";
    if (got->status == 0)
        return got->hash == expected->hash ? NULL : "the result is another one";
    if (got->others)
        return "a file was left that is not whole";
    if (got->status != 1 && got->status != 7)
        return "the exit code is another one";
    if (strncmp(got->said, "clip-surgeon: ", 14) != 0 || length < 20 || strchr(got->said, '\n') != got->said + length - 1)
        return "it is not one sentence";
    return strstr(got->said, "memory") ? NULL : "the sentence says nothing of memory";
}

static bool try_command(const struct command *command, bool all)
{
    size_t right = 0, told = 0, wrong = 0;
    __real_free(run(command, SIZE_MAX).said); /* so that what is kept in the cache is there */
    csg_remove_tree("want-out", NULL);
    if (rename("out", "want-out") != 0)
        abort();
    struct outcome expected = run(command, SIZE_MAX);
    if (expected.status || expected.live) {
        printf("%s: without a fault: %d, %zu blocks left: %s\n", command->name, expected.status, expected.live, expected.said);
        return false;
    }
    size_t step = all ? 1 : expected.allocations / 40 + 1, n = 0;
    for (size_t at = 0; at < expected.allocations; at += step, n++) {
        struct outcome got = run(command, at);
        const char *problem = judge(&expected, &got);
        if (problem && wrong++ < 20)
            printf("%s, allocation %zu: %s: %d %s%zu other files, %zu blocks\n", command->name, at, problem, got.status, got.said,
                   got.others, got.live);
        right += !problem && got.status == 0;
        told += !problem && got.status != 0;
        memset(known, 0, got.live ? sizeof known : 0);
        live = 0;
        __real_free(got.said);
    }
    printf("| %-15s | %6zu | %6zu | %6zu | %6zu |\n", command->name, expected.allocations, n, right, told);
    fflush(stdout);
    __real_free(expected.said);
    return wrong == 0;
}

/* ------------------------------------------------------------------------------------------ what is run */

static void write_file(const char *name, const void *data, size_t bytes)
{
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0)
        abort();
}

static void write_inputs(void)
{
    static char picture[13 + 48 * 32 * 3] = "P6 48 32 255\n";
    for (size_t i = 13; i < sizeof picture; i++)
        picture[i] = (char)(i * 7 + i / 97 * 31);
    write_file("photo.ppm", picture, sizeof picture);
    write_file("two.txt", "a photo of a {}.\na drawing of the {}.\n", 38);
    mkdir("in", 0700);
    write_file("in/a.ppm", picture, sizeof picture);
    write_file("in/b.ppm", picture, sizeof picture);
    static const char *const folders[] = {"set", "set/JPEGImages", "set/SegmentationClass", "set/ImageSets",
                                          "set/ImageSets/Segmentation"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        mkdir(folders[i], 0700);
    write_file("set/ImageSets/Segmentation/val.txt", "a\nb\n", 4);
    uint16_t index[48 * 32] = {0};
    for (int i = 0; i < 48 * 16; i++)
        index[i] = 8;
    for (char name = 'a'; name <= 'b'; name++) {
        char path[64];
        snprintf(path, sizeof path, "set/JPEGImages/%c.png", name);
        write_file(path, picture, sizeof picture);
        snprintf(path, sizeof path, "set/SegmentationClass/%c.png", name);
        if (csg_classes_write_png(index, 48, 32, path, true, NULL) != CSG_OK)
            abort();
    }
}

#define WITH(device_) "-m", model, "--templates", "none", "-q", "--device", device_

int main(int argc, char **argv)
{
    const char *how = getenv("CSG_FAULTS");
    bool all = how && strcmp(how, "all") == 0;
    size_t passed = 0, failed = 0;
    char model[4096], cache[4096];
    if (argc < 3 || !realpath(argv[1], model)) {
        fprintf(stderr, "test_allocations MODEL CACHE [COMMAND]\n");
        return 2;
    }
    csg_make_folders(argv[2], NULL);
    if (!realpath(argv[2], cache) || !mkdtemp(folder) || chdir(folder) != 0)
        return 2;
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("HOME", folder, 1);
    real_stdout = dup(STDOUT_FILENO);
    real_stderr = dup(STDERR_FILENO);
    write_inputs();
    const struct command commands[] = {
        {"map", {"map", "photo.ppm", "cat", "dog+a bench", "-o", "out/map.png", "--npy", "out/map.npy", WITH("reference")}, true},
        {"map --json", {"map", "photo.ppm", "cat", "-o", "out/map.png", "--json", WITH("reference")}, false},
        {"map --pyramid",
         {"map", "photo.ppm", "cat", "dog", "-o", "out/map.png", "--size", "64", "--pyramid", "2", WITH("reference")},
         true},
        {"map, device", {"map", "photo.ppm", "cat", "dog", "-o", "out/map.png", WITH("0")}, true},
        {"map FOLDER", {"map", "in", "cat", "dog", "-o", "out", "--batch", "2", WITH("reference")}, false},
        {"embed --text", {"embed", "--text", "cat", "dog", "--npy", "out/e.npy", WITH("reference")}, true},
        {"embed --image", {"embed", "--image", "photo.ppm", "--npy", "out/e.npy", WITH("reference")}, true},
        {"points", {"points", "photo.ppm", "cat", "dog+a bench", WITH("reference")}, true},
        {"segment", {"segment", "photo.ppm", "cat", "dog", "-o", "out/segment.png", WITH("reference")}, true},
        {"classify", {"classify", "photo.ppm", "cat", "dog", WITH("reference")}, true},
        {"eval", {"eval", "set", "--method", "raw,surgery", "--json", WITH("reference")}, true},
        {"classify, sets",
         {"classify", "photo.ppm", "--labels", "voc20", "-m", model, "--templates", "two.txt", "-q", "--device", "reference"},
         true},
        {"model info", {"model", "info", model, "--json"}, true},
        {"model info NAME", {"model", "info", "demo-model", "--json"}, true},
        {"model list", {"model", "list", "--json"}, true},
        {"devices", {"devices", "--json"}, true},
        {"cache list", {"cache", "list"}, true},
    };
    printf("| %-15s | %6s | %6s | %6s | %6s |\n|---|---|---|---|---|\n", "command", "asks", "failed", "right", "told");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (argc <= 3 || strcmp(argv[3], commands[i].name) == 0)
            *(try_command(&commands[i], all) ? &passed : &failed) += 1;
    if (chdir("/") == 0)
        csg_remove_tree(folder, NULL);
    printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
