/* uuid.h - RFC 9562 UUIDs: version 7 for things made here, version 5 for things derived. */
#ifndef O2C_BASE_UUID_H
#define O2C_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/str.h"

enum {
    O2C_UUID_TEXT = 36 /* characters, without a NUL */
};

struct o2c_uuid {
    uint8_t byte[16];
};

struct o2c_uuid o2c_uuid_v7(int64_t now_us); /* random part from getrandom(2) */

/* SHA-1 of the namespace and the bytes; o2c's own namespace is O2C_UUID_NAMESPACE. */
struct o2c_uuid o2c_uuid_v5(const struct o2c_uuid *space, const void *bytes, size_t len);
extern const struct o2c_uuid O2C_UUID_NAMESPACE;

/* Lower-case 8-4-4-4-12, with a NUL after it. */
void o2c_uuid_format(const struct o2c_uuid *uuid, char ret_text[O2C_UUID_TEXT + 1]);
bool o2c_uuid_parse(struct o2c_str text, struct o2c_uuid *ret_uuid); /* either case */

#endif
