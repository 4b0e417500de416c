/* arena.c: bumping, limits, and chunks that are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdalign.h>

#include "runtime/base/arena.h"

#include "runtime/base/banned.h"

#define MIB ((size_t)1 << 20)

static void pieces_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, MIB);
    unsigned char *piece[200];
    for (size_t i = 0; i < 200; i++) {
        piece[i] = o2c_arena_alloc(&arena, i);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
        memset(piece[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(piece[i][k], i);
    o2c_arena_clear(&arena);
}

static void the_maximum_holds_and_a_reset_gives_it_back(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, 1000);
    assert_null(o2c_arena_alloc(&arena, 1001));
    assert_null(o2c_arena_alloc(&arena, SIZE_MAX));
    assert_null(o2c_arena_alloc(&arena, SIZE_MAX - 8));
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(o2c_arena_alloc(&arena, 992));
    assert_null(o2c_arena_alloc(&arena, 1));
    assert_null(o2c_arena_zalloc(&arena, 1));
    o2c_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(o2c_arena_alloc(&arena, 992));
    o2c_arena_clear(&arena);
}

static void zalloc_zeroes_memory_that_was_used_before(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, MIB);
    memset(o2c_arena_alloc(&arena, 500), 0xff, 500);
    o2c_arena_reset(&arena);
    const unsigned char *at = o2c_arena_zalloc(&arena, 500);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(at[i], 0);
    o2c_arena_clear(&arena);
}

static void fill(struct o2c_arena *arena, size_t piece, size_t total)
{
    for (size_t done = 0; done < total; done += piece)
        assert_non_null(o2c_arena_alloc(arena, piece));
}

/* What malloc holds for the process; chunks above 128 KiB are mapped. */
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void a_warm_arena_takes_no_more_memory(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, 100 * MIB);
    size_t warm = 0;
    for (size_t round = 0; round < 20; round++) {
        fill(&arena, 48, 20 * MIB);
        if (round == 0)
            warm = heap_bytes();
        else
            assert_int_equal(heap_bytes(), warm);
        o2c_arena_reset(&arena);
    }
    o2c_arena_clear(&arena);
}

/* Large pieces at changing places must find the large chunks of the rounds before. */
static void kept_chunks_are_found_wherever_a_large_piece_comes(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, 200 * MIB);
    size_t before = heap_bytes();
    for (size_t round = 0; round < 50; round++) {
        fill(&arena, 1000, round * 150 * 1000);
        memset(o2c_arena_alloc(&arena, 20 * MIB), 1, 100);
        fill(&arena, 1000, (50 - round) * 150 * 1000);
        o2c_arena_reset(&arena);
    }
    assert_true(heap_bytes() - before < 60 * MIB);
    o2c_arena_clear(&arena);
    assert_true(heap_bytes() <= before + 4096);
}

static void a_trim_keeps_only_a_small_chunk(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, 100 * MIB);
    size_t before = heap_bytes();
    assert_non_null(o2c_arena_alloc(&arena, 30 * MIB)); /* the largest comes first */
    fill(&arena, 100, 30 * MIB);
    o2c_arena_trim(&arena);
    assert_true(heap_bytes() - before < MIB / 8);
    assert_non_null(o2c_arena_alloc(&arena, 30 * MIB));
    o2c_arena_clear(&arena);
    o2c_arena_trim(&arena); /* of an empty one: nothing */
    assert_non_null(o2c_arena_alloc(&arena, 1));
    o2c_arena_clear(&arena);
}

static void a_copy_keeps_absent_and_empty_apart(void **state)
{
    (void)state;
    struct o2c_arena arena;
    o2c_arena_init(&arena, 64);
    struct o2c_str copy = O2C_STR("before");
    assert_true(o2c_arena_copy(&arena, (struct o2c_str){NULL, 0}, &copy));
    assert_null(copy.at);
    assert_true(o2c_arena_copy(&arena, O2C_STR(""), &copy));
    assert_non_null(copy.at);
    assert_int_equal(copy.len, 0);
    const struct o2c_str text = O2C_STR("ab\0c");
    assert_true(o2c_arena_copy(&arena, text, &copy));
    assert_true(copy.at != text.at && o2c_str_eq(copy, text));
    char large[100] = {0};
    assert_false(o2c_arena_copy(&arena, (struct o2c_str){large, sizeof large}, &copy));
    assert_true(o2c_str_eq(copy, text));
    o2c_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(the_maximum_holds_and_a_reset_gives_it_back),
        cmocka_unit_test(zalloc_zeroes_memory_that_was_used_before),
        cmocka_unit_test(a_warm_arena_takes_no_more_memory),
        cmocka_unit_test(kept_chunks_are_found_wherever_a_large_piece_comes),
        cmocka_unit_test(a_trim_keeps_only_a_small_chunk),
        cmocka_unit_test(a_copy_keeps_absent_and_empty_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
