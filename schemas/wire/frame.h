/* frame.h - Confluent framing: a zero byte and a 4-byte schema id before the Avro bytes. */
#ifndef O2C_SCHEMAS_WIRE_FRAME_H
#define O2C_SCHEMAS_WIRE_FRAME_H

#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_buf;

enum {
    O2C_FRAME_BYTES = 5
};

/* PARK when the bytes are too short or begin otherwise. */
enum o2c_verdict o2c_frame_read(struct o2c_str bytes, int32_t *ret_schema_id,
                                struct o2c_str *ret_body,
                                struct o2c_err *err) O2C_MUST_CHECK;
void o2c_frame_write(struct o2c_buf *out, int32_t schema_id);

#endif
