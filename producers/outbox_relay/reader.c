/* Outbox rows, by primary key range: short statements, no long snapshot. */
#include "producers/outbox_relay/relay.h"
#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"

#include "runtime/base/banned.h"

enum {
    READ_AT_ONCE = 1000,
    READ_AT_LEAST = 100
};

static void take_row(struct source *source, const PGresult *result, int i,
                     struct outgoing *ret_row)
{
    *ret_row = (struct outgoing){
        .consumer = o2c_str_from(source->of->consumer),
        .outbox_no = o2c_pg_get_int8(result, i, 0),
        .topic = o2c_pg_get_text(result, i, 1),
        .target_partition = o2c_pg_get_int4(result, i, 2),
        .stream_seq = o2c_pg_get_int8(result, i, 3),
        .incarnation = o2c_pg_get_uuid(result, i, 4),
        .event_id = o2c_pg_get_uuid(result, i, 5),
        .type = o2c_pg_get_text(result, i, 6),
        .subject = o2c_pg_get_text(result, i, 7),
        .recorded_us = o2c_pg_get_timestamp(result, i, 8),
        .cause = o2c_pg_get_text(result, i, 9),
        .headers = o2c_pg_get_text(result, i, 10),
        .key = o2c_pg_get_text(result, i, 11),
        .value = o2c_pg_get_text(result, i, 12),
        .tick = o2c_pg_get_text(result, i, 13),
    };
}

static void stop_source(struct source *source, const struct o2c_err *err, int64_t outbox_no)
{
    source->stopped = true;
    o2c_log_error("a decision cannot be published: its outbox is stopped "
                  "(docs/operations.md, outbox stopped)",
                  O2C_S("consumer", source->of->consumer),
                  O2C_I("partition", source->partition), O2C_I("outbox_no", outbox_no),
                  O2C_S("error", err->text));
}

static void on_rows(void *user, const PGresult *result)
{
    struct source *source = user;
    struct outgoing row;
    struct o2c_err err;

    O2C_FAILPOINT("relay.after_read");
    if (!source->of->claimed || !source->of->relay->producing)
        return;
    if (source->in_flight.sent_no < source->asked_after)
        return; /* asked for before the producer was replaced: what comes first was lost */
    for (int i = 0; i < PQntuples(result); i++) {
        enum o2c_verdict verdict;

        take_row(source, result, i, &row);
        if (row.outbox_no != source->in_flight.sent_no + 1) {
            if (row.outbox_no <= source->in_flight.sent_no)
                continue; /* the cursor moved since this was asked for */
            o2c_fail(&err, O2C_FATAL, "outbox number %lld is missing",
                     (long long)source->in_flight.sent_no + 1);
            stop_source(source, &err, row.outbox_no);
            return;
        }
        if (source->of->relay->bytes_in_flight >=
            source->of->relay->settings->in_flight_bytes)
            return; /* read again when there is room */
        O2C_FAILPOINT("relay.before_produce");
        verdict = publisher_send(source, &row, &err);
        if (verdict == O2C_RETRY) {
            source->read_limit = 1;
            return;
        }
        if (verdict) {
            stop_source(source, &err, row.outbox_no);
            return;
        }
        in_flight_sent(&source->in_flight, row.outbox_no);
    }
}

static void on_read(void *user, enum o2c_verdict verdict, bool lost,
                    const struct o2c_err *err)
{
    struct source *source = user;
    struct relay *relay = source->of->relay;

    source->reading = false;
    relay->records_reading -= source->reading_rows;
    if (!source->waits_for)
        source->read_limit = source->read_limit < READ_AT_ONCE ? source->read_limit * 2 : 0;
    if (lost)
        return;
    relay_take_answer(relay, ASK_READ, verdict, err);
    reader_fill(relay);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * Room is kept for what is asked for: all sources are read at once.  A source
 * that is hardly behind asks for a few more than are known to be there.
 */
static int64_t may_read(const struct relay *relay, const struct source *source)
{
    int64_t behind = source->given - source->in_flight.sent_no;
    int64_t rows = least(behind > READ_AT_LEAST ? behind : READ_AT_LEAST, READ_AT_ONCE);

    if (relay->bytes_in_flight >= relay->settings->in_flight_bytes)
        return 0;
    if (source->read_limit)
        rows = least(rows, source->read_limit);
    rows = least(rows, in_flight_room(&source->in_flight));
    return least(rows, relay->settings->in_flight_records - relay->records_in_flight -
                           relay->records_reading);
}

static void read_source(struct relay *relay, struct source *source)
{
    int64_t limit = may_read(relay, source);

    if (limit <= 0)
        return;
    source->reading = true;
    source->reading_rows = limit;
    relay->records_reading += limit;
    source->asked_after = source->in_flight.sent_no;
    o2c_pg_params_reset(&relay->params);
    o2c_pg_add_int4(&relay->params, source->partition);
    o2c_pg_add_int8(&relay->params, source->in_flight.sent_no);
    o2c_pg_add_int8(&relay->params, limit);
    o2c_pg_send(relay->pg, source->of->read_name, &relay->params, on_rows, source);
    o2c_pg_sync(relay->pg, on_read, source);
}

/* A record that had no place where it belongs may have one by now. */
static bool has_place(struct source *source, int64_t now_us)
{
    if (source->waits_for && lane_takes(source->waits_for, now_us))
        source->waits_for = NULL;
    return !source->waits_for;
}

void reader_fill(struct relay *relay)
{
    int64_t now_us = o2c_clock_monotonic_us();

    if (!relay->up || relay->stopping || !relay->producing || relay->asked[ASK_READ].rests)
        return;
    for (size_t i = 0; i < relay->of_count; i++)
        for (int32_t p = 0; relay->of[i].claimed && p < PARTITIONS_MAX; p++) {
            struct source *source = &relay->of[i].source[p];

            if (source->known && !source->stopped && !source->reading &&
                source->given > source->in_flight.sent_no && has_place(source, now_us))
                read_source(relay, source);
        }
}
