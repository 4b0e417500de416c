/*
 * registry.h - all schemas of a folder together: ids.json (which id stands for
 * which version of which type), topics.json, and the rules that keep old bytes
 * readable.
 */
#ifndef O2C_SCHEMAS_GENERATOR_REGISTRY_H
#define O2C_SCHEMAS_GENERATOR_REGISTRY_H

#include "schemas/generator/schema.h"

struct topic {
    const char *name, *doc, *key, *placement, *config;
    const char *folder; /* "order_status" */
    int partition_count;
    bool pipeline_records;
};

/* One line of ids.json. */
struct entry {
    int id, version;
    const char *name, *file;
    const char *fingerprint; /* of the parsing canonical form: what a registry computes */
    const char *content;     /* of the same with logical types and defaults */
    const struct schema *schema;
};

/* A type with its versions; the last is the one that is written. */
struct event_type {
    const char *name, *full;
    const struct topic *topic;
    const struct entry *current;
};

struct registry {
    const char *folder;
    struct topic *topics;
    size_t topic_count;
    struct entry *entries;
    size_t entry_count;
    struct event_type *types;
    size_t type_count;
};

/* Reads everything and refuses what is inconsistent or could not read all older versions.
 */
struct registry *registry_read(const char *folder);

/* Refuses unless every line of an older ids.json is still there, unchanged but for its
 * file. */
void registry_check_history(const struct registry *registry, const char *older_ids);

/* Appends a line for every schema file that has none and writes ids.json again. */
void registry_number(const char *folder);

/* resolve.c: exits unless bytes of `writer` can be read as `reader` without loss. */
void resolve_check(const char *file, const struct record *writer,
                   const struct record *reader);

#endif
