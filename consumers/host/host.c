/* The process around the engine: settings, start, readiness, stop. */
#include "consumers/host/host.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumers/host/batch.h"
#include "consumers/host/engine.h"
#include "consumers/host/replay.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include "runtime/kafka/offsets.h"
#include "runtime/pg/pg.h"
#include "runtime/service/program.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 1000
};

/* Without a batch stored for so long a supervisor is told; a test compiles it with less. */
#ifndef O2C_HOST_WATCHDOG_S
#define O2C_HOST_WATCHDOG_S 30
#endif

static const struct o2c_setting settings_list[] = {
    O2C_KAFKA_SETTINGS(struct host_settings, kafka),
    O2C_SERVICE_SETTINGS(struct host_settings, service),
    {"pg-dsn", O2C_SETTING_TEXT, offsetof(struct host_settings, pg_dsn), "dbname=o2c", 0, 0,
     NULL, "PostgreSQL connection string", true},
    O2C_PG_TIMEOUT_SETTING(struct host_settings, pg_timeout_ms),
    {"instance", O2C_SETTING_TEXT, offsetof(struct host_settings, instance), "1", 0, 0,
     NULL,
     "name of this member of its group; must differ between members and stay over restarts",
     false},
    {"wake", O2C_SETTING_TEXT, offsetof(struct host_settings, wake), "", 0, 0, NULL,
     "datagram socket of the outbox relay, woken after each commit; empty: it polls",
     false},
    {"group-suffix", O2C_SETTING_TEXT, offsetof(struct host_settings, group_suffix), "", 0,
     0, NULL,
     "behind the name of the Kafka group, so that a rebuild reads beside the living consumer",
     false},
    {"batch-events", O2C_SETTING_INT, offsetof(struct host_settings, batch_events), "20000",
     1, 100000, NULL, "most events of one batch, reached only when behind", false},
    {"batch-bytes", O2C_SETTING_INT, offsetof(struct host_settings, batch_bytes),
     "16777216", 65536, 268435456, "bytes", "most bytes of one batch", false},
    {"session-timeout-ms", O2C_SETTING_INT,
     offsetof(struct host_settings, session_timeout_ms), "10000", 1000, 300000, "ms",
     "after so long without a heartbeat, or six times as long without giving partitions back, "
     "the group takes over",
     false},
    /*
     * Where either is reached librdkafka 2.0.2 looks again after up to a second, whatever
     * has been taken meanwhile (#2879): less than a second's work makes a fast consumer
     * wait for it.  A record kept takes about 1 KB beside its value.
     */
    {"fetch-queue-events", O2C_SETTING_INT,
     offsetof(struct host_settings, fetch_queue_events), "50000", 1000, 10000000, NULL,
     "most records fetched ahead; should be what the consumer does in a second or more",
     false},
    {"fetch-queue-kib", O2C_SETTING_INT, offsetof(struct host_settings, fetch_queue_kib),
     "16384", 1024, 1048576, "KiB", "most bytes of values fetched ahead", false},
    {"revoke-wait-ms", O2C_SETTING_INT, offsetof(struct host_settings, revoke_wait_ms),
     "3000", 0, 60000, "ms",
     "how long a batch in flight may take when partitions are given back", false},
};

static const struct o2c_settings_table host_table = {
    settings_list, sizeof settings_list / sizeof settings_list[0]};

/* ---- PostgreSQL */

static void on_versions(void *user, const PGresult *result)
{
    struct engine *engine = user;
    const struct o2c_consumer *consumer = engine->consumer;

    engine->host_schema = engine->own_schema = (struct o2c_pg_version){0};
    for (int i = 0; i < PQntuples(result); i++) {
        struct o2c_str schema, folder;
        struct o2c_pg_version found = o2c_pg_get_version(result, i, &schema, &folder);

        if (o2c_str_eq(folder, O2C_STR("host")))
            engine->host_schema = found;
        else if (o2c_str_eq(folder, o2c_str_from(consumer->name)))
            engine->own_schema = found;
    }
}

static void on_types(void *user, const PGresult *result)
{
    struct engine *engine = user;

    engine->progress_oid = (uint32_t)o2c_pg_get_int8(result, 0, 0);
    engine->outbox_oid = (uint32_t)o2c_pg_get_int8(result, 0, 1);
}

static bool versions_fit(struct engine *engine)
{
    const struct o2c_pg_version *host = &engine->host_schema, *own = &engine->own_schema;
    const struct o2c_consumer *consumer = engine->consumer;
    struct o2c_err err;

    if (o2c_pg_version_fits(host, O2C_ENGINE_VERSION, O2C_ENGINE_VERSION) &&
        o2c_pg_version_fits(own, consumer->schema_version_min,
                            consumer->schema_version_max))
        return true;
    o2c_fail(&err, O2C_FATAL,
             "schema %s is at version %" PRId32 " (engine %" PRId32
             "), compatible from %" PRId32 " (engine %" PRId32
             "), this program works with %" PRId32 " to %" PRId32
             " (engine %d): run o2c migrate or the right release",
             consumer->name, own->applied, host->applied, own->compatible_from,
             host->compatible_from, consumer->schema_version_min,
             consumer->schema_version_max, O2C_ENGINE_VERSION);
    engine_fatal(engine, &err, "the database does not fit this program");
    return false;
}

/* ---- settings of the consumer's own */

static const struct o2c_setting *own_setting(const struct o2c_consumer *consumer,
                                             const char *name)
{
    const struct o2c_settings_table *table = consumer->settings->table;

    for (size_t i = 0; i < table->setting_count; i++)
        if (!strcmp(table->settings[i].name, name))
            return &table->settings[i];
    return NULL;
}

static const char *const *fixed_names(const struct engine *engine)
{
    static const char *const none[] = {NULL};

    return engine->consumer->settings && engine->consumer->settings->fixed
               ? engine->consumer->settings->fixed
               : none;
}

static const char **fixed_value(const struct engine *engine, const char *name)
{
    const struct o2c_setting *setting = own_setting(engine->consumer, name);

    assert(setting && setting->kind == O2C_SETTING_TEXT);
    return (const char **)(void *)((char *)engine->own_settings + setting->offset);
}

static void on_fixed(void *user, const PGresult *result)
{
    char **slot = user;
    struct o2c_str kept = o2c_pg_get_text(result, 0, 0);

    if (!*slot) /* what the first connection said counts, settings point to it */
        *slot = strndup(kept.at, kept.len);
}

static void send_fixed(struct engine *engine)
{
    const char *const *names = fixed_names(engine);

    for (size_t i = 0; names[i]; i++) {
        assert(i < FIXED_SETTINGS_MAX);
        o2c_pg_params_reset(&engine->params);
        o2c_pg_add_text(&engine->params, o2c_str_from(names[i]));
        o2c_pg_add_text(&engine->params, o2c_str_from(*fixed_value(engine, names[i])));
        o2c_pg_send(engine->pg, "fix_setting", &engine->params, on_fixed,
                    &engine->fixed_value[i]);
    }
}

/* What the database keeps counts; another value than that refuses the start. */
static bool fixed_settings_fit(struct engine *engine)
{
    const char *const *names = fixed_names(engine);

    for (size_t i = 0; names[i]; i++) {
        const char **given = fixed_value(engine, names[i]);
        const char *kept = engine->fixed_value[i];
        struct o2c_err err;

        if (kept && (!**given || !strcmp(*given, kept))) {
            *given = kept;
            continue;
        }
        o2c_fail(&err, O2C_FATAL,
                 "%s: \"%s\" is not \"%s\", what it was at the first start", names[i],
                 *given, kept ? kept : "");
        engine_fatal(engine, &err,
                     "a setting that is fixed was changed (docs/operations.md, fixed "
                     "settings)");
        return false;
    }
    return true;
}

static void on_checked(void *user, enum o2c_verdict verdict, bool lost,
                       const struct o2c_err *err)
{
    struct engine *engine = user;

    if (lost || engine->state == ENGINE_CLOSED)
        return;
    if (verdict) {
        engine_fatal(engine, err, "the database does not fit this program");
        return;
    }
    if (!versions_fit(engine) || !fixed_settings_fit(engine))
        return;
    engine->pg_ready = true;
    if (engine->state == ENGINE_STARTING)
        host_start(engine);
    else if (engine->assigned && engine->state != ENGINE_REVOKING &&
             engine->state != ENGINE_STOPPING)
        claim_start(engine);
    else
        engine_step(engine);
}

static void send_versions(struct engine *engine)
{
    struct o2c_pg_array array;

    o2c_pg_params_reset(&engine->params);
    o2c_pg_array_begin(&array, &engine->params, O2C_OID_TEXT);
    o2c_pg_array_text(&array, o2c_str_from(engine->consumer->name));
    o2c_pg_array_end(&array);
    o2c_pg_send(engine->pg, "versions", &engine->params, on_versions, engine);
}

static void on_up(void *user, const struct o2c_err *none)
{
    struct engine *engine = user;

    (void)none;
    o2c_pg_params_reset(&engine->params);
    o2c_pg_send(engine->pg, "types", &engine->params, on_types, engine);
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++)
        o2c_rows_send_types(engine->batch[i].rows, engine->pg);
    send_versions(engine);
    send_fixed(engine);
    o2c_pg_sync(engine->pg, on_checked, engine);
}

static void on_down(void *user, const struct o2c_err *err)
{
    struct engine *engine = user;

    engine->pg_ready = false;
    if (engine->state == ENGINE_CLOSED || engine->closing)
        return;
    if (err->verdict == O2C_FATAL) {
        engine_fatal(engine, err, "PostgreSQL refuses what this program asks");
        return;
    }
    o2c_log_warn("PostgreSQL is away", O2C_S("error", err->text));
    if (engine->state == ENGINE_RUNNING || engine->state == ENGINE_CHECKING)
        engine->state = ENGINE_CLAIMING;
    engine_step(engine);
}

/* ---- start: PostgreSQL first, then all topics with one partition count, then the group */

static bool topics_are_there(struct engine *engine)
{
    int32_t count;
    struct o2c_err err;

    for (int t = 0; t < engine->topic_count + engine->emit_count; t++) {
        const char *name = t < engine->topic_count
                               ? engine->topic_name[t]
                               : engine->emit_name[t - engine->topic_count];

        if (o2c_kafka_partition_count(engine->rk, name, ASK_TIMEOUT_MS, &count, &err)) {
            o2c_log_warn("waiting for Kafka", O2C_S("error", err.text));
            return false;
        }
        if (count == 0) {
            o2c_log_warn("waiting for a topic (o2c topics create)", O2C_S("topic", name));
            return false;
        }
        if (engine->partition_count && count != engine->partition_count) {
            o2c_fail(&err, O2C_FATAL,
                     "%s has %" PRId32 " partitions, the others %" PRId32
                     ": all topics of a deployment have the same number",
                     name, count, engine->partition_count);
            engine_fatal(engine, &err, "partition counts differ");
            return false;
        }
        engine->partition_count = count;
    }
    return true;
}

static void make_units(struct engine *engine)
{
    engine->unit = calloc((size_t)engine->partition_count, sizeof *engine->unit);
    if (!engine->unit)
        abort();
    for (int32_t p = 0; p < engine->partition_count; p++)
        engine->unit[p].partition = p;
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++)
        batch_chains(&engine->batch[i]);
}

void host_start(struct engine *engine)
{
    struct o2c_err err;

    if (!engine->pg_ready || !topics_are_there(engine))
        return;
    engine->cluster_id = rd_kafka_clusterid(engine->rk, ASK_TIMEOUT_MS);
    if (!engine->cluster_id)
        return;
    make_units(engine);
    engine->state = ENGINE_JOINING;
    if (intake_subscribe(engine, &err))
        engine_fatal(engine, &err, "cannot join the group");
}

/* ---- stop */

static void on_closed(void *user)
{
    struct engine *engine = user;

    if (--engine->handles_open == 0)
        o2c_service_exit(engine->service, engine->exit_status);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_closed(handle->data);
}

static void close_handles(struct engine *engine)
{
    engine->state = ENGINE_CLOSED;
    o2c_kafka_bridge_close(&engine->bridge, on_closed);
    o2c_kafka_bridge_close(&engine->lag.bridge, on_closed);
    uv_close((uv_handle_t *)&engine->timer, on_timer_closed);
    uv_close((uv_handle_t *)&engine->retry, on_timer_closed);
    o2c_pg_close(engine->pg, on_closed, engine);
}

/* The group's places stay ours for a session timeout: a restart finds them again. */
void engine_close(struct engine *engine)
{
    if (engine->closing)
        return;
    engine->closing = true;
    o2c_log_info("stopped: everything taken is stored or will be read again",
                 O2C_NO_FIELDS);
    close_handles(engine);
}

static void on_stop(void *user)
{
    struct engine *engine = user;

    if (engine->state == ENGINE_CLOSED)
        return;
    o2c_log_info("stopping", O2C_NO_FIELDS);
    engine->state = ENGINE_STOPPING;
    engine->revoke_deadline_us =
        o2c_clock_monotonic_us() + engine->settings->revoke_wait_ms * 1000;
    engine_step(engine);
}

/* ---- what the supervisor asks */

static bool is_ready(void *user, struct o2c_buf *why_not)
{
    const struct engine *engine = user;

    if (!engine->pg_ready)
        o2c_buf_add_text(why_not, "PostgreSQL is away");
    else if (engine->state == ENGINE_CHECKING)
        o2c_buf_add_text(why_not, "looking at what was published");
    else if (engine->state != ENGINE_RUNNING)
        o2c_buf_add_text(why_not, "no partitions claimed yet");
    else if (engine->retry_armed || (engine->retry_delay_ms && engine->current))
        o2c_buf_add_text(why_not, "a batch is tried again");
    else if (engine->replay.on)
        replay_tell(engine, why_not);
    for (int32_t p = 0; engine->unit && p < engine->partition_count; p++)
        if (engine->unit[p].stopped)
            o2c_buf_printf(why_not, "partition %" PRId32 " is stopped: gap in a stream", p);
    return why_not->len == 0;
}

static bool is_healthy(void *user, struct o2c_buf *why_not)
{
    const struct engine *engine = user;
    int64_t since_us =
        engine->tried_us > engine->progress_us ? engine->tried_us : engine->progress_us;

    if (engine->state != ENGINE_RUNNING || !engine->pg_ready || engine->retry_armed ||
        o2c_clock_monotonic_us() - since_us < (int64_t)O2C_HOST_WATCHDOG_S * 1000000)
        return true;
    o2c_buf_printf(why_not, "no batch was stored for %d s although records wait",
                   O2C_HOST_WATCHDOG_S);
    return false;
}

static void before_metrics(void *user)
{
    host_metrics_refresh(user);
}

/* ---- opening */

static char *joined(const char *prefix, const char *name)
{
    char *text;

    if (asprintf(&text, "%s%s", prefix, name) < 0)
        abort();
    return text;
}

static void route_notices(struct engine *engine)
{
    const struct o2c_consumer *consumer = engine->consumer;

    for (size_t i = 0; i < consumer->parked_route_count; i++) {
        int t = 0;

        while (t < engine->topic_count &&
               strcmp(consumer->topics[t], consumer->parked_routes[i].topic) != 0)
            t++;
        assert(t < engine->topic_count && "a route for a topic that is not read");
        assert(engine->topic[t]->pipeline_records);
        engine->parked_route[t] = &consumer->parked_routes[i];
    }
}

static void name_topics(struct engine *engine)
{
    const char *prefix = engine->settings->kafka.topic_prefix;
    const struct o2c_consumer *consumer = engine->consumer;

    engine->clock = -1;
    for (int t = 0; consumer->topics[t]; t++, engine->topic_count++) {
        assert(t < TOPICS_MAX);
        if (!strcmp(consumer->topics[t], "o2c.clock"))
            engine->clock = t;
        engine->topic[t] = o2c_topic_by_name(consumer->topics[t]);
        assert(engine->topic[t]);
        engine->topic_name[t] = joined(prefix, consumer->topics[t]);
    }
    for (int i = 0; consumer->emits[i]; i++, engine->emit_count++) {
        assert(i < TOPICS_MAX);
        engine->emit_name[i] = joined(prefix, consumer->emits[i]);
    }
    assert((engine->clock >= 0 || !consumer->on_due) && "due dates need o2c.clock");
    if (asprintf(&engine->group, "%s%s%s", prefix, consumer->name,
                 engine->settings->group_suffix) < 0)
        abort();
    if (asprintf(&engine->instance, "%s-%s", engine->group, engine->settings->instance) < 0)
        abort();
    route_notices(engine);
    engine->loads_twice = consumer->due_needs_more != NULL;
    for (size_t i = 0; i < consumer->route_count; i++) {
        engine->route[consumer->routes[i].event_type] = &consumer->routes[i];
        engine->loads_twice |= consumer->routes[i].needs_more != NULL;
    }
}

/* Sent to, not connected: the relay may start later or again. */
static void open_wake_socket(struct engine *engine)
{
    const char *path = engine->settings->wake;
    size_t len = strlen(path);

    engine->wake_socket = -1;
    if (!len || len >= sizeof engine->wake_address.sun_path)
        return;
    engine->wake_address.sun_family = AF_UNIX;
    memcpy(engine->wake_address.sun_path, path, len + 1);
    engine->wake_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static enum o2c_verdict open_batches(struct engine *engine, struct o2c_err *err)
{
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++) {
        batch_init(&engine->batch[i], engine);
        if (o2c_rows_new(&engine->batch[i].rows, engine->consumer, &engine->batch[i].work,
                         err))
            return err->verdict;
    }
    engine->next = &engine->batch[0];
    engine->orders = &engine->batch[2];
    engine->ticks = &engine->batch[3];
    take_init(&engine->take, (size_t)engine->settings->batch_events);
    engine->due_limit = engine->settings->batch_events < DUE_BATCH
                            ? (size_t)engine->settings->batch_events
                            : DUE_BATCH;
    engine->rows_statements = o2c_rows_statements_new(engine->consumer);
    store_statements_make(engine);
    return O2C_OK;
}

static enum o2c_verdict open_pg(struct engine *engine, struct o2c_err *err)
{
    struct o2c_pg_options options = {
        .loop = engine->loop,
        .dsn = engine->settings->pg_dsn,
        .application_name = engine->instance,
        .statements = engine->statements,
        .statement_count = engine->statement_count,
        .on_up = on_up,
        .on_down = on_down,
        .on_unreachable = o2c_service_warn_unreachable,
        .timeout_ms = engine->settings->pg_timeout_ms,
        .user = engine,
    };

    engine->handles_open++;
    return o2c_pg_open(&engine->pg, &options, err);
}

static void on_tick(uv_timer_t *timer)
{
    engine_tick(timer->data);
}

static void open_timers(struct engine *engine)
{
    uv_timer_init(engine->loop, &engine->timer);
    uv_timer_init(engine->loop, &engine->retry);
    engine->timer.data = engine->retry.data = engine;
    uv_timer_start(&engine->timer, on_tick, 1000, 1000);
    engine->handles_open += 2;
}

static enum o2c_verdict engine_open(struct engine *engine, struct o2c_err *err)
{
    struct o2c_service_hooks hooks = {on_stop, is_ready, is_healthy, before_metrics,
                                      engine};

    name_topics(engine);
    host_metrics_open(engine);
    if (o2c_service_new(&engine->service, engine->consumer->name,
                        &engine->settings->service, &hooks, engine->metrics, err))
        return err->verdict;
    engine->loop = o2c_service_loop(engine->service);
    engine->progress_us = o2c_clock_monotonic_us();
    open_wake_socket(engine);
    o2c_buf_init(&engine->scratch, 1 << 24);
    o2c_arena_init(&engine->clock_arena, O2C_EVENT_MAX_ARENA_BYTES);
    o2c_pg_params_init(&engine->params, O2C_PG_PARAMS_BYTES);
    open_timers(engine);
    if (open_batches(engine, err) || intake_open(engine, err) || lag_open(engine, err) ||
        open_pg(engine, err))
        return err->verdict;
    return O2C_OK;
}

static void engine_clear(struct engine *engine)
{
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++)
        batch_clear(&engine->batch[i]);
    intake_drop_held(engine);
    claim_forget(engine);
    if (engine->assigned)
        rd_kafka_topic_partition_list_destroy(engine->assigned);
    rd_kafka_queue_destroy(engine->queue);
    rd_kafka_destroy_flags(engine->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    lag_destroy(engine);
    o2c_service_free(engine->service);
    host_metrics_close(engine);
    o2c_rows_statements_free(engine->rows_statements);
    for (size_t i = 0; i < engine->texts.count; i++)
        free(engine->texts.at[i]);
    for (int t = 0; t < engine->topic_count; t++)
        free(engine->topic_name[t]);
    for (int i = 0; i < engine->emit_count; i++)
        free(engine->emit_name[i]);
    free(engine->texts.at);
    free(engine->statements);
    free(engine->held.at);
    free(engine->unit);
    free(engine->cluster_id);
    free(engine->group);
    free(engine->instance);
    for (size_t i = 0; i < FIXED_SETTINGS_MAX; i++)
        free(engine->fixed_value[i]);
    o2c_buf_clear(&engine->scratch);
    o2c_arena_clear(&engine->clock_arena);
    o2c_pg_params_clear(&engine->params);
    if (engine->wake_socket >= 0)
        close(engine->wake_socket);
    free(engine);
}

/*
 * The settings of one program lie in one struct: the host's, and behind them
 * the consumer's own, whose table is moved there.
 */
struct hosted {
    const struct o2c_consumer *consumer;
    struct o2c_setting *list; /* of the consumer, moved; NULL: it has none */
    struct o2c_settings_table tables[2];
    size_t table_count, own_at;
    void *values;
};

static void hosted_init(struct hosted *hosted, const struct o2c_consumer *consumer)
{
    const struct o2c_consumer_settings *own = consumer->settings;
    size_t align = _Alignof(max_align_t);

    *hosted = (struct hosted){.consumer = consumer};
    hosted->own_at = (sizeof(struct host_settings) + align - 1) / align * align;
    hosted->tables[0] = host_table;
    hosted->table_count = 1;
    hosted->values = calloc(1, hosted->own_at + (own ? own->bytes : 0));
    if (!hosted->values)
        abort();
    if (!own)
        return;
    hosted->list = calloc(own->table->setting_count, sizeof *hosted->list);
    if (!hosted->list)
        abort();
    for (size_t i = 0; i < own->table->setting_count; i++) {
        hosted->list[i] = own->table->settings[i];
        hosted->list[i].offset += hosted->own_at;
    }
    hosted->tables[hosted->table_count++] =
        (struct o2c_settings_table){hosted->list, own->table->setting_count};
}

static void hosted_clear(struct hosted *hosted)
{
    free(hosted->list);
    free(hosted->values);
}

/* NULL: it has none. */
static void *own_values(const struct hosted *hosted)
{
    return hosted->consumer->settings ? (char *)hosted->values + hosted->own_at : NULL;
}

static int run(void *user)
{
    const struct hosted *hosted = user;
    struct engine *engine = calloc(1, sizeof *engine);
    struct o2c_err err;
    int status;

    if (!engine)
        return 1;
    engine->consumer = hosted->consumer;
    engine->settings = hosted->values;
    engine->own_settings = own_values(hosted);
    if (engine_open(engine, &err)) {
        o2c_log_error("cannot start", O2C_S("error", err.text));
        _exit(err.verdict == O2C_FATAL ? 2 : 1);
    }
    o2c_log_info("started", O2C_S("management", o2c_service_address(engine->service)));
    status = o2c_service_run(engine->service);
    /* After a fatal error closing may hang (a fenced static member never completes it). */
    if (status)
        _exit(status);
    engine_clear(engine);
    return 0;
}

/* Of the types it reads, to a NULL; the list is to be freed. */
static const char **event_names(const struct o2c_consumer *consumer)
{
    const struct o2c_event_type_row *day = o2c_event_type_row(O2C_BUSINESS_DAY_STARTED);
    const char **names = calloc(consumer->route_count + 2, sizeof *names);
    size_t count = 0;

    if (!names)
        abort();
    for (size_t i = 0; i < consumer->route_count; i++)
        names[count++] =
            o2c_event_type_row((enum o2c_event_type)consumer->routes[i].event_type)->name;
    for (const char *const *topic = consumer->topics; *topic; topic++)
        if (!strcmp(*topic, day->topic->name))
            names[count++] = day->name;
    return names;
}

static enum o2c_verdict check_own(void *user, struct o2c_err *err)
{
    struct hosted *hosted = user;
    const struct o2c_consumer_settings *own = hosted->consumer->settings;

    return own && own->check ? own->check(own_values(hosted), err) : O2C_OK;
}

int o2c_host_main(const struct o2c_consumer *consumer, int argc, char **argv)
{
    struct hosted hosted;
    int status;

    hosted_init(&hosted, consumer);
    char *name = joined("o2c-", consumer->name);
    const char **events = event_names(consumer);
    struct o2c_service_program program = {
        .name = consumer->name,
        .about = {.program = name,
                  .settings = hosted.tables,
                  .settings_count = hosted.table_count,
                  .events = events},
        .settings = hosted.values,
        .service = &((const struct host_settings *)hosted.values)->service,
        .check = check_own,
        .run = run,
        .user = &hosted,
    };
    program.about.metrics = host_metrics_table(&program.about.metric_count);
    status = o2c_service_main(&program, argc, argv);
    free(events);
    free(name);
    hosted_clear(&hosted);
    return status;
}
