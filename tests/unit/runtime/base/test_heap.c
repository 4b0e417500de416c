/* heap.c: memory is given back for a while after a burst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/heap.h"

#include "runtime/base/banned.h"

static int trims(struct o2c_heap *heap)
{
    int count = 0;

    for (; o2c_heap_trim_due(heap); count++)
        o2c_heap_trim(heap);
    return count;
}

static void nothing_is_due_before_a_burst(void **state)
{
    struct o2c_heap heap = {0};

    (void)state;
    assert_int_equal(trims(&heap), 0);
}

static void a_burst_is_followed_by_ten_trims_and_a_second_one_begins_anew(void **state)
{
    struct o2c_heap heap = {0};

    (void)state;
    o2c_heap_swell(&heap);
    o2c_heap_trim(&heap);
    o2c_heap_swell(&heap);
    assert_int_equal(trims(&heap), 10);
    assert_int_equal(trims(&heap), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_before_a_burst),
        cmocka_unit_test(a_burst_is_followed_by_ten_trims_and_a_second_one_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
