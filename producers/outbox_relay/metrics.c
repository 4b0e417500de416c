#include <stdlib.h>

#include "producers/outbox_relay/relay.h"
#include "runtime/base/clock.h"
#include "runtime/base/metrics.h"

#include "runtime/base/banned.h"

enum {
    METRIC_PUBLISHED,
    METRIC_UNSENT,
    METRIC_AGE,
    METRIC_IN_FLIGHT,
    METRIC_STOPPED
};

static const struct o2c_metric table[] = {
    {"o2c_relay_published_total", O2C_METRIC_COUNTER, "topic",
     "Records given to Kafka, those sent again included.", 0},
    {"o2c_outbox_unsent_records", O2C_METRIC_GAUGE, "consumer",
     "Records of the outbox that Kafka has not acknowledged.", 0},
    {"o2c_outbox_oldest_unsent_age_seconds", O2C_METRIC_GAUGE, "consumer",
     "Since when an outbox has waited for an acknowledgement; 0: nothing waits.", 1000000},
    {"o2c_relay_in_flight_records", O2C_METRIC_GAUGE, NULL,
     "Records with Kafka, not acknowledged yet.", 0},
    {"o2c_relay_stopped_outboxes", O2C_METRIC_GAUGE, NULL,
     "Outboxes stopped by a record that cannot be published.", 0},
};

const struct o2c_metric *relay_metrics_table(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

void relay_metrics_open(struct relay *relay)
{
    relay->metrics = o2c_metrics_new(table, sizeof table / sizeof table[0]);
    if (!relay->metrics)
        abort();
}

struct o2c_series *relay_metrics_published(struct relay *relay, const char *topic)
{
    return o2c_metrics_series(relay->metrics, METRIC_PUBLISHED, &topic);
}

static int64_t refresh(struct relay *relay, struct publisher_of *of)
{
    const char *label = of->consumer;
    int64_t unsent = 0, stopped = 0, oldest = 0, now = o2c_clock_monotonic_us();

    for (int32_t p = 0; of->claimed && p < PARTITIONS_MAX; p++) {
        const struct source *source = &of->source[p];

        stopped += source->stopped;
        if (!source->known || source->given <= source->in_flight.acked_no)
            continue;
        unsent += source->given - source->in_flight.acked_no;
        if (source->unsent_since_us && now - source->unsent_since_us > oldest)
            oldest = now - source->unsent_since_us;
    }
    o2c_series_set(o2c_metrics_series(relay->metrics, METRIC_UNSENT, &label), unsent);
    o2c_series_set(o2c_metrics_series(relay->metrics, METRIC_AGE, &label), oldest);
    return stopped;
}

void relay_metrics_refresh(struct relay *relay)
{
    int64_t stopped = 0;

    for (size_t i = 0; i < relay->of_count; i++)
        stopped += refresh(relay, &relay->of[i]);
    o2c_series_set(o2c_metrics_series(relay->metrics, METRIC_IN_FLIGHT, NULL),
                   relay->records_in_flight);
    o2c_series_set(o2c_metrics_series(relay->metrics, METRIC_STOPPED, NULL), stopped);
}
