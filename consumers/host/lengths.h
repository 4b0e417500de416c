/*
 * lengths.h - how long names may be.  Ids and keys stand in keys of tables,
 * several together, and a key of an index of PostgreSQL has at most 2,704
 * bytes; a longer one would be refused by it, without a name.
 */
#ifndef O2C_HOST_LENGTHS_H
#define O2C_HOST_LENGTHS_H

#include "runtime/base/err.h"
#include "schemas/wire/describe.h"

enum {
    KEY_MAX_BYTES = 512,   /* of a record: what is longer is no account */
    ID_MAX_BYTES = 256,    /* of each field that identifies a document or party */
    SOURCE_MAX_BYTES = 128 /* of the name of another consumer */
};

/* PARK names the first field of the record, or of those inside it, that is longer. */
enum o2c_verdict lengths_check_ids(const struct o2c_record *record, const void *body,
                                   struct o2c_err *err) O2C_MUST_CHECK;

#endif
