/*
 * binary.h - PostgreSQL's binary wire formats: parameters out, columns in.
 * Times cross here between microseconds or days since 1970 (ours) and since
 * 2000 (PostgreSQL's).
 */
#ifndef O2C_PG_BINARY_H
#define O2C_PG_BINARY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/buf.h"
#include "runtime/base/str.h"
#include "runtime/base/uuid.h"

enum {
    O2C_PG_PARAMS_MAX = 24,
    O2C_OID_BOOL = 16,
    O2C_OID_BYTEA = 17,
    O2C_OID_INT8 = 20,
    O2C_OID_INT4 = 23,
    O2C_OID_TEXT = 25,
    O2C_OID_INT4_ARRAY = 1007,
    O2C_OID_INT8_ARRAY = 1016,
    O2C_OID_DATE = 1082,
    O2C_OID_TIMESTAMPTZ = 1184,
    O2C_OID_UUID = 2950
};

/*
 * Most bytes of parameters that one statement may have: PostgreSQL takes a message of less
 * than 1 GiB, in which names and lengths stand too, and ends the connection over a longer
 * one.  Tests compile what uses it with less.
 */
#ifndef O2C_PG_PARAMS_BYTES
#define O2C_PG_PARAMS_BYTES ((size_t)768 << 20)
#endif

/* The parameters of one execution, written one after another into one buffer. */
struct o2c_pg_params {
    struct o2c_buf buf;
    size_t start[O2C_PG_PARAMS_MAX];
    int32_t len[O2C_PG_PARAMS_MAX]; /* -1: NULL */
    int count;
};

void o2c_pg_params_init(struct o2c_pg_params *params, size_t max_bytes);
void o2c_pg_params_reset(struct o2c_pg_params *params);
void o2c_pg_params_clear(struct o2c_pg_params *params);

void o2c_pg_add_int4(struct o2c_pg_params *params, int32_t value);
void o2c_pg_add_int8(struct o2c_pg_params *params, int64_t value);
/* And bytea; absent: NULL. */
void o2c_pg_add_text(struct o2c_pg_params *params, struct o2c_str value);

/*
 * A one-dimensional array:
 *     struct o2c_pg_array array;
 *     o2c_pg_array_begin(&array, params, O2C_OID_TEXT);
 *     o2c_pg_array_text(&array, id); ...
 *     o2c_pg_array_end(&array);
 */
struct o2c_pg_array {
    struct o2c_pg_params *params;
    size_t header;    /* where the array begins in the buffer */
    size_t composite; /* where the element begun last begins */
    int32_t count;
    bool has_nulls;
};

void o2c_pg_array_begin(struct o2c_pg_array *array, struct o2c_pg_params *params,
                        uint32_t element_oid);
void o2c_pg_array_null(struct o2c_pg_array *array);
void o2c_pg_array_int4(struct o2c_pg_array *array, int32_t value);
void o2c_pg_array_int8(struct o2c_pg_array *array, int64_t value);
void o2c_pg_array_date(struct o2c_pg_array *array, int32_t days);
void o2c_pg_array_timestamp(struct o2c_pg_array *array, int64_t utc_us);
void o2c_pg_array_text(struct o2c_pg_array *array, struct o2c_str value); /* and bytea */
void o2c_pg_array_uuid(struct o2c_pg_array *array, const struct o2c_uuid *value);
void o2c_pg_array_end(struct o2c_pg_array *array);

/*
 * Inside an array of a composite type: begin an element with its number of
 * fields, write each field, end it.
 */
void o2c_pg_composite_begin(struct o2c_pg_array *array, int32_t field_count);
void o2c_pg_field_null(struct o2c_pg_array *array, uint32_t oid);
void o2c_pg_field_bool(struct o2c_pg_array *array, bool value);
void o2c_pg_field_int4(struct o2c_pg_array *array, int32_t value);
void o2c_pg_field_int8(struct o2c_pg_array *array, int64_t value);
void o2c_pg_field_date(struct o2c_pg_array *array, int32_t days);
void o2c_pg_field_timestamp(struct o2c_pg_array *array, int64_t utc_us);
void o2c_pg_field_text(struct o2c_pg_array *array, struct o2c_str value);
void o2c_pg_field_bytes(struct o2c_pg_array *array, struct o2c_str value);
void o2c_pg_field_uuid(struct o2c_pg_array *array, const struct o2c_uuid *value);
void o2c_pg_field_int4_array(struct o2c_pg_array *array, const int32_t *values,
                             size_t count);
void o2c_pg_field_int8_array(struct o2c_pg_array *array, const int64_t *values,
                             size_t count);
void o2c_pg_composite_end(struct o2c_pg_array *array);

/* Columns of a binary result; the caller has checked o2c_pg_get_null where NULL may be. */
bool o2c_pg_get_null(const PGresult *result, int row, int column);
bool o2c_pg_get_bool(const PGresult *result, int row, int column);
int32_t o2c_pg_get_int4(const PGresult *result, int row, int column);
int64_t o2c_pg_get_int8(const PGresult *result, int row, int column);
int32_t o2c_pg_get_date(const PGresult *result, int row, int column);
int64_t o2c_pg_get_timestamp(const PGresult *result, int row, int column);
struct o2c_str o2c_pg_get_text(const PGresult *result, int row,
                               int column); /* and bytea; borrowed */
struct o2c_uuid o2c_pg_get_uuid(const PGresult *result, int row, int column);

#endif
