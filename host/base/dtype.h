/* Element types of tensors in files. */
#ifndef CSG_BASE_DTYPE_H
#define CSG_BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum csg_dtype { CSG_F32, CSG_F16, CSG_BF16 };

size_t csg_dtype_bytes(enum csg_dtype dtype);
/* Converts n unaligned little-endian elements to float32, exactly. */
void csg_to_f32(float *out, const void *data, enum csg_dtype dtype, size_t n);

#endif
