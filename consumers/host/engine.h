/*
 * engine.h - private to consumers/host: the state of one running consumer.
 *
 * One process is one engine; everything runs on its loop thread.  Records
 * flow   intake -> batch (filling) -> load -> fold -> store -> intake's commit
 * mirror   and two batches take turns, so that the next one fills and loads
 * while the current one is stored.
 *
 *   claim.c    which partitions this process decides for, and where they stand
 *   intake.c   the Kafka consumer: assignments, records, end of partitions
 *   record.c   what a record is before any rule sees it
 *   notice.c   what other consumers say about their parking
 *   hold.c     records that wait for a tick
 *   ticks.c    business days: when one may be applied, and what it runs
 *   replay.c   a rebuild: batches as they were recorded
 *   fold.c     records in recorded order through the rules
 *   effects.c  what rules emit becomes outbox rows
 *   due.c      what rules want to be called for becomes due rows
 *   parking.c  records that cannot be applied, and those behind them
 *   store.c    one unit behind the fence
 *   packing.c  old rows of the recorded order
 *   engine.c   the order in which all of this happens
 */
#ifndef O2C_HOST_ENGINE_H
#define O2C_HOST_ENGINE_H

#include <assert.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/un.h>
#include <uv.h>

#include "consumers/host/consumer.h"
#include "consumers/host/rows_map.h"
#include "consumers/host/take.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/heap.h"
#include "runtime/base/uuid.h"
#include "runtime/kafka/client.h"
#include "runtime/kafka/headers.h"
#include "runtime/kafka/lag.h"
#include "runtime/pg/binary.h"
#include "runtime/pg/versions.h"
#include "runtime/service/service.h"
#include "schemas/events.h"

struct o2c_metric;
struct o2c_metrics;
struct o2c_pg;
struct o2c_pg_statement;
struct o2c_rows;
struct o2c_rows_statements;
struct o2c_series;

enum {
    TOPICS_MAX = 16,     /* a consumer reads at most so many topics, and emits to as many */
    HELD_MAX = 100,      /* so many events without room: reading pauses at once */
    REPLAY_AHEAD = 1000, /* records of a topic that wait for their recorded batch */
    PARKED_BATCH = 1000, /* parked records tried again in one batch */
    DUE_BATCH = 2000,    /* due items run in one transaction */
    /* Key, headers and value of a record that is published: the topics and the relay let
     * 8 MiB through, with what they add themselves (topics.json, max.message.bytes). */
    OUTBOX_BYTES = (8 << 20) - (64 << 10),
    RECORD_BYTES = 1 << 24,   /* a record is expected to have no more, headers and all */
    SWOLLEN_BYTES = 512 << 10 /* a batch that took more leaves memory to give back */
};

#define VEC(type)                                                                          \
    struct {                                                                               \
        type *at;                                                                          \
        size_t count, cap;                                                                 \
    }

struct host_settings {
    struct o2c_kafka_settings kafka;
    struct o2c_service_settings service;
    const char *pg_dsn;
    int64_t pg_timeout_ms;
    const char *instance;
    const char *wake;         /* the relay's datagram socket, "" = none */
    const char *group_suffix; /* behind the name of the Kafka group */
    int64_t batch_events;     /* a batch is closed at so many records ... */
    int64_t batch_bytes;      /* ... or so many bytes of them */
    int64_t session_timeout_ms;
    int64_t fetch_queue_events;
    int64_t fetch_queue_kib;
    int64_t revoke_wait_ms; /* how long the batch in flight may take at a revoke */
};

/* What has happened to the records of a partition since its first one. */
enum total {
    TOTAL_APPLIED,
    TOTAL_REPEATS,
    TOTAL_SKIPPED,
    TOTAL_PARKED,
    TOTAL_UNPARKED,
    TOTAL_SET_ASIDE,
    TOTAL_MARKERS,
    TOTAL_COUNT
};

/*
 * The newest record folded: reading starts at it again after a claim, and a
 * topic whose record there is another one was deleted and filled anew.
 */
struct last_record {
    int64_t offset;
    uint64_t hash; /* XXH3-64 of the value; 0: none known */
};

/* Where a partition stands; one progress row. */
struct position {
    int64_t batch_seq;
    int64_t next[TOPICS_MAX]; /* per topic of the consumer; -1: not known */
    struct last_record last[TOPICS_MAX];
    int64_t stream_seq[TOPICS_MAX]; /* per topic it emits to */
    int64_t outbox_no;
    int64_t parked_no;
    int64_t total[TOTAL_COUNT];
    int32_t business_date; /* the last one begun; without the clock: heard of */
    bool in_tick;          /* that one's tick is under way ... */
    struct o2c_due cursor; /* ... and has run its items up to this one */
    int32_t tick_emitted;  /* records it has emitted */
};

/* The last record received of one stream of another consumer. */
struct inbound {
    struct inbound *next;
    int topic;
    char *source;
    int32_t source_partition;
    struct o2c_uuid incarnation, stored_incarnation;
    int64_t last_seq, stored_seq;
    bool known;   /* to PostgreSQL */
    bool touched; /* by the batch being folded */
};

/* A partition of a topic it publishes to, see outbound.c. */
struct outbound {
    int64_t seen;  /* offset: nothing below it is unknown to the database;
                      RD_KAFKA_OFFSET_BEGINNING: it was never looked at */
    int64_t kept;  /* as the database has it */
    int64_t until; /* offset that the check has to reach; -1: not known yet */
    bool open;     /* the check is under way */
    bool gone;     /* the offset is not there: looked at anew, from the beginning */
    bool asked;    /* its end is, see lag.c */
};

/* An account of a partition that has something parked. */
struct parked_account {
    struct parked_account *next;
    uint64_t hash;
    char *account;
    size_t len;
    int64_t records, stored_records;
};

/* What was last seen to wait behind a position, see lag.c. */
struct waiting {
    int64_t end;       /* of the partition; -1: not known */
    int64_t oldest_us; /* recorded time of the oldest record that waits; 0: none */
    int64_t from;      /* the position it was seen behind */
    int64_t told_us;   /* monotonic */
    bool asked;        /* an answer is awaited */
};

/* How a record looks before any rule has seen it. */
enum record_kind {
    RECORD_EVENT,   /* decoded, has a route */
    RECORD_NOTICE,  /* of another consumer's parking, read */
    RECORD_SKIPPED, /* no route for its type; a notice about no account */
    RECORD_BAD,     /* has a usable key, but cannot be read */
    RECORD_ASIDE,   /* has no usable key */
    RECORD_MARKER,  /* no record: offsets up to this one are empty (transaction markers) */
    RECORD_DUE,     /* an item that a tick has reached */
    RECORD_TICK     /* the tick itself, behind its last item */
};

/* A record of the clock, not yet applied. */
struct tick {
    struct tick *next;
    rd_kafka_event_t *holder; /* NULL: a marker */
    const rd_kafka_message_t *message;
    int64_t offset, recorded_us;
    enum record_kind kind; /* RECORD_TICK, SKIPPED, ASIDE or MARKER */
    enum o2c_event_type type;
    int32_t business_date;
    int64_t cut[TOPICS_MAX]; /* everything below is applied before */
    char reason[O2C_ERR_TEXT];
};

/* Records of one topic that wait for a tick, in order; their partition is paused. */
struct held {
    rd_kafka_event_t *holder;
    const rd_kafka_message_t *message;
};

struct hold {
    VEC(struct held) records;
    size_t bytes; /* of them */
    int64_t end;  /* where the partition ends behind them, if that was seen; else 0 */
    bool paused;
};

/* A partition number this process has claimed. */
struct unit {
    int32_t partition;
    bool wanted;  /* all its topics are assigned to this process */
    bool claimed; /* epoch and positions are valid */
    bool stopped; /* an alarm: its records are not taken any more */
    bool touched; /* by the batch being folded */
    int64_t epoch;
    struct o2c_uuid incarnation;
    struct position stored, pending; /* pending: with the batch being folded */
    struct position claiming;        /* as PostgreSQL answered a claim */
    int64_t claiming_epoch;
    int64_t replay_end; /* the last batch recorded for it, see replay.h; 0: none */
    int64_t stored_us;  /* monotonic time of the last store, or of the claim */
    int64_t mirrored[TOPICS_MAX]; /* what Kafka has of our position; -1: not known */
    struct waiting waiting[TOPICS_MAX];
    int64_t taken[TOPICS_MAX]; /* next offset the intake expects */
    int64_t given[TOPICS_MAX]; /* next offset a batch expects: less while records wait */
    bool verified[TOPICS_MAX]; /* the record at stored.last is still the same */
    struct outbound outbound[TOPICS_MAX];    /* per topic it emits to */
    const struct record *newest[TOPICS_MAX]; /* folded by the batch; NULL: none */
    struct inbound *inbound;
    struct parked_account *parked;
    struct row_map parked_map; /* finds them; without memory while there are none */
    /* of a consumer that takes ticks */
    struct tick *tick, *last_tick; /* to be applied, in order */
    bool clock_read;               /* to its end, once since the claim */
    bool tick_chosen;              /* for the batch of ticks under way */
    struct hold hold[TOPICS_MAX];
    char *cursor_text, *claiming_text; /* what stored.cursor, claiming.cursor borrow */
};

struct record {
    struct unit *unit;
    struct record *next; /* of the same unit and topic */
    int topic;
    enum record_kind kind;
    int64_t offset;
    int64_t recorded_us;
    struct o2c_event event;
    const struct o2c_route *route;
    struct o2c_parked_notice notice;             /* NOTICE */
    const struct o2c_parked_route *parked_route; /* of a notice that could be read */
    struct o2c_str account;
    rd_kafka_event_t *holder; /* keeps the bytes alive; NULL for a parked record */
    const rd_kafka_message_t *message;
    struct o2c_str key, value; /* as received */
    struct o2c_str headers;    /* packed; of a parked record only, see record_headers */
    struct o2c_stream_headers stream;
    int32_t business_date;    /* of a tick and its items; of a stream: o2c_tick */
    struct o2c_due due;       /* DUE */
    const char *reason;       /* BAD, ASIDE, a refused DUE: in words */
    const char *aside_reason; /* ASIDE: its code */
    int64_t parked_no;        /* > 0: comes from the parked table */
    bool parked_first;        /* the one that could not be applied, not one behind it */
    int outcome;              /* enum total, of `outcome_count` records; -1: none yet */
    int64_t outcome_count;
};

struct outbox_row {
    struct unit *unit;
    int emit; /* topic, number into consumer->emits */
    int64_t outbox_no, stream_seq, recorded_us;
    int32_t business_date;
    struct o2c_uuid event_id;
    struct o2c_str type, subject, cause, headers, key, value;
};

struct parked_row {
    const struct record *record;
    int64_t parked_no;
    struct o2c_str reason; /* absent: queued */
    struct o2c_str headers;
};

struct aside_row {
    const struct record *record;
    struct o2c_str headers;
};

struct parked_change {
    const struct record *record;
    const char *state;
    struct o2c_str reason;
};

/* What the batch does to one entry of the due table. */
enum due_fate {
    DUE_UNTOUCHED, /* all that was done has been undone */
    DUE_ADDED,     /* is there afterwards; since when, only if it was not there before */
    DUE_GONE,
    DUE_RENEWED /* was taken away, and is there anew */
};

struct due_change {
    struct unit *unit;
    struct o2c_due due;
    enum due_fate fate;
    int32_t since; /* the unit's business date when it was added */
};

struct due_undo {
    struct due_change *change;
    enum due_fate fate;
    int32_t since;
};

struct due_refusal {
    const struct record *record;
    struct o2c_str reason;
};

enum batch_state {
    BATCH_FILLING, /* takes records */
    BATCH_LISTING, /* asks what is due, or what a person has ordered */
    BATCH_CLOSED,  /* takes no more; nothing loaded */
    BATCH_LOADING,
    BATCH_LOADED,
    BATCH_STORING
};

struct batch {
    struct engine *engine;
    enum batch_state state;
    bool stale;              /* loading, but the result is of no use any more */
    bool in_doubt;           /* storing when the connection was lost */
    bool dropped;            /* asking, loading or storing: reset when the answer comes */
    size_t message_bytes;    /* held in librdkafka for its records */
    size_t largest_bytes;    /* of one record, with what it points to */
    struct o2c_arena intake; /* records and what they point to */
    struct o2c_arena work;   /* rows and effects of the part being folded */
    struct o2c_rows *rows;
    VEC(struct record *) chain_head; /* [unit * topics + topic] while filling */
    VEC(struct record *) chain_tail;
    VEC(struct record *) fold; /* all records in the order of folding */
    size_t record_count;
    size_t stored; /* of `fold`, how many are done */
    size_t limit;  /* how many at once */
    size_t end;    /* of the part being loaded, folded or stored */
    VEC(struct outbox_row) outbox;
    VEC(struct parked_row) parked;
    VEC(struct parked_change) parked_changes;
    VEC(struct aside_row) aside;
    struct row_map due_map; /* of due_changes */
    VEC(struct due_change *) due_changes;
    VEC(struct due_undo) due_undo; /* of the event being folded */
    VEC(struct due_refusal) due_refused;
    int64_t due_ran, due_waiting;
    /* a batch of parked records, asked for by a person; order_no 0: it is none */
    int64_t order_no;
    struct unit *order_unit;
    char *order_account;
    bool order_discards; /* drops the first, then goes on with those behind it */
    bool order_blocked;  /* one of them was parked again */
    bool order_unread;   /* behind them is one of a topic that is not read any more */
    int64_t store_started_us;
};

enum {
    FIXED_SETTINGS_MAX = 8
};

/* A batch as it was recorded: where it left the partition. */
struct replay_row {
    struct position position; /* next -1: a topic not read then; outbox_no -1: not kept */
    char *cursor_text;        /* what its cursor borrows */
};

struct replay {
    bool on;                     /* only recorded batches are folded */
    int32_t partition;           /* whose rows these are */
    VEC(struct replay_row) rows; /* consecutive batches */
    bool asked;                  /* for more, of asked_partition */
    int32_t asked_partition;
};

enum engine_state {
    ENGINE_STARTING, /* waiting for PostgreSQL and the topics */
    ENGINE_JOINING,  /* no assignment yet */
    ENGINE_CLAIMING, /* an assignment is being claimed (or claimed again) */
    ENGINE_CHECKING, /* looks at what it has published */
    ENGINE_RUNNING,
    ENGINE_REVOKING, /* waits for the batch in flight, then gives the partitions back */
    ENGINE_STOPPING, /* the same, then closes */
    ENGINE_CLOSED
};

struct engine {
    const struct o2c_consumer *consumer;
    const struct host_settings *settings;
    void *own_settings;                    /* of the consumer; NULL: it has none */
    char *fixed_value[FIXED_SETTINGS_MAX]; /* as the database keeps them */
    struct o2c_service *service;
    uv_loop_t *loop;
    enum engine_state state;
    int exit_status;

    /* PostgreSQL */
    struct o2c_pg *pg;
    struct o2c_rows_statements *rows_statements;
    struct o2c_pg_statement *statements;
    size_t statement_count;
    VEC(char *) texts; /* SQL with the schema put in */
    struct o2c_pg_params params;
    const char *unfit; /* the statement of the open unit whose parameters have no room */
    uint32_t progress_oid, outbox_oid;
    struct o2c_pg_version host_schema, own_schema;
    struct o2c_buf scratch;
    bool pg_ready; /* connected, and versions and types were read on this connection */

    /* Kafka */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct o2c_kafka_bridge bridge;
    rd_kafka_topic_partition_list_t *assigned; /* as the group gave it; NULL: none */
    rd_kafka_event_t *revoke;                  /* to be answered */
    bool answered; /* what the group gave last, with what is read of it */
    char *cluster_id;
    char *group, *instance;
    int topic_count, emit_count;
    int clock; /* which topic is o2c.clock; -1: the consumer takes no ticks */
    const struct o2c_route *route[O2C_EVENT_TYPE_COUNT];
    const struct o2c_parked_route *parked_route[TOPICS_MAX]; /* NULL: a topic of events */
    bool loads_twice; /* some route has a needs_more */
    const struct o2c_topic *topic[TOPICS_MAX];
    char *topic_name[TOPICS_MAX], *emit_name[TOPICS_MAX]; /* with the prefix */
    int32_t partition_count;
    struct unit *unit; /* [partition_count] */
    int32_t generation;
    int claims_open; /* asked and not yet answered; only the last answer counts */
    int checks_open; /* outbound partitions that are still looked at */
    bool reading;    /* the consumer reads at the claimed positions */
    bool paused;     /* because no batch had room for a while */
    bool has_paused; /* anything, ever */
    bool resume_due; /* what was paused before this assignment: see resume_forgotten */
    int64_t reading_since_us;
    bool closing;
    struct take take;
    struct o2c_heap heap; /* swells by a large batch */
    int64_t full_since_us;
    VEC(rd_kafka_event_t *) held; /* records and ends of partitions without room */
    bool in_poll;

    /* batches */
    struct batch batch[4]; /* two in turn, one for parked records, one for ticks */
    struct batch *current, *next;
    struct batch *spent;          /* stored, its messages not yet freed */
    bool swapped;                 /* the next batch may not fill before that */
    struct batch *orders;         /* == &batch[2] */
    struct batch *ticks;          /* == &batch[3] */
    size_t due_limit;             /* items of one batch of ticks */
    struct o2c_arena clock_arena; /* a record of the clock being read */
    size_t holds;                 /* partitions of topics with records that wait */
    bool orders_due;              /* their batch waits to be the current one */
    struct replay replay;
    uv_timer_t timer, retry;
    int64_t retry_delay_ms;
    int64_t revoke_deadline_us;
    bool retry_armed;
    bool rejoins; /* the group, when it tries again */
    int wake_socket;
    struct sockaddr_un wake_address;

    struct o2c_metrics *metrics;
    VEC(struct o2c_series *) counted; /* [topic][type, or none][total], made at first use */
    struct {
        rd_kafka_t *rk; /* a second client, of no group: lag.c */
        rd_kafka_queue_t *queue;
        struct o2c_kafka_bridge bridge;
        int open; /* answers awaited */
        int64_t looked_us;
    } lag;
    struct {
        int64_t stored; /* rows of progress since the last time, see packing.c */
        int32_t took;   /* rows that the one under way has packed */
        bool open;      /* one is under way */
    } packing;
    int64_t
        progress_us; /* monotonic time of the last store, or of the last time it was idle */
    int64_t tried_us; /* when something was tried again last */
    int handles_open;
    struct o2c_err last_err;
};

/* vec: room for one more at the end; aborts the process without memory. */
void *o2c_vec_room(void *at, size_t *cap, size_t count, size_t element_bytes);
#define VEC_ADD(vec, value)                                                                \
    ((vec).at = o2c_vec_room((vec).at, &(vec).cap, (vec).count, sizeof *(vec).at),         \
     (vec).at[(vec).count++] = (value))
/* Of an empty one: its memory is given back. */
#define VEC_TRIM(vec) (assert(!(vec).count), free((vec).at), (vec).at = NULL, (vec).cap = 0)

/* engine.c */
void engine_step(struct engine *engine); /* does whatever can be done now */
void engine_fatal(struct engine *engine, const struct o2c_err *err, const char *sentence);
void engine_drop(struct engine *engine); /* forgets all batches and pending positions */
bool engine_has_room(const struct engine *engine); /* in the batch that fills */
bool engine_can_take(const struct engine *engine); /* and nothing waits before it */
void engine_pause(struct engine *engine, bool pause);
void engine_revoke(struct engine *engine);
void engine_close(struct engine *engine);
void engine_tick(struct engine *engine);
void engine_resume(struct engine *engine, bool committed); /* after a claim was renewed */
void engine_retry_later(struct engine *engine, const struct o2c_err *err);
void engine_retry_no_more(struct engine *engine);
void engine_add_partitions(
    struct engine *engine); /* the claimed ones, as an array parameter */

/* record.c */
struct record *record_new(struct batch *batch, struct unit *unit, int topic,
                          int64_t offset);
size_t record_bytes(const struct batch *batch); /* of all, with what librdkafka holds */
struct parked_record {
    struct unit *unit;
    int topic;
    int64_t offset, recorded_us, parked_no;
    struct o2c_str account, headers, value; /* borrowed until the call returns */
    bool first;
};
void record_take(struct batch *batch, struct unit *unit, int topic,
                 rd_kafka_event_t *holder,
                 const rd_kafka_message_t *message); /* owns the holder from now on */
void record_from_parked(struct batch *batch, const struct parked_record *parked);
void record_refuse(struct batch *batch, struct record *record, const char *reason);
bool record_can_be_refused(const struct record *record);
/* FATAL: what is wrong with this record, and where it is. */
enum o2c_verdict record_fail_at(struct o2c_err *err, const struct batch *batch,
                                const struct record *record, const char *text);
void record_marker(struct batch *batch, struct unit *unit, int topic, int64_t next_offset);

/* False: not even its type is known. */
bool record_was_read(const struct record *record);

/* The headers as tables keep them (o2c_headers_pack); false: no memory. */
bool record_headers(const struct record *record, struct o2c_arena *arena,
                    struct o2c_str *ret_packed);

/* fold.c */
void batch_init(struct batch *batch, struct engine *engine);
void batch_chains(struct batch *batch); /* once the partition count is known */
/* From the topics: neither parked records tried again nor a business day. */
bool batch_was_read(const struct batch *batch);
void batch_reset(struct batch *batch);
void batch_clear(struct batch *batch);
void batch_trim(struct batch *batch);      /* an empty one gives its memory back */
void batch_close(struct batch *batch);     /* puts the records in the order of folding */
bool batch_load(struct batch *batch);      /* false: nothing to load */
bool batch_load_more(struct batch *batch); /* what loaded rows name; false: nothing */
enum o2c_verdict batch_fold(struct batch *batch, struct o2c_err *err) O2C_MUST_CHECK;
void batch_undo(struct batch *batch); /* positions back to stored, rows and effects gone */

/* effects.c */
struct o2c_effects {
    struct batch *batch;
    struct record *record;
    size_t outbox_mark; /* outbox rows before this event */
    int32_t emitted;
    bool repeat;
    bool failed;        /* no room */
    struct o2c_err err; /* verdict PARK: something emitted could not be encoded */
};
void effects_begin(struct o2c_effects *effects, struct batch *batch, struct record *record);
void effects_undo(struct o2c_effects *effects);
void effects_emit_raw(struct o2c_effects *effects, const char *topic, struct o2c_str type,
                      struct o2c_str headers, struct o2c_str key, struct o2c_str value);

/* due.c */
void due_open(struct batch *batch);
void due_clear(struct batch *batch);
void due_reset(struct batch *batch);
void due_trim(struct batch *batch);         /* an empty one gives its memory back */
void due_begin(struct batch *batch);        /* of an event; those before cannot be undone */
void due_undo(struct batch *batch);         /* what the event did */
bool due_take(struct o2c_effects *effects); /* the record's own; false: gone meanwhile */
void due_refuse(struct batch *batch, const struct record *record, const char *reason);
void due_send(struct engine *engine, struct batch *batch);

/* ticks.c */
void ticks_take(struct engine *engine, struct unit *unit, rd_kafka_event_t *holder,
                const rd_kafka_message_t *message); /* owns the holder from now on */
void ticks_marker(struct unit *unit, int64_t next_offset);
bool ticks_pick(struct engine *engine); /* chooses what may be applied now */
void ticks_list(struct batch *batch);   /* asks what is due and fills the batch */
void ticks_stored(struct engine *engine, struct unit *unit);
void ticks_drop(struct unit *unit); /* what was read and is not applied */
void ticks_clear(struct unit *unit);
void ticks_own_cursor(struct position *position, char **text);
int32_t ticks_done(const struct unit *unit); /* the last business date whose tick is over */

/* hold.c */
void hold_or_give(struct engine *engine, struct unit *unit, int topic,
                  rd_kafka_event_t *holder, const rd_kafka_message_t *message);
void hold_end(struct engine *engine, struct unit *unit, int topic, int64_t end);
void hold_release(struct engine *engine);
/* Gives what waits below `until`, per topic; true when all of it has been given. */
bool hold_fill(struct engine *engine, struct unit *unit, const int64_t *until);
void hold_clear(struct engine *engine, struct unit *unit);

/* store.c */
enum o2c_verdict batch_store(struct batch *batch, struct o2c_err *err) O2C_MUST_CHECK;
void store_send(struct engine *engine, const char *statement); /* with engine->params */
void batch_stored(struct batch *batch);                        /* the unit was committed */
void store_statements_make(struct engine *engine);
void store_mirror(struct engine *engine);

/* packing.c */
void packing_soon(struct engine *engine);   /* there may be something to pack */
void packing_stored(struct engine *engine); /* a row of progress */
void packing_step(struct engine *engine);   /* packs some, if it is time to */

/* parking.c */
struct parked_account *parked_find(const struct unit *unit, struct o2c_str account);
void parked_set(struct unit *unit, struct o2c_str account, int64_t records);
void parked_add(struct o2c_effects *effects, const struct record *record,
                const char *reason);
void parked_left(struct o2c_effects *effects, const struct record *record,
                 const char *state);
void parked_again(struct o2c_effects *effects, const struct record *record,
                  const char *reason);
void parked_undo(struct unit *unit);
void parked_keep(struct unit *unit);
void parked_clear(struct unit *unit);
void parked_poll(struct engine *engine); /* asks for the next order of a person */

/* claim.c */
void claim_start(
    struct engine *engine); /* fresh assignment, or again after a lost connection */
void claim_forget(struct engine *engine);
/* Drops what was read of the partitions and claims them as after an assignment. */
void claim_anew(struct engine *engine);
/* Of a row of progress: per topic, -1 where it says nothing. */
void claim_read_offsets(const struct engine *engine, struct position *position,
                        struct o2c_str text);
/* Of one too, from `column` on; `text` is the memory that the cursor borrows. */
void claim_read_day(struct position *position, char **text, const PGresult *result, int row,
                    int column);

/* intake.c */
enum o2c_verdict intake_open(struct engine *engine, struct o2c_err *err) O2C_MUST_CHECK;
enum o2c_verdict intake_subscribe(struct engine *engine,
                                  struct o2c_err *err) O2C_MUST_CHECK;
/* Takes the list over: what is read from now on, and from where. */
void intake_assign(struct engine *engine, rd_kafka_topic_partition_list_t *list);
void intake_start(struct engine *engine); /* reading at the claimed positions */
void intake_unassign(struct engine *engine);
void intake_unhold(struct engine *engine);
void intake_drop_held(struct engine *engine);
void intake_answer_revoke(struct engine *engine);
void intake_rejoin(struct engine *engine);
/* Take the list over.  What was paused stays so over assignments, see resume_forgotten. */
void intake_pause(struct engine *engine, rd_kafka_topic_partition_list_t *list);
void intake_resume(struct engine *engine, rd_kafka_topic_partition_list_t *list);
void intake_stop_unit(struct engine *engine, struct unit *unit);
int32_t intake_generation(struct engine *engine);

/* inbound streams: inbound.c */
enum inbound_verdict {
    INBOUND_APPLY,
    INBOUND_REPEAT,
    INBOUND_GAP
};
enum inbound_verdict inbound_judge(struct unit *unit, int topic,
                                   const struct o2c_stream_headers *headers,
                                   int64_t *ret_expected);
void inbound_set(struct unit *unit, int topic, struct o2c_str source,
                 int32_t source_partition, const struct o2c_uuid *incarnation,
                 int64_t last_seq);
void inbound_undo(struct unit *unit);
void inbound_keep(struct unit *unit);
void inbound_clear(struct unit *unit);

/* outbound.c */
void outbound_forget(struct unit *unit); /* nothing was ever looked at */
void outbound_set(struct engine *engine, struct unit *unit, struct o2c_str topic,
                  int64_t seen);           /* as the database has it */
void outbound_keep(struct engine *engine); /* into the database, what has moved */
/* Where a partition ends: an offset, -1: not known.  True: that is what was asked. */
bool outbound_note(struct engine *engine, const char *name, int32_t partition, int64_t end);
/* Begins to look; that ends in intake_start, or fatally. */
void outbound_check(struct engine *engine);
void outbound_take(struct engine *engine, const rd_kafka_message_t *message);
void outbound_ended(struct engine *engine, const rd_kafka_topic_partition_t *end);
/* False: it was not the check that asked for the offset that is not there. */
bool outbound_gone(struct engine *engine, const rd_kafka_topic_partition_t *at);

/* host.c */
void host_start(
    struct engine *engine); /* subscribes once PostgreSQL and all topics are there */

/* lag.c */
struct lag {
    int64_t records, oldest_us, waited_us, mirror_drift;
    enum o2c_lag_status status;
};
enum o2c_verdict lag_open(struct engine *engine, struct o2c_err *err) O2C_MUST_CHECK;
void lag_look(struct engine *engine); /* once a second */
/* The end of a partition as a client's last fetch of it was told; -1: not yet. */
int64_t lag_end_seen(rd_kafka_t *rk, const char *topic, int32_t partition);
void lag_mirrored(struct engine *engine, const rd_kafka_topic_partition_list_t *list);
void lag_begin(struct unit *unit, int topic_count);
void lag_of(const struct engine *engine, const struct unit *unit, int topic,
            struct lag *ret_lag);
void lag_destroy(struct engine *engine);

/* metrics.c */
void host_metrics_close(struct engine *engine);
const struct o2c_metric *host_metrics_table(size_t *ret_count);
void host_metrics_open(struct engine *engine);
void host_metrics_batch(struct engine *engine, const struct batch *batch);
void host_metrics_refresh(struct engine *engine);
void host_metrics_in_doubt(struct engine *engine, bool committed);
void host_metrics_rebalance(struct engine *engine, const char *kind);
void host_metrics_fenced(struct engine *engine);
void host_metrics_stored(struct engine *engine,
                         const struct unit *unit); /* before stored = pending */

#endif
