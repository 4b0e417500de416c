#include "runtime/pg/binary.h"

#include <assert.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    ARRAY_HEADER = 20,
    HAS_NULLS_AT = 4,
    COUNT_AT = 12
};

static const int64_t EPOCH_US = 946684800000000; /* 2000-01-01 in microseconds since 1970 */
static const int32_t EPOCH_DAYS = 10957;

/* ---- parameters */

void o2c_pg_params_init(struct o2c_pg_params *params, size_t max_bytes)
{
    o2c_buf_init(&params->buf, max_bytes);
    params->count = 0;
}

void o2c_pg_params_reset(struct o2c_pg_params *params)
{
    o2c_buf_reset(&params->buf);
    params->count = 0;
}

void o2c_pg_params_clear(struct o2c_pg_params *params)
{
    o2c_buf_clear(&params->buf);
    params->count = 0;
}

static void begin(struct o2c_pg_params *params)
{
    assert(params->count < O2C_PG_PARAMS_MAX);
    params->start[params->count] = params->buf.len;
}

static void end(struct o2c_pg_params *params)
{
    params->len[params->count] = (int32_t)(params->buf.len - params->start[params->count]);
    params->count++;
}

void o2c_pg_add_int4(struct o2c_pg_params *params, int32_t value)
{
    begin(params);
    o2c_buf_add_be32(&params->buf, (uint32_t)value);
    end(params);
}

void o2c_pg_add_int8(struct o2c_pg_params *params, int64_t value)
{
    begin(params);
    o2c_buf_add_be64(&params->buf, (uint64_t)value);
    end(params);
}

void o2c_pg_add_text(struct o2c_pg_params *params, struct o2c_str value)
{
    begin(params);
    o2c_buf_add_str(&params->buf, value);
    end(params);
    if (!value.at)
        params->len[params->count - 1] = -1;
}

/* ---- arrays */

static void patch_be32(struct o2c_buf *buf, size_t at, uint32_t value)
{
    if (buf->failed)
        return;
    for (int i = 0; i < 4; i++)
        buf->at[at + (size_t)i] = (char)(value >> (24 - 8 * i));
}

void o2c_pg_array_begin(struct o2c_pg_array *array, struct o2c_pg_params *params,
                        uint32_t element_oid)
{
    begin(params);
    *array = (struct o2c_pg_array){.params = params, .header = params->buf.len};
    o2c_buf_add_be32(&params->buf, 1); /* dimensions */
    o2c_buf_add_be32(&params->buf, 0); /* whether there are NULLs, see end */
    o2c_buf_add_be32(&params->buf, element_oid);
    o2c_buf_add_be32(&params->buf, 0); /* count, see end */
    o2c_buf_add_be32(&params->buf, 1); /* lower bound */
}

void o2c_pg_array_end(struct o2c_pg_array *array)
{
    struct o2c_buf *buf = &array->params->buf;

    patch_be32(buf, array->header + HAS_NULLS_AT, array->has_nulls);
    patch_be32(buf, array->header + COUNT_AT, (uint32_t)array->count);
    if (!array->count && !buf->failed) { /* an empty array has no dimension */
        patch_be32(buf, array->header, 0);
        buf->len = array->header + ARRAY_HEADER - 8;
    }
    end(array->params);
}

static struct o2c_buf *element(struct o2c_pg_array *array, size_t len)
{
    struct o2c_buf *buf = &array->params->buf;

    array->count++;
    o2c_buf_add_be32(buf, (uint32_t)len);
    return buf;
}

void o2c_pg_array_null(struct o2c_pg_array *array)
{
    array->has_nulls = true;
    element(array, UINT32_MAX);
}

void o2c_pg_array_int4(struct o2c_pg_array *array, int32_t value)
{
    o2c_buf_add_be32(element(array, 4), (uint32_t)value);
}

void o2c_pg_array_date(struct o2c_pg_array *array, int32_t days)
{
    o2c_pg_array_int4(array, days - EPOCH_DAYS);
}

void o2c_pg_array_int8(struct o2c_pg_array *array, int64_t value)
{
    o2c_buf_add_be64(element(array, 8), (uint64_t)value);
}

void o2c_pg_array_timestamp(struct o2c_pg_array *array, int64_t utc_us)
{
    o2c_pg_array_int8(array, utc_us - EPOCH_US);
}

void o2c_pg_array_text(struct o2c_pg_array *array, struct o2c_str value)
{
    if (value.at)
        o2c_buf_add_str(element(array, value.len), value);
    else
        o2c_pg_array_null(array);
}

void o2c_pg_array_uuid(struct o2c_pg_array *array, const struct o2c_uuid *value)
{
    o2c_buf_add(element(array, sizeof value->byte), value->byte, sizeof value->byte);
}

/* ---- composites: as elements of an array; `composite` is where the length goes */

void o2c_pg_composite_begin(struct o2c_pg_array *array, int32_t field_count)
{
    struct o2c_buf *buf = element(array, 0);

    array->composite = buf->len;
    o2c_buf_add_be32(buf, (uint32_t)field_count);
}

void o2c_pg_composite_end(struct o2c_pg_array *array)
{
    struct o2c_buf *buf = &array->params->buf;

    if (!buf->failed)
        patch_be32(buf, array->composite - 4, (uint32_t)(buf->len - array->composite));
}

/* Type and length of a field in one write: eight bytes stand before every value. */
static void put_be32(char *at, uint32_t value)
{
    uint32_t swapped = __builtin_bswap32(value);

    memcpy(at, &swapped, sizeof swapped);
}

static char *field(struct o2c_pg_array *array, uint32_t oid, size_t len)
{
    char *at = o2c_buf_extend(&array->params->buf, 8 + len);

    if (!at)
        return NULL;
    put_be32(at, oid);
    put_be32(at + 4, (uint32_t)len);
    return at + 8;
}

void o2c_pg_field_null(struct o2c_pg_array *array, uint32_t oid)
{
    char *at = o2c_buf_extend(&array->params->buf, 8);

    if (!at)
        return;
    put_be32(at, oid);
    put_be32(at + 4, UINT32_MAX);
}

void o2c_pg_field_bool(struct o2c_pg_array *array, bool value)
{
    char *at = field(array, O2C_OID_BOOL, 1);

    if (at)
        *at = (char)value;
}

static void put4(char *at, int32_t value)
{
    if (at)
        put_be32(at, (uint32_t)value);
}

static void put8(char *at, int64_t value)
{
    uint64_t swapped = __builtin_bswap64((uint64_t)value);

    if (at)
        memcpy(at, &swapped, sizeof swapped);
}

void o2c_pg_field_int4(struct o2c_pg_array *array, int32_t value)
{
    put4(field(array, O2C_OID_INT4, 4), value);
}

void o2c_pg_field_int8(struct o2c_pg_array *array, int64_t value)
{
    put8(field(array, O2C_OID_INT8, 8), value);
}

void o2c_pg_field_date(struct o2c_pg_array *array, int32_t days)
{
    put4(field(array, O2C_OID_DATE, 4), days - EPOCH_DAYS);
}

void o2c_pg_field_timestamp(struct o2c_pg_array *array, int64_t utc_us)
{
    put8(field(array, O2C_OID_TIMESTAMPTZ, 8), utc_us - EPOCH_US);
}

static void bytes_field(struct o2c_pg_array *array, uint32_t oid, struct o2c_str value)
{
    char *at;

    if (!value.at) {
        o2c_pg_field_null(array, oid);
        return;
    }
    at = field(array, oid, value.len);
    if (at)
        memcpy(at, value.at, value.len);
}

void o2c_pg_field_text(struct o2c_pg_array *array, struct o2c_str value)
{
    bytes_field(array, O2C_OID_TEXT, value);
}

void o2c_pg_field_bytes(struct o2c_pg_array *array, struct o2c_str value)
{
    bytes_field(array, O2C_OID_BYTEA, value);
}

void o2c_pg_field_uuid(struct o2c_pg_array *array, const struct o2c_uuid *value)
{
    char *at = field(array, O2C_OID_UUID, sizeof value->byte);

    if (at)
        memcpy(at, value->byte, sizeof value->byte);
}

/* A field that is an array of `count` elements of `bytes` each: where they begin, each with
 * its length before it; NULL: there is none, or no room. */
static char *array_field(struct o2c_pg_array *array, uint32_t oid, uint32_t element_oid,
                         size_t bytes, size_t count)
{
    size_t header = count ? ARRAY_HEADER : ARRAY_HEADER - 8;
    char *at = field(array, oid, header + (4 + bytes) * count);

    if (!at)
        return NULL;
    put_be32(at, count ? 1 : 0);
    put_be32(at + HAS_NULLS_AT, 0);
    put_be32(at + 8, element_oid);
    if (!count)
        return NULL;
    put_be32(at + COUNT_AT, (uint32_t)count);
    put_be32(at + 16, 1);
    return at + ARRAY_HEADER;
}

void o2c_pg_field_int4_array(struct o2c_pg_array *array, const int32_t *values,
                             size_t count)
{
    char *at = array_field(array, O2C_OID_INT4_ARRAY, O2C_OID_INT4, 4, count);

    for (size_t i = 0; at && i < count; i++, at += 4 + 4) {
        put_be32(at, 4);
        put_be32(at + 4, (uint32_t)values[i]);
    }
}

void o2c_pg_field_int8_array(struct o2c_pg_array *array, const int64_t *values,
                             size_t count)
{
    char *at = array_field(array, O2C_OID_INT8_ARRAY, O2C_OID_INT8, 8, count);

    for (size_t i = 0; at && i < count; i++, at += 4 + 8) {
        put_be32(at, 8);
        put8(at + 4, values[i]);
    }
}

/* ---- results */

static uint32_t be32_at(const char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

bool o2c_pg_get_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column);
}

bool o2c_pg_get_bool(const PGresult *result, int row, int column)
{
    assert(PQgetlength(result, row, column) == 1);
    return *PQgetvalue(result, row, column) != 0;
}

int32_t o2c_pg_get_int4(const PGresult *result, int row, int column)
{
    assert(PQgetlength(result, row, column) == 4);
    return (int32_t)be32_at(PQgetvalue(result, row, column));
}

int64_t o2c_pg_get_int8(const PGresult *result, int row, int column)
{
    uint64_t value;

    assert(PQgetlength(result, row, column) == 8);
    memcpy(&value, PQgetvalue(result, row, column), sizeof value);
    return (int64_t)__builtin_bswap64(value);
}

int32_t o2c_pg_get_date(const PGresult *result, int row, int column)
{
    return o2c_pg_get_int4(result, row, column) + EPOCH_DAYS;
}

int64_t o2c_pg_get_timestamp(const PGresult *result, int row, int column)
{
    return o2c_pg_get_int8(result, row, column) + EPOCH_US;
}

struct o2c_str o2c_pg_get_text(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return (struct o2c_str){NULL, 0};
    return (struct o2c_str){PQgetvalue(result, row, column),
                            (size_t)PQgetlength(result, row, column)};
}

struct o2c_uuid o2c_pg_get_uuid(const PGresult *result, int row, int column)
{
    struct o2c_uuid uuid;

    assert(PQgetlength(result, row, column) == (int)sizeof uuid.byte);
    memcpy(uuid.byte, PQgetvalue(result, row, column), sizeof uuid.byte);
    return uuid;
}
