/*
 * describe.h - the contract as data: what the fields of a record are called
 * and where they lie in its struct, and what is fixed about a topic.  The
 * tables are generated; JSON, CSV, printing and content hashes are driven by
 * them.
 */
#ifndef O2C_SCHEMAS_WIRE_DESCRIBE_H
#define O2C_SCHEMAS_WIRE_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"

/* What every event begins with. */
struct o2c_head {
    struct o2c_str event_id;
    int64_t occurred_at_us;
    struct o2c_str source;
    struct o2c_str company_id;
    struct o2c_str customer_id;
    struct o2c_str account_id; /* optional: the customer is its own account */
};

enum o2c_kind {
    O2C_KIND_STRING,    /* struct o2c_str */
    O2C_KIND_UUID,      /* struct o2c_str of 36 characters */
    O2C_KIND_BOOLEAN,   /* bool */
    O2C_KIND_INT,       /* int32_t */
    O2C_KIND_LONG,      /* int64_t */
    O2C_KIND_DATE,      /* int32_t, days since 1970-01-01 */
    O2C_KIND_TIMESTAMP, /* int64_t, microseconds since 1970-01-01T00:00:00Z */
    O2C_KIND_ENUM,      /* enum o2c_..., as wide as an int; an index into symbols */
    O2C_KIND_RECORD,    /* the struct itself; optional: a pointer to it */
};

struct o2c_enum {
    const char *name;
    const struct o2c_str *symbols;
    size_t symbol_count;
};

struct o2c_record;

struct o2c_field {
    const char *name;
    enum o2c_kind kind; /* of the value; of an array: of its items */
    bool array;         /* a pointer at `offset`, the count (size_t) at `beside` */
    bool optional;    /* number, boolean, enum: its bool at `beside`; else NULL is absent */
    bool has_default; /* may be left out; optional ones always may */
    bool pii;         /* personal data: not in keys, headers, logs, errors */
    bool id;          /* identifies a document or party ("o2c": "id") */
    bool envelope;    /* event_id, occurred_at, source: no part of the content */
    uint16_t offset, beside;
    uint32_t tag; /* of the name, for content hashes */
    const struct o2c_record *record;
    const struct o2c_enum *symbols;
    int64_t default_number;      /* number, boolean, enum; an array's default is empty */
    struct o2c_str default_text; /* string */
    const char *doc;             /* with the unit */
};

struct o2c_record {
    const char *name;      /* "OrderLine" */
    const char *full_name; /* "o2c.orders.OrderLine" */
    const struct o2c_field *fields;
    size_t field_count;
    size_t bytes; /* sizeof its struct */
    const char *doc;
};

enum o2c_topic_key {
    O2C_TOPIC_KEY_ACCOUNT,
    O2C_TOPIC_KEY_CODE,
    O2C_TOPIC_KEY_BANK_ACCOUNT,
    O2C_TOPIC_KEY_ENTITY,
    O2C_TOPIC_KEY_NONE,
};

enum o2c_placement {
    O2C_PLACEMENT_HASH,             /* murmur2 of the key */
    O2C_PLACEMENT_EVERY_PARTITION,  /* one copy per partition */
    O2C_PLACEMENT_SOURCE_PARTITION, /* the partition that caused it */
};

struct o2c_topic {
    const char *name; /* "o2c.orders": a deployment may put a prefix before it */
    enum o2c_topic_key key;
    enum o2c_placement placement;
    int32_t partition_count; /* unless the deployment sets another for all topics */
    bool pipeline_records;   /* records with stream headers occur */
    const char *config;      /* "name=value,name=value" for its creation */
    const char *doc;
};

/* The symbol's index, -1 if there is none of that name. */
int o2c_enum_parse(const struct o2c_enum *symbols, struct o2c_str text);

/* The field of that name; NULL if the record has none. */
const struct o2c_field *o2c_record_field(const struct o2c_record *record,
                                         struct o2c_str name);

/* The size of one value: of one item of an array, of the record that an optional one points
 * to. */
size_t o2c_field_item_bytes(const struct o2c_field *field);

/* The field, or one of the record that it is, is personal data. */
bool o2c_field_holds_personal_data(const struct o2c_field *field);

/* Stands in a sentence where a value that is personal data would. */
#define O2C_NOT_SHOWN "(personal data, not shown)"

/* False for an optional field that is absent in this struct of the field's record. */
bool o2c_field_is_present(const struct o2c_field *field, const void *body);

#endif
