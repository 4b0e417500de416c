/* The metrics of a consumer; docs/metrics.md lists them from this table. */
#include "consumers/host/engine.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/base/metrics.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    METRIC_EVENTS,
    METRIC_EVENT_AGE,
    METRIC_TRANSACTION,
    METRIC_IN_DOUBT,
    METRIC_FENCED,
    METRIC_REBALANCES,
    METRIC_PARKED_KEYS,
    METRIC_CLAIMED,
    METRIC_STOPPED,
    METRIC_PROGRESS,
    METRIC_NEXT_OFFSET,
    METRIC_LAG_RECORDS,
    METRIC_LAG_SECONDS,
    METRIC_OLDEST,
    METRIC_STATUS,
    METRIC_DRIFT,
    METRIC_DLQ,
    METRIC_OUTBOX,
    METRIC_DUE,
    METRIC_HELD,
    METRIC_DAY
};

static const struct o2c_metric table[] = {
    {"o2c_events_processed_total", O2C_METRIC_COUNTER, "topic,type,result",
     "Records whose outcome is stored: applied, repeats, skipped, parked, unparked, "
     "set_aside, markers (offsets without a record); type \"none\" where it was not read "
     "or there is none (notices of parking).",
     0},
    {"o2c_event_age_at_commit_seconds", O2C_METRIC_HISTOGRAM, NULL,
     "Age of the oldest record of a batch when the batch was committed.", 0},
    {"o2c_pg_txn_duration_seconds", O2C_METRIC_HISTOGRAM, NULL,
     "From sending a batch to PostgreSQL's answer to its Sync.", 0},
    {"o2c_pg_in_doubt_total", O2C_METRIC_COUNTER, "resolution",
     "Batches whose commit was unknown after a lost connection.", 0},
    {"o2c_fenced_commits_total", O2C_METRIC_COUNTER, NULL,
     "Batches and claims refused because another process has claimed since.", 0},
    {"o2c_rebalances_total", O2C_METRIC_COUNTER, "kind", "Group rebalances.", 0},
    {"o2c_parked_keys", O2C_METRIC_GAUGE, NULL, "Accounts with a parked record.", 0},
    {"o2c_claimed_partitions", O2C_METRIC_GAUGE, NULL,
     "Partitions this process decides for.", 0},
    {"o2c_stopped_partitions", O2C_METRIC_GAUGE, NULL,
     "Partitions stopped by an alarm (a gap in a stream).", 0},
    {"o2c_consumer_last_progress_timestamp_seconds", O2C_METRIC_GAUGE, NULL,
     "When a batch was last stored, or there was last nothing to do.", 1000000},
    {"o2c_consumer_next_offset", O2C_METRIC_GAUGE, "group,topic,partition",
     "The next offset to be applied, as stored in PostgreSQL.", 0},
    {"o2c_consumer_lag_records", O2C_METRIC_GAUGE, "group,topic,partition",
     "Offsets from the next to be applied to the end of the partition.", 0},
    {"o2c_consumer_lag_seconds", O2C_METRIC_GAUGE, "group,topic,partition",
     "Age of the oldest record not applied yet, from its append time; 0: nothing waits.",
     1000000},
    {"o2c_consumer_oldest_unprocessed_timestamp_seconds", O2C_METRIC_GAUGE,
     "group,topic,partition", "Its append time; 0: nothing waits.", 1000000},
    {"o2c_consumer_status", O2C_METRIC_GAUGE, "group,topic,partition",
     "Burrow's codes: 1 OK, 2 WARN, 5 STALL; STOP (4) only o2c lag can tell.", 0},
    {"o2c_consumer_offset_mirror_drift_records", O2C_METRIC_GAUGE, "group,topic,partition",
     "How far Kafka's own offset of the group is behind the stored position.", 0},
    {"o2c_dlq_records_total", O2C_METRIC_COUNTER, "reason",
     "Records that were not applied: unreadable, refused (by a rule or by PostgreSQL), or "
     "set aside for no-key, wrong-partition, key-mismatch; not those queued behind one.",
     0},
    {"o2c_outbox_records_total", O2C_METRIC_COUNTER, NULL,
     "Records this consumer has put into its outbox.", 0},
    {"o2c_due_items_total", O2C_METRIC_COUNTER, "result",
     "Items that ticks have reached: ran, waiting (their account has parked records), "
     "refused (tried again at the next tick).",
     0},
    {"o2c_held_partitions", O2C_METRIC_GAUGE, NULL,
     "Partitions of topics with records that wait for a business day.", 0},
    {"o2c_business_day_timestamp_seconds", O2C_METRIC_GAUGE, NULL,
     "Midnight, in UTC, of the business day that all partitions have begun; absent for "
     "who takes no ticks.",
     1000000},
};

static const char *const total_names[TOTAL_COUNT] = {
    "applied", "repeats", "skipped", "parked", "unparked", "set_aside", "markers",
};

const struct o2c_metric *host_metrics_table(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

void host_metrics_close(struct engine *engine)
{
    free(engine->counted.at);
    o2c_metrics_free(engine->metrics);
}

static struct o2c_series *series(struct engine *engine, size_t index, const char *label)
{
    return o2c_metrics_series(engine->metrics, index, label ? &label : NULL);
}

void host_metrics_stored(struct engine *engine, const struct unit *unit)
{
    o2c_series_add(series(engine, METRIC_OUTBOX, NULL),
                   unit->pending.outbox_no - unit->stored.outbox_no);
}

static void count_record(struct engine *engine, const struct record *record)
{
    bool typed = record->route || record->kind == RECORD_TICK ||
                 (record->kind == RECORD_SKIPPED && record->event.type != O2C_EVENT_NONE);
    int type = typed ? (int)record->event.type : O2C_EVENT_TYPE_COUNT;
    struct o2c_series **at =
        &engine->counted
             .at[(record->topic * (O2C_EVENT_TYPE_COUNT + 1) + type) * TOTAL_COUNT +
                 record->outcome];

    if (!*at) {
        const char *labels[] = {engine->consumer->topics[record->topic],
                                typed ? o2c_event_type_row(record->event.type)->name
                                      : "none",
                                total_names[record->outcome]};

        *at = o2c_metrics_series(engine->metrics, METRIC_EVENTS, labels);
    }
    o2c_series_add(*at, record->outcome_count);
}

static const char *const dlq_reasons[] = {"refused", "unreadable", "no-key",
                                          "wrong-partition", "key-mismatch"};

enum {
    DLQ_REASONS = sizeof dlq_reasons / sizeof dlq_reasons[0]
};

static const char *const resolutions[] = {"not_committed", "committed"};
static const char *const rebalances[] = {"assign", "revoke"};
static const char *const due_results[] = {"ran", "waiting", "refused"};

/* A counter that is not there before it counts has no first step to be alerted on. */
static void begin_at_zero(struct engine *engine, size_t index, const char *const *labels,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)series(engine, index, labels[i]);
}

#define BEGIN_AT_ZERO(engine, index, labels)                                               \
    begin_at_zero(engine, index, labels, sizeof(labels) / sizeof(labels)[0])

void host_metrics_open(struct engine *engine)
{
    size_t count = (size_t)engine->topic_count * (O2C_EVENT_TYPE_COUNT + 1) * TOTAL_COUNT;

    engine->metrics = o2c_metrics_new(table, sizeof table / sizeof table[0]);
    engine->counted.at = calloc(count, sizeof *engine->counted.at);
    if (!engine->metrics || !engine->counted.at)
        abort();
    BEGIN_AT_ZERO(engine, METRIC_IN_DOUBT, resolutions);
    BEGIN_AT_ZERO(engine, METRIC_REBALANCES, rebalances);
    BEGIN_AT_ZERO(engine, METRIC_DLQ, dlq_reasons);
    if (engine->clock >= 0)
        BEGIN_AT_ZERO(engine, METRIC_DUE, due_results);
}

static size_t dlq_reason(const char *name)
{
    size_t i = 0;

    while (i + 1 < DLQ_REASONS && strcmp(dlq_reasons[i], name) != 0)
        i++;
    return i;
}

/* Thousands may be set aside at once: a series is looked for once a batch. */
static void count_dead_letters(struct engine *engine, const struct batch *batch)
{
    int64_t found[DLQ_REASONS] = {0};

    for (size_t i = 0; i < batch->aside.count; i++)
        found[dlq_reason(batch->aside.at[i].record->aside_reason)]++;
    for (size_t i = 0; i < batch->parked.count; i++)
        if (batch->parked.at[i].reason.at)
            found[record_was_read(batch->parked.at[i].record) ? 0 : 1]++;
    for (size_t i = 0; i < DLQ_REASONS; i++)
        if (found[i])
            o2c_series_add(series(engine, METRIC_DLQ, dlq_reasons[i]), found[i]);
}

static void count_due(struct engine *engine, const struct batch *batch)
{
    const int64_t counted[] = {batch->due_ran, batch->due_waiting,
                               (int64_t)batch->due_refused.count};

    for (size_t i = 0; engine->clock >= 0 && i < sizeof counted / sizeof counted[0]; i++)
        o2c_series_add(series(engine, METRIC_DUE, due_results[i]), counted[i]);
}

/* Of the oldest record of the part; a broker's clock may be ahead of ours. */
static void observe_age(struct engine *engine, const struct batch *batch)
{
    int64_t oldest_us = 0, age_us;

    for (size_t i = batch->stored; batch_was_read(batch) && i < batch->end; i++) {
        int64_t recorded_us = batch->fold.at[i]->recorded_us;

        if (recorded_us && (!oldest_us || recorded_us < oldest_us))
            oldest_us = recorded_us;
    }
    if (!oldest_us)
        return;
    age_us = o2c_clock_utc_us() - oldest_us;
    o2c_series_observe(series(engine, METRIC_EVENT_AGE, NULL), age_us > 0 ? age_us : 0);
}

/* Called while batch->stored still says where the part that was stored begins. */
void host_metrics_batch(struct engine *engine, const struct batch *batch)
{
    for (size_t i = batch->stored; i < batch->end; i++)
        if (batch->fold.at[i]->outcome >= 0)
            count_record(engine, batch->fold.at[i]);
    count_dead_letters(engine, batch);
    count_due(engine, batch);
    o2c_series_observe(series(engine, METRIC_TRANSACTION, NULL),
                       o2c_clock_monotonic_us() - batch->store_started_us);
    observe_age(engine, batch);
}

void host_metrics_in_doubt(struct engine *engine, bool committed)
{
    o2c_series_add(series(engine, METRIC_IN_DOUBT, resolutions[committed]), 1);
}

void host_metrics_fenced(struct engine *engine)
{
    o2c_series_add(series(engine, METRIC_FENCED, NULL), 1);
}

void host_metrics_rebalance(struct engine *engine, const char *kind)
{
    o2c_series_add(series(engine, METRIC_REBALANCES, kind), 1);
}

static void refresh_lag(struct engine *engine, const struct unit *unit)
{
    char partition[16];

    snprintf(partition, sizeof partition, "%d", unit->partition);
    for (int t = 0; t < engine->topic_count; t++) {
        const char *labels[] = {engine->group, engine->consumer->topics[t], partition};
        struct lag lag;

        lag_of(engine, unit, t, &lag);
        const int64_t shown[][2] = {{METRIC_NEXT_OFFSET, unit->stored.next[t]},
                                    {METRIC_LAG_RECORDS, lag.records},
                                    {METRIC_LAG_SECONDS, lag.waited_us},
                                    {METRIC_OLDEST, lag.oldest_us},
                                    {METRIC_STATUS, lag.status},
                                    {METRIC_DRIFT, lag.mirror_drift}};

        for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
            o2c_series_set(o2c_metrics_series(engine->metrics, (size_t)shown[i][0], labels),
                           shown[i][1]);
    }
}

/* What was claimed before and belongs to another process now is not shown. */
static void forget_lag(struct engine *engine)
{
    for (size_t metric = METRIC_NEXT_OFFSET; metric <= METRIC_DRIFT; metric++)
        o2c_metrics_forget(engine->metrics, metric);
}

static void refresh_days(struct engine *engine)
{
    int32_t day = INT32_MAX;

    o2c_metrics_forget(engine->metrics, METRIC_DAY);
    if (engine->clock < 0)
        return;
    for (int32_t p = 0; engine->unit && p < engine->partition_count; p++)
        if (engine->unit[p].claimed && ticks_done(&engine->unit[p]) < day)
            day = ticks_done(&engine->unit[p]);
    o2c_series_set(series(engine, METRIC_HELD, NULL), (int64_t)engine->holds);
    if (day != INT32_MAX && day != O2C_NO_BUSINESS_DATE)
        o2c_series_set(series(engine, METRIC_DAY, NULL), day * O2C_DAY_US);
}

/* Gauges, when somebody asks. */
void host_metrics_refresh(struct engine *engine)
{
    int64_t claimed = 0, stopped = 0, keys = 0;

    forget_lag(engine);
    for (int32_t p = 0; engine->unit && p < engine->partition_count; p++) {
        const struct unit *unit = &engine->unit[p];

        if (!unit->claimed)
            continue;
        claimed++;
        stopped += unit->stopped;
        for (struct parked_account *parked = unit->parked; parked; parked = parked->next)
            keys += parked->records > 0;
        refresh_lag(engine, unit);
    }
    refresh_days(engine);
    o2c_series_set(series(engine, METRIC_CLAIMED, NULL), claimed);
    o2c_series_set(series(engine, METRIC_STOPPED, NULL), stopped);
    o2c_series_set(series(engine, METRIC_PARKED_KEYS, NULL), keys);
    o2c_series_set(series(engine, METRIC_PROGRESS, NULL),
                   o2c_clock_utc_us() - (o2c_clock_monotonic_us() - engine->progress_us));
}
