/* o2c publish - events from NDJSON or mapped CSV to Kafka. */

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/input.h"
#include "producers/cli/interrupt.h"
#include "producers/cli/options.h"
#include "producers/cli/publish_report.h"
#include "producers/cli/stack.h"
#include "producers/cli/wait.h"
#include "producers/clock/days.h"
#include "producers/publish/facts.h"
#include "producers/publish/intake.h"
#include "producers/publish/outgoing.h"
#include "producers/publish/publisher.h"
#include "producers/publish/spool.h"
#include "producers/publish/totals.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/uuid.h"
#include "runtime/kafka/client.h"
#include "schemas/events.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    LAST_FLUSH_MS = 10000,
    INTERRUPTED_FLUSH_MS = 1000,
    INPUT_SLICE_MS = 200,
    MAX_REASON_BYTES = 4096,
};

struct publish_settings {
    struct stack_settings stack;
    const char *log_level;
    const char *source;
    const char *map;
    const char *by_day;
    const char *opening;
    const char *run;
    const char *totals;
    bool check;
    bool strict;
    bool barriers;
    bool every_day;
    int64_t patience_s;
    int64_t drain_timeout_s;
};

static const struct o2c_setting settings_rows[] = {
    {"check", O2C_SETTING_FLAG, offsetof(struct publish_settings, check), "false", 0, 0,
     NULL, "only say what is wrong; needs no Kafka", false},
    {"strict", O2C_SETTING_FLAG, offsetof(struct publish_settings, strict), "false", 0, 0,
     NULL, "publish nothing if anything is wrong", false},
    {"source", O2C_SETTING_TEXT, offsetof(struct publish_settings, source), "", 0, 0, NULL,
     "name of the publishing system, for events that name none", false},
    {"map", O2C_SETTING_TEXT, offsetof(struct publish_settings, map), "", 0, 0, NULL,
     "mapping file: the input is CSV (a file or a directory)", false},
    {"opening", O2C_SETTING_TEXT, offsetof(struct publish_settings, opening), "", 0, 0,
     NULL,
     "open items and unapplied cash as of this date: marks invoices, notes and payments, "
     "refuses what is dated later",
     false},
    {"run", O2C_SETTING_TEXT, offsetof(struct publish_settings, run), "", 0, 0, NULL,
     "id of this run, in every record; given, its control totals are kept for "
     "o2c import check",
     false},
    {"totals", O2C_SETTING_TEXT, offsetof(struct publish_settings, totals), "", 0, 0, NULL,
     "file of the control totals; with --run by default RUN.totals.json", false},
    {"by-day", O2C_SETTING_TEXT, offsetof(struct publish_settings, by_day), "", 0, 0, NULL,
     "sort by this date or time field; before the events of a day drain the pipeline and "
     "begin that business day",
     false},
    {"every-day", O2C_SETTING_FLAG, offsetof(struct publish_settings, every_day), "false",
     0, 0, NULL, "with --by-day: begin the days between that have no events, too", false},
    {"barriers", O2C_SETTING_FLAG, offsetof(struct publish_settings, barriers), "false", 0,
     0, NULL, "at {\"barrier\": true} wait until the whole pipeline is drained", false},
    {"patience-s", O2C_SETTING_INT, offsetof(struct publish_settings, patience_s), "30", 1,
     3600, "s", "give up when Kafka has been silent for so long", false},
    {"drain-timeout-s", O2C_SETTING_INT, offsetof(struct publish_settings, drain_timeout_s),
     "300", 1, 86400, "s", "give up when the pipeline does not drain for so long", false},
    STACK_SETTINGS(struct publish_settings, stack),
    {"log-level", O2C_SETTING_TEXT, offsetof(struct publish_settings, log_level), "error",
     0, 0, NULL, "error, warn, info or debug", false},
};

static const struct o2c_settings_table settings_table = {
    settings_rows, sizeof(settings_rows) / sizeof(settings_rows[0])};

static const char about[] =
    "Publishes events: NDJSON, one {\"type\": \"OrderPlaced\", ...} per line, or CSV with\n"
    "--map. Faults are listed with line, field and value; a bad line does not stop the\n"
    "good ones unless --strict.\n";

struct run {
    struct publish_settings settings;
    struct input input;
    struct o2c_publisher *publisher; /* NULL with --check */
    struct o2c_days *days;           /* opened for the first business day */
    struct o2c_spool *spool;         /* NULL: published as it is read */
    struct publish_report report;
    struct stack stack; /* to see the pipeline drain; opened when it is needed first */
    bool timed_out;
    bool beyond_file; /* what failed lies behind the reading */
    bool file_failed;
    bool spool_failed;
    char run_id[O2C_RUN_ID_BYTES + 1];
    char totals_path[O2C_TOTALS_PATH_BYTES];
    json_t *totals; /* of what is acknowledged; NULL: not kept */
    struct o2c_arena acked;
    bool totals_failed;
    int64_t begun_us;
    int32_t opening; /* the date, where one is given */
    int64_t day;     /* of the event published last */
    bool any_day;
};

static void while_draining(void *user, const char *why)
{
    struct run *run = user;
    (void)why;
    publish_report_tick(&run->report);
}

/* Until what was published so far has gone all the way through the pipeline. */
static enum o2c_verdict drain(struct run *run, struct o2c_err *err)
{
    const struct wait wait = {.stack = &run->stack,
                              .timeout_s = run->settings.drain_timeout_s,
                              .meanwhile = while_draining,
                              .user = run};
    struct o2c_buf why;
    if (o2c_publisher_flush(run->publisher, -1, err))
        return err->verdict;
    o2c_buf_init(&why, MAX_REASON_BYTES);
    enum wait_end end = wait_until_drained(&wait, &why, err);
    if (end == WAIT_STOPPED)
        o2c_fail(err, O2C_RETRY, "interrupted");
    else if (end == WAIT_TIMED_OUT)
        o2c_fail(err, O2C_RETRY, "not drained after %" PRId64 " s: %s",
                 run->settings.drain_timeout_s, o2c_buf_text(&why));
    run->timed_out = end == WAIT_TIMED_OUT;
    o2c_buf_clear(&why);
    return end == WAIT_DRAINED ? O2C_OK : err->verdict;
}

/* ---- business days */

/* Once: what the clock has begun already is read then. */
static enum o2c_verdict open_days(struct run *run, struct o2c_err *err)
{
    return run->days
               ? O2C_OK
               : o2c_days_open(&run->days, &run->settings.stack.kafka, run->publisher, err);
}

/* A BusinessDayStarted of the input: begun once all before it is applied, where that can be
 * seen. */
static enum o2c_verdict start_given_day(struct run *run,
                                        const struct o2c_business_day_started *day,
                                        struct o2c_err *err)
{
    if (run->settings.barriers && drain(run, err))
        return err->verdict;
    if (open_days(run, err) || o2c_days_start(run->days, day, err))
        return err->verdict;
    publish_report_good(&run->report, o2c_event_type_row(O2C_BUSINESS_DAY_STARTED));
    return O2C_OK;
}

/* One that was spooled. */
static enum o2c_verdict
start_spooled_day(struct run *run, const struct o2c_outgoing *outgoing, struct o2c_err *err)
{
    struct o2c_arena arena;
    struct o2c_event event;
    o2c_arena_init(&arena, O2C_EVENT_MAX_ARENA_BYTES);
    enum o2c_verdict verdict = o2c_event_decode(outgoing->value, &arena, &event, err);
    if (!verdict)
        verdict = start_given_day(run, event.business_day_started, err);
    o2c_arena_clear(&arena);
    return verdict;
}

/* Before the first event of another business day: that day begins, and with --every-day all
 * between. */
static enum o2c_verdict change_day(struct run *run, int64_t day, struct o2c_err *err)
{
    int64_t from = run->settings.every_day && run->any_day ? run->day + 1 : day;
    if (day == INT64_MIN || (run->any_day && day == run->day))
        return O2C_OK;
    if (open_days(run, err))
        return err->verdict;
    for (; from <= day; from++)
        if (drain(run, err) ||
            o2c_days_start_date(run->days, (int32_t)from, NULL, false, err))
            return err->verdict;
    run->day = day;
    run->any_day = true;
    return O2C_OK;
}

/* What is acknowledged is counted as the proof of the import will read it. */
static void add_to_totals(struct run *run, const struct o2c_outgoing *outgoing)
{
    struct o2c_event event;
    struct o2c_facts facts;
    struct o2c_err err;
    o2c_arena_reset(&run->acked);
    if (o2c_event_decode(outgoing->value, &run->acked, &event, &err) ||
        (o2c_facts_of(&event, &facts) && !o2c_totals_add(run->totals, &facts)))
        run->totals_failed = true;
}

static void on_acked(void *user, const struct o2c_outgoing *outgoing)
{
    struct run *run = user;
    if (run->totals)
        add_to_totals(run, outgoing);
    if (outgoing->type->type != O2C_BUSINESS_DAY_STARTED) /* its copies count as one */
        publish_report_good(&run->report, outgoing->type);
}

static bool is_day_field(const struct o2c_field *field)
{
    return field && !field->array &&
           (field->kind == O2C_KIND_DATE || field->kind == O2C_KIND_TIMESTAMP);
}

/* The business day of an event by the field that --by-day names; those without come first.
 */
static int64_t day_of(const struct run *run, const struct o2c_event *event)
{
    const struct o2c_event_type_row *type = o2c_event_type_row(event->type);
    const struct o2c_field *field =
        o2c_record_field(type->record, o2c_str_from(run->settings.by_day));
    const char *body = event->body;
    if (!is_day_field(field))
        return INT64_MIN;
    if (field->optional && !*(const bool *)(const void *)(body + field->beside))
        return INT64_MIN;
    if (field->kind == O2C_KIND_DATE)
        return *(const int32_t *)(const void *)(body + field->offset);
    return o2c_timestamp_date(*(const int64_t *)(const void *)(body + field->offset));
}

/* A temporary file that fails is no fault of Kafka's. */
static enum o2c_verdict of_spool(struct run *run, enum o2c_verdict verdict)
{
    run->spool_failed = run->spool_failed || verdict;
    return verdict;
}

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    struct run *run = user;
    publish_report_tick(&run->report);
    if (interrupt_came())
        return o2c_fail(err, O2C_RETRY, "interrupted");
    enum o2c_verdict verdict = O2C_OK;
    bool is_day = event->type == O2C_BUSINESS_DAY_STARTED;
    if (is_day && *run->settings.by_day)
        return o2c_fail(err, O2C_PARK, "--by-day begins the days itself");
    if (run->spool)
        verdict = of_spool(
            run, o2c_spool_add(run->spool, outgoing,
                               *run->settings.by_day ? day_of(run, event) : 0, err));
    else if (run->publisher && is_day)
        verdict = start_given_day(run, event->business_day_started, err);
    else if (run->publisher)
        verdict = o2c_publisher_send(run->publisher, outgoing, err);
    else
        publish_report_good(&run->report, outgoing->type);
    run->beyond_file = verdict && verdict != O2C_PARK;
    return verdict;
}

static void on_fault(void *user, const char *sentence)
{
    struct run *run = user;
    publish_report_fault(&run->report, sentence);
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    struct run *run = user;
    publish_report_refused(&run->report, type);
}

static enum o2c_verdict on_barrier(void *user, uint64_t line, struct o2c_err *err)
{
    struct run *run = user;
    if (!run->settings.barriers)
        return o2c_fail(err, O2C_PARK, "barrier: only with --barriers");
    if (run->spool)
        return of_spool(run, o2c_spool_add_barrier(run->spool, line, err));
    run->beyond_file = run->publisher && drain(run, err);
    return run->beyond_file ? err->verdict : O2C_OK;
}

/* Waits in slices, so that Ctrl-C is noticed while nothing comes in. */
static ssize_t read_input(void *user, char *into, size_t room)
{
    struct run *run = user;
    struct pollfd ready = {.fd = run->input.fd, .events = POLLIN};
    while (!interrupt_came() && poll(&ready, 1, INPUT_SLICE_MS) == 0)
        publish_report_tick(&run->report);
    if (interrupt_came())
        return 0;
    ssize_t got = read(run->input.fd, into, room);
    if (got > 0)
        run->report.done += (uint64_t)got;
    return got;
}

static enum o2c_verdict publish_one(struct run *run, const struct o2c_outgoing *outgoing,
                                    int64_t day, struct o2c_err *err)
{
    if (!outgoing->type)
        return drain(run, err);
    if (outgoing->type->type == O2C_BUSINESS_DAY_STARTED)
        return start_spooled_day(run, outgoing, err);
    if (*run->settings.by_day && change_day(run, day, err))
        return err->verdict;
    enum o2c_verdict verdict = o2c_publisher_send(run->publisher, outgoing, err);
    if (verdict != O2C_PARK)
        return verdict;
    char sentence[O2C_ERR_TEXT + 64];
    snprintf(sentence, sizeof(sentence), "%s:%" PRIu64 ": %s", run->input.file,
             outgoing->line, err->text);
    publish_report_fault(&run->report, sentence);
    publish_report_refused(&run->report, outgoing->type);
    return O2C_OK;
}

static enum o2c_verdict publish_spooled(struct run *run, struct o2c_err *err)
{
    run->report.doing = "publishing";
    run->report.done = 0;
    run->report.total = o2c_spool_count(run->spool);
    if (of_spool(run, o2c_spool_turn(run->spool, err)))
        return err->verdict;
    for (;;) {
        struct o2c_outgoing outgoing;
        int64_t day;
        bool more;
        if (of_spool(run, o2c_spool_next(run->spool, &outgoing, &day, &more, err)))
            return err->verdict;
        if (!more)
            return O2C_OK;
        if (interrupt_came())
            return o2c_fail(err, O2C_RETRY, "interrupted");
        if (publish_one(run, &outgoing, day, err))
            return err->verdict;
        run->report.done++;
        publish_report_tick(&run->report);
    }
}

/* How far it came, for someone who has to go on from there. */
static void say_how_far(struct run *run)
{
    char sentence[256];
    uint64_t line = o2c_publisher_acked_line(run->publisher);
    size_t in_flight = o2c_publisher_in_flight(run->publisher);
    int len = snprintf(sentence, sizeof(sentence), "%s event%s acknowledged",
                       publish_report_number(run->report.good_count),
                       run->report.good_count == 1 ? " is" : "s are");
    if (!run->input.map && !*run->settings.by_day)
        snprintf(sentence + len, sizeof(sentence) - (size_t)len,
                 ", all of %s up to line %" PRIu64, run->input.file, line);
    publish_report_say(&run->report, sentence);
    if (in_flight) {
        snprintf(sentence, sizeof(sentence), "of %zu more it is not known", in_flight);
        publish_report_say(&run->report, sentence);
    }
    publish_report_say(&run->report,
                       "publishing everything again is harmless: repeats are recognised");
}

static enum o2c_verdict transfer(struct run *run, struct o2c_intake *intake,
                                 struct o2c_err *err)
{
    if (input_read(&run->input, intake, read_input, run, err)) {
        run->file_failed = !run->beyond_file;
        return err->verdict;
    }
    if (interrupt_came())
        return o2c_fail(err, O2C_RETRY, "interrupted");
    if (run->spool && run->settings.strict && run->report.refused_count)
        return o2c_fail(err, O2C_PARK, "nothing was published: --strict, and %s refused",
                        run->report.refused_count == 1 ? "one was" : "some were");
    if (run->spool && publish_spooled(run, err))
        return err->verdict;
    return run->publisher ? o2c_publisher_flush(run->publisher, -1, err) : O2C_OK;
}

static int status_of(const struct run *run, enum o2c_verdict verdict)
{
    if (run->timed_out)
        return EXIT_TIMEOUT;
    if (interrupt_came())
        return EXIT_INTERRUPTED;
    if (verdict == O2C_OK)
        return run->report.refused_count ? EXIT_FINDINGS : EXIT_OK;
    if (verdict == O2C_PARK || run->spool_failed)
        return EXIT_FINDINGS;
    return run->file_failed ? EXIT_USAGE : EXIT_STACK_FAILED;
}

static const struct o2c_intake_sink sink_table = {
    .event = on_event,
    .fault = on_fault,
    .refused = on_refused,
    .barrier = on_barrier,
};

static json_t *moment(int64_t us)
{
    char text[O2C_TIMESTAMP_TEXT + 1];
    o2c_timestamp_format(us, text);
    return json_string(text);
}

/* A path is any bytes: those that are no text stand as U+FFFD.  NULL: no memory. */
static json_t *path_text(const char *path)
{
    struct o2c_str rest = o2c_str_from(path);
    struct o2c_buf text;
    o2c_buf_init(&text, 3 * rest.len);
    while (rest.len) {
        size_t len = o2c_str_character(rest);
        o2c_buf_add(&text, len ? rest.at : "\xEF\xBF\xBD", len ? len : 3);
        rest.at += len ? len : 1;
        rest.len -= len ? len : 1;
    }
    json_t *json = text.failed ? NULL : json_stringn(text.at ? text.at : "", text.len);
    o2c_buf_clear(&text);
    return json;
}

/* Writes the control totals; false after saying why not. */
static bool keep_totals(struct run *run, int status)
{
    struct o2c_err err;
    json_t *kept =
        json_pack("{ss so so ss so so si sI sI sO}", "run", run->run_id, "input",
                  path_text(run->input.path), "map", path_text(run->settings.map),
                  "opening", run->settings.opening, "begun_at", moment(run->begun_us),
                  "ended_at", moment(o2c_clock_utc_us()), "exit_status", status,
                  "published", (json_int_t)run->report.good_count, "refused",
                  (json_int_t)run->report.refused_count, "totals", run->totals);
    bool ok = kept && !run->totals_failed;
    if (!ok)
        publish_report_say(&run->report, "no memory for the control totals");
    else if (o2c_totals_write(run->settings.totals, kept, &err)) {
        publish_report_say(&run->report, err.text);
        ok = false;
    }
    json_decref(kept);
    return ok;
}

static int carry_out(struct run *run)
{
    struct o2c_err err;
    struct o2c_intake intake;
    struct o2c_intake_sink sink = sink_table;
    struct o2c_str source = o2c_str_from(run->settings.source);
    sink.user = run;
    if (!source.len)
        source =
            run->input.map ? o2c_map_source(run->input.map) : (struct o2c_str){NULL, 0};
    o2c_intake_init(&intake, &sink, source);
    intake.opening = *run->settings.opening ? &run->opening : NULL;
    enum o2c_verdict verdict = transfer(run, &intake, &err);
    o2c_intake_clear(&intake);
    if (verdict && !(interrupt_came() && verdict == O2C_RETRY))
        publish_report_say(&run->report, err.text);
    if (verdict && run->publisher) {
        struct o2c_err ignored;
        if (interrupt_came())
            (void)!o2c_publisher_flush(run->publisher, INTERRUPTED_FLUSH_MS, &ignored);
        else if (verdict != O2C_RETRY)
            (void)!o2c_publisher_flush(run->publisher, LAST_FLUSH_MS, &ignored);
        if (verdict != O2C_PARK)
            say_how_far(run);
    }
    publish_report_close(&run->report, run->settings.check ? "valid" : "published");
    int status = status_of(run, verdict);
    if (run->publisher)
        fprintf(stderr, "run %s\n", run->run_id);
    return run->totals && !keep_totals(run, status) ? EXIT_FINDINGS : status;
}

static enum o2c_verdict connect_kafka(struct run *run, struct o2c_err *err)
{
    struct o2c_publisher_options options = O2C_PUBLISHER_DEFAULTS;
    if (run->settings.check)
        return O2C_OK;
    options.kafka = &run->settings.stack.kafka;
    options.patience_ms = (int)run->settings.patience_s * 1000;
    options.on_acked = on_acked;
    options.run = run->run_id;
    options.user = run;
    return o2c_publisher_open(&run->publisher, &options, err);
}

/* The run's id and, where one was given, its control totals; false: no memory. */
static bool name_run(struct run *run)
{
    struct o2c_uuid uuid;
    run->begun_us = o2c_clock_utc_us();
    if (!*run->settings.run) {
        uuid = o2c_uuid_v7(run->begun_us);
        o2c_uuid_format(&uuid, run->run_id);
    } else {
        snprintf(run->run_id, sizeof(run->run_id), "%s", run->settings.run);
    }
    if (run->settings.check || (!*run->settings.run && !*run->settings.totals))
        return true;
    if (!*run->settings.totals) {
        o2c_totals_path(run->run_id, run->totals_path);
        run->settings.totals = run->totals_path;
    }
    o2c_arena_init(&run->acked, O2C_EVENT_MAX_ARENA_BYTES);
    return (run->totals = json_object());
}

static bool is_date_of_an_event(const char *name)
{
    for (int i = O2C_EVENT_NONE + 1; i < O2C_EVENT_TYPE_COUNT; i++) {
        const struct o2c_event_type_row *type = o2c_event_type_row((enum o2c_event_type)i);
        if (is_day_field(o2c_record_field(type->record, o2c_str_from(name))))
            return true;
    }
    return false;
}

static bool options_agree(struct run *run, struct o2c_err *err)
{
    const struct publish_settings *settings = &run->settings;
    if (*settings->opening &&
        !o2c_date_parse(o2c_str_from(settings->opening), &run->opening))
        o2c_fail(err, O2C_FATAL, "opening: \"%s\" is no date such as 2026-01-31",
                 settings->opening);
    else if (*settings->run && !o2c_run_id_is_valid(settings->run))
        o2c_fail(err, O2C_FATAL,
                 "run: \"%s\" is no id: up to %d letters, digits, \".\", \"_\" and \"-\"",
                 settings->run, O2C_RUN_ID_BYTES);
    else if (!name_run(run))
        o2c_fail(err, O2C_FATAL, "no memory for the control totals");
    else if (*settings->by_day && !is_date_of_an_event(settings->by_day))
        o2c_fail(err, O2C_FATAL, "by-day: \"%s\" is no date or time of any event",
                 settings->by_day);
    else if (settings->barriers && *settings->by_day)
        o2c_fail(err, O2C_FATAL, "--barriers and --by-day exclude each other");
    else if (settings->every_day && !*settings->by_day)
        o2c_fail(err, O2C_FATAL, "--every-day goes with --by-day");
    else if (settings->barriers && *settings->map)
        o2c_fail(err, O2C_FATAL, "--barriers is for NDJSON, not for --map");
    else
        return true;
    return false;
}

/* What --barriers and --by-day look at while they wait. */
static int open_stack(struct run *run)
{
    if (run->settings.check || (!run->settings.barriers && !*run->settings.by_day))
        return EXIT_OK;
    run->stack = (struct stack){.command = "publish",
                                .settings = &run->settings.stack,
                                .sees_open_transactions = true};
    int status = stack_open_pg(&run->stack);
    return status ? status : stack_open_kafka(&run->stack);
}

static int prepare_and_run(struct run *run, const char *path)
{
    struct o2c_err err;
    enum o2c_log_level level;
    publish_report_init(&run->report);
    run->report.doing = run->settings.check ? "checking" : "publishing";
    if (o2c_log_level_read(run->settings.log_level, &level, &err)) {
        publish_report_say(&run->report, err.text);
        return EXIT_USAGE;
    }
    o2c_log_init("o2c-publish", level);
    if (!options_agree(run, &err) ||
        input_open(&run->input, path, run->settings.map, on_fault, run, &err)) {
        publish_report_say(&run->report, err.text);
        return EXIT_USAGE;
    }
    run->report.total = run->input.bytes;
    interrupt_catch();
    bool spooled = (run->settings.strict || *run->settings.by_day) && !run->settings.check;
    if (spooled && o2c_spool_open(&run->spool, *run->settings.by_day, &err)) {
        publish_report_say(&run->report, err.text);
        return EXIT_USAGE;
    }
    if (connect_kafka(run, &err)) {
        publish_report_say(&run->report, err.text);
        return interrupt_came() ? EXIT_INTERRUPTED
                                : stack_kafka_status(&run->settings.stack);
    }
    int status = open_stack(run);
    return status ? status : carry_out(run);
}

int publish_run(int argc, char **argv)
{
    struct run run = {.input = {.fd = -1}};
    int status;
    struct options options = {
        .usage = "o2c publish [options] FILE|-",
        .about = about,
        .exits = {.done = "everything was published (--check: is good)",
                  .findings = "something was refused, or a temporary file or the control "
                              "totals cannot be written",
                  .servers = "Kafka or PostgreSQL",
                  .timeout = "--barriers, --by-day: the pipeline did not drain in time",
                  .interrupted = true},
        .table = &settings_table,
        .settings = &run.settings,
        .min_operands = 1,
        .max_operands = 1,
    };
    if (options_load(&options, argc, argv, &status)) {
        status = prepare_and_run(&run, options.operands[0]);
    }
    stack_close(&run.stack);
    o2c_days_close(run.days);
    o2c_publisher_close(run.publisher);
    o2c_spool_close(run.spool);
    input_close(&run.input);
    json_decref(run.totals);
    o2c_arena_clear(&run.acked);
    options_clear(&options);
    return status;
}
