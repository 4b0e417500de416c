#include "runtime/base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    BUCKETS = 14,
    LABELS_MAX_BYTES = 1024
};

/* 5 ms to 10 s, the bounds OpenTelemetry recommends for durations. */
static const struct {
    int64_t bound_us;
    const char *bound;
} buckets[BUCKETS] = {{5000, "0.005"},  {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"},
                      {75000, "0.075"}, {100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"},
                      {750000, "0.75"}, {1000000, "1"},  {2500000, "2.5"}, {5000000, "5"},
                      {7500000, "7.5"}, {10000000, "10"}};

struct o2c_series {
    struct o2c_series *next;
    int64_t value; /* histogram: number of observations */
    int64_t sum_us;
    int64_t bucket[BUCKETS]; /* not yet cumulative */
    char labels[];           /* topic="o2c.orders",partition="3" */
};

struct family {
    struct o2c_series *first, **last;
};

struct o2c_metrics {
    const struct o2c_metric *table;
    size_t count;
    struct o2c_series *spare; /* handed out when there is no memory; never written */
    struct family family[];
};

static struct o2c_series *new_series(struct o2c_str labels)
{
    struct o2c_series *series = calloc(1, sizeof *series + labels.len + 1);
    if (series && labels.len)
        memcpy(series->labels, labels.at, labels.len);
    return series;
}

static struct o2c_series *add_series(struct o2c_metrics *metrics, size_t index,
                                     struct o2c_str labels)
{
    struct o2c_series *series = new_series(labels);
    if (!series)
        return metrics->spare;
    *metrics->family[index].last = series;
    metrics->family[index].last = &series->next;
    return series;
}

struct o2c_metrics *o2c_metrics_new(const struct o2c_metric *table, size_t count)
{
    struct o2c_metrics *metrics =
        calloc(1, sizeof *metrics + count * sizeof metrics->family[0]);
    if (!metrics)
        return NULL;
    metrics->table = table;
    metrics->count = count;
    metrics->spare = new_series(O2C_STR(""));
    if (!metrics->spare) {
        free(metrics);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        metrics->family[i].last = &metrics->family[i].first;
        if (!table[i].labels)
            add_series(metrics, i, O2C_STR(""));
    }
    return metrics;
}

void o2c_metrics_forget(struct o2c_metrics *metrics, size_t index)
{
    struct family *family = &metrics->family[index];

    for (struct o2c_series *series = family->first; series;) {
        struct o2c_series *next = series->next;
        free(series);
        series = next;
    }
    family->first = NULL;
    family->last = &family->first;
}

void o2c_metrics_free(struct o2c_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        o2c_metrics_forget(metrics, i);
    free(metrics->spare);
    free(metrics);
}

static void add_escaped(struct o2c_buf *out, const char *text, bool quotes)
{
    for (; *text; text++)
        if (*text == '\n')
            o2c_buf_add_text(out, "\\n");
        else if (*text == '\\' || (quotes && *text == '"'))
            o2c_buf_printf(out, "\\%c", *text);
        else
            o2c_buf_add_u8(out, (uint8_t)*text);
}

/* `names` is the comma separated list of the table. */
static void add_labels(struct o2c_buf *out, const char *names, const char *const *values)
{
    for (size_t i = 0; *names; i++) {
        size_t len = strcspn(names, ",");
        o2c_buf_printf(out, "%s%.*s=\"", i ? "," : "", (int)len, names);
        add_escaped(out, values[i], true);
        o2c_buf_add_u8(out, '"');
        names += len + (names[len] == ',');
    }
}

struct o2c_series *o2c_metrics_series(struct o2c_metrics *metrics, size_t index,
                                      const char *const *label_values)
{
    assert(index < metrics->count);
    struct o2c_buf labels;
    o2c_buf_init(&labels, LABELS_MAX_BYTES);
    if (metrics->table[index].labels)
        add_labels(&labels, metrics->table[index].labels, label_values);
    const char *text = o2c_buf_text(&labels);
    struct o2c_series *series = metrics->family[index].first;
    while (series && strcmp(series->labels, text) != 0)
        series = series->next;
    if (!series)
        series =
            labels.failed ? metrics->spare : add_series(metrics, index, o2c_str_from(text));
    o2c_buf_clear(&labels);
    return series;
}

void o2c_series_add(struct o2c_series *series, int64_t amount)
{
    series->value += amount;
}

void o2c_series_set(struct o2c_series *series, int64_t value)
{
    series->value = value;
}

void o2c_series_observe(struct o2c_series *series, int64_t value_us)
{
    series->value++;
    series->sum_us += value_us;
    for (size_t i = 0; i < BUCKETS; i++)
        if (value_us <= buckets[i].bound_us) {
            series->bucket[i]++;
            break;
        }
}

int64_t o2c_series_value(const struct o2c_series *series)
{
    return series->value;
}

/* An exact decimal: scale is a power of ten. */
static void add_number(struct o2c_buf *out, int64_t value, int64_t scale)
{
    int digits = 0;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t unit = scale > 1 ? (uint64_t)scale : 1;
    for (uint64_t power = unit; power > 1; power /= 10)
        digits++;
    o2c_buf_printf(out, "%s%" PRIu64, value < 0 ? "-" : "", size / unit);
    if (digits)
        o2c_buf_printf(out, ".%0*" PRIu64, digits, size % unit);
    o2c_buf_add_u8(out, '\n');
}

static void add_name(struct o2c_buf *out, const char *name, const char *suffix,
                     const char *labels, const char *bound)
{
    o2c_buf_printf(out, "%s%s", name, suffix);
    if (*labels || bound)
        o2c_buf_printf(out, "{%s%s", labels, *labels && bound ? "," : "");
    if (bound)
        o2c_buf_printf(out, "le=\"%s\"", bound);
    o2c_buf_add_text(out, *labels || bound ? "} " : " ");
}

static void add_histogram(struct o2c_buf *out, const char *name,
                          const struct o2c_series *series)
{
    int64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += series->bucket[i];
        add_name(out, name, "_bucket", series->labels, buckets[i].bound);
        add_number(out, below, 1);
    }
    add_name(out, name, "_bucket", series->labels, "+Inf");
    add_number(out, series->value, 1);
    add_name(out, name, "_sum", series->labels, NULL);
    add_number(out, series->sum_us, 1000000);
    add_name(out, name, "_count", series->labels, NULL);
    add_number(out, series->value, 1);
}

static const char *const kinds[] = {"counter", "gauge", "histogram"};

void o2c_metrics_describe(struct o2c_buf *out, const struct o2c_metric *table, size_t count)
{
    o2c_buf_add_text(out, "| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        o2c_buf_printf(out, "| `%s` | %s | %s | %s |\n", table[i].name,
                       kinds[table[i].kind], table[i].labels ? table[i].labels : "",
                       table[i].help);
}

void o2c_metrics_write(const struct o2c_metrics *metrics, struct o2c_buf *out)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct o2c_metric *metric = &metrics->table[i];
        o2c_buf_printf(out, "# HELP %s ", metric->name);
        add_escaped(out, metric->help, false);
        o2c_buf_printf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
        for (const struct o2c_series *series = metrics->family[i].first; series;
             series = series->next)
            if (metric->kind == O2C_METRIC_HISTOGRAM) {
                add_histogram(out, metric->name, series);
            } else {
                add_name(out, metric->name, "", series->labels, NULL);
                add_number(out, series->value, metric->scale);
            }
    }
}
