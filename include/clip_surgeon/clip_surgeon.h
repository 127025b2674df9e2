/* clip-surgeon: CLIP Surgery on any OpenCL device.
 *
 * This header is the whole public interface; the command-line tool and the viewer use nothing else.
 *
 * Conventions
 *   - Every function that can fail returns CSG_OK (0) or a negative enum csg_status and, where `err` is not NULL,
 *     fills it with one sentence. On failure outputs are NULL or untouched.
 *   - create/destroy pairs: destroy takes the address of the pointer, accepts NULL and pointers to NULL, and sets
 *     the pointer to NULL.
 *   - Structs whose name ends in _params have defaults: all zero (NULL, 0) means "the default" in every member.
 *   - Strings are UTF-8 and NUL-terminated. Strings inside results live as long as the result.
 *   - The library never prints, never exits and keeps no global state. Engines are independent of each other: each may
 *     be used by one thread at a time, different engines by different threads at once.
 *   - Matrices are row-major float32. N = 1 + grid_h * grid_w image tokens, token 0 is CLS, then the patches in rows.
 */
#ifndef CLIP_SURGEON_H
#define CLIP_SURGEON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define CSG_API
#else
#define CSG_API __attribute__((visibility("default")))
#endif

/* The exit code of the command-line tool is the negated value. */
enum csg_status {
    CSG_OK = 0,
    CSG_ERROR = -1,             /* an output that exists or cannot be written, out of host memory */
    CSG_ERROR_USAGE = -2,       /* an argument out of its range or of no known name */
    CSG_ERROR_NO_DEVICE = -3,   /* no OpenCL device, or none of the wanted name */
    CSG_ERROR_MODEL = -4,       /* model files missing, damaged or not understood */
    CSG_ERROR_INPUT = -5,       /* an image, label or template file missing, damaged or too large */
    CSG_ERROR_BUILD = -6,       /* the driver refused to compile a kernel */
    CSG_ERROR_MEMORY = -7,      /* not enough memory on the device */
    CSG_ERROR_SELF_TEST = -8,   /* the device computes wrong results */
    CSG_ERROR_DEVICE_LOST = -9, /* the driver reported a fatal error; the engine must be destroyed */
    CSG_ERROR_INTERRUPTED = -130
};

struct csg_error {
    enum csg_status status;
    char sentence[1024]; /* one sentence without a final newline */
};

enum csg_log_level { CSG_LOG_WARNING, CSG_LOG_INFO, CSG_LOG_DEBUG };
/* Called from the thread that uses the engine. `message` is one line without newline, valid during the call. */
typedef void (*csg_log_fn)(void *user, enum csg_log_level level, const char *message);

/* "MAJOR.MINOR.PATCH" */
CSG_API const char *csg_version(void);

/* ---------------------------------------------------------------------------------------------- images */

struct csg_image; /* 8-bit RGB */

/* Loads PNG, JPEG, BMP, TGA, GIF (first frame), PSD, PNM; grey, palette, alpha (dropped), CMYK and 16-bit become 8-bit
 * RGB; EXIF orientation is applied. "-" reads standard input. At most 2^28 pixels.
 * CSG_ERROR_INPUT: missing, no image, damaged, too large. */
CSG_API int csg_image_load(struct csg_image **out, const char *path, struct csg_error *err);
/* Copies height_px rows of width_px RGB triples, stride_bytes apart (0: packed). */
CSG_API int csg_image_from_rgb(struct csg_image **out, const uint8_t *rgb, int width_px, int height_px, size_t stride_bytes,
                               struct csg_error *err);
CSG_API void csg_image_destroy(struct csg_image **image);
CSG_API int csg_image_width_px(const struct csg_image *image);
CSG_API int csg_image_height_px(const struct csg_image *image);
/* Packed rows; owned by the image. */
CSG_API const uint8_t *csg_image_rgb(const struct csg_image *image);
/* The file has its name when it is whole: it is written without one, or where the file system has none such as PATH.csg-part. An existing
 * file is replaced only with overwrite. CSG_ERROR: exists, or cannot be written. */
CSG_API int csg_image_write_png(const struct csg_image *image, const char *path, bool overwrite, struct csg_error *err);
/* Whether a file could be written there later: CSG_ERROR where it exists and is not to be overwritten, or is a folder. */
CSG_API int csg_check_output(const char *path, bool overwrite, struct csg_error *err);
/* Whether anything lies under that name, a link that leads nowhere too. */
CSG_API bool csg_output_exists(const char *path);
/* Makes the folder, and those it lies in, where they are not there. CSG_ERROR: it cannot be made, or is a file. */
CSG_API int csg_output_folder(const char *path, struct csg_error *err);
/* NumPy's format 1.0, little-endian float32, C order, n_dims of 1..8; written as csg_image_write_png does. */
CSG_API int csg_npy_write(const char *path, const float *data, const size_t *dims, size_t n_dims, bool overwrite,
                          struct csg_error *err);
/* Any other file, written likewise. */
CSG_API int csg_file_write(const char *path, const void *data, size_t bytes, bool overwrite, struct csg_error *err);

/* Where pictures lie. */
struct csg_picture_list {
    char **paths; /* sorted by name, byte by byte */
    size_t count;
    bool many; /* a folder or a pattern was named, not one picture */
};
/* source: a folder: its files with the ending of a picture (.png, .jpg, .JPG ...), but for hidden ones and what lies deeper; a pattern
 * as shells have them (*, ?, [a-z]) that is no file's own name: the files that it matches, whatever their ending; else one picture,
 * which is not looked at. To be given to csg_picture_list_free. CSG_ERROR_INPUT: a folder or pattern without a picture. */
CSG_API int csg_picture_list_load(struct csg_picture_list *out, const char *source, struct csg_error *err);
CSG_API void csg_picture_list_free(struct csg_picture_list *list);

/* ---------------------------------------------------------------------------------------------- devices */

struct csg_device_info {
    unsigned index; /* what a device SPEC names */
    char name[256], platform[256], vendor[256], driver[256], version[256];
    char type[16]; /* "gpu", "cpu", "accelerator" */
    unsigned compute_units;
    uint64_t global_memory_bytes, max_allocation_bytes;
    bool fp16, subgroups;
    bool usable;       /* meets what the engine needs */
    bool chosen;       /* what an engine without a SPEC takes */
    char verdict[256]; /* why it is or is not usable, or why it comes first */
};
/* Lists every device of every platform in index order; *devices is one allocation to be given to
 * csg_devices_free. No platform at all is CSG_OK with *count 0. */
CSG_API int csg_devices_list(struct csg_device_info **devices, size_t *count, struct csg_error *err);
CSG_API void csg_devices_free(struct csg_device_info **devices);

/* Something that was found out about a device: which kernels it runs, whether what is tried before it is trusted, matrix units for one,
 * gave the known answers, what is known to be wrong with it, whether it was tuned. */
struct csg_device_trait {
    const char *name;
    char value[200]; /* in words */
};
/* device and cache_dir as in csg_engine_params, but for "reference". Known answers are computed, for which kernels may be compiled: seconds.
 * *traits is one allocation to be given to csg_device_traits_free. CSG_ERROR_NO_DEVICE, and what fails on the device. */
CSG_API int csg_device_traits(const char *device, const char *cache_dir, struct csg_device_trait **traits, size_t *count,
                              struct csg_error *err);
CSG_API void csg_device_traits_free(struct csg_device_trait **traits);

/* Precisions of weights and products, the same on every usable device: "f32", "f16", "bf16"; NULL past the end. Vectors, normalisation,
 * softmax and all sums are single precision in each. */
CSG_API const char *csg_precision_name(size_t index);
/* One line without full stop: what is kept and computed how. */
CSG_API const char *csg_precision_summary(size_t index);

/* ---------------------------------------------------------------------------------------------- models */

/* What a model is, read from its files without a device. */
struct csg_model_info {
    char path[4096], weights[4096];         /* the folder or file, and the weights file or the index of several */
    uint64_t bytes, parameters;             /* of all weights files; elements of the tensors that are used */
    int image_size_px, patch_px;            /* a ResNet's patch is the 32 pixels of a token */
    const char *architecture;               /* "ViT" or "ResNet" */
    size_t stages[4];                       /* bottlenecks of a ResNet's stages; zeros: a ViT */
    size_t layers, width, heads, mlp_width; /* of the image tower; a ResNet's is its attention pool */
    size_t text_layers, text_width, text_heads, context, vocab; /* of the text tower */
    size_t embed_dim;
    bool quick_gelu;
    float mean[3], std[3];
    float logit_scale;                         /* of the cosines before softmax; 100 where the checkpoint does not say it */
    uint64_t f32_bytes, f16_bytes, bf16_bytes; /* device memory that the weights need in each precision */
    char sha256[65];                           /* of the weights; see csg_engine_model_sha256 */
};
/* model as in csg_engine_params. The weights are read through for their hash. CSG_ERROR_MODEL. */
CSG_API int csg_model_info(const char *model, struct csg_model_info *info, struct csg_error *err);

/* Models that are known by name. */
struct csg_model_row {
    const char *name, *source, *licence; /* source: what csg_model_pull takes */
    uint64_t bytes;                      /* to be downloaded, about */
    int image_size_px;
    char path[4096]; /* where it is; empty: it is not here */
};
/* *rows is one allocation to be given to csg_models_free. */
CSG_API int csg_models_list(struct csg_model_row **rows, size_t *count, struct csg_error *err);
CSG_API void csg_models_free(struct csg_model_row **rows);

/* Called while a file arrives: its name, bytes so far, bytes in all (0: not known), bytes a second. */
typedef void (*csg_progress_fn)(void *user, const char *file, uint64_t done_bytes, uint64_t total_bytes, double rate);
/* Fetches a model: a name of csg_models_list, "hf:OWNER/REPO[@REVISION]" into Hugging Face's cache (HF_HOME, HF_HUB_CACHE,
 * HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are obeyed), or the address of a .pt archive into the user's models. Continues what was cut
 * off, verifies SHA-256 where the publisher tells it, and writes its place to `path` (capacity bytes; may be NULL).
 * CSG_ERROR_USAGE: no such name; CSG_ERROR: not to be had, damaged, no room. */
CSG_API int csg_model_pull(const char *source, csg_progress_fn progress, void *user, char *path, size_t capacity,
                           struct csg_error *err);
/* Removes what csg_model_pull brought by that name, or a model of the user's by its folder's name. CSG_ERROR_MODEL: it is not here. */
CSG_API int csg_model_remove(const char *name, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- engine */

struct csg_engine_params {
    const char *model;     /* a folder, a .pt archive, a name under the data folder (XDG) or of csg_models_list, or
                               * hf:OWNER/REPO[@REVISION] in Hugging Face's cache; NULL: the demo model */
    const char *device;    /* SPEC: an index of csg_devices_list, a part of a name, or "reference"; NULL: the best */
    const char *precision; /* a name of csg_precision_name; NULL: "f32"; "auto": the fastest on this device whose maps of a known
                               * picture correlate at least 0.999 with those in f32, measured once and remembered in the cache */
    const char *templates; /* a file with one template a line ("{}" is the text), "none"; NULL: the 85 published ones */
    const char *cache_dir; /* for compiled kernels, text features, measured precisions and the hash of the weights; "": none;
                            * NULL: XDG_CACHE_HOME/clip-surgeon */
    const char *device_class; /* "cpu" or "gpu": force the kernel forms made for that class; NULL: the device's own */
    const char
        *fallback;      /* where the device fails: "none" (NULL): so does the call; "next": the next device goes on, at last the C
                           * reference; "reference": the C reference does */
    const char *towers; /* "both" (NULL), "text", "image": which weights are put on the device; see csg_take_features */
    csg_log_fn log;     /* may be NULL */
    void *log_user;
};
struct csg_engine;

/* Opens the device, loads the model and puts its weights on the device.
 * CSG_ERROR_NO_DEVICE, CSG_ERROR_MODEL, CSG_ERROR_INPUT (templates), CSG_ERROR_BUILD, CSG_ERROR_MEMORY, CSG_ERROR_USAGE.
 * Without a fallback an explicit device is never replaced by another; without a SPEC and without any OpenCL device it fails too.
 * CSG_ERROR_SELF_TEST: the device failed csg_self_test before, or now gives wrong answers to a few small known questions that every
 * engine asks first (less than 50 ms).
 *
 * With a fallback CSG_ERROR_NO_DEVICE, _BUILD, _MEMORY, _SELF_TEST and _DEVICE_LOST, here or in any later call but csg_bench_run and
 * csg_tune_run, leave the device alone for the life of the engine: another one is opened and does the whole call again, so that what a
 * call gives is one device's. The best of the other devices comes next; features that csg_take_features brought are kept, those that the
 * device had computed are computed again. The log is warned with what failed and what goes on, and csg_engine_info says so; where none
 * can go on the call fails as it would without a fallback. Precision stays what it was. csg_engine_stats begins anew. */
CSG_API int csg_engine_create(struct csg_engine **out, const struct csg_engine_params *params, struct csg_error *err);
CSG_API void csg_engine_destroy(struct csg_engine **engine);
/* Makes the running call, or the next, end with CSG_ERROR_INTERRUPTED. Async-signal-safe; any thread. */
CSG_API void csg_engine_interrupt(struct csg_engine *engine);

struct csg_engine_info {
    const char *model_path, *model_name;
    const char *device, *platform, *driver; /* device is "reference" for the C reference */
    const char *device_class;               /* "cpu", "gpu" or "reference": which kernel forms run */
    const char *precision;                  /* that is used, never "auto" */
    const char *fallback_reason;            /* why another device than the wanted one computes, or NULL */
    int image_size_px, patch_px;            /* native input size and patch of the model */
    size_t layers, width, heads, embed_dim, context;
    size_t first_block_default; /* max(1, layers - 5), counted from 1 */
    const char *architecture;   /* "ViT" or "ResNet", whose one layer is the attention pool */
};
/* Any thread, also while a call runs. Strings live as long as the engine. */
CSG_API void csg_engine_info(const struct csg_engine *engine, struct csg_engine_info *info);
/* SHA-256 of the weights file, 64 hex digits; read through at the first call, or taken from the cache folder where the file is still the
 * same by its size, inode and times. */
CSG_API int csg_engine_model_sha256(struct csg_engine *engine, const char **hex, struct csg_error *err);

struct csg_op_stat {
    const char *op;
    uint64_t launches;
    double event_ms;
};
/* Since creation or the last reset, one entry per operator; *stats is owned by the engine until the next call. */
CSG_API int csg_engine_stats(struct csg_engine *engine, const struct csg_op_stat **stats, size_t *count, struct csg_error *err);
CSG_API void csg_engine_stats_reset(struct csg_engine *engine);

/* ---------------------------------------------------------------------------------------------- cache */

/* A part of the cache folder. All of it can be made again. */
struct csg_cache_row {
    const char *name, *holds; /* its folder's name, and what is in it */
    uint64_t files, bytes;
    char path[4096];
};
/* cache_dir: NULL: XDG_CACHE_HOME/clip-surgeon. *rows is one allocation to be given to csg_cache_free; a part that is not there has no
 * files. CSG_ERROR: there is no such folder to be named. */
CSG_API int csg_cache_list(const char *cache_dir, struct csg_cache_row **rows, size_t *count, struct csg_error *err);
CSG_API void csg_cache_free(struct csg_cache_row **rows);
/* Removes the part of that name, or every part (NULL). CSG_ERROR_USAGE: no such part; CSG_ERROR: it cannot be removed. */
CSG_API int csg_cache_clear(const char *cache_dir, const char *name, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- speed */

struct csg_bench_params {
    int size_px;          /* side of the square pictures, a multiple of the patch; 0: the model's */
    unsigned first_block; /* as in csg_map_params */
    size_t runs;          /* timed encodings, at most 1000; 0: 10, or fewer where they take more than 5 s, but 3 */
    size_t batch;         /* pictures of one encoding, at most 1024, of a ResNet 1; 0: 1 */
    const char *labels;   /* the texts of text_ms and map_ms, as in csg_map_params; NULL: pascal59 */
    bool no_texts;        /* leave text_ms and map_ms at 0 */
    bool no_reference;    /* leave error NaN: the reference takes seconds to minutes */
};
struct csg_bench_stage {
    const char *op; /* the operator */
    uint64_t launches;
    double ms;    /* of all of them, from event times */
    double flop;  /* multiplications and additions that the method needs there; 0: not counted */
    double bytes; /* that it has to read and write there; counted where that is more than there is to compute, else 0 */
};
/* One launch, by the device's clock, whose zero is the device's own. */
struct csg_bench_event {
    const char *stage, *op; /* "encode", "text" or "map"; the operator */
    double queued_ms, start_ms, ms;
};
struct csg_bench {
    const char *device, *precision; /* the engine's */
    int size_px;
    size_t tokens, runs, batch; /* tokens: of a picture */
    /* An encoding of `batch` pictures from before their pixels go to the device until the projected tokens are there, by the wall clock,
     * with architecture surgery. Each run has other pictures, and nothing is kept between them but weights, programs and empty memory. */
    double encode_min_ms, encode_median_ms;
    double encode_flop, gflop_s;          /* what the method needs, and that by encode_min_ms */
    double peak_gflop_s, peak_gbyte_s;    /* of the device, measured; 0: not known */
    const char *peak_of;                  /* products of "f32" or "bf16" that the first is of; NULL: not known */
    double error;                         /* largest absolute error of the last timed run's tokens against the reference */
    const struct csg_bench_stage *stages; /* of the fastest encoding */
    size_t n_stages;
    double gap_ms;           /* of the fastest encoding: wall clock in which no kernel ran */
    uint64_t tuned_launches; /* of the fastest encoding, in a way that csg_tune_run found */
    /* Features of n_texts texts over n_templates templates, without any cache; feature surgery over them, and their maps at
     * map_width_px x map_height_px, left on the device. */
    size_t n_texts, n_templates;
    double text_ms, map_ms;
    int map_width_px, map_height_px;
    const struct csg_bench_event *events; /* launches of the fastest encoding, then those of texts and maps */
    size_t n_events;
};
/* Measures the engine. params may be NULL. CSG_ERROR_USAGE, and what encoding fails with. The result is to be given to csg_bench_free,
 * before the engine is destroyed. */
CSG_API int csg_bench_run(struct csg_engine *engine, const struct csg_bench_params *params, struct csg_bench **out,
                          struct csg_error *err);
CSG_API void csg_bench_free(struct csg_bench **result);

/* What became of a way in which a product or attention can run. */
enum csg_tune_state {
    CSG_TUNE_TIMED,
    CSG_TUNE_WRONG,  /* it failed, or its answers are wrong */
    CSG_TUNE_SKIPPED /* it was slower at the first try, its next of kin is far behind, or the time was over */
};
struct csg_tune_form {
    const char *name;
    size_t splits; /* parts in which the inner side of the product is summed */
    enum csg_tune_state state;
    double ms; /* of one launch, the least; 0: not timed */
    bool untuned, chosen;
};
/* Products, [rows, n] = [rows, k] [k, n]: sides are n and k. Attention over rows tokens: channels of a head, and heads of all pictures and
 * paths. */
struct csg_tune_shape {
    const char *op, *precision;
    size_t rows, sides[2];
    size_t launches; /* of a pass */
    double flop;     /* of a launch: multiplications and additions */
    bool complete;   /* the time sufficed for every form */
    const struct csg_tune_form *forms;
    size_t n_forms;
};
struct csg_tune_params {
    int size_px;          /* as in csg_bench_params */
    unsigned first_block; /* the same */
    double seconds;       /* that the timing may last, once all is compiled that any work needs; 0: 20 */
    /* Behind every pass: pictures and texts that were encoded, shapes that are done, and those that were met. May be NULL. */
    void (*progress)(void *user, size_t passes, size_t done, size_t shapes, double seconds_left);
    void *progress_user;
};
struct csg_tune {
    const char *device, *driver, *precision; /* the engine's */
    int size_px;
    double seconds;             /* that it lasted */
    bool complete;              /* the time sufficed for every form of every shape */
    bool kept;                  /* on disk; else the choices end with the engine */
    double before_ms, after_ms; /* an encoding of a picture, the least of three; 0: not measured */
    const struct csg_tune_shape *shapes;
    size_t n_shapes;
};
/* Times, at the shapes of an encoding of one picture and of texts, every way in which products and attention can run on the device, and
 * takes the fastest whose answers are right by the cases of csg_self_test. What there is no time for keeps the defaults of the device's
 * class. The engine goes the chosen ways from here on, and so does every engine that is created with the same cache folder, device, driver
 * and kernels. Results differ by rounding from those of an untuned device, within the same bounds. params may be NULL. The result is to be given to csg_tune_free, before the engine is destroyed.
 * CSG_ERROR_USAGE: the engine computes on the reference; and what encoding fails with, which leaves the engine untuned. */
CSG_API int csg_tune_run(struct csg_engine *engine, const struct csg_tune_params *params, struct csg_tune **out,
                         struct csg_error *err);
CSG_API void csg_tune_free(struct csg_tune **result);

/* ---------------------------------------------------------------------------------------------- self-test */

struct csg_self_test_params {
    const char *device;       /* as in csg_engine_params, but not "reference" */
    const char *cache_dir;    /* the same */
    const char *device_class; /* the same */
    bool full;                /* every conformance case: minutes; else the small ones */
    csg_log_fn log;           /* may be NULL */
    void *log_user;
};
struct csg_self_test_op {
    const char *op;
    size_t cases, failed;
    double error, bound;     /* of the element that came nearest to its bound, or went furthest beyond it */
    double gflop_s, gbyte_s; /* of the largest case, from event times; 0: not known */
    char first_failure[600]; /* a sentence, or empty */
};
struct csg_self_test {
    struct csg_device_info device;
    char device_class[16];
    char fingerprint[65]; /* of device, driver and kernels: what the verdict is remembered by */
    bool full, passed;
    double ms;
    const struct csg_self_test_op *ops;
    size_t n_ops;
};
/* Runs the operators on the device and compares each element with the C reference, within bounds that an honest device keeps. The verdict
 * is remembered in the cache folder: csg_engine_create refuses a device that failed until it passes again, or its driver or the kernels
 * change. CSG_OK where the test came to an end: whether the device passed stands in the result, to be given to csg_self_test_free. */
CSG_API int csg_self_test(struct csg_self_test **out, const struct csg_self_test_params *params, struct csg_error *err);
CSG_API void csg_self_test_free(struct csg_self_test **result);

/* ---------------------------------------------------------------------------------------------- features */

/* Text features: per text the ensemble over the templates, L2-normalised [n_texts, embed_dim], written to `features`
 * (capacity n_texts * embed_dim floats). Too long a text is cut so that EOT is the last token, with a warning. */
CSG_API int csg_embed_texts(struct csg_engine *engine, const char *const *texts, size_t n_texts, float *features,
                            struct csg_error *err);
/* Gives the engine features of texts, [n_texts, embed_dim], that csg_embed_texts of an engine of the same model and templates wrote:
 * calls that need them compute nothing. So one engine can encode texts, in a thread of its own, while another encodes pictures; the
 * one needs the text tower alone, the other the image tower (towers in csg_engine_params). A call that needs the tower that is not
 * there is CSG_ERROR_USAGE. */
CSG_API int csg_take_features(struct csg_engine *engine, const char *const *texts, size_t n_texts, const float *features,
                              struct csg_error *err);
/* The CLS feature, L2-normalised [embed_dim], of the image stretched to the model's native size. */
CSG_API int csg_embed_image(struct csg_engine *engine, const struct csg_image *image, float *feature, struct csg_error *err);
/* The same of n_images pictures, [n_images, embed_dim], in one pass through the encoder: see csg_map_many about what that changes. */
CSG_API int csg_embed_images(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images, float *features,
                             struct csg_error *err);
/* Words of `text` that the model's folder does not list in known_words.txt, separated by ", ", written to `words`;
 * an empty string where all are known or the folder has no such list. */
CSG_API int csg_unknown_words(struct csg_engine *engine, const char *text, char *words, size_t capacity, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- maps */

struct csg_map_params {
    const char *method;    /* a name of csg_method_name; NULL: "surgery" */
    const char *labels;    /* a file with one label a line, or demo, pascal59, coco80, voc20, imagenet1000; NULL: none */
    const char *redundant; /* "auto" (NULL), "set", "empty" */
    const char *fit;       /* "stretch" (NULL): square, as published; "aspect": the picture's own aspect ratio */
    int size_px;           /* a multiple of the patch; 0: the model's. With "aspect" the shorter side. */
    unsigned first_block;  /* first block with two paths, counted from 1; 0: the default of the model */
    const char *refine;    /* "none" (NULL); "pamr": maps at the size that the encoder sees, refined by the picture's pixels */
    /* Sliding windows over the picture of that size, for pictures larger than the model's: side and distance, multiples of the patch. Tokens
     * are means over the windows that see their patch, CLS over all. window_px 0: none; stride_px 0: half of the window. */
    int window_px, stride_px;
    /* Sizes at which the picture is encoded, evenly from the model's own to size_px, which must be larger: tokens are means over them on the
     * last one's grid, of length one again. What is seen at several sizes stands out, noise does not. 0 or 1: size_px alone. */
    int pyramid;
    bool no_peaks; /* leave peak_x_px and peak_y_px at -1: they need the map at the picture's size */
};

/* Rows of the method table; NULL past the end. */
CSG_API const char *csg_method_name(size_t index);
CSG_API const char *csg_method_summary(size_t index);
/* Whether the engine's model can do it: a ResNet has no attention but its last pool. What it cannot is CSG_ERROR_USAGE below. */
CSG_API bool csg_method_fits(const struct csg_engine *engine, size_t index);

struct csg_text_result {
    const char *text;
    float score;                      /* cosine of CLS and the text; for a+b the mean of its parts' */
    float raw_min, raw_max, raw_mean; /* of the similarities of the patches */
    int peak_x_px, peak_y_px;         /* of the finished map in picture pixels (first in row order) */
    bool constant;                    /* the similarities are all equal: the map is zeros */
};
struct csg_stage_time {
    const char *stage;
    double ms;
};

struct csg_result {
    const char *method;
    const char *mode; /* feature surgery that was used: "off", "set" or "empty" */
    const char *fit;
    unsigned first_block;
    int input_width_px, input_height_px; /* what the encoder saw */
    int grid_w, grid_h;
    int map_w, map_h; /* of the maps: the grid, or with refinement the pixels that the encoder saw */
    int image_width_px, image_height_px;
    size_t n_texts;
    const struct csg_text_result *texts; /* [n_texts] */
    const float *similarity;             /* [n_texts, map_h, map_w] before min-max */
    const float *grid_map;               /* [n_texts, map_h, map_w] after min-max */
    const float *tokens;                 /* [1 + grid_h * grid_w, embed_dim] projected, L2-normalised image tokens */
    size_t embed_dim;
    size_t n_set; /* texts in the label set, those that are not drawn included */
    const struct csg_stage_time *stages;
    size_t n_stages;
};

/* Computes the similarity map of each text in the picture. `a+b` is the mean of the parts' min-max maps (`\+`: a plus sign).
 * params may be NULL. *out is destroyed with csg_result_destroy, before the engine or after it. */
CSG_API int csg_map(struct csg_engine *engine, const struct csg_image *image, const char *const *texts, size_t n_texts,
                    const struct csg_map_params *params, struct csg_result **out, struct csg_error *err);
/* csg_map of n_images pictures at once: results[i] is that of images[i], each to be destroyed; on failure all are NULL. Those that the
 * encoder sees at one size go through it in one pass of a ViT where the method is raw, arch, surgery or another that leaves its
 * attention as it is, without windows and refinement; else one after the other. On CPU devices and the reference a result is the same to the bit however
 * many go together; on GPUs, whose matrix products are cut by size, within 1e-5 of the tokens. Device memory grows with n_images times
 * the tokens of a picture. The stages "resize" and "encode" are a picture's share. */
CSG_API int csg_map_many(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images,
                         const char *const *texts, size_t n_texts, const struct csg_map_params *params,
                         struct csg_result **results, struct csg_error *err);
/* The texts whose features such a call needs, each once: the parts of the texts, the labels, the empty text where it is what is
 * redundant. To be given to csg_label_set_free. CSG_ERROR_USAGE, CSG_ERROR_INPUT. */
struct csg_label_set;
CSG_API int csg_map_texts(struct csg_label_set *out, const char *const *texts, size_t n_texts,
                          const struct csg_map_params *params, struct csg_error *err);
/* csg_map for every token of a sentence, without templates, each as if the sentence ended there: the texts of the result are
 * "[start]", its tokens and "[end]", in order. params may be NULL; its method defaults to "arch", its labels are not used. */
CSG_API int csg_map_tokens(struct csg_engine *engine, const struct csg_image *image, const char *sentence,
                           const struct csg_map_params *params, struct csg_result **out, struct csg_error *err);
CSG_API void csg_result_destroy(struct csg_result **result);

/* The finished map of one text: min-max grid map, bilinear (align_corners=False) to width_px x height_px (0: the picture's),
 * written to `map` [height_px, width_px]. */
CSG_API int csg_result_map(struct csg_engine *engine, const struct csg_result *result, size_t text, int width_px, int height_px,
                           float *map, struct csg_error *err);

struct csg_draw_params {
    const char *colormap; /* viridis (NULL), jet (OpenCV's table), turbo, inferno, cividis, grey */
    double opacity;       /* of the heat map, 0..1; 0: the default, 0.6; negative: none */
    bool legend;          /* caption and colour bar with the raw range below the picture */
};
CSG_API const char *csg_colormap_name(size_t index); /* NULL past the end */
/* Whether there is one of that name; NULL is the default and known. */
CSG_API bool csg_colormap_known(const char *name);
/* Its 256 RGB triples; NULL where there is none of that name. */
CSG_API const uint8_t *csg_colormap_rgb(const char *name);
/* The picture with the heat map of one text over it. */
CSG_API int csg_draw_overlay(struct csg_engine *engine, const struct csg_result *result, const struct csg_image *image,
                             size_t text, const struct csg_draw_params *params, struct csg_image **out, struct csg_error *err);
/* Tiles pictures of any size into one sheet, each with its caption (may be NULL) above it; a cell is at most
 * cell_px wide (0: 480). */
CSG_API int csg_contact_sheet(const struct csg_image *const *cells, const char *const *captions, size_t count, int columns,
                              int cell_px, struct csg_image **out, struct csg_error *err);

/* Bars: a row a name, a panel a column, each from its least value or 0 to its greatest or 0, with the figure beside it. Strings are UTF-8. */
struct csg_chart {
    const char *title;
    const char *const *rows, *const *columns; /* [n_rows], [n_columns] */
    size_t n_rows, n_columns;                 /* at least 1; at most 1000 and 16 */
    const double *values;                     /* [n_rows, n_columns]; what is not finite is drawn as a dash */
};
/* CSG_ERROR_USAGE. */
CSG_API int csg_chart_draw(struct csg_image **out, const struct csg_chart *chart, struct csg_error *err);

/* Points for SAM, as published (t = threshold, down_sample = 2): for one text the k highest cells ascending by value, then
 * the k lowest; for a+b first the negatives of the mean map, then the positives of each part. *points [count, 2] in
 * pixels (x, y), *labels [count] (1 positive, 0 negative); owned by the result. A constant map or a grid of one
 * patch has no points. threshold 0: 0.8. CSG_ERROR_USAGE: the result was refined. */
CSG_API int csg_result_points(struct csg_engine *engine, struct csg_result *result, size_t text, double threshold,
                              const int (**points)[2], const uint8_t **labels, size_t *count, struct csg_error *err);

/* A copy of the picture with the points on it, as csg_result_points gives them: positive ones green, negative ones red. Points outside of
 * the picture are left out. */
CSG_API int csg_draw_points(const struct csg_image *image, const int (*points)[2], const uint8_t *labels, size_t count,
                            struct csg_image **out, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- many pictures */

/* A picture whose turn is over. */
struct csg_walk_picture {
    size_t index;        /* of its path */
    const char *problem; /* why it could not be read, or NULL */
    size_t engine;       /* that computed it, where it was read */
    double ms;           /* its share of the time of that computation */
};
struct csg_walk_state {
    size_t done, total; /* pictures whose turn is over, those that could not be read among them, but not those of others (mine) */
    size_t unreadable;
    bool ending; /* after a failure or an interrupt: waiting for what still runs */
};
struct csg_walk_params {
    struct csg_engine *const *engines; /* [n_engines], at least one; each is used by a thread of its own until the call returns */
    size_t n_engines;
    const char *const *paths; /* [n_paths] */
    size_t n_paths;
    size_t batch; /* pictures that are computed together at most; 0: 1 */
    void *user;   /* of what follows */
    /* Where several programs share the pictures: asked once for each, in order, just before it would be read, one at a time, in any
     * thread; false: another one takes it, and nothing is said of it. May be NULL. */
    bool (*mine)(void *user, size_t index);
    /* Computes images[i] of paths[indices[i]], i < n <= batch, with the engine of that number, in its thread. */
    int (*compute)(void *user, size_t engine, const size_t *indices, const struct csg_image *const *images, size_t n,
                   struct csg_error *err);
    /* What is left to do with a picture when the engine has gone on, in any thread and several at once. May be NULL. */
    int (*finish)(void *user, size_t index, struct csg_error *err);
    /* In the order of the paths, one after the other, in the calling thread. May be NULL. */
    int (*done)(void *user, const struct csg_walk_picture *picture, struct csg_error *err);
    /* Some twenty times a second, in the calling thread; true ends the call with CSG_ERROR_INTERRUPTED. May be NULL. */
    bool (*watch)(void *user, const struct csg_walk_state *state);
};
/* Takes many pictures through engines: threads of its own read them ahead, so many that no engine waits and memory stays bounded, while
 * the engines compute. With several engines each takes what it can do by the speed that it showed, so that all end together; a slow
 * one gets nothing more where the others are done sooner without it. A picture that cannot be read is told to `done` and left out.
 * The first failure of compute, finish or done ends the call with it; CSG_ERROR_INPUT: none could be read; CSG_ERROR_USAGE. */
CSG_API int csg_walk(const struct csg_walk_params *params, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- classes */

/* Label sets by name or file, as in csg_map_params. CSG_ERROR_INPUT. */
struct csg_label_set {
    char **labels;
    size_t count;
};
CSG_API int csg_label_set_load(struct csg_label_set *out, const char *name, struct csg_error *err);
CSG_API void csg_label_set_free(struct csg_label_set *set);

/* The class of each pixel from a result whose texts are the classes: index[y * width + x] = 1 + the text with the highest
 * similarity, upsampled bilinearly to the picture, or 0 where its probability, softmax(scale * similarity) over the texts, is below
 * `background`. Feature surgery is for explanation: the result should have none ("arch"). scale 0: 40; background 0: 0.1, negative:
 * no pixel is background. index has room for the picture's pixels. */
CSG_API int csg_result_classes(struct csg_engine *engine, const struct csg_result *result, double scale, double background,
                               uint16_t *index, struct csg_error *err);
/* Class indices below 256 as a PNG with PASCAL VOC's palette. */
CSG_API int csg_classes_write_png(const uint16_t *index, int width_px, int height_px, const char *path, bool overwrite,
                                  struct csg_error *err);
CSG_API void csg_class_colour(unsigned index, uint8_t rgb[3]);

/* Which labels are in the picture: scores = softmax(s x) over the labels (at least two), x being the cosines of CLS after feature
 * surgery over the labels, or the cosines themselves, and s the model's logit scale (csg_model_info). The picture is stretched to
 * size_px, a multiple of the patch (0: the model's size); a model of few pictures may know more of them larger than it was taught.
 * scores, cosines (may be NULL): [n_labels]. */
CSG_API int csg_classify(struct csg_engine *engine, const struct csg_image *image, const char *const *labels, size_t n_labels,
                         int size_px, bool feature_surgery, float *scores, float *cosines, struct csg_error *err);

/* ---------------------------------------------------------------------------------------------- evaluation */

struct csg_eval_params {
    const char *const *methods; /* [n_methods]; NULL: "surgery" alone */
    size_t n_methods;
    const char *layout; /* of the data set: voc, context, cityscapes, coco, coco-panoptic, nus; NULL: by what its folder holds */
    const char
        *split; /* a list of the data set, or for voc and context a file (FILE.txt); NULL: val, val2017, Test, or the only one */
    const char *
        labels; /* the classes in the order of mask indices from 1, as in csg_map_params; NULL: the data set's own or usual ones */
    const char *fit; /* as in csg_map_params, as the next six */
    int size_px;
    unsigned first_block;
    const char *refine;
    int window_px, stride_px, pyramid;
    double scale;       /* of the cosines before softmax, for the background; 0: 40 */
    double background;  /* a pixel of lower probability is background; 0: 0.1; negative: no pixel is */
    bool mfsr;          /* measure the attention of the foreground as well: another encoding a picture */
    size_t limit;       /* pictures of the list at most, the first ones; 0: all */
    const char *resume; /* a file that keeps what was done; an existing one is gone on with; NULL: none */
    void (*progress)(void *user, size_t done, size_t total); /* may be NULL */
    void *progress_user;
    /* One run of several, on other devices or machines: of the pictures in order those with index % shards == shard, kept in `resume`
     * (which is wanted then); the result is of these pictures. 0 and 0: all. */
    size_t shard, shards;
    /* The same where it is not known before who measures what: asked once for each picture that is not in a file yet, in order, one at a
     * time, in any thread; false: another run measures it. NULL: all. */
    bool (*mine)(void *user, size_t index);
    void *mine_user;
    /* Files that runs of the same evaluation kept, shards of it or not, on devices whose text features are the same to the last bit
     * (devices of one kind); a picture that is in several counts once. Where `resume` is NULL nothing is measured, every picture must be
     * in one of them, and the result is bit for bit that of one run; else what is in none of them is measured. */
    const char *const *merge; /* [n_merge] */
    size_t n_merge;
    /* Engines of the same model that measure beside the first, which has the features of the texts: each takes the next picture when it
     * is free. They need no text tower. */
    struct csg_engine *const *beside; /* [n_beside] */
    size_t n_beside;
};
struct csg_eval_method {
    const char *method;
    double miou, threshold;   /* mean over all maps of labels that are present, at the threshold that is best for the set */
    double miou_by_class;     /* at that threshold: IoU of each class over the set first, then the mean */
    double msc;               /* mean over these maps of mean inside minus mean outside */
    double segmentation_miou; /* arg-max over the classes, without feature surgery */
    double map;               /* mean average precision of the pictures' scores */
};
struct csg_eval_result {
    const char *split;
    size_t n_images, n_unreadable, n_maps; /* pictures listed, those that could not be read, labels present in the rest */
    size_t n_classes;
    const char *const *classes;
    size_t n_methods;
    /* Mean foreground selection ratio, in points of 100: of the attention that patches of labelled things pay, the share that falls on such
     * patches; [n_blocks, 2], by q-k and by v-v attention. n_blocks is 0 where it was not asked for. */
    size_t n_blocks;
    const double *mfsr;
    const struct csg_eval_method *methods; /* figures in points of 100, the threshold in parts of 1; NaN where nothing was seen */
};
/* Measures methods over a data set. docs/methods.md says what its folder has to hold for each layout, and what a figure is. Feature surgery
 * runs over all classes; the maps of labels that are present are scored. What needs masks is NaN where the layout has none. A pair that
 * cannot be read is warned of, counted and left out. CSG_ERROR_INPUT: no such data set, a damaged list, or no pair could be read;
 * CSG_ERROR_USAGE; CSG_ERROR: `resume` belongs to another evaluation. `progress` is called in the calling thread. */
CSG_API int csg_eval(struct csg_engine *engine, const char *folder, const struct csg_eval_params *params,
                     struct csg_eval_result **out, struct csg_error *err);
CSG_API void csg_eval_destroy(struct csg_eval_result **result);

/* The folder with the project's data (assets), for the demo's pictures, written to `path`. CSG_ERROR_INPUT: there is none; CSG_ERROR_USAGE:
 * longer than capacity_bytes. */
CSG_API int csg_data_dir(char *path, size_t capacity_bytes, struct csg_error *err);

#ifdef __cplusplus
}
#endif
#endif
