#include "ops/precision.h"

const struct csg_precision_row csg_precisions[CSG_PRECISION_COUNT] = {
    [CSG_PRECISION_F32] = {"f32", "weights and products in single precision", CSG_F32, false},
    [CSG_PRECISION_F16] = {"f16", "weights and what they multiply in half precision, sums in single precision", CSG_F16, true},
    [CSG_PRECISION_BF16] = {"bf16", "weights and what they multiply in bfloat16, sums in single precision", CSG_BF16, true},
};

const char *csg_precision_name(size_t index)
{
    return index < CSG_PRECISION_COUNT ? csg_precisions[index].name : NULL;
}

const char *csg_precision_summary(size_t index)
{
    return index < CSG_PRECISION_COUNT ? csg_precisions[index].what : NULL;
}

float csg_rounded(float value, enum csg_dtype dtype)
{
    if (dtype == CSG_F32)
        return value;
    uint16_t bits = dtype == CSG_F16 ? csg_f32_to_f16(value) : csg_f32_to_bf16(value);
    const unsigned char bytes[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
    csg_to_f32(&value, bytes, dtype, 1);
    return value;
}

int csg_too_large(enum csg_precision precision, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR_MODEL, "a weight of this model is too large for %s; f32 holds it",
                    csg_precisions[precision].name);
}
