/*
 * host_test.h - what the tests of the engine stand on: the consumer o2c-probe
 * on a PostgreSQL of its own and topics of its own on the broker of
 * TEST_STACK, in one or several processes.
 */
#ifndef O2C_TESTS_INTEGRATION_HOST_HOST_TEST_H
#define O2C_TESTS_INTEGRATION_HOST_HOST_TEST_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/postgres.h"
#include "tests/support/service.h"

enum {
    PARTITIONS = 4,
    HOST_TOPICS = 5
};

extern struct broker broker;
extern PGconn *conn;
extern char dsn[TEST_DSN_BYTES];
extern struct service first, second; /* members of the group */
extern const char *const host_topic_names[HOST_TOPICS];

/* setup and teardown of a test; host_setup_bare makes no topics */
int host_setup(void **state);
int host_setup_bare(void **state);
int host_teardown(void **state);
void host_setup_on(const char *bootstrap);  /* bare, on another broker */
int host_setup_one_partition(void **state); /* all topics with a single one */
void host_topics(const char *without);      /* all it needs, but this one (NULL: all) */

/* Further settings: "--name", "value", ..., NULL.  host_start waits until it reads. */
void host_launch(struct service *member, const char *const *settings,
                 const char *failpoints);
void host_start(struct service *member, const char *const *settings,
                const char *failpoints);

/* The first member, launched, ends by itself with this status, having said this. */
void host_expect_refusal(const char *const *settings, int status, const char *words);

/* Events: an order of an account, and one of a stream of the pipeline. */
void put_order(const char *account, const char *order_id, const char *reason);
void put_placed(const char *account, const char *order_id); /* no route for it */
/* An order that names so many of its lines: a byte each as it is sent, four when decoded.
 */
void put_order_of_lines(const char *account, const char *order_id, size_t lines);
void put_order_in_transaction(const char *account, const char *order_id, bool commit);
struct stream {
    const char *source;
    char incarnation; /* '1' is older than '2' */
    int64_t seq;
};
void put_rejected(const char *account, const char *order_id, const struct stream *stream);
/* On the partition of its account, with the key of another one. */
void put_rejected_with_key(const char *account, const char *key, const char *order_id,
                           const struct stream *stream);

/* A notice about what the consumer orders has parked; left NULL: it does not say. */
void put_notice_at(int32_t partition, struct o2c_str key, const char *state,
                   const char *left, const struct stream *stream);

/* What the relay would have published for a consumer, or another source, on o2c.conflicts;
 * of the incarnation that is its claim's in the database, or this one. */
void put_published(const char *source, int32_t partition, const char *incarnation,
                   int64_t seq);

/* Puts an order into this partition, whatever its key says. */
void put_order_at(int32_t partition, struct o2c_str key, const char *account,
                  const char *order_id);
/* The same with a header of this value. */
void put_order_with_header(int32_t partition, struct o2c_str key, const char *account,
                           const char *name, struct o2c_str value);

/* The n-th account whose partition is this one; valid for as long as the process. */
const char *account_of(int32_t partition, int n);
int32_t partition_of(const char *account);

/* "release" or "discard"; how the last one that is done has ended. */
void ask_parking(const char *account, const char *action);
void await_outcome(const char *outcome);

/* What probe has said of its own parking: "parked/1 released/0", state and what was left.
 */
void expect_notices(const char *notices);

void await_applied(int count);
void expect_trail(const char *account, const char *orders);
void run_sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void expect_sql(const char *expected, const char *sql);

#endif
