/* The one-shot SHA-1 of OpenSSL 3 allocates at every call; these three do not. */
#define OPENSSL_API_COMPAT 10100

#include "runtime/base/uuid.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/base/banned.h"

const struct o2c_uuid O2C_UUID_NAMESPACE = {{0x5f, 0x2e, 0x1c, 0x86, 0x0b, 0x5d, 0x4a, 0x33,
                                             0x9e, 0x47, 0x6d, 0xc1, 0x13, 0xf0, 0x8a,
                                             0x72}};

static void mark(struct o2c_uuid *uuid, unsigned version)
{
    uuid->byte[6] = (uint8_t)((uuid->byte[6] & 0x0f) | version << 4);
    uuid->byte[8] = (uint8_t)((uuid->byte[8] & 0x3f) | 0x80);
}

static void fill_random(uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* identifiers that are not random would be silent corruption */
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

/* The 12 bits behind the milliseconds are the fraction of a millisecond (RFC 9562, 6.2). */
struct o2c_uuid o2c_uuid_v7(int64_t now_us)
{
    struct o2c_uuid uuid;
    uint64_t ms = (uint64_t)now_us / 1000;
    unsigned fraction = (unsigned)((uint64_t)now_us % 1000 * 4096 / 1000);
    for (int i = 0; i < 6; i++)
        uuid.byte[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid.byte[6] = (uint8_t)(fraction >> 8);
    uuid.byte[7] = (uint8_t)fraction;
    fill_random(uuid.byte + 8, 8);
    mark(&uuid, 7);
    return uuid;
}

struct o2c_uuid o2c_uuid_v5(const struct o2c_uuid *space, const void *bytes, size_t len)
{
    struct o2c_uuid uuid;
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha;
    SHA1_Init(&sha);
    SHA1_Update(&sha, space->byte, sizeof space->byte);
    SHA1_Update(&sha, bytes, len);
    SHA1_Final(digest, &sha);
    memcpy(uuid.byte, digest, sizeof uuid.byte);
    mark(&uuid, 5);
    return uuid;
}

/* A hyphen stands before byte 4, 6, 8 and 10. */
static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void o2c_uuid_format(const struct o2c_uuid *uuid, char ret_text[O2C_UUID_TEXT + 1])
{
    static const char digit[] = "0123456789abcdef";
    char *at = ret_text;
    for (size_t i = 0; i < sizeof uuid->byte; i++) {
        if (hyphen_before(i))
            *at++ = '-';
        *at++ = digit[uuid->byte[i] >> 4];
        *at++ = digit[uuid->byte[i] & 15];
    }
    *at = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool o2c_uuid_parse(struct o2c_str text, struct o2c_uuid *ret_uuid)
{
    struct o2c_uuid uuid;
    if (!text.at || text.len != O2C_UUID_TEXT)
        return false;
    const char *at = text.at;
    for (size_t i = 0; i < sizeof uuid.byte; i++, at += 2) {
        if (hyphen_before(i) && *at++ != '-')
            return false;
        int high = hex_value(at[0]), low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        uuid.byte[i] = (uint8_t)(high << 4 | low);
    }
    *ret_uuid = uuid;
    return true;
}
