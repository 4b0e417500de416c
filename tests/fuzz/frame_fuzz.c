/* Any bytes as a frame: what is taken is the same when it is written again. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"
#include "schemas/wire/frame.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct o2c_err err;
    struct o2c_str body;
    int32_t id;
    if (o2c_frame_read((struct o2c_str){(const char *)at, len}, &id, &body, &err))
        return 0;
    struct o2c_buf buf;
    o2c_buf_init(&buf, len + 16);
    o2c_frame_write(&buf, id);
    o2c_buf_add_str(&buf, body);
    if (buf.len != len || memcmp(buf.at, at, len) != 0)
        abort();
    o2c_buf_clear(&buf);
    return 0;
}
