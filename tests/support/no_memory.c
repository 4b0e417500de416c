#include "tests/support/no_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t left; /* allocations up to the one that fails; 0: none will */
static bool met;

bool no_memory_at(size_t n)
{
    bool more = n == 1 || met;

    met = false;
    left = more ? n : 0;
    return more;
}

bool no_memory_met(void)
{
    left = 0;
    return met;
}

static bool fails(void)
{
    if (!left || --left)
        return false;
    met = true;
    errno = ENOMEM;
    return true;
}

/* What the linker's --wrap puts in their place. */
/* NOLINTBEGIN(bugprone-reserved-identifier): these are its names */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *at, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *at, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
/* NOLINTEND(bugprone-reserved-identifier) */

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *at, size_t bytes)
{
    return fails() ? NULL : __real_realloc(at, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return fails() ? NULL : __real_strndup(text, len);
}
