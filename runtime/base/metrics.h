/*
 * metrics.h - counters, gauges and histograms of one process, declared in one
 * table with help text and written in Prometheus text form.
 *
 * A metric with labels has one series per label value set; series are made at
 * first use and live as long as the process, so label values must be few:
 * topics, partitions, reasons; never an order or account id.
 */
#ifndef O2C_BASE_METRICS_H
#define O2C_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct o2c_buf;

enum o2c_metric_kind {
    O2C_METRIC_COUNTER, /* name ends in _total */
    O2C_METRIC_GAUGE,
    O2C_METRIC_HISTOGRAM /* observed in microseconds, written in seconds */
};

struct o2c_metric {
    const char *name; /* "o2c_events_processed_total" */
    enum o2c_metric_kind kind;
    const char *labels; /* "topic,type,result" or NULL */
    const char *help;
    int64_t scale; /* a stored value is divided by this when written (1000000: us -> s); 0 =
                      1 */
};

struct o2c_metrics;
struct o2c_metrics *o2c_metrics_new(const struct o2c_metric *table, size_t count);
void o2c_metrics_free(struct o2c_metrics *metrics);

/*
 * The series of table[index] with these label values (as many as the metric
 * has labels; copied).  Keep the pointer in the hot path; it stays valid.
 */
struct o2c_series;
struct o2c_series *o2c_metrics_series(struct o2c_metrics *metrics, size_t index,
                                      const char *const *label_values);

/*
 * Drops every series of table[index], for gauges that are set anew before each
 * answer: what this process has no say in any more must not stay frozen.  No
 * pointer to a series of it may be kept.
 */
void o2c_metrics_forget(struct o2c_metrics *metrics, size_t index);

void o2c_series_add(struct o2c_series *series, int64_t amount);
void o2c_series_set(struct o2c_series *series, int64_t value);
void o2c_series_observe(struct o2c_series *series, int64_t value_us);
int64_t
o2c_series_value(const struct o2c_series *series); /* histogram: count of observations */

void o2c_metrics_write(const struct o2c_metrics *metrics, struct o2c_buf *out);

/* Prints the table for docs/metrics.md. */
void o2c_metrics_describe(struct o2c_buf *out, const struct o2c_metric *table,
                          size_t count);

#endif
