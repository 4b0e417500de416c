/* o2c flow: how many documents stand in each stage, since when, and how many too long. */

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "producers/cli/screen.h"

#include "runtime/base/banned.h"

struct flow_settings {
    struct stack_settings stack;
    bool json, watch;
};

static const struct o2c_setting settings_rows[] = {
    {"json", O2C_SETTING_FLAG, offsetof(struct flow_settings, json), "false", 0, 0, NULL,
     "one JSON object per line, amounts in minor units", false},
    {"watch", O2C_SETTING_FLAG, offsetof(struct flow_settings, watch), "false", 0, 0, NULL,
     "show it again every 2 s, until Ctrl-C", false},
    STACK_PG_SETTINGS(struct flow_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

static const struct report_column columns[] = {
    {"stage", REPORT_TEXT, NULL},        {"documents", REPORT_NUMBER, NULL},
    {"amount", REPORT_AMOUNT, NULL},     {"currency", REPORT_CURRENCY, NULL},
    {"oldest since", REPORT_TEXT, NULL}, {"stuck", REPORT_NUMBER, NULL},
};

static const struct report report = {
    .sql =
        "SELECT stage, documents, amount_minor, currency,"
        "       to_char(oldest_since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        "           AS oldest_since, stuck"
        "  FROM o2c.flow"
        " ORDER BY array_position(ARRAY['placed', 'held', 'acknowledged', 'to_ship',"
        "              'shipped_not_invoiced', 'open', 'overdue', 'disputed',"
        "              'unapplied'], stage), currency COLLATE \"C\"",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};

static const char nothing[] = "no document is under way";

struct shown {
    struct stack *stack;
    bool json;
};

static int show_again(void *user, struct o2c_buf *text, size_t lines)
{
    const struct shown *shown = user;

    (void)lines;
    return report_add(text, shown->stack, &report, NULL, 0, shown->json, nothing);
}

static int show(struct stack *stack, const struct flow_settings *settings)
{
    struct shown shown = {stack, settings->json};
    struct screen screen = {stack, settings->json, show_again, &shown};

    return settings->watch ? screen_watch(&screen)
                           : report_show(stack, &report, NULL, 0, settings->json, nothing);
}

int flow_run(int argc, char **argv)
{
    struct flow_settings settings = {0};
    struct options options = {
        .usage = "o2c flow [options]",
        .about =
            "Per stage and currency: documents, their amount, since when the oldest stands there,\n"
            "and how many stand there longer than the stage's limit (tables flow_limit). A\n"
            "document may stand in several: an overdue invoice is open, and may be disputed.\n",
        .exits = {.done = "shown; --watch: ended by Ctrl-C",
                  .findings = EXIT_NOT_SHOWN,
                  .servers = "PostgreSQL"},
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = stack_open_pg(&stack);
        if (!status)
            status = show(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
