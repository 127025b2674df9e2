/* Element types of tensors in files. */
#ifndef CSG_BASE_DTYPE_H
#define CSG_BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum csg_dtype { CSG_F32, CSG_F16, CSG_BF16 };

size_t csg_dtype_bytes(enum csg_dtype dtype);
/* Converts n unaligned little-endian elements to float32, exactly. */
void csg_to_f32(float *out, const void *data, enum csg_dtype dtype, size_t n);

/* The nearest half or bfloat16, ties to even; infinity beyond the largest; a NaN stays one. */
uint16_t csg_f32_to_f16(float value);
uint16_t csg_f32_to_bf16(float value);
/* Converts n unaligned little-endian elements to f16 or bf16: rounded, or as they are where they are of that type already. */
void csg_to_16(uint16_t *out, enum csg_dtype to, const void *data, enum csg_dtype dtype, size_t n);

#endif
