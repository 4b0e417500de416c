/*
 * describe.h - what a long-running program answers about itself instead of
 * running: --help for people, --help-markdown, --metrics-markdown and --events
 * for tests/docs/reference, which makes docs/configuration.md, docs/metrics.md
 * and docs/events.md of them.
 */
#ifndef O2C_SERVICE_DESCRIBE_H
#define O2C_SERVICE_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

struct o2c_metric;
struct o2c_settings_table;

struct o2c_service_about {
    const char *program;                       /* "o2c-orders" */
    const struct o2c_settings_table *settings; /* one or more tables */
    size_t settings_count;
    const struct o2c_metric *metrics;
    size_t metric_count;
    const char *const
        *events; /* names of the types it reads, to a NULL; NULL: it reads none */
};

/* True when the first argument was one of the four; the answer has been printed. */
bool o2c_service_describe(const struct o2c_service_about *about, int argc, char **argv);

#endif
