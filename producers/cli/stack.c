#include "producers/cli/stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/cli/interrupt.h"
#include "runtime/pg/dsn.h"
#include "runtime/pg/errors.h"
#include "runtime/pg/query.h"

#include "runtime/base/banned.h"

int stack_fail(const struct stack *stack, int status, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "o2c %s: ", stack->command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

/* What stack->err says, and of which database where there are two.  Behind Ctrl-C
 * it is nothing to be told. */
static int fail_with_err(const struct stack *stack, int status, const char *hint)
{
    if (status == EXIT_STACK_FAILED && interrupt_came())
        return EXIT_INTERRUPTED;
    return stack_fail(stack, status, "%s%s%s%s", stack->pg_setting ? stack->pg_setting : "",
                      stack->pg_setting ? ": " : "", stack->err.text, hint);
}

int stack_open_pg(struct stack *stack)
{
    const char *dsn = stack->settings->pg_dsn;
    const char *setting = stack->pg_setting ? stack->pg_setting : "pg-dsn";
    int status = EXIT_OK;

    if (o2c_pg_check_dsn(setting, dsn, &stack->err))
        return stack_fail(stack, EXIT_USAGE, "%s", stack->err.text);
    interrupt_ends(true);
    if (o2c_pg_connect(&stack->pg, dsn, "o2c", &stack->err))
        status = fail_with_err(
            stack, o2c_pg_dsn_is_usable(dsn) ? EXIT_STACK_FAILED : EXIT_USAGE, "");
    interrupt_ends(false);
    return status;
}

/* FATAL: the settings are refused. */
static enum o2c_verdict new_client(rd_kafka_t **ret_rk,
                                   const struct stack_settings *settings,
                                   const char *isolation, struct o2c_err *err)
{
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &settings->kafka, "o2c", err))
        return err->verdict;
    if (!o2c_kafka_set(conf, "enable.partition.eof", "true", err) &&
        !o2c_kafka_set(conf, "group.id", "o2c-tools", err) &&
        !o2c_kafka_set(conf, "enable.auto.commit", "false", err) &&
        !o2c_kafka_set(conf, "auto.offset.reset", "error", err) &&
        !o2c_kafka_set(conf, "isolation.level", isolation, err) &&
        !o2c_kafka_set(conf, "fetch.wait.max.ms", "10", err)) {
        *ret_rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
        if (*ret_rk)
            return O2C_OK;
        o2c_fail(err, O2C_FATAL, "Kafka client: %s", text);
    }
    rd_kafka_conf_destroy(conf);
    return err->verdict;
}

int stack_open_kafka(struct stack *stack)
{
    const char *isolation =
        stack->sees_open_transactions ? "read_uncommitted" : "read_committed";

    if (new_client(&stack->rk, stack->settings, isolation, &stack->err))
        return stack_fail(stack, EXIT_USAGE, "%s", stack->err.text);
    rd_kafka_poll_set_consumer(stack->rk);
    return EXIT_OK;
}

int stack_kafka_status(const struct stack_settings *settings)
{
    rd_kafka_t *rk = NULL;
    struct o2c_err err;

    if (new_client(&rk, settings, "read_committed", &err))
        return EXIT_USAGE;
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return EXIT_STACK_FAILED;
}

void stack_close(struct stack *stack)
{
    if (stack->pg)
        PQfinish(stack->pg);
    if (stack->rk)
        rd_kafka_destroy_flags(stack->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* How librdkafka says that no broker answered. */
static bool is_kafka_away(const struct o2c_err *err)
{
    return err->native == RD_KAFKA_RESP_ERR__TRANSPORT ||
           err->native == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           err->native == RD_KAFKA_RESP_ERR__RESOLVE ||
           err->native == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

int stack_no_topic(const struct stack *stack, const char *topic)
{
    return stack_fail(stack, EXIT_STACK_FAILED,
                      "topic %s does not exist (was o2c topics create run?)", topic);
}

int stack_failed(const struct stack *stack)
{
    if (is_kafka_away(&stack->err) && !interrupt_came())
        return stack_fail(stack, EXIT_STACK_FAILED, "Kafka at %s cannot be reached: %s",
                          stack->settings->kafka.bootstrap, stack->err.text);
    bool is_bare = stack->err.native == o2c_pg_sqlstate("42P01") ||
                   stack->err.native == o2c_pg_sqlstate("3F000");

    return fail_with_err(stack, EXIT_STACK_FAILED,
                         is_bare ? " (was o2c migrate run?)" : "");
}

void stack_put_schema(struct o2c_buf *buf, const char *schema, const char *sql)
{
    const char *mark;

    while ((mark = strstr(sql, "$schema"))) {
        o2c_buf_add(buf, sql, (size_t)(mark - sql));
        o2c_buf_add_text(buf, schema);
        sql = mark + strlen("$schema");
    }
    o2c_buf_add_text(buf, sql);
}

PGresult *stack_query(struct stack *stack, const char *sql, const char *const *values,
                      size_t count)
{
    PGresult *result = NULL;

    if (o2c_pg_query(stack->pg, sql, values, count, &result, &stack->err))
        stack_failed(stack);
    return result;
}
