#include "base/dtype.h"

#include <string.h>

size_t csg_dtype_bytes(enum csg_dtype dtype)
{
    return dtype == CSG_F32 ? 4 : 2;
}

/* IEEE 754 binary16 to binary32, subnormals, infinities and NaNs included. */
static uint32_t half_bits_to_f32(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ffu;
    if (exponent == 31)
        return sign | 0x7f800000u | mantissa << 13;
    if (exponent)
        return sign | (exponent + 112) << 23 | mantissa << 13;
    if (!mantissa)
        return sign;
    uint32_t shift = 0;
    while (!(mantissa & 0x400u)) {
        mantissa <<= 1;
        shift++;
    }
    return sign | (113 - shift) << 23 | (mantissa & 0x3ffu) << 13;
}

void csg_to_f32(float *out, const void *data, enum csg_dtype dtype, size_t n)
{
    const uint8_t *bytes = data;
    if (dtype == CSG_F32) {
        for (size_t i = 0; i < n; i++, bytes += 4) {
            uint32_t bits = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
            memcpy(out + i, &bits, 4);
        }
        return;
    }
    for (size_t i = 0; i < n; i++, bytes += 2) {
        uint32_t half = bytes[0] | (uint32_t)bytes[1] << 8;
        uint32_t bits = dtype == CSG_F16 ? half_bits_to_f32(half) : half << 16;
        memcpy(out + i, &bits, 4);
    }
}
