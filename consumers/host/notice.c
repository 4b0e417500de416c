#include "consumers/host/notice.h"

#include "runtime/base/banned.h"

static const char *const states[] = {[O2C_NOTICE_PARKED] = "parked",
                                     [O2C_NOTICE_RELEASED] = "released",
                                     [O2C_NOTICE_DISCARDED] = "discarded"};

enum {
    STATE_COUNT = sizeof states / sizeof states[0]
};

/* Absent where the header is not there exactly once, or has no value. */
static struct o2c_str header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t len;

    if (rd_kafka_header_get(headers, 1, name, &value, &len) != RD_KAFKA_RESP_ERR__NOENT ||
        rd_kafka_header_get(headers, 0, name, &value, &len))
        return (struct o2c_str){NULL, 0};
    return (struct o2c_str){value, len};
}

static int state_of(struct o2c_str text)
{
    int state = 0;

    while (state < STATE_COUNT && !o2c_str_eq(text, o2c_str_from(states[state])))
        state++;
    return state;
}

enum o2c_verdict notice_read(const rd_kafka_headers_t *headers,
                             struct o2c_parked_notice *ret_notice, struct o2c_err *err)
{
    struct o2c_str text = header(headers, NOTICE_STATE), count;
    int state = text.at ? state_of(text) : STATE_COUNT;
    int64_t left;

    if (state == STATE_COUNT)
        return o2c_fail(err, O2C_PARK, "header " NOTICE_STATE " is missing or malformed");
    count = header(headers, NOTICE_LEFT);
    if (!count.at || !o2c_str_to_int64(count, &left) ||
        left < (state == O2C_NOTICE_PARKED)) /* the record itself, at least */
        return o2c_fail(err, O2C_PARK, "header " NOTICE_LEFT " is missing or malformed");
    *ret_notice = (struct o2c_parked_notice){(enum o2c_notice_state)state, left};
    return O2C_OK;
}
