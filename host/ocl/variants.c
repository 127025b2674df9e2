/* For tests: which variants of the kernels there are, how a device is made to take them, and which were launched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define EXACT_DIVIDE "-cl-fp32-correctly-rounded-divide-sqrt"

/* ------------------------------------------------------------------------------------------ pretending */

static bool take(const char *item, const char *name, unsigned long *value)
{
    size_t n = strlen(name);
    char *end;
    if (strncmp(item, name, n) != 0 || item[n] != '=' || item[n + 1] < '0' || item[n + 1] > '9')
        return false;
    *value = strtoul(item + n + 1, &end, 10);
    return *end == '\0' || *end == ',';
}

int csg_ocl_limit(struct csg_ocl_limits *limits, const char *limit, struct csg_error *err)
{
    for (const char *item = limit; *item; item += strcspn(item, ","), item += *item == ',') {
        unsigned long value;
        if (take(item, "vector", &value))
            limits->native_width = (unsigned)value;
        else if (take(item, "group", &value))
            limits->max_group = value < limits->max_group ? value : limits->max_group;
        else if (take(item, "local", &value))
            limits->local_bytes = value < limits->local_bytes ? value : limits->local_bytes;
        else if (take(item, "gemm", &value))
            limits->forced[CSG_OP_gemm].form = value;
        else if (take(item, "splits", &value))
            limits->forced[CSG_OP_gemm].splits = value;
        else if (take(item, "attention", &value))
            limits->forced[CSG_OP_attention].form = value;
        else if (take(item, "wait", &value))
            limits->wait_ms = (double)value;
        else if (take(item, "fma", &value))
            limits->fma = limits->fma && value;
        else if (take(item, "pairs", &value))
            limits->pairs = limits->pairs && value;
        else if (take(item, "amx", &value))
            limits->amx = (unsigned)value;
        else if (take(item, "divide", &value))
            limits->exact_divide = limits->exact_divide && value;
        else
            return csg_fail(err, CSG_ERROR_USAGE,
                            "no limit is called %.40s; there are vector, group, local, gemm, splits, attention, wait, fma, "
                            "pairs, amx and divide",
                            item);
    }
    return CSG_OK;
}

/* ------------------------------------------------------------------------------------------ what there is */

/* The most that a weak device takes away, in one pass for each class. */
static const char *weak(const struct csg_ocl_class *form)
{
    return form->packed ? "vector=4,fma=0,divide=0" : "group=64,fma=0,divide=0";
}

struct list {
    struct csg_ocl_variant *rows;
    size_t count;
    bool failed;
    struct csg_ocl_variant nowhere; /* written to and never read, where memory is short */
};

static struct csg_ocl_variant *add(struct list *list, const struct csg_ocl_class *form, int op, const char *limit)
{
    struct csg_ocl_variant *rows = csg_realloc(list->rows, list->count + 1, sizeof *rows);
    if (!rows) {
        list->failed = true;
        return &list->nowhere;
    }
    list->rows = rows;
    rows[list->count] = (struct csg_ocl_variant){.device_class = form->name, .op = op};
    snprintf(rows[list->count].limit, sizeof rows->limit, "%s", limit);
    return &rows[list->count++];
}

#define NEEDS(row, ...) snprintf((row)->needs, sizeof(row)->needs, __VA_ARGS__)

static void add_common(struct list *list, const struct csg_ocl_class *form)
{
    NEEDS(add(list, form, -1, ""), "-DCSG_GROUP=%u", form->group);
    NEEDS(add(list, form, -1, ""), "-DCSG_HAS_FMA=1");
    NEEDS(add(list, form, -1, weak(form)), "-DCSG_HAS_FMA=0");
    NEEDS(add(list, form, -1, ""), EXACT_DIVIDE);
    NEEDS(add(list, form, -1, weak(form)), "!" EXACT_DIVIDE);
    const char *name;
    unsigned seen = 0, bit;
    for (size_t i = 0; (name = csg_ocl_quirk_at(i, &bit)); i++) {
        if (seen & bit)
            continue;
        struct csg_ocl_variant *row = add(list, form, -1, "");
        NEEDS(row, "-DCSG_QUIRKS=%u", bit);
        snprintf(row->quirk, sizeof row->quirk, "%s", name);
        seen |= bit;
    }
}

/* GEMM's forms for packed weights in 16 bits. */
static void add_halves(struct list *list, const struct csg_ocl_class *form, const char *how, const struct csg_ocl_tile *tile,
                       size_t rows)
{
    for (size_t p = CSG_PRECISION_F32 + 1; p < CSG_PRECISION_COUNT; p++) {
        struct csg_ocl_variant *row = add(list, form, CSG_OP_gemm, how);
        char options[96];
        csg_ocl_half_options(options, sizeof options, (enum csg_precision)p, tile, rows);
        NEEDS(row, "-DCSG_WIDTH=%u %s", tile->width, options);
        row->kernel = "gemm_half";
    }
}

/* What only some processors take, whatever they are told. */
static void add_pairs(struct list *list, const struct csg_ocl_class *form, const struct csg_ocl_tile *tile)
{
    const unsigned rows[] = {tile->rows, tile->rows_few, 1};
    static const struct {
        int op;
        const char *kernel, *needs;
    } beside[] = {{CSG_OP_gemm, "gemm_cpuid", ""},
                  {CSG_OP_gemm, "gemm_pairs", ""},
                  {CSG_OP_gemm, "gemm_amx", "!" CSG_OCL_Y_BF16},
                  {CSG_OP_gemm, "gemm_amx", CSG_OCL_Y_BF16},
                  {CSG_OP_layernorm, "layernorm", CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pack", "!" CSG_OCL_AMX " !" CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pack", "!" CSG_OCL_AMX " " CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pairs", "!" CSG_OCL_AMX " !" CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pairs", "!" CSG_OCL_AMX " " CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pack", CSG_OCL_AMX " !" CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pack", CSG_OCL_AMX " " CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pairs", CSG_OCL_AMX " !" CSG_OCL_Y_BF16},
                  {CSG_OP_attention, "attention_pairs", CSG_OCL_AMX " " CSG_OCL_Y_BF16}};
    for (size_t i = 0; i < 2 * CSG_COUNT(rows); i++) {
        char options[120];
        struct csg_ocl_variant *row = add(list, form, CSG_OP_gemm, "");
        csg_ocl_packed_options(options, sizeof options, true, i % 2 ? CSG_BF16 : CSG_F32, tile, rows[i / 2]);
        NEEDS(row, "%s%s", options, i % 2 ? "" : " !" CSG_OCL_Y_BF16);
        row->kernel = "gemm_packed";
    }
    for (size_t i = 0; i < CSG_COUNT(beside); i++) {
        struct csg_ocl_variant *row = add(list, form, beside[i].op, "");
        NEEDS(row, "%s", beside[i].needs);
        row->kernel = beside[i].kernel;
    }
}

static void add_tile(struct list *list, const struct csg_ocl_class *form, const struct csg_ocl_tile *tile, bool last)
{
    const unsigned rows[] = {tile->rows, tile->rows_few, 1};
    char limit[32];
    snprintf(limit, sizeof limit, "vector=%u,pairs=0", tile->width);
    const char *how = last ? weak(form) : limit;
    NEEDS(add(list, form, -1, how), "-DCSG_WIDTH=%u", tile->width);
    for (size_t i = 0; i < CSG_COUNT(rows); i++) {
        struct csg_ocl_variant *row = add(list, form, CSG_OP_gemm, how);
        NEEDS(row, "-DCSG_WIDTH=%u -DCSG_ROWS=%u -DCSG_VECTORS=%u", tile->width, rows[i], tile->vectors);
        row->kernel = "gemm_packed";
        add_halves(list, form, how, tile, rows[i]);
    }
    for (size_t i = 0; csg_ocl_attention_vectors(tile, i); i++) {
        char fewer[48];
        snprintf(fewer, sizeof fewer, "%s,attention=%zu", limit, i + 1);
        NEEDS(add(list, form, CSG_OP_attention, i ? fewer : how), "-DCSG_WIDTH=%u -DCSG_QUERY_VECTORS=%u -DCSG_KEY_ROWS=%u",
              tile->width, csg_ocl_attention_vectors(tile, i), tile->key_rows);
    }
}

static void add_gemm(struct list *list, const struct csg_ocl_class *form, const struct csg_ocl_gemm_form *gemm, size_t index)
{
    char options[160], how[64];
    snprintf(how, sizeof how, "gemm=%zu,splits=%zu", index + 1, index % 2 + 1);
    if (CSG_HAVE_CLBLAST && gemm->kernel == CSG_GEMM_BLAS)
        add(list, form, CSG_OP_gemm, how)->kernel = CSG_OCL_BLAS_KERNEL;
    for (size_t p = 0; p < CSG_PRECISION_COUNT && gemm->kernel != CSG_GEMM_BLAS; p++)
        for (int aligned = 0; aligned < 2; aligned++) {
            if (gemm->kernel == CSG_GEMM_MMA && (p == CSG_PRECISION_F32 || !aligned))
                continue;
            csg_ocl_gemm_options(options, sizeof options, gemm, (enum csg_precision)p, aligned);
            struct csg_ocl_variant *row = add(list, form, CSG_OP_gemm, gemm->kernel == CSG_GEMM_MMA ? "" : how);
            NEEDS(row, "%s", options);
            row->kernel = gemm->kernel == CSG_GEMM_MMA ? "gemm_mma" : "gemm_block";
        }
}

/* What is launched after one of the forms alone is launched after it on a device of less, too. */
static void add_after(struct list *list, const struct csg_ocl_class *form, const char *kernel, size_t index, unsigned splits)
{
    char how[64];
    snprintf(how, sizeof how, "%s,gemm=%zu,splits=%u", weak(form), index + 1, splits);
    struct csg_ocl_variant *row = add(list, form, CSG_OP_gemm, how);
    NEEDS(row, "-DCSG_HAS_FMA=0");
    row->kernel = kernel;
}

static void add_attention(struct list *list, const struct csg_ocl_class *form, const struct csg_ocl_attention_form *attention,
                          size_t index)
{
    char options[160], how[64];
    snprintf(how, sizeof how, "attention=%zu", index + 1);
    for (int which = 0; which < 2; which++) { /* of two precisions, or of what may be aligned */
        csg_ocl_attention_options(options, sizeof options, attention, which ? CSG_PRECISION_BF16 : CSG_PRECISION_F16, which);
        struct csg_ocl_variant *row = add(list, form, CSG_OP_attention, attention->mma ? "" : how);
        NEEDS(row, "%s", options);
        row->kernel = attention->mma ? "attention_mma" : "attention";
    }
}

static void add_groups(struct list *list, const struct csg_ocl_class *form)
{
    const struct csg_ocl_gemm_form *gemm;
    const struct csg_ocl_attention_form *attention;
    for (size_t i = 0; (gemm = csg_ocl_gemm_form_at(i)); i++) {
        add_gemm(list, form, gemm, i);
        if (CSG_HAVE_CLBLAST && gemm->kernel == CSG_GEMM_BLAS)
            add_after(list, form, "gemm_finish", i, 1);
    }
    add_after(list, form, "gemm_sum", 0, 2);
    for (size_t i = 0; (attention = csg_ocl_attention_form_at(i)); i++)
        add_attention(list, form, attention, i);
}

int csg_ocl_variants(struct csg_ocl_variant **variants, size_t *count, struct csg_error *err)
{
    struct list list = {0};
    const struct csg_ocl_class *form;
    const struct csg_ocl_tile *tile;
    for (size_t i = 0; (form = csg_ocl_class_at(i)); i++) {
        add_common(&list, form);
        if (!form->packed)
            add_groups(&list, form);
        for (size_t t = 0; form->packed && (tile = csg_ocl_tile_at(t)); t++)
            add_tile(&list, form, tile, !csg_ocl_tile_at(t + 1));
        if (form->packed)
            add_pairs(&list, form, csg_ocl_tile_at(0));
    }
    if (list.failed) {
        free(list.rows);
        return csg_fail_memory(err);
    }
    *variants = list.rows;
    *count = list.count;
    return CSG_OK;
}

/* ------------------------------------------------------------------------------------------ what was used */

static uint64_t launches_of(const struct csg_ocl_program *program, const char *name)
{
    for (cl_uint i = 0; i < program->n_kernels; i++)
        if (strcmp(program->names[i], name) == 0)
            return program->launches[i];
    return 0;
}

static enum csg_op op_of(int source)
{
#define OP(op, name) CSG_OP_##op,
    static const enum csg_op further[] = {CSG_OCL_FURTHER(OP)};
#undef OP
    return source < CSG_OP_COUNT ? (enum csg_op)source : further[source - CSG_OP_COUNT];
}

/* A row for each name in CL_PROGRAM_KERNEL_NAMES, which separates them by semicolons. */
static int add_uses(struct csg_ocl *ocl, const struct csg_ocl_program *program, struct csg_ocl_use **uses, size_t *count,
                    struct csg_error *err)
{
    char names[CSG_OCL_MAX_KERNELS * 64] = "";
    cl_int code = clGetProgramInfo(program->program, CL_PROGRAM_KERNEL_NAMES, sizeof names, names, NULL);
    if (code != CL_SUCCESS)
        return csg_ocl_failed(ocl, err, code, "asking for the names of kernels");
    for (const char *name = names; *name; name += strcspn(name, ";"), name += *name == ';') {
        struct csg_ocl_use *more = csg_realloc(*uses, *count + 1, sizeof *more);
        if (!more)
            return csg_fail_memory(err);
        *uses = more;
        struct csg_ocl_use *use = &more[(*count)++];
        *use = (struct csg_ocl_use){.op = op_of(program->source)};
        snprintf(use->kernel, sizeof use->kernel, "%.*s", (int)strcspn(name, ";"), name);
        int status = csg_ocl_all_options(ocl, program->options, use->options, sizeof use->options, err);
        if (status)
            return status;
        use->launches = launches_of(program, use->kernel);
    }
    return CSG_OK;
}

int csg_ocl_uses(struct csg_backend *backend, struct csg_ocl_use **uses, size_t *count, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    int status = CSG_OK;
    *count = 0;
    *uses = csg_calloc(1, sizeof **uses);
    if (!*uses)
        return csg_fail_memory(err);
    if (ocl->blas_launches) {
        **uses = (struct csg_ocl_use){.op = CSG_OP_gemm, .kernel = CSG_OCL_BLAS_KERNEL, .launches = ocl->blas_launches};
        *count = 1;
    }
    for (const struct csg_ocl_program *p = ocl->programs; p && status == CSG_OK; p = p->next)
        status = add_uses(ocl, p, uses, count, err);
    if (status) {
        free(*uses);
        *uses = NULL;
        *count = 0;
    }
    return status;
}
