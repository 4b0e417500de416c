/* The metrics of a consumer; docs/metrics.md lists them from this table. */
#include "consumers/host/engine.h"

#include <stdlib.h>

#include "runtime/base/clock.h"
#include "runtime/base/metrics.h"

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
    METRIC_OUTBOX
};

static const struct o2c_metric table[] = {
    {"o2c_events_processed_total", O2C_METRIC_COUNTER, "result",
     "Records whose outcome is stored: applied, repeats, skipped, parked, unparked, "
     "set_aside, "
     "markers.",
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
    {"o2c_consumer_next_offset", O2C_METRIC_GAUGE, "topic,partition",
     "The next offset to be applied, as stored in PostgreSQL.", 0},
    {"o2c_outbox_records_total", O2C_METRIC_COUNTER, NULL,
     "Records this consumer has put into its outbox.", 0},
};

static const char *const total_names[TOTAL_COUNT] = {
    "applied", "repeats", "skipped", "parked", "unparked", "set_aside", "markers",
};

const struct o2c_metric *host_metrics_table(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

void host_metrics_open(struct engine *engine)
{
    engine->metrics = o2c_metrics_new(table, sizeof table / sizeof table[0]);
    if (!engine->metrics)
        abort();
    for (int i = 0; i < TOTAL_COUNT; i++)
        engine->counted[i] =
            o2c_metrics_series(engine->metrics, METRIC_EVENTS, &total_names[i]);
}

static struct o2c_series *series(struct engine *engine, size_t index, const char *label)
{
    return o2c_metrics_series(engine->metrics, index, label ? &label : NULL);
}

void host_metrics_stored(struct engine *engine, const struct unit *unit)
{
    for (int i = 0; i < TOTAL_COUNT; i++)
        o2c_series_add(engine->counted[i], unit->pending.total[i] - unit->stored.total[i]);
    o2c_series_add(series(engine, METRIC_OUTBOX, NULL),
                   unit->pending.outbox_no - unit->stored.outbox_no);
}

void host_metrics_batch(struct engine *engine, const struct batch *batch)
{
    o2c_series_observe(series(engine, METRIC_TRANSACTION, NULL),
                       o2c_clock_monotonic_us() - batch->store_started_us);
    if (batch->oldest_us)
        o2c_series_observe(series(engine, METRIC_EVENT_AGE, NULL),
                           o2c_clock_utc_us() - batch->oldest_us);
}

void host_metrics_in_doubt(struct engine *engine, bool committed)
{
    o2c_series_add(
        series(engine, METRIC_IN_DOUBT, committed ? "committed" : "not_committed"), 1);
}

void host_metrics_fenced(struct engine *engine)
{
    o2c_series_add(series(engine, METRIC_FENCED, NULL), 1);
}

void host_metrics_rebalance(struct engine *engine, const char *kind)
{
    o2c_series_add(series(engine, METRIC_REBALANCES, kind), 1);
}

static void refresh_offsets(struct engine *engine, const struct unit *unit)
{
    char partition[16];

    snprintf(partition, sizeof partition, "%d", unit->partition);
    for (int t = 0; t < engine->topic_count; t++) {
        const char *labels[] = {engine->consumer->topics[t], partition};

        o2c_series_set(o2c_metrics_series(engine->metrics, METRIC_NEXT_OFFSET, labels),
                       unit->stored.next[t]);
    }
}

/* Gauges, when somebody asks. */
void host_metrics_refresh(struct engine *engine)
{
    int64_t claimed = 0, stopped = 0, keys = 0;

    for (int32_t p = 0; p < engine->partition_count; p++) {
        const struct unit *unit = &engine->unit[p];

        if (!unit->claimed)
            continue;
        claimed++;
        stopped += unit->stopped;
        for (struct parked_account *parked = unit->parked; parked; parked = parked->next)
            keys += parked->records > 0;
        refresh_offsets(engine, unit);
    }
    o2c_series_set(series(engine, METRIC_CLAIMED, NULL), claimed);
    o2c_series_set(series(engine, METRIC_STOPPED, NULL), stopped);
    o2c_series_set(series(engine, METRIC_PARKED_KEYS, NULL), keys);
    o2c_series_set(series(engine, METRIC_PROGRESS, NULL),
                   o2c_clock_utc_us() - (o2c_clock_monotonic_us() - engine->progress_us));
}
