#include "runtime/kafka/offsets.h"

#include "runtime/kafka/ask.h"
#include "runtime/kafka/client.h"

#include "runtime/base/banned.h"

/* One ListOffsets request per broker: the special times are offsets of their own. */
static enum o2c_verdict list_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                     int64_t at, int timeout_ms, const char *what,
                                     struct o2c_err *err)
{
    if (list->cnt == 0)
        return O2C_OK;
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; i < asked->cnt; i++) {
        asked->elems[i].offset = at;
        asked->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    enum o2c_verdict verdict = O2C_OK;
    rd_kafka_resp_err_t code = o2c_kafka_ask_times(rk, asked, timeout_ms);
    for (int i = 0; !verdict && i < asked->cnt; i++) {
        const rd_kafka_topic_partition_t *elem = &asked->elems[i];
        bool open = elem->err == RD_KAFKA_RESP_ERR__IN_PROGRESS; /* nobody has answered */
        if (!elem->err)
            continue;
        o2c_kafka_fail(err, open && code ? code : elem->err, what);
        verdict = o2c_fail_in(err, "%s/%d", elem->topic, (int)elem->partition);
    }
    if (!verdict && code)
        verdict = o2c_kafka_fail(err, code, what);
    for (int i = 0; !verdict && i < asked->cnt; i++)
        rd_kafka_topic_partition_list_set_offset(
            list, asked->elems[i].topic, asked->elems[i].partition, asked->elems[i].offset);
    rd_kafka_topic_partition_list_destroy(asked);
    return verdict;
}

enum o2c_verdict o2c_kafka_ends(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                int timeout_ms, struct o2c_err *err)
{
    return list_offsets(rk, list, RD_KAFKA_OFFSET_END, timeout_ms, "end offsets", err);
}

enum o2c_verdict o2c_kafka_begins(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                  int timeout_ms, struct o2c_err *err)
{
    return list_offsets(rk, list, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, "first offsets",
                        err);
}

enum o2c_verdict o2c_kafka_with_records(rd_kafka_t *rk,
                                        rd_kafka_topic_partition_list_t *list,
                                        int timeout_ms, struct o2c_err *err)
{
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(list);
    enum o2c_verdict verdict = o2c_kafka_ends(rk, ends, timeout_ms, err);

    if (!verdict)
        verdict = o2c_kafka_begins(rk, list, timeout_ms, err);
    for (int i = list->cnt - 1; !verdict && i >= 0; i--)
        if (ends->elems[i].offset <= list->elems[i].offset)
            rd_kafka_topic_partition_list_del_by_idx(list, i);
    rd_kafka_topic_partition_list_destroy(ends);
    return verdict;
}

bool o2c_kafka_ended(rd_kafka_topic_partition_list_t *list, const rd_kafka_message_t *eof)
{
    rd_kafka_topic_partition_t *elem = rd_kafka_topic_partition_list_find(
        list, rd_kafka_topic_name(eof->rkt), eof->partition);
    if (!elem || elem->opaque)
        return false;
    elem->opaque = elem;
    return true;
}
