#include "runtime/base/hash.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/base/banned.h"

enum {
    MURMUR2_MIX = 0x5bd1e995,
    MURMUR2_SHIFT = 24
};
static const uint32_t murmur2_seed = 0x9747b28c;

static uint32_t little_endian(const unsigned char *at, size_t len)
{
    uint32_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint32_t)at[i] << (8 * i);
    return word;
}

uint32_t o2c_hash_murmur2(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint32_t hash = murmur2_seed ^ (uint32_t)len;
    size_t rest = len;
    for (; rest >= 4; at += 4, rest -= 4) {
        uint32_t word = little_endian(at, 4) * MURMUR2_MIX;
        word = (word ^ (word >> MURMUR2_SHIFT)) * MURMUR2_MIX;
        hash = (hash * MURMUR2_MIX) ^ word;
    }
    if (rest)
        hash = (hash ^ little_endian(at, rest)) * MURMUR2_MIX;
    hash = (hash ^ (hash >> 13)) * MURMUR2_MIX;
    return hash ^ (hash >> 15);
}

int32_t o2c_hash_partition(struct o2c_str key, int32_t partition_count)
{
    assert(partition_count > 0);
    return (int32_t)(o2c_hash_murmur2(key.at, key.len) & 0x7fffffff) % partition_count;
}

struct o2c_hash128 o2c_hash_128(const void *bytes, size_t len)
{
    struct o2c_hash128 hash;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, len));
    _Static_assert(sizeof canonical.digest == sizeof hash.byte, "128 bits");
    memcpy(hash.byte, canonical.digest, sizeof hash.byte);
    return hash;
}

uint64_t o2c_hash_64(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}
