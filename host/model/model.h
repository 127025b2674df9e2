/* A checkpoint: sizes and tensors, checked, still in the mapped file. Untrusted input. */
#ifndef CSG_MODEL_MODEL_H
#define CSG_MODEL_MODEL_H

#include "base/dtype.h"
#include "base/files.h"

/* A matrix or vector in the file. data is NULL where the checkpoint has no such tensor and may lack it. */
struct csg_tensor {
    const uint8_t *data; /* unaligned, little-endian */
    enum csg_dtype dtype;
    size_t dims[4], n_dims, elements;
};

/* [W] */
struct csg_norm {
    struct csg_tensor weight, bias;
};

/* One residual attention block of width W and MLP width M. Linear layers are [out, in] as in PyTorch. */
struct csg_block {
    struct csg_norm ln_1, ln_2;
    struct csg_tensor q_weight, k_weight, v_weight; /* [W, W] */
    struct csg_tensor q_bias, k_bias, v_bias;       /* [W] */
    struct csg_tensor out_weight, out_bias;         /* [W, W], [W] */
    struct csg_tensor fc_weight, fc_bias;           /* [M, W], [M] */
    struct csg_tensor proj_weight, proj_bias;       /* [W, M], [W] */
};

struct csg_tower {
    size_t width, layers, heads, mlp_width;
    struct csg_block *blocks; /* [layers] */
};

/* A convolution without bias and the batch norm behind it. */
struct csg_conv {
    struct csg_tensor weight;                 /* [O, I, K, K], K = 1 or 3 */
    struct csg_tensor gamma, beta, mean, var; /* [O] */
};

struct csg_bottleneck {
    struct csg_conv conv[3]; /* [P, I, 1, 1], [P, P, 3, 3], [4P, P, 1, 1] */
    struct csg_conv down;    /* [4P, I, 1, 1] of what is added; its weight's data is NULL where the input itself is */
    size_t stride;           /* of both, as an average pool */
};

/* CLIP's ResNet: a stem of three convolutions, four stages of bottlenecks, attention as the last pool. */
struct csg_resnet {
    size_t width, stages[4], n_blocks;
    struct csg_conv stem[3]; /* [width / 2, 3, 3, 3], [width / 2, width / 2, 3, 3], [width, width / 2, 3, 3] */
    struct csg_bottleneck *blocks;
    struct csg_block pool; /* of it only the attention; out is [C, W] */
};

#define CSG_RESNET_SHRINKS 32 /* pixels to a token, and channels of the stem to those of the last stage */
#define CSG_RESNET_WIDEST 512 /* stem; OpenAI's largest has 128 */

enum csg_architecture { CSG_VIT, CSG_RESNET };

struct csg_model {
    char *path; /* the folder, or the file where the model is one file */
    char *name; /* its last component */
    size_t embed_dim;
    bool quick_gelu; /* else exact GELU */
    float mean[3], std[3];
    float layer_norm_eps; /* 1e-5 */
    float logit_scale;    /* of the cosines before softmax; 100, as OpenAI's models have it, where the checkpoint says nothing */

    /* vision */
    enum csg_architecture architecture;
    struct csg_resnet resnet;          /* of CSG_RESNET */
    size_t patch_px, image_px, grid;   /* native square input and its side in patches; a ResNet shrinks pictures by 32 */
    struct csg_tower vision;           /* a ResNet's is its attention pool, one layer without blocks */
    struct csg_tensor patch_weight;    /* [W, 3, P, P] */
    struct csg_tensor class_embedding; /* [W] */
    struct csg_tensor vision_position; /* [1 + grid * grid, W] */
    struct csg_norm ln_pre, ln_post;   /* these and the projection not of a ResNet, nor patch_weight and class_embedding */
    struct csg_tensor vision_proj;     /* proj_transposed ? [W, C] : [C, W] */
    struct csg_tensor vision_explain;  /* the same shape, for patches alone (ECLIP's); most checkpoints have none */

    /* text */
    size_t context, vocab_size;
    struct csg_tower text;
    struct csg_tensor token_embedding; /* [vocab, Wt] */
    struct csg_tensor text_position;   /* [context, Wt] */
    struct csg_norm ln_final;
    struct csg_tensor text_proj; /* [Wt, C] or [C, Wt] */
    bool proj_transposed;        /* both projections are [in, out], as OpenAI stores them */

    char *weights_path;       /* the weights file, or the index of several */
    struct csg_mapped *files; /* [n_files] */
    size_t n_files;
};

/* folder: a path of a folder or of an OpenAI archive, or a name under the user's data folder (models/NAME) or the project's (NAME). Surplus tensors are told to
 * the log once. CSG_ERROR_MODEL names what is missing or misshapen. */
int csg_model_open(struct csg_model **out, const char *folder, const struct csg_log *log, struct csg_error *err);
void csg_model_close(struct csg_model **model);

/* Gives back the memory of what was read of the files so far; tensors stay readable. */
void csg_model_release(const struct csg_model *model);

/* "ViT", "ResNet" */
const char *csg_model_architecture(const struct csg_model *model);

/* Elements of all tensors that the model has. */
uint64_t csg_model_parameters(const struct csg_model *model);

/* Elements of the matrices among them, which are what a precision changes. */
uint64_t csg_model_matrix_elements(const struct csg_model *model);

/* Writes the tensor as float32 [elements]. */
void csg_tensor_to_f32(const struct csg_tensor *tensor, float *out);
/* Of the weights file, streamed; of several one behind the other in the order of their names. */
int csg_model_sha256(const struct csg_model *model, char hex[65], struct csg_error *err);
/* The same, kept in CACHE/hashes (cache_dir NULL: nowhere) by what tells that the files are still the same: hundreds of megabytes need not
 * be read at every start. */
int csg_model_sha256_kept(const struct csg_model *model, const char *cache_dir, char hex[65], struct csg_error *err);

/* known_words.txt of the folder: see csg_unknown_words in the public header. */
int csg_model_unknown_words(const struct csg_model *model, const char *text, char *words, size_t capacity, struct csg_error *err);

#endif
