/* Conversions to 16 bits: every value there and back, and what lies between two neighbours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dtype.h"

static float widened(enum csg_dtype dtype, uint32_t bits)
{
    const uint8_t bytes[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
    float value;
    csg_to_f32(&value, bytes, dtype, 1);
    return value;
}

static uint16_t narrowed(enum csg_dtype dtype, float value)
{
    return dtype == CSG_F16 ? csg_f32_to_f16(value) : csg_f32_to_bf16(value);
}

/* Between two neighbours the nearest is taken, half way the one whose last bit is 0. */
static void check_between(enum csg_dtype dtype, uint32_t bits)
{
    float low = widened(dtype, bits), high = widened(dtype, bits + 1);
    float middle = (float)(((double)low + (double)high) / 2);
    assert_int_equal(narrowed(dtype, middle), bits % 2 ? bits + 1 : bits);
    assert_int_equal(narrowed(dtype, nextafterf(middle, low)), bits);
    assert_int_equal(narrowed(dtype, nextafterf(middle, high)), bits + 1);
}

static void check_type(enum csg_dtype dtype, uint32_t infinity)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint32_t magnitude = bits & 0x7fffu;
        float value = widened(dtype, bits);
        if (magnitude > infinity) {
            assert_true(isnan(value) && isnan(widened(dtype, narrowed(dtype, value))));
            continue;
        }
        assert_int_equal(narrowed(dtype, value), bits);
        if (magnitude + 1 < infinity)
            check_between(dtype, bits);
    }
    assert_int_equal(narrowed(dtype, INFINITY), infinity);
    assert_int_equal(narrowed(dtype, -INFINITY), infinity | 0x8000u);
}

static void test_f16(void **state)
{
    (void)state;
    check_type(CSG_F16, 0x7c00);
    assert_int_equal(csg_f32_to_f16(65519.99f), 0x7bff);
    assert_int_equal(csg_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(csg_f32_to_f16(-1e30f), 0xfc00);
    assert_int_equal(csg_f32_to_f16(0x1p-25f), 0);
    assert_int_equal(csg_f32_to_f16(0x1.000002p-25f), 1);
}

static void test_bf16(void **state)
{
    (void)state;
    check_type(CSG_BF16, 0x7f80);
    assert_int_equal(csg_f32_to_bf16(3.4e38f), 0x7f80);
}

static void test_same_type_is_copied(void **state)
{
    (void)state;
    const uint8_t bytes[5] = {0, 0x01, 0x7e, 0x00, 0x3c};
    uint16_t out[2];
    csg_to_16(out, CSG_F16, bytes + 1, CSG_F16, 2);
    assert_int_equal(out[0], 0x7e01); /* a NaN keeps its payload */
    assert_int_equal(out[1], 0x3c00);
    csg_to_16(out, CSG_BF16, bytes + 3, CSG_F16, 1);
    assert_int_equal(out[0], 0x3f80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_f16), cmocka_unit_test(test_bf16),
                                       cmocka_unit_test(test_same_type_is_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
