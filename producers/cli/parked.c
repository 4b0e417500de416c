/*
 * o2c parked: what could not be applied, and what a person does about it.
 * Releases and discards are asked for in <schema>.parked_order; the consumer
 * that owns the partition does them as an ordinary fenced batch.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "producers/cli/stack.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/hash.h"
#include "runtime/kafka/headers.h"
#include "runtime/kafka/offsets.h"
#include "schemas/events.h"
#include "schemas/wire/json.h"

#include "runtime/base/banned.h"

enum {
    ASK_EVERY_MS = 50,
    KAFKA_TIMEOUT_MS = 10000
};

/* Who and why is said with each act: an audit must not read what a shell happened to hold.
 */
struct parked_settings {
    struct stack_settings stack;
    const char *reason;
    const char *actor;
    int64_t wait_s;
    bool json;
};

static const struct o2c_setting settings_rows[] = {
    {"reason", O2C_OPTION_TEXT, offsetof(struct parked_settings, reason), "", 0, 0, NULL,
     "why, for release, discard and republish; kept for ever", false},
    {"actor", O2C_OPTION_TEXT, offsetof(struct parked_settings, actor), "", 0, 0, NULL,
     "who asks; default: the user that runs the command", false},
    {"wait-s", O2C_SETTING_INT, offsetof(struct parked_settings, wait_s), "15", 0, 3600,
     "s", "how long to wait until it is done", false},
    {"json", O2C_SETTING_FLAG, offsetof(struct parked_settings, json), "false", 0, 0, NULL,
     "list: one JSON object per line, what is parked and what is set aside", false},
    STACK_SETTINGS(struct parked_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct run {
    struct stack stack;
    const struct parked_settings *settings;
    char **words; /* after the action */
    int word_count;
};

/* The schema of a consumer, quoted; NULL after saying that there is none, or what failed.
 */
static char *schema_of(struct run *run, const char *consumer, int *ret_status)
{
    const char *values[] = {consumer};
    PGresult *result = stack_query(
        &run->stack, "SELECT quote_ident(schema) FROM o2c.consumer WHERE consumer = $1",
        values, 1);
    char *schema = NULL;

    *ret_status = result ? EXIT_OK : EXIT_STACK_FAILED;
    if (result && PQntuples(result) == 1)
        schema = strdup(PQgetvalue(result, 0, 0));
    else if (result)
        *ret_status =
            stack_fail(&run->stack, EXIT_USAGE, "there is no consumer \"%s\"", consumer);
    PQclear(result);
    return schema;
}

static PGresult *query_schema(struct run *run, const char *schema, const char *fmt,
                              const char *const *values, size_t count)
{
    struct o2c_buf sql;
    PGresult *result;

    o2c_buf_init(&sql, 1 << 16);
    stack_put_schema(&sql, schema, fmt);
    result = stack_query(&run->stack, o2c_buf_text(&sql), values, count);
    o2c_buf_clear(&sql);
    return result;
}

/* ---- list */

static const struct report_column parked_columns[] = {
    {"consumer", REPORT_TEXT, NULL},  {"account", REPORT_TEXT, NULL},
    {"records", REPORT_NUMBER, NULL}, {"parked since", REPORT_TEXT, NULL},
    {"topic", REPORT_TEXT, NULL},     {"partition", REPORT_NUMBER, NULL},
    {"offset", REPORT_NUMBER, NULL},  {"reason", REPORT_TEXT, NULL},
};

static const struct report_column aside_columns[] = {
    {"consumer", REPORT_TEXT, NULL},    {"set aside", REPORT_TEXT, NULL},
    {"since", REPORT_TEXT, NULL},       {"topic", REPORT_TEXT, NULL},
    {"partition", REPORT_NUMBER, NULL}, {"offset", REPORT_NUMBER, NULL},
    {"reason", REPORT_TEXT, NULL},
};

/* Of each account the first record, behind which the others queue. */
static const struct report parked_report = {
    .row = "parked",
    .sql = "SELECT consumer, account_id, records,"
           "       to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
           "           AS parked_since,"
           "       topic, partition, record_offset, reason"
           "  FROM (SELECT *, count(*) OVER (PARTITION BY consumer, account_id) AS records,"
           "               row_number() OVER (PARTITION BY consumer, account_id"
           "                                      ORDER BY state, parked_at) AS place"
           "          FROM o2c.parked) p"
           " WHERE place = 1"
           " ORDER BY consumer, account_id COLLATE \"C\"",
    .columns = parked_columns,
    .column_count = sizeof parked_columns / sizeof parked_columns[0],
};

/* $1: how many of each consumer; NULL: all. */
static const struct report aside_report = {
    .row = "set_aside",
    .sql =
        "SELECT consumer, reason AS kind,"
        "       to_char(set_aside_at AT TIME ZONE 'UTC',"
        "               'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS set_aside_since,"
        "       topic, partition, record_offset, detail AS reason"
        "  FROM (SELECT *, row_number() OVER (PARTITION BY consumer"
        "                                         ORDER BY set_aside_at, topic,"
        "                                               partition, record_offset) AS place"
        "          FROM o2c.set_aside WHERE republished_at IS NULL) s"
        " WHERE $1::bigint IS NULL OR place <= $1"
        " ORDER BY consumer, place",
    .columns = aside_columns,
    .column_count = sizeof aside_columns / sizeof aside_columns[0],
};

#define ASIDE_SHOWN "100"

static int add_left_out(struct run *run, struct o2c_buf *out)
{
    PGresult *result = stack_query(
        &run->stack,
        "SELECT consumer, count(*) - " ASIDE_SHOWN " FROM o2c.set_aside"
        " WHERE republished_at IS NULL GROUP BY 1 HAVING count(*) > " ASIDE_SHOWN
        " ORDER BY 1",
        NULL, 0);

    for (int i = 0; i < PQntuples(result); i++)
        o2c_buf_printf(out, "and %s more of %s: --json shows all\n",
                       PQgetvalue(result, i, 1), PQgetvalue(result, i, 0));
    PQclear(result);
    return result ? EXIT_OK : EXIT_STACK_FAILED;
}

static int list(struct run *run, const char *action)
{
    bool json = run->settings->json;
    const char *shown[] = {json ? NULL : ASIDE_SHOWN};
    struct o2c_buf out;
    int status;

    (void)action;
    o2c_buf_init(&out, REPORT_MAX_BYTES);
    status = report_add(&out, &run->stack, &parked_report, NULL, 0, json, NULL);
    if (!status)
        status = report_add(&out, &run->stack, &aside_report, shown, 1, json, NULL);
    if (!status && !json)
        status = add_left_out(run, &out);
    if (!status && !json && !out.len)
        o2c_buf_add_text(&out, "nothing is parked or set aside\n");
    if (!status)
        status = report_print(&run->stack, &out);
    o2c_buf_clear(&out);
    return status;
}

/* ---- show */

/* The bytes of a cell, absent where it is NULL; *ret_owned is to be freed by PQfreemem. */
static struct o2c_str bytes_of(const PGresult *rows, int row, int column,
                               unsigned char **ret_owned)
{
    size_t len = 0;

    *ret_owned = NULL;
    if (PQgetisnull(rows, row, column))
        return (struct o2c_str){NULL, 0};
    *ret_owned =
        PQunescapeBytea((const unsigned char *)PQgetvalue(rows, row, column), &len);
    if (!*ret_owned)
        abort();
    return (struct o2c_str){(const char *)*ret_owned, len};
}

static void print_hex(struct o2c_str bytes)
{
    for (size_t i = 0; i < bytes.len && i < 512; i++)
        printf("%02x", (unsigned char)bytes.at[i]);
    printf(bytes.len > 512 ? "... (%zu bytes)\n"
                           : "  (%zu bytes, not readable as an event)\n",
           bytes.len);
}

static void print_value(const PGresult *rows, int row, int column)
{
    unsigned char *owned;
    struct o2c_str bytes = bytes_of(rows, row, column, &owned);
    struct o2c_arena arena;
    struct o2c_event event;
    struct o2c_err err;
    json_t *json;
    char *line = NULL;

    o2c_arena_init(&arena, O2C_EVENT_MAX_ARENA_BYTES);
    if (bytes.at && !o2c_event_decode(bytes, &arena, &event, &err) &&
        (json = o2c_event_to_json(&event))) {
        line = json_dumps(json, JSON_COMPACT);
        json_decref(json);
    }
    if (line || !bytes.at)
        printf("    %s\n", line ? line : "(no value)");
    else
        printf("    "), print_hex(bytes);
    free(line);
    o2c_arena_clear(&arena);
    PQfreemem(owned);
}

static int show(struct run *run, const char *action)
{
    const char *values[] = {run->words[1]};
    int status;
    char *schema = schema_of(run, run->words[0], &status);
    PGresult *result;

    (void)action;
    if (!schema)
        return status;
    result = query_schema(run, schema,
                          "SELECT parked_no, state, topic, partition, record_offset,"
                          "       coalesce(event_type, '?'), coalesce(reason, ''), value"
                          "  FROM $schema.parked"
                          " WHERE account_id = $1 AND state IN ('parked', 'queued')"
                          " ORDER BY partition, parked_no",
                          values, 1);
    free(schema);
    if (!result)
        return EXIT_STACK_FAILED;
    for (int i = 0; i < PQntuples(result); i++) {
        printf("%s %-7s %s/%s/%s %s%s%s\n", PQgetvalue(result, i, 0),
               PQgetvalue(result, i, 1), PQgetvalue(result, i, 2), PQgetvalue(result, i, 3),
               PQgetvalue(result, i, 4), PQgetvalue(result, i, 5),
               *PQgetvalue(result, i, 6) ? ": " : "", PQgetvalue(result, i, 6));
        print_value(result, i, 7);
    }
    if (!PQntuples(result))
        printf("nothing of account \"%s\" is parked in %s\n", run->words[1], run->words[0]);
    PQclear(result);
    return EXIT_OK;
}

/* ---- release, discard */

static const char *actor(const struct run *run)
{
    const struct passwd *user = getpwuid(getuid());

    if (*run->settings->actor)
        return run->settings->actor;
    return user ? user->pw_name : "unknown";
}

/* 0 when it did what was asked for. */
static int say_outcome(struct run *run, const PGresult *result)
{
    const char *outcome = PQgetvalue(result, 0, 0);

    if (!strcmp(outcome, "parked again"))
        return stack_fail(&run->stack, EXIT_FINDINGS, "parked again: %s",
                          PQgetvalue(result, 0, 1));
    printf("%s\n", outcome);
    return EXIT_OK;
}

static int wait_for(struct run *run, const char *schema, const char *order_no)
{
    int64_t deadline = o2c_clock_monotonic_us() + run->settings->wait_s * 1000000;
    struct timespec pause = {0, ASK_EVERY_MS * 1000000L};
    const char *values[] = {order_no};

    do {
        PGresult *result = query_schema(
            run, schema,
            "SELECT outcome, (SELECT reason FROM $schema.parked k"
            "                  WHERE k.account_id = o.account_id"
            "                    AND k.partition = o.partition"
            "                    AND state = 'parked' ORDER BY parked_no LIMIT 1)"
            "  FROM $schema.parked_order o"
            " WHERE order_no = $1::bigint AND done_at IS NOT NULL",
            values, 1);
        bool done = result && PQntuples(result) == 1;
        int status = done ? say_outcome(run, result) : EXIT_STACK_FAILED;

        PQclear(result);
        if (!result || done)
            return status;
        nanosleep(&pause, NULL);
    } while (o2c_clock_monotonic_us() < deadline);
    return stack_fail(&run->stack, EXIT_TIMEOUT,
                      "asked for, but not done yet: is the consumer running?");
}

static int ask(struct run *run, const char *action)
{
    const char *values[] = {run->words[1], action, actor(run), run->settings->reason};
    char *schema;
    PGresult *result;
    int status;

    schema = schema_of(run, run->words[0], &status);
    if (!schema)
        return status;
    result = query_schema(
        run, schema,
        "INSERT INTO $schema.parked_order (partition, account_id, action, actor, reason)"
        " SELECT DISTINCT partition, account_id, $2, $3, $4 FROM $schema.parked"
        "  WHERE account_id = $1 AND state IN ('parked', 'queued') RETURNING order_no",
        values, 4);
    if (!result)
        status = EXIT_STACK_FAILED;
    else if (!PQntuples(result))
        status = stack_fail(&run->stack, EXIT_FINDINGS,
                            "nothing of account \"%s\" is parked in %s", run->words[1],
                            run->words[0]);
    else
        status = wait_for(run, schema, PQgetvalue(result, 0, 0));
    PQclear(result);
    free(schema);
    return status;
}

/* ---- republish: a record set aside goes to the partition its key belongs to */

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *user)
{
    (void)rk;
    (void)user;
    *(rd_kafka_resp_err_t *)message->_private = message->err;
}

struct set_aside {
    struct o2c_str key, value, headers; /* headers: packed */
    unsigned char *owned[3];
};

/* librdkafka owns the headers once it has taken the record. */
static enum o2c_verdict send_again(rd_kafka_t *rk, const char *name, int32_t partition,
                                   const struct set_aside *record, struct o2c_err *err)
{
    rd_kafka_resp_err_t delivered = RD_KAFKA_RESP_ERR__IN_PROGRESS, code;
    rd_kafka_headers_t *headers;

    if (o2c_headers_unpack(record->headers, &headers, err))
        return err->verdict;
    code = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_KEY(record->key.at, record->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.at, record->value.len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&delivered),
        RD_KAFKA_V_END);
    if (code)
        rd_kafka_headers_destroy(headers);
    else
        code = rd_kafka_flush(rk, KAFKA_TIMEOUT_MS);
    if (code || delivered)
        return o2c_kafka_fail(err, code ? code : delivered, name);
    return O2C_OK;
}

static enum o2c_verdict open_producer(const struct run *run, rd_kafka_t **ret_rk,
                                      struct o2c_err *err)
{
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &run->settings->stack.kafka, "o2c", err))
        return err->verdict;
    if (o2c_kafka_set(conf, "enable.idempotence", "true", err)) {
        rd_kafka_conf_destroy(conf);
        return err->verdict;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    *ret_rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (*ret_rk)
        return O2C_OK;
    rd_kafka_conf_destroy(conf);
    return o2c_fail(err, O2C_FATAL, "Kafka producer: %s", text);
}

static enum o2c_verdict send_to(rd_kafka_t *rk, const char *name,
                                const struct set_aside *record, struct o2c_err *err)
{
    int32_t count = 0;

    if (o2c_kafka_partition_count(rk, name, KAFKA_TIMEOUT_MS, &count, err))
        return err->verdict;
    if (!count)
        return o2c_fail(err, O2C_FATAL, "%s: no such topic", name);
    return send_again(rk, name, o2c_hash_partition(record->key, count), record, err);
}

static int produce(struct run *run, const char *topic, const struct set_aside *record)
{
    struct o2c_err *err = &run->stack.err;
    rd_kafka_t *rk = NULL;
    char name[160];
    int status = EXIT_OK;

    snprintf(name, sizeof name, "%s%s", run->settings->stack.kafka.topic_prefix, topic);
    if (open_producer(run, &rk, err))
        return stack_fail(&run->stack, EXIT_USAGE, "%s", err->text);
    if (send_to(rk, name, record, err))
        status = stack_failed(&run->stack);
    rd_kafka_destroy(rk);
    return status;
}

/* Every consumer that reads the topic has set the record aside; it is published once. */
static int mark_republished(struct run *run)
{
    const char *values[] = {run->words[1], run->words[2], run->words[3], actor(run),
                            run->settings->reason};
    PGresult *schemas = stack_query(
        &run->stack, "SELECT quote_ident(schema) FROM o2c.consumer ORDER BY 1", NULL, 0);
    bool marked = schemas != NULL;

    for (int i = 0; marked && i < PQntuples(schemas); i++) {
        PGresult *result =
            query_schema(run, PQgetvalue(schemas, i, 0),
                         "UPDATE $schema.set_aside SET republished_at = clock_timestamp(),"
                         "       republished_by = $4, republished_reason = $5"
                         " WHERE topic = $1 AND partition = $2::integer"
                         "   AND record_offset = $3::bigint AND republished_at IS NULL",
                         values, 5);

        marked = result != NULL;
        PQclear(result);
    }
    PQclear(schemas);
    return marked ? EXIT_OK : EXIT_STACK_FAILED;
}

static int republish_row(struct run *run, const PGresult *row)
{
    struct set_aside record;
    int status;

    record.key = bytes_of(row, 0, 0, &record.owned[0]);
    record.value = bytes_of(row, 0, 1, &record.owned[1]);
    record.headers = bytes_of(row, 0, 2, &record.owned[2]);
    status = produce(run, run->words[1], &record);
    for (int i = 0; i < 3; i++)
        PQfreemem(record.owned[i]);
    if (!status)
        status = mark_republished(run);
    if (!status)
        printf("published again to the partition of its key\n");
    return status;
}

/* True for a whole number from 0 to max; else says which word is none. */
static bool is_number(struct run *run, const char *what, const char *word, int64_t max)
{
    int64_t number;

    if (o2c_str_to_int64(o2c_str_from(word), &number) && number >= 0 && number <= max)
        return true;
    stack_fail(&run->stack, EXIT_USAGE, "%s \"%s\" is no whole number from 0 to %" PRId64,
               what, word, max);
    return false;
}

static int republish(struct run *run, const char *action)
{
    const char *values[] = {run->words[1], run->words[2], run->words[3]};
    char *schema = NULL;
    PGresult *row = NULL;
    int status;

    (void)action;
    if (!is_number(run, "partition", run->words[2], INT32_MAX) ||
        !is_number(run, "offset", run->words[3], INT64_MAX))
        return EXIT_USAGE;
    schema = schema_of(run, run->words[0], &status);
    if (!schema)
        return status;
    row = query_schema(run, schema,
                       "SELECT key, value, headers FROM $schema.set_aside WHERE topic = $1"
                       "   AND partition = $2::integer AND record_offset = $3::bigint"
                       "   AND reason = 'wrong-partition' AND republished_at IS NULL",
                       values, 3);
    if (!row)
        status = EXIT_STACK_FAILED;
    else if (!PQntuples(row))
        status = stack_fail(&run->stack, EXIT_FINDINGS,
                            "no record of that topic, partition and offset is set aside "
                            "for its partition and still to be published");
    else
        status = republish_row(run, row);
    PQclear(row);
    free(schema);
    return status;
}

/* ---- which of them */

static const struct {
    const char *name;
    int word_count;
    const char *words;
    bool changes;
    int (*act)(struct run *run, const char *action);
} actions[] = {
    {"list", 0, " [--json]", false, list},
    {"show", 2, " CONSUMER ACCOUNT", false, show},
    {"release", 2, " CONSUMER ACCOUNT", true, ask},
    {"discard", 2, " CONSUMER ACCOUNT", true, ask},
    {"republish", 4, " CONSUMER TOPIC PARTITION OFFSET", true, republish},
};

static int act(struct run *run, const char *action)
{
    size_t i = 0, count = sizeof actions / sizeof actions[0];
    int status;

    while (i < count && strcmp(actions[i].name, action) != 0)
        i++;
    if (i == count)
        return stack_fail(&run->stack, EXIT_USAGE,
                          "\"%s\" is none of list, show, release, discard, republish",
                          action);
    if (run->word_count > actions[i].word_count)
        (void)stack_fail(&run->stack, EXIT_USAGE, O2C_WORD_TOO_MANY,
                         run->words[actions[i].word_count]);
    if (run->word_count != actions[i].word_count)
        return stack_fail(&run->stack, EXIT_USAGE, "usage: o2c parked %s%s%s", action,
                          actions[i].words, actions[i].changes ? " --reason TEXT" : "");
    if (run->settings->json && actions[i].act != list)
        return stack_fail(&run->stack, EXIT_USAGE, "--json goes with list");
    if (actions[i].changes && !run->settings->reason[strspn(run->settings->reason, " \t")])
        return stack_fail(&run->stack, EXIT_USAGE,
                          "--reason is missing: it is kept for ever");
    status = stack_open_pg(&run->stack);
    return status ? status : actions[i].act(run, action);
}

int parked_run(int argc, char **argv)
{
    struct parked_settings settings = {0};
    struct options options = {
        .usage = "o2c parked [options] list\n"
                 "       o2c parked [options] show|release|discard CONSUMER ACCOUNT\n"
                 "       o2c parked [options] republish CONSUMER TOPIC PARTITION OFFSET",
        .about =
            "An event that cannot be applied is parked, and later events of its account queue\n"
            "behind it; a record without a usable key is set aside alone.\n"
            "  list       what is parked or set aside, and why\n"
            "  show       the records of one account, readable\n"
            "  release    try them again, in order (after what was wrong has been mended)\n"
            "  discard    drop the first, apply those behind it\n"
            "  republish  send a record that was set aside for its partition where it belongs\n",
        .exits = {.done = "done; list and show: shown",
                  .findings = "it was parked again, or there is no such record",
                  .servers = "Kafka or PostgreSQL",
                  .timeout = "not done within --wait-s"},
        .table = &table,
        .settings = &settings,
        .min_operands = 1,
        .max_operands = 5,
    };
    struct run run = {.settings = &settings};
    int status;

    run.stack = (struct stack){.command = argv[0], .settings = &settings.stack};
    if (options_load(&options, argc, argv, &status)) {
        run.words = options.operands + 1;
        run.word_count = options.operand_count - 1;
        status = act(&run, options.operands[0]);
    }
    stack_close(&run.stack);
    options_clear(&options);
    return status;
}
