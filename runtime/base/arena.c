#include "runtime/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

/* With AddressSanitizer a use after reset is caught like a use after free. */
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

#include "runtime/base/banned.h"

enum {
    FIRST_BYTES = 64 * 1024,
    LARGEST_BYTES = 8 * 1024 * 1024
};

struct o2c_arena_chunk {
    struct o2c_arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) char byte[];
};

void o2c_arena_init(struct o2c_arena *arena, size_t max_bytes)
{
    *arena = (struct o2c_arena){.max_bytes = max_bytes};
}

/* Chunks behind `current` are always empty, so only those up to it need it. */
void o2c_arena_reset(struct o2c_arena *arena)
{
    for (struct o2c_arena_chunk *chunk = arena->first; chunk; chunk = chunk->next) {
        ASAN_POISON_MEMORY_REGION(chunk->byte, chunk->used);
        chunk->used = 0;
        if (chunk == arena->current)
            break;
    }
    arena->current = arena->first;
    arena->used_bytes = 0;
}

static void free_from(struct o2c_arena_chunk *chunk)
{
    while (chunk) {
        struct o2c_arena_chunk *next = chunk->next;
        ASAN_UNPOISON_MEMORY_REGION(chunk->byte, chunk->size);
        free(chunk);
        chunk = next;
    }
}

void o2c_arena_trim(struct o2c_arena *arena)
{
    o2c_arena_reset(arena);
    if (arena->first) {
        free_from(arena->first->next);
        arena->first->next = NULL;
    }
}

void o2c_arena_clear(struct o2c_arena *arena)
{
    free_from(arena->first);
    o2c_arena_init(arena, arena->max_bytes);
}

static struct o2c_arena_chunk *new_chunk(size_t size)
{
    struct o2c_arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk) {
        *chunk = (struct o2c_arena_chunk){.size = size};
        ASAN_POISON_MEMORY_REGION(chunk->byte, size);
    }
    return chunk;
}

/* Takes a kept chunk that is large enough out of those behind `current`. */
static struct o2c_arena_chunk *take_kept(struct o2c_arena_chunk *current, size_t bytes)
{
    for (struct o2c_arena_chunk **link = &current->next; *link; link = &(*link)->next) {
        struct o2c_arena_chunk *chunk = *link;
        if (chunk->size >= bytes) {
            *link = chunk->next;
            return chunk;
        }
    }
    return NULL;
}

/* Makes a chunk with room the current one.  The first is always of the same small size. */
static bool next_chunk(struct o2c_arena *arena, size_t bytes)
{
    if (!arena->current) {
        arena->first = arena->current = new_chunk(FIRST_BYTES);
        if (!arena->first)
            return false;
        if (bytes <= FIRST_BYTES)
            return true;
    }
    struct o2c_arena_chunk *current = arena->current;
    struct o2c_arena_chunk *chunk = take_kept(current, bytes);
    if (!chunk) {
        size_t size = current->size < LARGEST_BYTES / 2 ? current->size * 2 : LARGEST_BYTES;
        chunk = new_chunk(bytes > size ? bytes : size);
    }
    if (!chunk)
        return false;
    chunk->next = current->next;
    current->next = chunk;
    arena->current = chunk;
    return true;
}

void *o2c_arena_alloc(struct o2c_arena *arena, size_t bytes)
{
    size_t room = arena->max_bytes - arena->used_bytes;
    if (bytes > room)
        return NULL;
    size_t step = (bytes ? bytes : 1) + (alignof(max_align_t) - 1);
    step -= step % alignof(max_align_t);
    if (step > room)
        return NULL;
    struct o2c_arena_chunk *chunk = arena->current;
    if (!chunk || chunk->size - chunk->used < step) {
        if (!next_chunk(arena, step))
            return NULL;
        chunk = arena->current;
    }
    void *at = chunk->byte + chunk->used;
    chunk->used += step;
    arena->used_bytes += step;
    ASAN_UNPOISON_MEMORY_REGION(at, bytes);
    return at;
}

void *o2c_arena_zalloc(struct o2c_arena *arena, size_t bytes)
{
    void *at = o2c_arena_alloc(arena, bytes);
    return at ? memset(at, 0, bytes) : NULL;
}

bool o2c_arena_copy(struct o2c_arena *arena, struct o2c_str text, struct o2c_str *ret_copy)
{
    char *at = NULL;
    if (text.at) {
        at = o2c_arena_alloc(arena, text.len);
        if (!at)
            return false;
        memcpy(at, text.at, text.len);
    }
    *ret_copy = (struct o2c_str){at, text.len};
    return true;
}
