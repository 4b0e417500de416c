#include "runtime/kafka/headers.h"

#include <endian.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum header {
    SOURCE,
    INCARNATION,
    SOURCE_PARTITION,
    STREAM_SEQ,
    CAUSE,
    REQUIRED,
    TICK = REQUIRED,
    HEADERS
};

static const char *const names[HEADERS] = {[SOURCE] = "source",
                                           [INCARNATION] = "incarnation",
                                           [SOURCE_PARTITION] = "source_partition",
                                           [STREAM_SEQ] = "stream_seq",
                                           [CAUSE] = "o2c_cause",
                                           [TICK] = "o2c_tick"};

static enum o2c_verdict malformed(struct o2c_err *err, enum header header)
{
    return o2c_fail(err, O2C_PARK, "header %s is malformed", names[header]);
}

/* Finds each of ours at most once; *ret_found counts them. */
static enum o2c_verdict collect(const rd_kafka_headers_t *headers,
                                struct o2c_str found[HEADERS], int *ret_found,
                                struct o2c_err *err)
{
    const char *name;
    const void *value;
    size_t len;
    int count = 0;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
        for (int h = 0; h < HEADERS; h++) {
            if (strcmp(name, names[h]) != 0)
                continue;
            if (found[h].at)
                return o2c_fail(err, O2C_PARK, "header %s is there twice", names[h]);
            if (!value)
                return malformed(err, (enum header)h);
            found[h] = (struct o2c_str){value, len};
            count += h < REQUIRED; /* a tick alone makes no stream */
        }
    *ret_found = count;
    return O2C_OK;
}

static bool is_ascii(struct o2c_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x21 || text.at[i] > 0x7e)
            return false;
    return text.len > 0;
}

static enum o2c_verdict understand(const struct o2c_str found[HEADERS],
                                   struct o2c_stream_headers *ret_headers,
                                   struct o2c_err *err)
{
    int64_t partition;
    struct o2c_stream_headers headers = {.present = true,
                                         .source = found[SOURCE],
                                         .cause = found[CAUSE],
                                         .tick = found[TICK]};
    if (!is_ascii(found[SOURCE]))
        return malformed(err, SOURCE);
    if (!o2c_uuid_parse(found[INCARNATION], &headers.incarnation))
        return malformed(err, INCARNATION);
    if (!o2c_str_to_int64(found[SOURCE_PARTITION], &partition) || partition < 0 ||
        partition > INT32_MAX)
        return malformed(err, SOURCE_PARTITION);
    if (!o2c_str_to_int64(found[STREAM_SEQ], &headers.stream_seq) || headers.stream_seq < 1)
        return malformed(err, STREAM_SEQ);
    if (!is_ascii(found[CAUSE]))
        return malformed(err, CAUSE);
    if (found[TICK].at && !is_ascii(found[TICK]))
        return malformed(err, TICK);
    headers.source_partition = (int32_t)partition;
    *ret_headers = headers;
    return O2C_OK;
}

enum o2c_verdict o2c_stream_headers_of(const rd_kafka_headers_t *headers,
                                       struct o2c_stream_headers *ret_headers,
                                       struct o2c_err *err)
{
    struct o2c_str found[HEADERS] = {{NULL, 0}};
    int count = 0;
    if (headers && collect(headers, found, &count, err))
        return err->verdict;
    if (count == 0) {
        *ret_headers = (struct o2c_stream_headers){.present = false};
        return O2C_OK;
    }
    for (int h = 0; h < REQUIRED; h++)
        if (!found[h].at)
            return o2c_fail(err, O2C_PARK, "header %s is missing", names[h]);
    return understand(found, ret_headers, err);
}

struct o2c_str o2c_stream_tick(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get(headers, 1, names[TICK], &value, &len) !=
            RD_KAFKA_RESP_ERR__NOENT ||
        rd_kafka_header_get(headers, 0, names[TICK], &value, &len))
        return (struct o2c_str){NULL, 0};
    return (struct o2c_str){value, len};
}

enum o2c_verdict o2c_stream_headers_read(const rd_kafka_message_t *message,
                                         struct o2c_stream_headers *ret_headers,
                                         struct o2c_err *err)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_resp_err_t code = rd_kafka_message_headers(message, &headers);
    if (code && code != RD_KAFKA_RESP_ERR__NOENT)
        return o2c_fail(err, O2C_PARK, "headers cannot be read: %s",
                        rd_kafka_err2str(code));
    return o2c_stream_headers_of(code ? NULL : headers, ret_headers, err);
}

void o2c_headers_pack(const rd_kafka_headers_t *headers, struct o2c_buf *out)
{
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++) {
        o2c_buf_add(out, name, strlen(name) + 1);
        o2c_buf_add_be32(out, value ? (uint32_t)len : UINT32_MAX);
        if (value)
            o2c_buf_add(out, value, len);
    }
}

/* Adds the first header of `rest` and cuts it off; false: there is none. */
static bool unpack_one(struct o2c_str *rest, rd_kafka_headers_t *headers)
{
    uint32_t len;
    size_t name_len = strnlen(rest->at, rest->len), head = name_len + 1 + sizeof len;
    if (head > rest->len)
        return false;
    memcpy(&len, rest->at + name_len + 1, sizeof len);
    len = be32toh(len);
    const char *value = len == UINT32_MAX ? NULL : rest->at + head;
    if (value && len > rest->len - head)
        return false;
    if (rd_kafka_header_add(headers, rest->at, (ssize_t)name_len, value,
                            value ? (ssize_t)len : 0))
        return false;
    head += value ? len : 0;
    *rest = (struct o2c_str){rest->at + head, rest->len - head};
    return true;
}

enum o2c_verdict o2c_headers_unpack(struct o2c_str packed, rd_kafka_headers_t **ret_headers,
                                    struct o2c_err *err)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    struct o2c_str rest = packed;
    while (rest.len > 0)
        if (!unpack_one(&rest, headers)) {
            rd_kafka_headers_destroy(headers);
            return o2c_fail(err, O2C_PARK, "packed headers are malformed at byte %zu",
                            packed.len - rest.len);
        }
    *ret_headers = headers;
    return O2C_OK;
}
