/*
 * stack.h - how a subcommand of o2c reaches PostgreSQL and Kafka: the
 * settings they share, opening, and one way to say what went wrong.
 */
#ifndef O2C_CLI_STACK_H
#define O2C_CLI_STACK_H

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include "producers/cli/commands.h"
#include "runtime/base/buf.h"
#include "runtime/base/config.h"
#include "runtime/base/err.h"
#include "runtime/kafka/client.h"

/* The first member of every subcommand's settings. */
struct stack_settings {
    struct o2c_kafka_settings kafka;
    const char *pg_dsn;
};

#define STACK_PG_SETTING(type, member)                                                     \
    {                                                                                      \
        "pg-dsn", O2C_SETTING_TEXT, offsetof(type, member), "dbname=o2c", 0, 0, NULL,      \
            "PostgreSQL connection string", true                                           \
    }
/* For a command that reads PostgreSQL alone. */
#define STACK_PG_SETTINGS(type, member)                                                    \
    O2C_KAFKA_SETTINGS_OF_OTHERS, STACK_PG_SETTING(type, member.pg_dsn)
#define STACK_SETTINGS(type, member)                                                       \
    O2C_KAFKA_SETTINGS(type, member.kafka), STACK_PG_SETTING(type, member.pg_dsn)

struct stack {
    const char *command; /* "lag": for messages */
    const struct stack_settings *settings;
    PGconn *pg;
    const char *pg_setting; /* of two databases, the one that this setting names; or NULL */
    bool sees_open_transactions; /* to be set before stack_open_kafka; see drained.h */
    rd_kafka_t *rk;              /* a consumer without a group */
    struct o2c_err err;
};

/* What was opened is closed by stack_close, whatever happened.  0, or the exit status. */
int stack_open_pg(struct stack *stack);
int stack_open_kafka(struct stack *stack);
void stack_close(struct stack *stack);

/* Runs a query; NULL after stack_failed. */
PGresult *stack_query(struct stack *stack, const char *sql, const char *const *values,
                      size_t count);

/* Adds `sql` with this schema, quoted, wherever it says $schema. */
void stack_put_schema(struct o2c_buf *buf, const char *schema, const char *sql);

/* Why a client of Kafka cannot be opened: EXIT_USAGE where its settings are refused. */
int stack_kafka_status(const struct stack_settings *settings);

/* "o2c lag: text" on standard error; hands the status back. */
int stack_fail(const struct stack *stack, int status, const char *fmt, ...)
    O2C_PRINTF(3, 4);

/* The same with what stack->err says of a server: EXIT_STACK_FAILED; or nothing, and
 * EXIT_INTERRUPTED, where Ctrl-C ended the waiting (interrupt.h). */
int stack_failed(const struct stack *stack);

/* The same of a topic, named as Kafka names it, that is not there. */
int stack_no_topic(const struct stack *stack, const char *topic);

#endif
