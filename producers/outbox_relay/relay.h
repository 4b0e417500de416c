/*
 * relay.h - private to outbox_relay: the process that publishes what consumers
 * have decided.
 *
 *   relay.c      the process: settings, loop, stop
 *   versions.c   whether it goes with the database
 *   claims.c     which consumers this relay publishes for, and how far it is
 *   reader.c     outbox rows, by primary key range
 *   publisher.c  the idempotent producer and its delivery reports
 *   in_flight.c  which numbers are acknowledged
 *   lane.c       how many records of a topic's partition may be under way
 *
 * It only ever reads outboxes.  Its cursor is the highest number up to which
 * Kafka has acknowledged everything; after a crash what lies behind it is sent
 * again with the same numbers, and receivers drop the repeats.
 */
#ifndef O2C_OUTBOX_RELAY_RELAY_H
#define O2C_OUTBOX_RELAY_RELAY_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uv.h>

#include "producers/outbox_relay/in_flight.h"
#include "producers/outbox_relay/lane.h"
#include "runtime/base/err.h"
#include "runtime/base/heap.h"
#include "runtime/base/str.h"
#include "runtime/base/uuid.h"
#include "runtime/kafka/client.h"
#include "runtime/pg/binary.h"
#include "runtime/pg/pg.h"
#include "runtime/pg/versions.h"
#include "runtime/service/service.h"

struct o2c_metric;
struct o2c_metrics;

enum {
    PARTITIONS_MAX = 512,
    TOPICS_MAX = 64,
    SWOLLEN_RECORDS = 1000 /* so many in flight leave memory to give back */
};

struct relay_settings {
    struct o2c_kafka_settings kafka;
    struct o2c_service_settings service;
    const char *pg_dsn;
    int64_t pg_timeout_ms;
    const char *instance;
    const char *wake;
    int64_t in_flight_records, in_flight_bytes;
    int64_t keep_records;
};

/* What PostgreSQL is asked for. */
enum ask {
    ASK_VERSIONS,
    ASK_CLAIM,
    ASK_LOOK,
    ASK_READ,
    ASK_STORE,
    ASKS
};

struct asked {
    bool refused; /* the last answer: not now */
    bool rests;   /* until the next second */
};

/* One outbox: what a consumer decided on one of its partitions. */
struct source {
    struct publisher_of *of;
    int32_t partition;
    struct in_flight in_flight;
    int64_t given;     /* highest number in the outbox, as last seen */
    int64_t stored_no; /* cursor as stored */
    int64_t storing_no;
    int64_t asked_after;          /* the read under way is for the numbers after this one */
    int64_t unsent_since_us;      /* monotonic; 0: nothing unsent */
    const struct lane *waits_for; /* the next record has no place there yet; or NULL */
    int64_t read_limit;           /* rows; 0: as many as there is room for */
    int64_t reading_rows;         /* room kept for the read under way */
    bool known;                   /* appears in the last look */
    bool reading;
    bool stopped; /* a record cannot be published: nothing is sent any more */
};

/* A consumer whose outboxes this relay publishes, or would. */
struct publisher_of {
    struct relay *relay;
    char *consumer, *schema;
    char *read_name;               /* of its read statement */
    struct o2c_pg_version version; /* of the engine's tables in its schema */
    bool claimed;
    int32_t ranges_skipped; /* of the outbox, as last maintained */
    int64_t epoch;
    struct source source[PARTITIONS_MAX];
};

struct known_topic {
    char *name;               /* without the prefix */
    rd_kafka_topic_t *handle; /* of the producer there is; its opaque is this topic */
    struct o2c_series *published;
    struct lane lane[PARTITIONS_MAX];
};

struct relay {
    const struct relay_settings *settings;
    struct o2c_service *service;
    uv_loop_t *loop;

    struct publisher_of *of;
    size_t of_count;
    int strangers; /* consumers that were registered since, as far as told */
    struct o2c_pg *pg;
    struct o2c_pg_statement *statements;
    size_t statement_count;
    struct o2c_pg_params params;
    struct o2c_pg_version version; /* of its own schema */
    bool connected, asking;        /* for the versions */
    bool up;                       /* connected, and the versions fit */
    bool looking, storing, claiming;
    struct asked asked[ASKS];

    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct o2c_kafka_bridge bridge;
    bool producing; /* false while a producer that failed is being replaced */
    bool emptying;  /* what it was given is being reported as lost */
    bool refused;   /* a record was, since this producer was opened */
    int failures;   /* producers given up since one of them had success */
    int64_t opened_us;
    char failure[O2C_ERR_TEXT]; /* of the last one */
    struct known_topic topic[TOPICS_MAX];
    size_t topic_count;
    int64_t records_in_flight, bytes_in_flight;
    int64_t records_reading; /* room kept for reads under way */
    struct o2c_heap heap;    /* swells by many records in flight */

    uv_timer_t poll, second;
    uv_timer_t pause; /* before the next producer */
    uv_poll_t wake;
    int wake_fd; /* -1: polls */
    struct stat wake_file;
    int maintain_in_s; /* at once after a claim */
    int strangers_in_s;
    bool stopping, closing;
    int handles_open;
    int exit_status;
    struct o2c_metrics *metrics;
};

/* relay.c */
void relay_fatal(struct relay *relay, const struct o2c_err *err, const char *sentence);
/*
 * What came of asking PostgreSQL.  What it refuses for now (RETRY) rests until
 * the next second and is told once; what it refuses for good ends the relay.
 */
void relay_take_answer(struct relay *relay, enum ask ask, enum o2c_verdict verdict,
                       const struct o2c_err *err);
void relay_stop_step(struct relay *relay); /* ends when nothing is in flight any more */
void relay_handle_closed(struct relay *relay);

/* versions.c */
void versions_ask(struct relay *relay); /* once a connection is there; then claims_begin */

/* claims.c */
enum o2c_verdict claims_open(struct relay *relay, struct o2c_err *err) O2C_MUST_CHECK;
void claims_begin(struct relay *relay); /* on a connection to a database that fits */
void claims_look(struct relay *relay);  /* what is new in the outboxes? */
void claims_take(struct relay *relay);  /* consumers nobody publishes for */
void claims_store(struct relay *relay); /* cursors that moved */
void claims_maintain(struct relay *relay);
void claims_look_for_strangers(struct relay *relay); /* registered since the start */
bool claims_settled(const struct relay *relay);      /* every cursor is stored */
void claims_clear(struct relay *relay);

/* reader.c */
void reader_fill(struct relay *relay); /* reads where there is something and room for it */

/* publisher.c */
struct outgoing {
    struct o2c_str topic, consumer;
    int32_t target_partition;
    int64_t outbox_no, stream_seq, recorded_us;
    struct o2c_uuid incarnation, event_id;
    struct o2c_str type, subject, cause, headers, key, value, tick;
};
enum o2c_verdict publisher_open(struct relay *relay, struct o2c_err *err) O2C_MUST_CHECK;
/* RETRY: there is no place for this row yet (source->waits_for), or the producer is to be
 * replaced. */
enum o2c_verdict publisher_send(struct source *source, const struct outgoing *row,
                                struct o2c_err *err) O2C_MUST_CHECK;
void publisher_close(struct relay *relay);
void publisher_on_second(struct relay *relay);
void publisher_clear(struct relay *relay); /* after the loop */

/* metrics.c */
const struct o2c_metric *relay_metrics_table(size_t *ret_count);
void relay_metrics_open(struct relay *relay);
void relay_metrics_refresh(struct relay *relay);
struct o2c_series *relay_metrics_published(struct relay *relay, const char *topic);

#endif
