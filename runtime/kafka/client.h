/*
 * client.h - how every program of o2c reaches Kafka: settings, client
 * configuration, error table, and the bridge from librdkafka's queues to the
 * loop thread.
 */
#ifndef O2C_KAFKA_CLIENT_H
#define O2C_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "runtime/base/config.h"
#include "runtime/base/err.h"

struct o2c_kafka_settings {
    const char *bootstrap;    /* host:port, comma separated */
    const char *topic_prefix; /* put before every topic name; "" in production */
    const char *client;       /* further librdkafka properties: "name=value;name=value" */
};

/* The three settings, for a program whose settings struct has `member`. */
#define O2C_KAFKA_SETTINGS(type, member)                                                   \
    {"kafka",                                                                              \
     O2C_SETTING_TEXT,                                                                     \
     offsetof(type, member.bootstrap),                                                     \
     "127.0.0.1:9092",                                                                     \
     0,                                                                                    \
     0,                                                                                    \
     NULL,                                                                                 \
     "Kafka brokers, host:port, comma separated",                                          \
     false},                                                                               \
        {"topic-prefix",                                                                   \
         O2C_SETTING_TEXT,                                                                 \
         offsetof(type, member.topic_prefix),                                              \
         "",                                                                               \
         0,                                                                                \
         0,                                                                                \
         NULL,                                                                             \
         "put before every topic name, for several installations on one cluster",          \
         false},                                                                           \
    {                                                                                      \
        "kafka-client", O2C_SETTING_TEXT, offsetof(type, member.client), "", 0, 0, NULL,   \
            "further librdkafka properties, name=value;name=value (TLS, SASL)", true       \
    }

/* For a program that does without Kafka beside others that do not. */
#define O2C_KAFKA_SETTING_OF_OTHERS(name)                                                  \
    {                                                                                      \
        name, O2C_SETTING_OF_OTHERS, 0, "", 0, 0, NULL, "", false                          \
    }
#define O2C_KAFKA_SETTINGS_OF_OTHERS                                                       \
    O2C_KAFKA_SETTING_OF_OTHERS("kafka"), O2C_KAFKA_SETTING_OF_OTHERS("topic-prefix"),     \
        O2C_KAFKA_SETTING_OF_OTHERS("kafka-client")

/* The longest prefix: with it the name of every topic is shorter than 160 bytes. */
enum {
    O2C_TOPIC_PREFIX_BYTES = 128
};

/*
 * A configuration with bootstrap servers, client id and the further
 * properties set, logging through log.h (log.queue off, log_cb).  FATAL names
 * the property that librdkafka refuses, or says that the prefix is too long.
 */
enum o2c_verdict o2c_kafka_conf(rd_kafka_conf_t **ret_conf,
                                const struct o2c_kafka_settings *settings,
                                const char *client_id, struct o2c_err *err) O2C_MUST_CHECK;

/* One more property; FATAL with librdkafka's words. */
enum o2c_verdict o2c_kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                               struct o2c_err *err) O2C_MUST_CHECK;

/* RETRY for what librdkafka or the broker calls retriable or transport, FATAL for the rest.
 */
enum o2c_verdict o2c_kafka_fail(struct o2c_err *err, rd_kafka_resp_err_t code,
                                const char *what);
enum o2c_verdict o2c_kafka_fail_error(struct o2c_err *err, const rd_kafka_error_t *error,
                                      const char *what);

/*
 * Calls on_ready on the loop thread when the queue has something, and at
 * least every 500 ms (an idle consumer must be polled, librdkafka #3344).
 * on_ready polls with a timeout of 0 until the queue is empty or it has
 * enough; if it stops early it calls o2c_kafka_bridge_wake itself later.
 */
struct o2c_kafka_bridge {
    uv_async_t async;
    uv_timer_t timer;
    rd_kafka_queue_t *queue; /* borrowed */
    void (*on_ready)(void *user);
    void (*on_closed)(void *user);
    void *user;
    int handles_open;
};

void o2c_kafka_bridge_open(struct o2c_kafka_bridge *bridge, uv_loop_t *loop,
                           rd_kafka_queue_t *queue, void (*on_ready)(void *user),
                           void *user);
void o2c_kafka_bridge_wake(struct o2c_kafka_bridge *bridge);
void o2c_kafka_bridge_close(struct o2c_kafka_bridge *bridge, void (*on_closed)(void *user));

#endif
