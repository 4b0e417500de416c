/*
 * o2c-clock - begins today's business day once everything of the day before is
 * applied, or some minutes later with late: true; after a pause the days it
 * missed, in order.  It asks the time of the machine: the only place of the
 * pipeline where that decides something.
 *
 * Kafka and PostgreSQL are asked on the loop thread, blocking: there is
 * nothing else to do meanwhile.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "producers/clock/days.h"
#include "producers/clock/holidays.h"
#include "producers/clock/versions.h"
#include "producers/publish/publisher.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/client.h"
#include "runtime/kafka/drained.h"
#include "runtime/pg/await.h"
#include "runtime/pg/pg.h"
#include "runtime/pg/query.h"
#include "runtime/service/program.h"
#include "runtime/service/service.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    LOOK_EVERY_MS = 1000,
    SOON_MS = 10,
    RETRY_AFTER_US = 10000000,
    PATIENCE_MS = 5000,
    MAX_REASON_BYTES = 4096
};

struct clock_settings {
    struct o2c_kafka_settings kafka;
    struct o2c_service_settings service;
    const char *pg_dsn;
    int64_t pg_timeout_ms;
    const char *calendar, *holidays;
    int64_t utc_offset_min;
    int64_t late_after_s;
};

static const struct o2c_setting settings_list[] = {
    O2C_KAFKA_SETTINGS(struct clock_settings, kafka),
    O2C_SERVICE_SETTINGS(struct clock_settings, service),
    {"pg-dsn", O2C_SETTING_TEXT, offsetof(struct clock_settings, pg_dsn), "dbname=o2c", 0,
     0, NULL, "PostgreSQL connection string", true},
    O2C_PG_TIMEOUT_SETTING(struct clock_settings, pg_timeout_ms),
    {"calendar", O2C_SETTING_TEXT, offsetof(struct clock_settings, calendar), "", 0, 0,
     NULL, "code of the calendar, to be noted in each day", false},
    {"holidays", O2C_SETTING_TEXT, offsetof(struct clock_settings, holidays), "", 0, 0,
     NULL, "file of days that are none, one YYYY-MM-DD a line; without it every day is one",
     false},
    {"utc-offset-min", O2C_SETTING_INT, offsetof(struct clock_settings, utc_offset_min),
     "0", -840, 840, "min", "how far the business's midnight is ahead of UTC's", false},
    {"late-after-s", O2C_SETTING_INT, offsetof(struct clock_settings, late_after_s), "900",
     0, 86400, "s", "a day waits so long for the pipeline to drain, then begins late",
     false},
};

static const struct o2c_settings_table settings_table = {
    settings_list, sizeof settings_list / sizeof settings_list[0]};

enum {
    METRIC_DAY,
    METRIC_BEGUN
};

static const struct o2c_metric metric_table[] = {
    {"o2c_clock_business_day_timestamp_seconds", O2C_METRIC_GAUGE, NULL,
     "Midnight of the last business day begun, in UTC.", 1000000},
    {"o2c_clock_days_begun_total", O2C_METRIC_COUNTER, "how",
     "Business days this process has begun: in_time or late.", 0},
};

struct clock {
    const struct clock_settings *settings;
    struct o2c_holidays holidays;
    struct o2c_service *service;
    struct o2c_metrics *metrics;
    uv_timer_t timer;
    PGconn *pg;
    rd_kafka_t *rk;
    struct o2c_publisher *publisher;
    struct o2c_days *days;      /* NULL: not connected */
    bool fits;                  /* the database to this program */
    int64_t not_before_us;      /* monotonic; after something failed */
    int32_t waiting_for;        /* the day that is to begin next ... */
    int64_t waiting_since_us;   /* ... and since when */
    char trouble[O2C_ERR_TEXT]; /* why it is not ready; "" */
};

/* ---- connections */

static void disconnect(struct clock *clock)
{
    o2c_days_close(clock->days);
    o2c_publisher_close(clock->publisher);
    if (clock->rk)
        rd_kafka_destroy_flags(clock->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (clock->pg)
        PQfinish(clock->pg);
    clock->days = NULL;
    clock->publisher = NULL;
    clock->rk = NULL;
    clock->pg = NULL;
}

/* For o2c_drained: records of open transactions count as under way. */
static enum o2c_verdict open_reader(struct clock *clock, struct o2c_err *err)
{
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &clock->settings->kafka, "o2c-clock", err))
        return err->verdict;
    if (o2c_kafka_set(conf, "isolation.level", "read_uncommitted", err)) {
        rd_kafka_conf_destroy(conf);
        return err->verdict;
    }
    clock->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (clock->rk)
        return O2C_OK;
    rd_kafka_conf_destroy(conf);
    return o2c_fail(err, O2C_FATAL, "Kafka client: %s", text);
}

static enum o2c_verdict connect_all(struct clock *clock, struct o2c_err *err)
{
    struct o2c_publisher_options options = O2C_PUBLISHER_DEFAULTS;

    options.kafka = &clock->settings->kafka;
    options.client_id = "o2c-clock";
    options.patience_ms = PATIENCE_MS;
    if (o2c_pg_connect(&clock->pg, clock->settings->pg_dsn, "o2c-clock", err) ||
        o2c_clock_versions(clock->pg, &clock->fits, err))
        return err->verdict;
    if (!clock->fits)
        return O2C_FATAL;
    if (open_reader(clock, err) || o2c_publisher_open(&clock->publisher, &options, err) ||
        o2c_days_open(&clock->days, options.kafka, clock->publisher, err))
        return err->verdict;
    return O2C_OK;
}

/* ---- beginning days */

static int32_t today(const struct clock *clock)
{
    return o2c_timestamp_date(o2c_clock_utc_us() +
                              clock->settings->utc_offset_min * 60 * INT64_C(1000000));
}

/* The next day to begin; false: none yet. */
static bool next_day(struct clock *clock, int32_t *ret_day)
{
    int32_t last = o2c_days_last(clock->days), now = today(clock);
    int32_t day = last == O2C_DAYS_NEVER ? now : last + 1;

    while (day <= now && !o2c_is_business_day(&clock->holidays, day))
        day++;
    *ret_day = day;
    return day <= now;
}

static void on_timer(uv_timer_t *timer);

static enum o2c_verdict begin(struct clock *clock, int32_t day, bool late,
                              struct o2c_err *err)
{
    const char *calendar = clock->settings->calendar, *how = late ? "late" : "in_time";
    char text[O2C_DATE_TEXT + 1];

    if (o2c_days_start_date(clock->days, day, *calendar ? calendar : NULL, late, err))
        return err->verdict;
    o2c_date_format(day, text);
    o2c_log_info("business day begun", O2C_S("business_date", text), O2C_S("how", how));
    o2c_series_add(o2c_metrics_series(clock->metrics, METRIC_BEGUN, &how), 1);
    /* After a pause there are more: at once, as soon as this one is applied. */
    uv_timer_start(&clock->timer, on_timer, SOON_MS, LOOK_EVERY_MS);
    return O2C_OK;
}

/* *ret_begins: *ret_day is to begin now. */
static enum o2c_verdict ask(struct clock *clock, int32_t *ret_day, bool *ret_begins,
                            bool *ret_late, struct o2c_err *err)
{
    struct o2c_buf why;
    enum o2c_verdict verdict;
    bool drained = false, late;

    if (!clock->days && connect_all(clock, err))
        return err->verdict;
    *ret_begins = false;
    if (!next_day(clock, ret_day))
        return O2C_OK;
    if (*ret_day != clock->waiting_for) {
        clock->waiting_for = *ret_day;
        clock->waiting_since_us = o2c_clock_monotonic_us();
    }
    o2c_buf_init(&why, MAX_REASON_BYTES);
    verdict = o2c_drained(clock->pg, clock->rk, clock->settings->kafka.topic_prefix,
                          &drained, &why, err);
    o2c_buf_clear(&why);
    late = o2c_clock_monotonic_us() - clock->waiting_since_us >=
           clock->settings->late_after_s * 1000000;
    *ret_begins = drained || late;
    *ret_late = !drained;
    return verdict;
}

/* A day that begins is written to its end, whatever signal comes. */
static enum o2c_verdict look(struct clock *clock, struct o2c_err *err)
{
    bool begins = false, late = false;
    int32_t day = 0;

    o2c_service_blocks();
    enum o2c_verdict verdict = ask(clock, &day, &begins, &late, err);
    o2c_service_goes_on();
    if (verdict || !begins || o2c_stopped())
        return verdict;
    return begin(clock, day, late, err);
}

static void on_timer(uv_timer_t *timer)
{
    struct clock *clock = timer->data;
    struct o2c_err err;

    if (o2c_clock_monotonic_us() < clock->not_before_us)
        return;
    clock->trouble[0] = '\0';
    if (!look(clock, &err) || o2c_stopped())
        return;
    if (!clock->fits) {
        o2c_log_error("the database does not fit this program", O2C_S("error", err.text));
        o2c_service_exit(clock->service, 1);
        return;
    }
    o2c_log_warn("will try again", O2C_S("error", err.text));
    memcpy(clock->trouble, err.text, sizeof clock->trouble);
    clock->not_before_us = o2c_clock_monotonic_us() + RETRY_AFTER_US;
    disconnect(clock);
}

/* ---- the process */

static void on_closed(uv_handle_t *handle)
{
    struct clock *clock = handle->data;

    o2c_service_exit(clock->service, 0);
}

static void on_stop(void *user)
{
    struct clock *clock = user;

    uv_close((uv_handle_t *)&clock->timer, on_closed);
}

static bool is_ready(void *user, struct o2c_buf *why_not)
{
    const struct clock *clock = user;

    if (!clock->days)
        o2c_buf_add_text(why_not, *clock->trouble ? clock->trouble : "not connected yet");
    return clock->days;
}

static bool is_healthy(void *user, struct o2c_buf *why_not)
{
    (void)user;
    (void)why_not;
    return true; /* a loop that turns */
}

static void before_metrics(void *user)
{
    struct clock *clock = user;
    int32_t last = clock->days ? o2c_days_last(clock->days) : O2C_DAYS_NEVER;

    if (last != O2C_DAYS_NEVER)
        o2c_series_set(o2c_metrics_series(clock->metrics, METRIC_DAY, NULL),
                       last * O2C_DAY_US);
}

static int run(void *user)
{
    const struct clock_settings *settings = user;
    struct clock clock = {
        .settings = settings, .waiting_for = O2C_DAYS_NEVER, .fits = true};
    struct o2c_service_hooks hooks = {on_stop, is_ready, is_healthy, before_metrics,
                                      &clock};
    struct o2c_err err;
    int status;

    clock.metrics =
        o2c_metrics_new(metric_table, sizeof metric_table / sizeof metric_table[0]);
    if (!clock.metrics)
        abort();
    if (o2c_holidays_read(&clock.holidays, settings->holidays, &err) ||
        o2c_service_new(&clock.service, "clock", &settings->service, &hooks, clock.metrics,
                        &err)) {
        o2c_log_error("cannot start", O2C_S("error", err.text));
        _exit(2);
    }
    uv_timer_init(o2c_service_loop(clock.service), &clock.timer);
    clock.timer.data = &clock;
    o2c_pg_answer_within(settings->pg_timeout_ms);
    uv_timer_start(&clock.timer, on_timer, 0, LOOK_EVERY_MS);
    o2c_log_info("started", O2C_S("management", o2c_service_address(clock.service)));
    status = o2c_service_run(clock.service);
    if (status)
        _exit(status);
    disconnect(&clock);
    o2c_service_free(clock.service);
    o2c_metrics_free(clock.metrics);
    o2c_holidays_clear(&clock.holidays);
    return 0;
}

int main(int argc, char **argv)
{
    static struct clock_settings settings;
    const struct o2c_service_program program = {
        .name = "clock",
        .about = {.program = "o2c-clock",
                  .settings = &settings_table,
                  .settings_count = 1,
                  .metrics = metric_table,
                  .metric_count = sizeof metric_table / sizeof metric_table[0]},
        .settings = &settings,
        .service = &settings.service,
        .run = run,
        .user = &settings,
    };

    return o2c_service_main(&program, argc, argv);
}
