#include "runtime/kafka/client.h"

#include <assert.h>
#include <string.h>

#include "runtime/base/log.h"

#include "runtime/base/banned.h"

enum {
    NAME_MAX_BYTES = 128,
    VALUE_MAX_BYTES = 4096,
    POLL_EVERY_MS = 500
};

/* What the client or the broker says may go away by itself (Kafka's RetriableException). */
static bool is_retriable(rd_kafka_resp_err_t code)
{
    static const rd_kafka_resp_err_t retriable[] = {
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
        RD_KAFKA_RESP_ERR__RESOLVE,
        RD_KAFKA_RESP_ERR__TIMED_OUT,
        RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
        RD_KAFKA_RESP_ERR__QUEUE_FULL,
        RD_KAFKA_RESP_ERR__WAIT_COORD,
        RD_KAFKA_RESP_ERR__WAIT_CACHE,
        RD_KAFKA_RESP_ERR__IN_PROGRESS,
        RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS,
        RD_KAFKA_RESP_ERR__RETRY,
        RD_KAFKA_RESP_ERR_INVALID_MSG,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
        RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_FETCH_SESSION_ID_NOT_FOUND,
        RD_KAFKA_RESP_ERR_INVALID_FETCH_SESSION_EPOCH,
        RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND,
        RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
        RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
    };
    for (size_t i = 0; i < sizeof retriable / sizeof retriable[0]; i++)
        if (retriable[i] == code)
            return true;
    return false;
}

static enum o2c_verdict fail_as(struct o2c_err *err, enum o2c_verdict verdict,
                                rd_kafka_resp_err_t code, const char *what,
                                const char *words)
{
    o2c_fail(err, verdict, "%s: %s (%s)", what, words, rd_kafka_err2name(code));
    err->native = code;
    return verdict;
}

enum o2c_verdict o2c_kafka_fail(struct o2c_err *err, rd_kafka_resp_err_t code,
                                const char *what)
{
    return fail_as(err, is_retriable(code) ? O2C_RETRY : O2C_FATAL, code, what,
                   rd_kafka_err2str(code));
}

enum o2c_verdict o2c_kafka_fail_error(struct o2c_err *err, const rd_kafka_error_t *error,
                                      const char *what)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool again = !rd_kafka_error_is_fatal(error) &&
                 (rd_kafka_error_is_retriable(error) || is_retriable(code));
    return fail_as(err, again ? O2C_RETRY : O2C_FATAL, code, what,
                   rd_kafka_error_string(error));
}

/*
 * any thread.  librdkafka's "error" is a connection that it opens again by
 * itself; only what it calls critical is one here.
 */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    static const enum o2c_log_level levels[] = {O2C_LOG_ERROR, O2C_LOG_ERROR, O2C_LOG_ERROR,
                                                O2C_LOG_WARN,  O2C_LOG_WARN,  O2C_LOG_INFO,
                                                O2C_LOG_INFO,  O2C_LOG_DEBUG};
    const struct o2c_log_field fields[] = {O2C_S("client", rd_kafka_name(rk)),
                                           O2C_S("facility", facility),
                                           O2C_S("text", text)};
    o2c_log_write(level >= 0 && level <= 7 ? levels[level] : O2C_LOG_DEBUG, "librdkafka",
                  fields, sizeof fields / sizeof fields[0]);
}

enum o2c_verdict o2c_kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                               struct o2c_err *err)
{
    char words[160];
    if (rd_kafka_conf_set(conf, name, value, words, sizeof words) == RD_KAFKA_CONF_OK)
        return O2C_OK;
    return o2c_fail(err, O2C_FATAL, "Kafka property %s: %s", name, words);
}

/* The property between `at` and `end`; the value is never repeated: it may be a password.
 */
static enum o2c_verdict set_further(rd_kafka_conf_t *conf, const char *at, size_t len,
                                    int number, struct o2c_err *err)
{
    char name[NAME_MAX_BYTES], value[VALUE_MAX_BYTES];
    while (len > 0 && *at == ' ') {
        at++;
        len--;
    }
    if (len == 0)
        return O2C_OK;
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals ? (size_t)(equals - at) : 0;
    if (name_len == 0)
        return o2c_fail(err, O2C_FATAL, "kafka-client: property %d is not name=value",
                        number);
    size_t value_len = len - name_len - 1;
    if (name_len >= sizeof name || value_len >= sizeof value)
        return o2c_fail(err, O2C_FATAL, "kafka-client: property %d is too long", number);
    memcpy(name, at, name_len);
    name[name_len] = '\0';
    memcpy(value, equals + 1, value_len);
    value[value_len] = '\0';
    return o2c_kafka_set(conf, name, value, err);
}

static enum o2c_verdict set_all_further(rd_kafka_conf_t *conf, const char *properties,
                                        struct o2c_err *err)
{
    for (int number = 1; *properties; number++) {
        size_t len = strcspn(properties, ";");
        if (set_further(conf, properties, len, number, err))
            return err->verdict;
        properties += len + (properties[len] == ';');
    }
    return O2C_OK;
}

enum o2c_verdict o2c_kafka_conf(rd_kafka_conf_t **ret_conf,
                                const struct o2c_kafka_settings *settings,
                                const char *client_id, struct o2c_err *err)
{
    if (settings->topic_prefix && strlen(settings->topic_prefix) > O2C_TOPIC_PREFIX_BYTES)
        return o2c_fail(err, O2C_FATAL,
                        "topic-prefix: \"%.40s...\" is longer than %d bytes",
                        settings->topic_prefix, O2C_TOPIC_PREFIX_BYTES);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (o2c_kafka_set(conf, "bootstrap.servers", settings->bootstrap, err) ||
        o2c_kafka_set(conf, "client.id", client_id, err) ||
        o2c_kafka_set(conf, "socket.nagle.disable", "true", err) ||
        set_all_further(conf, settings->client ? settings->client : "", err)) {
        rd_kafka_conf_destroy(conf);
        return err->verdict;
    }
    *ret_conf = conf;
    return O2C_OK;
}

/* any thread: a queue became non-empty */
static void on_queue(rd_kafka_t *rk, void *opaque)
{
    (void)rk;
    struct o2c_kafka_bridge *bridge = opaque;
    uv_async_send(&bridge->async);
}

static void on_async(uv_async_t *async)
{
    struct o2c_kafka_bridge *bridge = async->data;
    bridge->on_ready(bridge->user);
}

static void on_timer(uv_timer_t *timer)
{
    struct o2c_kafka_bridge *bridge = timer->data;
    bridge->on_ready(bridge->user);
}

/* The timer's first turn is at once: the queue may hold something already. */
void o2c_kafka_bridge_open(struct o2c_kafka_bridge *bridge, uv_loop_t *loop,
                           rd_kafka_queue_t *queue, void (*on_ready)(void *user),
                           void *user)
{
    *bridge = (struct o2c_kafka_bridge){
        .queue = queue, .on_ready = on_ready, .user = user, .handles_open = 2};
    int failed = uv_async_init(loop, &bridge->async, on_async);
    assert(!failed);
    failed = uv_timer_init(loop, &bridge->timer);
    assert(!failed);
    bridge->async.data = bridge;
    bridge->timer.data = bridge;
    uv_timer_start(&bridge->timer, on_timer, 0, POLL_EVERY_MS);
    rd_kafka_queue_cb_event_enable(queue, on_queue, bridge);
}

void o2c_kafka_bridge_wake(struct o2c_kafka_bridge *bridge)
{
    uv_async_send(&bridge->async);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct o2c_kafka_bridge *bridge = handle->data;
    if (--bridge->handles_open == 0 && bridge->on_closed)
        bridge->on_closed(bridge->user);
}

/* librdkafka calls on_queue under the queue's lock: after the disabling none is under way.
 */
void o2c_kafka_bridge_close(struct o2c_kafka_bridge *bridge, void (*on_closed)(void *user))
{
    bridge->on_closed = on_closed;
    rd_kafka_queue_cb_event_enable(bridge->queue, NULL, NULL);
    uv_close((uv_handle_t *)&bridge->async, on_handle_closed);
    uv_close((uv_handle_t *)&bridge->timer, on_handle_closed);
}
