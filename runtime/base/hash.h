/*
 * hash.h - the two hashes of the project: Kafka's murmur2, which places a key
 * in a partition, and XXH3-128 (libxxhash), which tells contents apart.
 */
#ifndef O2C_BASE_HASH_H
#define O2C_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"

/* As org.apache.kafka.common.utils.Utils.murmur2. */
uint32_t o2c_hash_murmur2(const void *bytes, size_t len);

/* The partition that the partitioner murmur2 (Java's default for keyed records) chooses. */
int32_t o2c_hash_partition(struct o2c_str key, int32_t partition_count);

struct o2c_hash128 {
    uint8_t byte[16];
};

/* Of one run of bytes. */
struct o2c_hash128 o2c_hash_128(const void *bytes, size_t len);
uint64_t o2c_hash_64(const void *bytes, size_t len);

#endif
