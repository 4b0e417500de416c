/* o2c clock: begins business days, one after another, each once the one before is done. */
#include <inttypes.h>
#include <stdio.h>

#include "producers/cli/commands.h"
#include "producers/cli/interrupt.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "producers/cli/stack.h"
#include "producers/cli/wait.h"
#include "producers/clock/days.h"
#include "producers/clock/holidays.h"
#include "producers/publish/publisher.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MAX_REASON_BYTES = 4096
};

struct clock_settings {
    struct stack_settings stack;
    const char *from, *to;
    const char *calendar, *holidays;
    bool late;
    int64_t drain_timeout_s;
};

static const struct o2c_setting settings_rows[] = {
    {"from", O2C_SETTING_TEXT, offsetof(struct clock_settings, from), "", 0, 0, NULL,
     "first day, YYYY-MM-DD; empty: the one after the last that has begun", false},
    {"to", O2C_SETTING_TEXT, offsetof(struct clock_settings, to), "", 0, 0, NULL,
     "last day; empty: the first alone", false},
    {"calendar", O2C_SETTING_TEXT, offsetof(struct clock_settings, calendar), "", 0, 0,
     NULL, "code of the calendar, to be noted in each day", false},
    {"holidays", O2C_SETTING_TEXT, offsetof(struct clock_settings, holidays), "", 0, 0,
     NULL, "file of days that are none, one YYYY-MM-DD a line; without it every day is one",
     false},
    {"late", O2C_SETTING_FLAG, offsetof(struct clock_settings, late), "false", 0, 0, NULL,
     "begin a day that cannot wait for the one before any longer, and say so in it", false},
    {"drain-timeout-s", O2C_SETTING_INT, offsetof(struct clock_settings, drain_timeout_s),
     "300", 0, 86400, "s", "how long a day waits for the pipeline to drain", false},
    STACK_SETTINGS(struct clock_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct run {
    struct stack stack;
    const struct clock_settings *settings;
    struct o2c_holidays holidays;
    struct o2c_publisher *publisher;
    struct o2c_days *days;
    int begun, late;
};

/* ---- from, to */

/* Days that have begun are over: the first is the one after them. */
static int choose_days(struct run *run, int32_t *ret_from, int32_t *ret_to)
{
    int32_t last = o2c_days_last(run->days), from, to;
    bool has_from = o2c_date_parse(o2c_str_from(run->settings->from), &from);
    bool has_to = o2c_date_parse(o2c_str_from(run->settings->to), &to);
    char text[O2C_DATE_TEXT + 1];

    if (!has_from && last == O2C_DAYS_NEVER)
        return stack_fail(&run->stack, EXIT_USAGE,
                          "no day has begun yet: --from says which is the first");
    if (!has_from)
        from = has_to && to <= last ? to : last + 1;
    if (!has_to)
        to = from;
    if (last != O2C_DAYS_NEVER && last >= from) {
        o2c_date_format(last, text);
        printf("%s has begun already: no day before it begins any more\n", text);
        from = last + 1;
    }
    *ret_from = from;
    *ret_to = to;
    return EXIT_OK;
}

/* ---- beginning them */

static int wait_for_rest(struct run *run, bool *ret_late)
{
    const struct wait wait = {.stack = &run->stack,
                              .timeout_s = run->settings->drain_timeout_s};
    struct o2c_buf why;
    enum wait_end end;
    int status = EXIT_OK;

    o2c_buf_init(&why, MAX_REASON_BYTES);
    end = wait_until_drained(&wait, &why, &run->stack.err);
    *ret_late = end == WAIT_TIMED_OUT && run->settings->late;
    if (end == WAIT_FAILED)
        status = stack_failed(&run->stack);
    else if (end == WAIT_STOPPED)
        status = EXIT_INTERRUPTED;
    else if (end == WAIT_TIMED_OUT && !*ret_late)
        status =
            stack_fail(&run->stack, EXIT_TIMEOUT, "not drained after %" PRId64 " s: %s",
                       run->settings->drain_timeout_s, o2c_buf_text(&why));
    o2c_buf_clear(&why);
    return status;
}

static int begin(struct run *run, int32_t date)
{
    const char *calendar = run->settings->calendar;
    bool late = false;
    int status = wait_for_rest(run, &late);

    if (status)
        return status;
    if (o2c_days_start_date(run->days, date, *calendar ? calendar : NULL, late,
                            &run->stack.err))
        return stack_failed(&run->stack);
    run->begun++;
    run->late += late;
    return EXIT_OK;
}

static int begin_all(struct run *run)
{
    int32_t from = 0, to = 0;
    int status = choose_days(run, &from, &to);

    for (; !status && from <= to; from++)
        if (o2c_is_business_day(&run->holidays, from))
            status = begin(run, from);
    if (run->begun || !status)
        printf("%d business day%s begun%s\n", run->begun, run->begun == 1 ? "" : "s",
               run->late ? ", some of them late" : "");
    return status;
}

static int open_all(struct run *run)
{
    struct o2c_publisher_options options = O2C_PUBLISHER_DEFAULTS;
    int status = stack_open_pg(&run->stack);

    if (!status)
        status = stack_open_kafka(&run->stack);
    if (status)
        return status;
    options.kafka = &run->settings->stack.kafka;
    options.client_id = "o2c-clock";
    if (o2c_publisher_open(&run->publisher, &options, &run->stack.err) ||
        o2c_days_open(&run->days, options.kafka, run->publisher, &run->stack.err))
        return stack_failed(&run->stack);
    return EXIT_OK;
}

int clock_run(int argc, char **argv)
{
    struct clock_settings settings = {0};
    struct options options = {
        .usage = "o2c clock [options]",
        .about =
            "Begins business days: writes BusinessDayStarted into every partition of the\n"
            "clock's topic. Each day begins when nothing is under way any more, so that it\n"
            "sees all of the day before. Days that have begun are not begun again, and none\n"
            "before them.\n",
        .exits = {.done = "all have begun",
                  .findings = EXIT_NOT_SHOWN,
                  .servers = "Kafka or PostgreSQL",
                  .timeout = "the pipeline did not drain in time (without --late)",
                  .interrupted = true},
        .table = &table,
        .settings = &settings,
    };
    struct run run = {.stack = {.command = argv[0],
                                .settings = &settings.stack,
                                .sees_open_transactions = true},
                      .settings = &settings};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        interrupt_catch();
        if (!report_is_period(&run.stack, settings.from, settings.to))
            status = EXIT_USAGE;
        else if (o2c_holidays_read(&run.holidays, settings.holidays, &run.stack.err))
            status = stack_fail(&run.stack, EXIT_USAGE, "%s", run.stack.err.text);
        else
            status = open_all(&run);
        if (!status)
            status = begin_all(&run);
    }
    o2c_days_close(run.days);
    o2c_publisher_close(run.publisher);
    o2c_holidays_clear(&run.holidays);
    stack_close(&run.stack);
    options_clear(&options);
    return status;
}
