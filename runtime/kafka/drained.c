#include "runtime/kafka/drained.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"
#include "runtime/base/hash.h"
#include "runtime/kafka/offsets.h"
#include "runtime/pg/errors.h"
#include "runtime/pg/query.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 5000,
    TOPIC_MAX_BYTES = 512,
    SQL_MAX_BYTES = 1024 * 1024,
    TRIES = 3
};

/* The kinds of rows, and the columns, of the statement that is built below. */
enum kind {
    REGISTRY, /* reached: 1 if consumers and topics are those of the statement */
    POSITION, /* reached: the next offset, NULL if there is none */
    OUTBOX,   /* wanted: given numbers; reached: published ones */
    RELEASE   /* about: the account; action */
};
enum {
    KIND,
    CONSUMER,
    ABOUT,
    PARTITION,
    REACHED,
    WANTED,
    ACTION
};

struct check {
    PGconn *pg;
    rd_kafka_t *rk;
    const char *prefix;
    char statement[32];
    PGresult *rows;
    rd_kafka_topic_partition_list_t *ends;
    int topic_at; /* where the partitions of the topic last looked at begin in `ends` */
    bool topic_absent; /* said in why_not */
    struct o2c_buf *why_not;
    struct o2c_err *err;
};

/* A change of these makes a new statement. */
#define REGISTRY_SQL                                                                       \
    "(SELECT md5(coalesce(string_agg(concat_ws('/', c.consumer, c.schema, t.topic), ','"   \
    " ORDER BY c.consumer, t.topic), '')) || (to_regclass('relay.cursor') IS NOT NULL)"    \
    " FROM o2c.consumer c LEFT JOIN o2c.consumer_topic t"                                  \
    " ON t.consumer = c.consumer AND t.direction = 'in')"

static const char *field(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column);
}

static int64_t number(const PGresult *rows, int row, int column)
{
    int64_t value = 0;
    o2c_str_to_int64(o2c_str_from(PQgetvalue(rows, row, column)), &value);
    return value;
}

static void topic_name(const struct check *check, const char *topic,
                       char name[TOPIC_MAX_BYTES])
{
    snprintf(name, TOPIC_MAX_BYTES, "%s%s", check->prefix, topic);
}

/* Building the statement: one branch per consumer, all topics with all their partitions. */

static void add_literal(struct o2c_buf *sql, PGconn *pg, const char *text)
{
    char *quoted = PQescapeLiteral(pg, text, strlen(text));
    o2c_buf_add_text(sql, quoted ? quoted : "NULL");
    PQfreemem(quoted);
}

static void add_table(struct o2c_buf *sql, PGconn *pg, const char *schema,
                      const char *table)
{
    char *quoted = PQescapeIdentifier(pg, schema, strlen(schema));
    o2c_buf_printf(sql, "%s.%s", quoted ? quoted : "", table);
    PQfreemem(quoted);
}

static void add_positions(struct o2c_buf *sql, PGconn *pg, int index, const char *consumer,
                          const char *schema, const char *topics)
{
    o2c_buf_printf(sql, " UNION ALL SELECT %d, ", POSITION);
    add_literal(sql, pg, consumer);
    o2c_buf_printf(sql,
                   ", t.topic, g.partition, "
                   "coalesce((p.next_offsets ->> t.topic)::bigint, f.next_offset), "
                   "NULL, NULL FROM (VALUES %s) t(topic, partitions) "
                   "CROSS JOIN LATERAL generate_series(0, t.partitions - 1) g(partition) "
                   "LEFT JOIN p%d p ON p.partition = g.partition LEFT JOIN ",
                   topics, index);
    add_table(sql, pg, schema, "first_offset");
    o2c_buf_add_text(sql, " f ON f.topic = t.topic AND f.partition = g.partition");
}

static void add_outbox(struct o2c_buf *sql, PGconn *pg, int index, const char *consumer,
                       bool relay)
{
    o2c_buf_printf(sql, " UNION ALL SELECT %d, ", OUTBOX);
    add_literal(sql, pg, consumer);
    o2c_buf_printf(
        sql,
        ", NULL, p.partition, coalesce(r.acked_no, 0), coalesce(p.outbox_no, 0), "
        "NULL FROM p%d p LEFT JOIN %s r ON r.partition = p.partition "
        "AND r.consumer = ",
        index,
        relay ? "relay.cursor" : "(SELECT '' AS consumer, -1 AS partition, 0 AS acked_no)");
    add_literal(sql, pg, consumer);
    o2c_buf_add_text(sql, " WHERE coalesce(p.outbox_no, 0) <> coalesce(r.acked_no, 0)");
}

static void add_releases(struct o2c_buf *sql, PGconn *pg, const char *consumer,
                         const char *schema)
{
    o2c_buf_printf(sql, " UNION ALL SELECT %d, ", RELEASE);
    add_literal(sql, pg, consumer);
    o2c_buf_add_text(sql, ", account_id, partition, NULL, NULL, action FROM ");
    add_table(sql, pg, schema, "parked_order");
    o2c_buf_add_text(sql, " WHERE done_at IS NULL");
}

/* The topics of one consumer as VALUES; adds to why_not what does not exist. */
static enum o2c_verdict list_topics(struct check *check, const PGresult *registry, int row,
                                    int end, struct o2c_buf *topics)
{
    for (; row < end; row++) {
        const char *topic = field(registry, row, 2);
        char name[TOPIC_MAX_BYTES];
        int32_t count = 0;
        if (PQgetisnull(registry, row, 2))
            continue;
        topic_name(check, topic, name);
        if (o2c_kafka_partition_count(check->rk, name, ASK_TIMEOUT_MS, &count, check->err))
            return check->err->verdict;
        if (count == 0 && !check->topic_absent) {
            check->topic_absent = true;
            o2c_buf_printf(check->why_not, "topic %s, which %s reads, does not exist", name,
                           field(registry, row, 0));
        }
        o2c_buf_add_text(topics, topics->len ? ", (" : "(");
        add_literal(topics, check->pg, topic);
        o2c_buf_printf(topics, "::text, %" PRId32 ")", count);
    }
    return O2C_OK;
}

static enum o2c_verdict add_consumer(struct check *check, const PGresult *registry, int row,
                                     int end, struct o2c_buf *sql, bool relay)
{
    const char *consumer = field(registry, row, 0), *schema = field(registry, row, 1);
    struct o2c_buf topics;
    o2c_buf_init(&topics, SQL_MAX_BYTES);
    enum o2c_verdict verdict = list_topics(check, registry, row, end, &topics);
    if (!verdict && topics.len)
        add_positions(sql, check->pg, row, consumer, schema, o2c_buf_text(&topics));
    o2c_buf_clear(&topics);
    if (verdict)
        return verdict;
    add_outbox(sql, check->pg, row, consumer, relay);
    add_releases(sql, check->pg, consumer, schema);
    return O2C_OK;
}

/* The row behind those of the consumer that begin at `row`. */
static int consumer_end(const PGresult *registry, int row)
{
    int end = row;
    while (end < PQntuples(registry) &&
           strcmp(field(registry, end, 0), field(registry, row, 0)) == 0)
        end++;
    return end;
}

static enum o2c_verdict write_statement(struct check *check, const char *known,
                                        const PGresult *registry, struct o2c_buf *sql)
{
    bool relay = strstr(known, "true") != NULL;
    const char *before = "WITH ";
    for (int row = 0; row < PQntuples(registry); row = consumer_end(registry, row)) {
        o2c_buf_printf(
            sql, "%sp%d AS MATERIALIZED (SELECT partition, next_offsets, outbox_no FROM ",
            before, row);
        add_table(sql, check->pg, field(registry, row, 1), "position");
        o2c_buf_add_u8(sql, ')');
        before = ", ";
    }
    o2c_buf_printf(sql,
                   " SELECT %d AS kind, NULL::text AS consumer, NULL::text AS about, "
                   "NULL::int AS partition, ((" REGISTRY_SQL " = ",
                   REGISTRY);
    add_literal(sql, check->pg, known);
    o2c_buf_add_text(sql, "))::int::bigint AS reached, NULL::bigint AS wanted, "
                          "NULL::text AS action");
    for (int row = 0, end; row < PQntuples(registry); row = end) {
        end = consumer_end(registry, row);
        if (add_consumer(check, registry, row, end, sql, relay))
            return check->err->verdict;
    }
    o2c_buf_add_text(sql, " ORDER BY kind, consumer, about, partition");
    return O2C_OK;
}

static enum o2c_verdict prepare_text(struct check *check, struct o2c_buf *sql)
{
    const char *text = o2c_buf_text(sql);
    if (sql->failed)
        return o2c_fail(check->err, O2C_FATAL, "positions: too many consumers and topics");
    return o2c_pg_prepare(check->pg, check->statement, text, check->err);
}

static enum o2c_verdict prepare(struct check *check)
{
    PGresult *known = NULL, *registry = NULL;
    struct o2c_buf sql;
    o2c_buf_init(&sql, SQL_MAX_BYTES);
    enum o2c_verdict verdict =
        o2c_pg_query(check->pg, "SELECT " REGISTRY_SQL, NULL, 0, &known, check->err);
    if (!verdict)
        verdict = o2c_pg_query(check->pg,
                               "SELECT c.consumer, c.schema, t.topic FROM o2c.consumer c "
                               "LEFT JOIN o2c.consumer_topic t ON t.consumer = c.consumer "
                               "AND t.direction = 'in' ORDER BY c.consumer, t.topic",
                               NULL, 0, &registry, check->err);
    if (!verdict)
        verdict = write_statement(check, field(known, 0, 0), registry, &sql);
    if (!verdict && !check->topic_absent)
        verdict = prepare_text(check, &sql);
    o2c_buf_clear(&sql);
    PQclear(known);
    PQclear(registry);
    return verdict;
}

/* Asking. */

static enum o2c_verdict forget_statement(struct check *check)
{
    char sql[64];
    snprintf(sql, sizeof sql, "DEALLOCATE \"%s\"", check->statement);
    return o2c_pg_query(check->pg, sql, NULL, 0, NULL, check->err);
}

/* The snapshot; no rows and a reason in why_not where a topic does not exist yet. */
static enum o2c_verdict read_rows(struct check *check)
{
    for (int try = 0; try < TRIES; try++) {
        PGresult *rows = NULL;
        bool done = !o2c_pg_execute(check->pg, check->statement, &rows, check->err);
        if (done && number(rows, 0, REACHED) == 1) {
            check->rows = rows;
            return O2C_OK;
        }
        PQclear(rows);
        if (!done && check->err->native != o2c_pg_sqlstate("26000"))
            return check->err->verdict;
        if ((done && forget_statement(check)) || prepare(check))
            return check->err->verdict;
        if (check->topic_absent)
            return O2C_OK;
    }
    return o2c_fail(check->err, O2C_RETRY, "consumers are being added");
}

/* Partitions of a topic stand in a row from 0 on, in the rows and in `ends`. */
static rd_kafka_topic_partition_t *end_of(struct check *check, int row)
{
    int partition = (int)number(check->rows, row, PARTITION);
    if (partition == 0) {
        char name[TOPIC_MAX_BYTES];
        topic_name(check, field(check->rows, row, ABOUT), name);
        int at = 0;
        while (at < check->ends->cnt && strcmp(check->ends->elems[at].topic, name) != 0)
            at++;
        check->topic_at = at;
    }
    int index = check->topic_at + partition;
    return index < check->ends->cnt ? &check->ends->elems[index] : NULL;
}

static enum o2c_verdict read_ends(struct check *check)
{
    for (int row = 0; row < PQntuples(check->rows); row++) {
        char name[TOPIC_MAX_BYTES];
        if (number(check->rows, row, KIND) != POSITION || end_of(check, row))
            continue;
        topic_name(check, field(check->rows, row, ABOUT), name);
        rd_kafka_topic_partition_list_add(check->ends, name,
                                          (int32_t)number(check->rows, row, PARTITION));
    }
    return o2c_kafka_ends(check->rk, check->ends, ASK_TIMEOUT_MS, check->err);
}

/* Whether the row is at rest; otherwise says why not. */
static bool position_at_rest(struct check *check, int row)
{
    const PGresult *rows = check->rows;
    const rd_kafka_topic_partition_t *end = end_of(check, row);
    int64_t reached = number(rows, row, REACHED);
    assert(end && "read_ends asked for it");
    if (PQgetisnull(rows, row, REACHED))
        o2c_buf_printf(check->why_not, "%s has no first offset for %s/%d",
                       field(rows, row, CONSUMER), end->topic, (int)end->partition);
    else if (reached > end->offset)
        o2c_buf_printf(check->why_not,
                       "%s stands at %" PRId64 " on %s/%d, which ends at %" PRId64,
                       field(rows, row, CONSUMER), reached, end->topic, (int)end->partition,
                       end->offset);
    else if (reached < end->offset)
        o2c_buf_printf(check->why_not, "%s is %" PRId64 " record%s behind on %s/%d",
                       field(rows, row, CONSUMER), end->offset - reached,
                       end->offset - reached == 1 ? "" : "s", end->topic,
                       (int)end->partition);
    return !PQgetisnull(rows, row, REACHED) && reached == end->offset;
}

static bool row_at_rest(struct check *check, int row)
{
    const PGresult *rows = check->rows;
    switch ((enum kind)number(rows, row, KIND)) {
    case REGISTRY:
        return true;
    case POSITION:
        return position_at_rest(check, row);
    case OUTBOX:
        o2c_buf_printf(check->why_not,
                       "the outbox of %s, partition %s, is published to %s of %s",
                       field(rows, row, CONSUMER), field(rows, row, PARTITION),
                       field(rows, row, REACHED), field(rows, row, WANTED));
        return false;
    case RELEASE:
        o2c_buf_printf(check->why_not, "%s has a %s of account %s pending in partition %s",
                       field(rows, row, CONSUMER), field(rows, row, ACTION),
                       field(rows, row, ABOUT), field(rows, row, PARTITION));
        return false;
    }
    return false;
}

static enum o2c_verdict ask(struct check *check, bool *ret_drained)
{
    if (read_rows(check))
        return check->err->verdict;
    if (!check->rows) {
        *ret_drained = false;
        return O2C_OK;
    }
    if (read_ends(check))
        return check->err->verdict;
    bool drained = true;
    for (int row = 0; drained && row < PQntuples(check->rows); row++)
        drained = row_at_rest(check, row);
    *ret_drained = drained;
    return O2C_OK;
}

enum o2c_verdict o2c_drained(PGconn *pg, rd_kafka_t *rk, const char *topic_prefix,
                             bool *ret_drained, struct o2c_buf *why_not,
                             struct o2c_err *err)
{
    struct check check = {
        .pg = pg, .rk = rk, .prefix = topic_prefix, .why_not = why_not, .err = err};
    snprintf(check.statement, sizeof check.statement, "o2c_drained_%016" PRIx64,
             o2c_hash_64(topic_prefix, strlen(topic_prefix)));
    o2c_buf_reset(why_not);
    check.ends = rd_kafka_topic_partition_list_new(64);
    enum o2c_verdict verdict = ask(&check, ret_drained);
    rd_kafka_topic_partition_list_destroy(check.ends);
    PQclear(check.rows);
    return verdict;
}
