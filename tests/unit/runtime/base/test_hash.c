/* hash.c: against the vectors that Kafka and librdkafka test themselves with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

static void murmur2_is_kafkas(void **state)
{
    (void)state;
    const struct {
        const char *key;
        int32_t hash;
    } vectors[] = {{"21", -973932308},
                   {"foobar", -790332482},
                   {"a-little-bit-long-string", -985981536},
                   {"a-little-bit-longer-string", -1486304829},
                   {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                   {"abc", 479470107}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_int_equal((int32_t)o2c_hash_murmur2(vectors[i].key, strlen(vectors[i].key)),
                         vectors[i].hash);
    assert_int_equal(o2c_hash_murmur2(NULL, 0), o2c_hash_murmur2("", 0));
}

/* Java: toPositive(hash) % partitions, which masks the sign away. */
static void the_partition_comes_from_the_hash_without_its_sign(void **state)
{
    (void)state;
    assert_int_equal(o2c_hash_partition(O2C_STR("foobar"), 12),
                     (-790332482 & 0x7fffffff) % 12);
    assert_int_equal(o2c_hash_partition(O2C_STR("abc"), 12), 479470107 % 12);
    assert_int_equal(o2c_hash_partition(O2C_STR("foobar"), 1), 0);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        int len = snprintf(key, sizeof key, "C-%d", i);
        int32_t partition = o2c_hash_partition((struct o2c_str){key, (size_t)len}, 6);
        assert_in_range(partition, 0, 5);
    }
}

/* The canonical (big-endian) form of XXH3-128 and XXH3-64 of nothing and of "abc". */
static void xxh3_is_stored_in_its_canonical_form(void **state)
{
    (void)state;
    static const uint8_t of_nothing[] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                                         0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    static const uint8_t of_abc[] = {0x06, 0xb0, 0x5a, 0xb6, 0x73, 0x3a, 0x61, 0x85,
                                     0x78, 0xaf, 0x5f, 0x94, 0x89, 0x2f, 0x39, 0x50};
    assert_memory_equal(o2c_hash_128("", 0).byte, of_nothing, sizeof of_nothing);
    assert_memory_equal(o2c_hash_128("abc", 3).byte, of_abc, sizeof of_abc);
    assert_true(o2c_hash_64("", 0) == 0x2d06800538d394c2u);
    assert_true(o2c_hash_64("abc", 3) == 0x78af5f94892f3950u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_kafkas),
        cmocka_unit_test(the_partition_comes_from_the_hash_without_its_sign),
        cmocka_unit_test(xxh3_is_stored_in_its_canonical_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
