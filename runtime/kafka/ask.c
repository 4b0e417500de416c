#include "runtime/kafka/ask.h"

#include "runtime/base/clock.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/client.h"

#include "runtime/base/banned.h"

enum {
    AWAIT_SLICE_MS = 20,
    SLICE_MS = 1000
};

/*
 * The cluster's id comes with the first answer, which the client asks for by
 * itself.  Looking for it sends nothing, so that a slice however short does not
 * break off a request that a slow broker would have answered.
 */
enum o2c_verdict o2c_kafka_await(rd_kafka_t *rk, int timeout_ms, struct o2c_err *err)
{
    int64_t deadline_us = o2c_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    char *id;
    while (!(id = rd_kafka_clusterid(rk, AWAIT_SLICE_MS))) {
        if (o2c_stopped())
            return o2c_fail(err, O2C_RETRY, "interrupted");
        if (o2c_clock_monotonic_us() > deadline_us)
            return o2c_kafka_fail(err, RD_KAFKA_RESP_ERR__TRANSPORT, "brokers");
    }
    rd_kafka_mem_free(rk, id);
    return O2C_OK;
}

struct slices {
    int64_t begun_us, deadline_us;
    int next_ms;
};

static struct slices begin(int timeout_ms)
{
    return (struct slices){.deadline_us =
                               o2c_clock_monotonic_us() + (int64_t)timeout_ms * 1000,
                           .next_ms = o2c_can_be_stopped() ? SLICE_MS : timeout_ms};
}

/* How long the next one lasts. */
static int cut(struct slices *slices)
{
    int64_t left_ms;

    slices->begun_us = o2c_clock_monotonic_us();
    left_ms = (slices->deadline_us - slices->begun_us) / 1000;
    if (slices->next_ms > left_ms)
        slices->next_ms = left_ms > 0 ? (int)left_ms : 0;
    return slices->next_ms;
}

/* The slice is over without an answer, and there is time for another. */
static bool goes_on(struct slices *slices, rd_kafka_resp_err_t code)
{
    int64_t now_us = o2c_clock_monotonic_us();
    bool waited = now_us - slices->begun_us >= (int64_t)slices->next_ms * 1000;

    slices->next_ms *= 2;
    return code && waited && now_us < slices->deadline_us && !o2c_stopped();
}

rd_kafka_resp_err_t o2c_kafka_ask_topics(rd_kafka_t *rk,
                                         const struct rd_kafka_metadata **ret_metadata,
                                         int timeout_ms)
{
    struct slices slices = begin(timeout_ms);
    rd_kafka_resp_err_t code;

    do
        code = rd_kafka_metadata(rk, 1, NULL, ret_metadata, cut(&slices));
    while (goes_on(&slices, code));
    return code;
}

static void put_back(rd_kafka_topic_partition_t *elem,
                     const rd_kafka_topic_partition_t *asked)
{
    elem->offset = asked->offset;
    elem->err = asked->err;
}

/* An answer is put where the question stood. */
rd_kafka_resp_err_t
o2c_kafka_ask_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    struct slices slices = begin(timeout_ms);
    rd_kafka_resp_err_t code;

    do {
        for (int i = 0; i < list->cnt; i++)
            put_back(&list->elems[i], &asked->elems[i]);
        code = rd_kafka_offsets_for_times(rk, list, cut(&slices));
    } while (goes_on(&slices, code));
    rd_kafka_topic_partition_list_destroy(asked);
    return code;
}
