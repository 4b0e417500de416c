#include "schemas/wire/frame.h"

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum o2c_verdict o2c_frame_read(struct o2c_str bytes, int32_t *ret_schema_id,
                                struct o2c_str *ret_body, struct o2c_err *err)
{
    const uint8_t *at = (const uint8_t *)bytes.at;
    if (!at || bytes.len < O2C_FRAME_BYTES)
        return o2c_fail(err, O2C_PARK, "%zu bytes are no framed Avro record", bytes.len);
    if (at[0] != 0)
        return o2c_fail(err, O2C_PARK, "first byte %u is not the 0 of Confluent framing",
                        at[0]);
    *ret_schema_id = (int32_t)((uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 |
                               (uint32_t)at[3] << 8 | at[4]);
    *ret_body = (struct o2c_str){bytes.at + O2C_FRAME_BYTES, bytes.len - O2C_FRAME_BYTES};
    return O2C_OK;
}

void o2c_frame_write(struct o2c_buf *out, int32_t schema_id)
{
    o2c_buf_add_u8(out, 0);
    o2c_buf_add_be32(out, (uint32_t)schema_id);
}
