/*
 * avro_oracle.h - the same schemas read by Avro C, as a second opinion.  It
 * serves every id of ids.json, old versions too.
 *
 * Avro C 1.11.1 has faults of its own on malformed bytes (an enum index out of
 * range is taken, an array of 2^30 nulls is counted through, failed reads
 * leak): it is asked only about bytes that our decoder accepts.
 */
#ifndef O2C_TESTS_COMPAT_AVRO_ORACLE_H
#define O2C_TESTS_COMPAT_AVRO_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/events.h"

struct o2c_buf;

struct oracle;
struct oracle *oracle_open(const char *schemas_folder);
void oracle_close(struct oracle *oracle);

int32_t oracle_id_count(const struct oracle *oracle); /* ids run from 1 to this */
const char *oracle_name(const struct oracle *oracle,
                        int32_t id); /* "o2c.orders.OrderPlaced" */
int oracle_version(const struct oracle *oracle, int32_t id);

/* Writes the event as version `id` of its type, framed.  Fields the version lacks are left
 * out. */
bool oracle_encode(struct oracle *oracle, int32_t id, const struct o2c_event *event,
                   struct o2c_buf *out);

/*
 * Reads framed bytes with the version they name.  True if Avro C takes them to
 * the last byte and finds in every field what the event says; otherwise
 * *ret_field names the field, or says what else went wrong.
 */
bool oracle_agrees(struct oracle *oracle, struct o2c_str bytes,
                   const struct o2c_event *event, const char **ret_field);

#endif
