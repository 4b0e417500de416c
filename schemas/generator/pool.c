#include "schemas/generator/schema.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

/* Chained so that the leak sanitizer sees everything as still in use. */
struct block {
    struct block *next;
    json_t *json;
    char *text;
};
static struct block *blocks;

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "o2c-schemagen: out of memory\n");
        exit(1);
    }
    return memory;
}

static struct block *add_block(size_t extra)
{
    struct block *block = checked(calloc(1, sizeof(*block) + extra));
    block->next = blocks;
    blocks = block;
    return block;
}

void *pool_alloc(size_t bytes)
{
    return add_block(bytes) + 1;
}

void *pool_grow(const void *old, size_t old_bytes, size_t bytes)
{
    void *grown = pool_alloc(bytes);
    if (old_bytes)
        memcpy(grown, old, old_bytes);
    return grown;
}

char *pool_keep(char *text)
{
    add_block(0)->text = checked(text);
    return text;
}

char *pool_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    return pool_keep(text);
}

json_t *pool_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        refuse(path, NULL, "line %d: %s", error.line, error.text);
    add_block(0)->json = json;
    return json;
}

void refuse(const char *file, const char *field, const char *fmt, ...)
{
    fprintf(stderr, "%s: ", file);
    if (field)
        fprintf(stderr, "field %s: ", field);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static char *respell(const char *name, int (*spell)(int))
{
    char *text = pool_alloc(2 * strlen(name) + 1), *to = text;
    for (const char *from = name; *from; from++) {
        if (isupper((unsigned char)*from) && from > name &&
            !isupper((unsigned char)from[-1]))
            *to++ = '_';
        *to++ = (char)spell((unsigned char)*from);
    }
    return text;
}

const char *snake(const char *name)
{
    return respell(name, tolower);
}

const char *upper(const char *name)
{
    return respell(name, toupper);
}
