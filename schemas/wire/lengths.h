/*
 * lengths.h - how long names may be.  Ids and keys stand in keys of tables,
 * several together, and a key of an index of PostgreSQL has at most 2,704
 * bytes; a longer one would be refused by it, without a name.  Consumers park
 * what is longer, whoever published it; our own publisher refuses it before.
 */
#ifndef O2C_SCHEMAS_WIRE_LENGTHS_H
#define O2C_SCHEMAS_WIRE_LENGTHS_H

#include "runtime/base/err.h"
#include "schemas/wire/describe.h"

enum {
    O2C_KEY_MAX_BYTES = 512,   /* of a record: what is longer is no account */
    O2C_ID_MAX_BYTES = 256,    /* of each field that identifies a document or party */
    O2C_SOURCE_MAX_BYTES = 128 /* of the name of another consumer */
};

/* PARK names the first field of the record, or of those inside it, that is longer. */
enum o2c_verdict o2c_check_ids(const struct o2c_record *record, const void *body,
                               struct o2c_err *err) O2C_MUST_CHECK;

#endif
