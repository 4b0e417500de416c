/*
 * str.h - a borrowed run of bytes.  Used for everything that comes from a
 * message, a row or a file; never NUL-terminated unless a comment says so.
 * `at == NULL` means absent (SQL NULL, Avro null); an empty string has at != NULL.
 */
#ifndef O2C_BASE_STR_H
#define O2C_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct o2c_str {
    const char *at;
    size_t len;
};

#define O2C_STR(literal) ((struct o2c_str){"" literal, sizeof(literal) - 1})
#define O2C_STR_ARG(str) (int)(str).len, (str).at ? (str).at : "" /* for "%.*s" */

struct o2c_str o2c_str_from(const char *text); /* borrows; NULL gives the absent string */
bool o2c_str_eq(struct o2c_str a, struct o2c_str b); /* absent equals only absent */
int o2c_str_cmp(struct o2c_str a, struct o2c_str b); /* bytes, C collation; absent first */

/* A whole decimal int64 with an optional sign; false on anything else, *ret untouched. */
bool o2c_str_to_int64(struct o2c_str text, int64_t *ret_value);

/* False if the bytes are not well-formed UTF-8 or hold U+0000 (PostgreSQL text refuses
 * both). */
bool o2c_str_is_text(struct o2c_str text);

/* The length of the character that the text begins with; 0 for what is_text refuses, and
 * for an empty one. */
size_t o2c_str_character(struct o2c_str text);

#endif
