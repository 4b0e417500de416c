/*
 * o2c lag: how far each consumer is behind, as a table, as JSON lines, once or
 * again and again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "producers/cli/commands.h"
#include "producers/cli/lag_report.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "producers/cli/screen.h"
#include "producers/cli/stack.h"
#include "producers/cli/text_table.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

struct lag_settings {
    struct stack_settings stack;
    bool json, total, watch;
    int64_t warn_s, stall_s;
};

static const struct o2c_setting settings_rows[] = {
    {"json", O2C_SETTING_FLAG, offsetof(struct lag_settings, json), "false", 0, 0, NULL,
     "one JSON object per partition and line, then one per consumer", false},
    {"total", O2C_SETTING_FLAG, offsetof(struct lag_settings, total), "false", 0, 0, NULL,
     "one row per consumer", false},
    {"watch", O2C_SETTING_FLAG, offsetof(struct lag_settings, watch), "false", 0, 0, NULL,
     "show it again every 2 s, until Ctrl-C", false},
    {"warn-s", O2C_SETTING_INT, offsetof(struct lag_settings, warn_s), "60", 1, 86400, "s",
     "WARN when the oldest unprocessed record has waited so long", false},
    {"stall-s", O2C_SETTING_INT, offsetof(struct lag_settings, stall_s), "15", 1, 86400,
     "s", "STALL when records wait and nothing was stored for so long", false},
    STACK_SETTINGS(struct lag_settings, stack),
};

static const struct o2c_settings_table settings_table = {
    settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

static const char *status_name(enum o2c_lag_status status)
{
    switch (status) {
    case O2C_LAG_OK:
        return "OK";
    case O2C_LAG_WARN:
        return "WARN";
    case O2C_LAG_STOP:
        return "STOP";
    case O2C_LAG_STALL:
        return "STALL";
    }
    return "?";
}

static bool stands_still(enum o2c_lag_status status)
{
    return status == O2C_LAG_STOP || status == O2C_LAG_STALL;
}

static enum o2c_lag_status judge(const struct lag *lag, const struct lag_settings *settings)
{
    struct o2c_lag_limits limits = {settings->warn_s * 1000000,
                                    settings->stall_s * 1000000};

    return o2c_lag_judge(&lag->state, &limits);
}

/* ---- JSON lines */

/* The name of a process is whatever its operator chose. */
static void add_json_text(struct o2c_buf *out, const char *text)
{
    if (!text) {
        o2c_buf_add_text(out, "null");
        return;
    }
    o2c_buf_add_u8(out, '"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            o2c_buf_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            o2c_buf_printf(out, "\\u%04x", (unsigned char)*text);
        else
            o2c_buf_add_u8(out, (uint8_t)*text);
    o2c_buf_add_u8(out, '"');
}

static void add_json(struct o2c_buf *out, const struct lag *lag,
                     const struct lag_settings *settings)
{
    int64_t drain_s = lag_seconds_to_drain(lag, judge(lag, settings));

    o2c_buf_printf(out,
                   "{\"consumer\":\"%s\",\"topic\":\"%s\",\"partition\":%" PRId32
                   ",\"next_offset\":%" PRId64 ",\"end_offset\":%" PRId64
                   ",\"records_behind\":%" PRId64 ",\"seconds_behind\":%" PRId64
                   ".%06" PRId64 ",\"parked\":%" PRId64 ",\"owner\":",
                   lag->consumer, lag->topic, lag->partition, lag->next, lag->end,
                   lag->state.behind, lag->state.waited_us / 1000000,
                   lag->state.waited_us % 1000000, lag->parked);
    add_json_text(out, lag->owner);
    o2c_buf_printf(out,
                   ",\"owned\":%s,\"in_per_second\":%" PRId64 ",\"out_per_second\":%" PRId64
                   ",\"seconds_to_drain\":",
                   lag->state.owned ? "true" : "false", lag->arriving, lag->taken);
    if (drain_s < 0)
        o2c_buf_add_text(out, "null");
    else
        o2c_buf_printf(out, "%" PRId64, drain_s);
    o2c_buf_printf(out, ",\"status\":\"%s\"}\n", status_name(judge(lag, settings)));
}

static void add_all_json(struct o2c_buf *out, const struct lag_report *report,
                         const struct lag_settings *settings)
{
    for (size_t i = 0; i < report->lag_count; i++)
        add_json(out, &report->lag[i], settings);
    for (size_t i = 0; i < report->consumer_count; i++) {
        const struct lag_consumer *consumer = &report->consumer[i];

        o2c_buf_printf(
            out,
            "{\"consumer\":\"%s\",\"set_aside\":%" PRId64 ",\"outbox_unsent\":%" PRId64
            ",\"outbox_per_second\":%" PRId64 "}\n",
            consumer->name, consumer->set_aside, consumer->unsent, consumer->decided);
    }
}

/* ---- the table */

static void add_seconds(struct text_table *table, int64_t waited_us)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64 ".%" PRId64, waited_us / 1000000,
             waited_us / 100000 % 10);
    text_table_add(table, text);
}

static void add_row(struct text_table *table, const struct lag *lag,
                    const struct lag_settings *settings)
{
    int64_t drain_s = lag_seconds_to_drain(lag, judge(lag, settings));
    char drain[32];

    snprintf(drain, sizeof drain, "%" PRId64 " s", drain_s);
    text_table_add(table, lag->consumer);
    text_table_add(table, lag->topic);
    text_table_add_number(table, lag->partition);
    text_table_add_number(table, lag->state.behind);
    add_seconds(table, lag->state.waited_us);
    text_table_add_number(table, lag->parked);
    text_table_add(table, lag->owner ? lag->owner : "-");
    text_table_add_number(table, lag->arriving);
    text_table_add_number(table, lag->taken);
    text_table_add(table, lag->state.behind <= 0 ? "-" : drain_s < 0 ? "?" : drain);
    text_table_add(table, status_name(judge(lag, settings)));
}

static bool is_quiet(const struct lag *lag)
{
    return lag->state.behind <= 0 && !lag->parked;
}

static void begin_table(struct text_table *table, const struct text_column *columns,
                        size_t count)
{
    text_table_init(table, REPORT_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        text_table_column(table, columns[i].heading, columns[i].is_right);
}

static void end_table(struct text_table *table, struct o2c_buf *out)
{
    text_table_write(table, out);
    text_table_clear(table);
}

/* What belongs to a consumer as a whole. */
static void add_consumers(struct o2c_buf *out, const struct lag_report *report)
{
    static const struct text_column columns[] = {
        {"consumer", false}, {"set aside", true}, {"unsent", true}, {"decided/s", true}};
    struct text_table table;

    begin_table(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < report->consumer_count; i++) {
        text_table_add(&table, report->consumer[i].name);
        text_table_add_number(&table, report->consumer[i].set_aside);
        text_table_add_number(&table, report->consumer[i].unsent);
        text_table_add_number(&table, report->consumer[i].decided);
    }
    end_table(&table, out);
}

static void add_table(struct o2c_buf *out, const struct lag_report *report,
                      const struct lag_settings *settings, bool leave_out_quiet)
{
    static const struct text_column columns[] = {
        {"consumer", false}, {"topic", false}, {"part", true},   {"behind", true},
        {"seconds", true},   {"parked", true}, {"owner", false}, {"in/s", true},
        {"out/s", true},     {"drain", true},  {"status", false}};
    struct text_table table;
    size_t left_out = 0;

    begin_table(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < report->lag_count; i++)
        if (leave_out_quiet && is_quiet(&report->lag[i]))
            left_out++;
        else
            add_row(&table, &report->lag[i], settings);
    end_table(&table, out);
    if (left_out)
        o2c_buf_printf(out, "and %zu partitions where nothing waits\n", left_out);
    o2c_buf_add_u8(out, '\n');
    add_consumers(out, report);
}

/* One consumer's partitions together: sums, and the worst of age and status. */
struct total {
    int64_t partitions, behind, waited_us, parked;
    enum o2c_lag_status status;
};

static struct total total_of(const struct lag_report *report, const char *consumer,
                             const struct lag_settings *settings)
{
    struct total total = {.status = O2C_LAG_OK};

    for (size_t i = 0; i < report->lag_count; i++) {
        const struct lag *lag = &report->lag[i];
        enum o2c_lag_status status = judge(lag, settings);

        if (strcmp(lag->consumer, consumer) != 0)
            continue;
        total.partitions++;
        total.behind += lag->state.behind;
        total.parked += lag->parked;
        if (lag->state.waited_us > total.waited_us)
            total.waited_us = lag->state.waited_us;
        if (status == O2C_LAG_STOP ||
            (status > total.status && total.status != O2C_LAG_STOP))
            total.status = status; /* nobody there is worse than somebody stuck */
    }
    return total;
}

static void add_totals(struct o2c_buf *out, const struct lag_report *report,
                       const struct lag_settings *settings)
{
    static const struct text_column columns[] = {
        {"consumer", false}, {"partitions", true}, {"behind", true}, {"seconds", true},
        {"parked", true},    {"set aside", true},  {"unsent", true}, {"status", false}};
    struct text_table table;

    begin_table(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < report->consumer_count; i++) {
        const struct lag_consumer *consumer = &report->consumer[i];
        struct total total = total_of(report, consumer->name, settings);

        text_table_add(&table, consumer->name);
        text_table_add_number(&table, total.partitions);
        text_table_add_number(&table, total.behind);
        add_seconds(&table, total.waited_us);
        text_table_add_number(&table, total.parked);
        text_table_add_number(&table, consumer->set_aside);
        text_table_add_number(&table, consumer->unsent);
        text_table_add(&table, status_name(total.status));
    }
    end_table(&table, out);
}

/* What a script may act on: 1 when a partition stands still. */
static int verdict(const struct lag_report *report, const struct lag_settings *settings)
{
    for (size_t i = 0; i < report->lag_count; i++)
        if (stands_still(judge(&report->lag[i], settings)))
            return EXIT_FINDINGS;
    return EXIT_OK;
}

/* ---- once, and again and again */

static void add_report(struct o2c_buf *out, const struct lag_report *report,
                       const struct lag_settings *settings, bool leave_out_quiet)
{
    if (settings->json)
        add_all_json(out, report, settings);
    else if (settings->total)
        add_totals(out, report, settings);
    else
        add_table(out, report, settings, leave_out_quiet);
}

static int show_once(struct stack *stack, const struct lag_settings *settings)
{
    struct lag_report report = {0};
    struct o2c_buf out;
    int status = lag_report_read(stack, &report);

    o2c_buf_init(&out, REPORT_MAX_BYTES);
    if (!status) {
        add_report(&out, &report, settings, false);
        status = report_print(stack, &out);
    }
    if (!status)
        status = verdict(&report, settings);
    o2c_buf_clear(&out);
    lag_report_clear(&report);
    return status;
}

struct watched {
    struct stack *stack;
    const struct lag_settings *settings;
};

/* What is shown again and again: rows in which nothing waits only while all fit. */
static int show_again(void *user, struct o2c_buf *text, size_t lines)
{
    const struct watched *watched = user;
    struct lag_report report = {0};
    int status = lag_report_read(watched->stack, &report);

    if (!status) {
        bool fits = report.lag_count + report.consumer_count + 4 < lines;

        add_report(text, &report, watched->settings, !fits);
    }
    lag_report_clear(&report);
    return status;
}

static int watch(struct stack *stack, const struct lag_settings *settings)
{
    struct watched watched = {stack, settings};
    struct screen screen = {stack, settings->json, show_again, &watched};

    return screen_watch(&screen);
}

int lag_run(int argc, char **argv)
{
    struct lag_settings settings = {0};
    struct options options = {
        .usage = "o2c lag [options]",
        .about =
            "Per consumer, topic and partition: records behind, seconds since the oldest\n"
            "unprocessed record was written, parked records, owner, records per second that arrive\n"
            "and that are taken (of the last minute), time to drain (? not in sight), and a status:\n"
            "OK, WARN (the oldest record waits long), STALL (nothing was stored although records\n"
            "wait), STOP (records wait and nobody owns the partition).\n",
        .exits = {.done = "nothing stands still; --watch: ended by Ctrl-C",
                  .findings = "something is STALL or STOP",
                  .servers = "Kafka or PostgreSQL"},
        .table = &settings_table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = stack_open_pg(&stack);
        if (!status)
            status = stack_open_kafka(&stack);
        if (!status)
            status =
                settings.watch ? watch(&stack, &settings) : show_once(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
