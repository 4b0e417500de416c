/*
 * ticks_test.h - what the tests of ticks stand on: the consumer o2c-daybook on
 * a PostgreSQL of its own and topics of its own on the broker of TEST_STACK.
 * Business days are of January 2026, said by their number.
 */
#ifndef O2C_TESTS_INTEGRATION_TICKS_TICKS_TEST_H
#define O2C_TESTS_INTEGRATION_TICKS_TICKS_TEST_H

#include <stdint.h>

#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/postgres.h"
#include "tests/support/service.h"

enum {
    PARTITIONS = 4
};

extern struct broker broker;
extern PGconn *conn;
extern struct service daybook;

int ticks_setup(void **state);
int ticks_teardown(void **state);

/* A database of its own, without the topics: for another run over the same records. */
void ticks_database(void);

/* Waits until it reads; batch_events 0: the default. */
void daybook_start(int batch_events, const char *failpoints);

/* The n-th account whose partition is this one. */
const char *account_of(int32_t partition, int n);

/* Items are names separated by blanks. */
void put_promise(const char *account, int day, const char *items);
void put_block(const char *account, int day, const char *item);

/* An OrderHeld by an upstream (seq 0), or of a stream, decided in that day (0: in none). */
void put_held(const char *account, int64_t seq, int day);

/*
 * BusinessDayStarted with the ends of o2c.customers and o2c.order-status below
 * which everything is applied before; in one partition, or in all of them with
 * the true ends.
 */
void put_day(int32_t partition, int day, int64_t customers, int64_t status);
void put_day_everywhere(int day);
void put_clock_bytes(int32_t partition, const char *bytes);

void await_applied(int count);
void await_day(int32_t partition, int day); /* until its tick is over */
void expect_sql(const char *expected, const char *sql);
void expect_runs(const char *runs);

#endif
