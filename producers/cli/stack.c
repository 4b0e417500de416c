#include "producers/cli/stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int stack_open_pg(struct stack *stack)
{
    if (o2c_pg_connect(&stack->pg, stack->settings->pg_dsn, "o2c", &stack->err))
        return stack_fail(stack, EXIT_UNREACHABLE, "%s", stack->err.text);
    return EXIT_OK;
}

int stack_open_kafka(struct stack *stack)
{
    const char *isolation =
        stack->sees_open_transactions ? "read_uncommitted" : "read_committed";
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &stack->settings->kafka, "o2c", &stack->err))
        return stack_fail(stack, EXIT_USAGE, "%s", stack->err.text);
    if (o2c_kafka_set(conf, "enable.partition.eof", "true", &stack->err) ||
        o2c_kafka_set(conf, "group.id", "o2c-tools", &stack->err) ||
        o2c_kafka_set(conf, "enable.auto.commit", "false", &stack->err) ||
        o2c_kafka_set(conf, "auto.offset.reset", "error", &stack->err) ||
        o2c_kafka_set(conf, "isolation.level", isolation, &stack->err) ||
        o2c_kafka_set(conf, "fetch.wait.max.ms", "10", &stack->err)) {
        rd_kafka_conf_destroy(conf);
        return stack_fail(stack, EXIT_USAGE, "%s", stack->err.text);
    }
    stack->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!stack->rk) {
        rd_kafka_conf_destroy(conf);
        return stack_fail(stack, EXIT_USAGE, "Kafka client: %s", text);
    }
    rd_kafka_poll_set_consumer(stack->rk);
    return EXIT_OK;
}

void stack_close(struct stack *stack)
{
    if (stack->pg)
        PQfinish(stack->pg);
    if (stack->rk)
        rd_kafka_destroy_flags(stack->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

PGresult *stack_query(struct stack *stack, const char *sql, const char *const *values,
                      size_t count)
{
    PGresult *result = NULL;

    if (!o2c_pg_query(stack->pg, sql, values, count, &result, &stack->err))
        return result;
    stack->query_status =
        PQstatus(stack->pg) == CONNECTION_OK ? EXIT_FINDINGS : EXIT_UNREACHABLE;
    if (stack->err.native == o2c_pg_sqlstate("42P01") ||
        stack->err.native == o2c_pg_sqlstate("3F000"))
        stack_fail(stack, stack->query_status, "%s (was o2c migrate run?)",
                   stack->err.text);
    else
        stack_fail(stack, stack->query_status, "%s", stack->err.text);
    return NULL;
}
