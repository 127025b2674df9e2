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

uint16_t csg_f32_to_f16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) /* 65520, from where on rounding goes up to 2^16 */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) { /* 2^-14: normal */
        uint32_t half = magnitude - 0x38000000u;
        return (uint16_t)(sign | (half + 0xfffu + (half >> 13 & 1u)) >> 13);
    }
    if (magnitude < 0x33000000u) /* below half the smallest */
        return (uint16_t)sign;
    /* Subnormal: in units of 2^-24 the significand moved right, with what falls out deciding the rounding. */
    uint32_t shift = 126 - (magnitude >> 23), significand = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t whole = significand >> shift, rest = significand & ((1u << shift) - 1), tie = 1u << (shift - 1);
    return (uint16_t)(sign | (whole + (rest > tie || (rest == tie && (whole & 1u)))));
}

uint16_t csg_f32_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

void csg_to_16(uint16_t *out, enum csg_dtype to, const void *data, enum csg_dtype dtype, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i++) {
        if (dtype == to) {
            out[i] = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
            continue;
        }
        float value;
        csg_to_f32(&value, bytes + i * csg_dtype_bytes(dtype), dtype, 1);
        out[i] = to == CSG_F16 ? csg_f32_to_f16(value) : csg_f32_to_bf16(value);
    }
}
