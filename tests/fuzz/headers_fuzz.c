/*
 * Any bytes as packed headers: refused, or headers that are packed into the
 * same bytes again.  And those as the headers of a record: refused with the
 * name of one, from upstream, or a stream whose parts are within their bounds.
 */
#include <string.h>

#include "runtime/base/buf.h"
#include "runtime/kafka/headers.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

static void try_stream(const rd_kafka_headers_t *headers)
{
    struct o2c_stream_headers stream = {.stream_seq = -1};
    struct o2c_err err = {0};
    enum o2c_verdict verdict = o2c_stream_headers_of(headers, &stream, &err);
    if (verdict) {
        must(verdict == O2C_PARK && strncmp(err.text, "header ", 7) == 0, "the refusal");
        must(stream.stream_seq == -1, "what was refused was touched");
    } else if (stream.present) {
        must(stream.stream_seq > 0 && stream.source_partition >= 0, "the numbers");
        must(stream.source.len > 0 && stream.cause.len > 0, "the texts");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    rd_kafka_headers_t *headers;
    struct o2c_buf again;
    struct o2c_err err;
    enum o2c_verdict verdict =
        o2c_headers_unpack((struct o2c_str){(const char *)at, len}, &headers, &err);
    must(verdict == O2C_OK || verdict == O2C_PARK, "the verdict");
    if (verdict)
        return 0;
    o2c_buf_init(&again, 1 << 20);
    o2c_headers_pack(headers, &again);
    must(again.len == len && (!len || !memcmp(again.at, at, len)), "packed otherwise");
    try_stream(headers);
    o2c_buf_clear(&again);
    rd_kafka_headers_destroy(headers);
    return 0;
}
