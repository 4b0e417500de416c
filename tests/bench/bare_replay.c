/*
 * The floor under a consumer that loads: the same records taken from Kafka and
 * the same statements sent to PostgreSQL, with the bytes that the consumer
 * sent (recording.py), and nothing else: no decoding, no rules, no fold.
 *
 *     bare_replay BOOTSTRAP DSN RECORDING PARTITIONS TOPIC...
 *
 * Two units are under way at most, as in the host, and a unit is not sent
 * before its share of the records has arrived.  Runs until SIGTERM; prints one
 * log line when it begins to read, as the host does.
 */
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/bare_kafka.h"

enum {
    PARAMS = 32,
    UNDER_WAY = 2,
    AT_ONCE = 2000 /* records taken before PostgreSQL is looked at again */
};

struct recording {
    const char *at, *end; /* the next message; behind the last */
    int64_t units, records;
};

/* ---- the recording: PostgreSQL's protocol, what the client said */

static uint32_t be32(const char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

static uint16_t be16(const char *at)
{
    return (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
}

static const char *after(const struct recording *recording)
{
    return recording->at + 1 + be32(recording->at + 1);
}

/* Whole messages up to the last Sync; what follows the last one was cut off. */
static void measure(struct recording *recording)
{
    struct recording walk = *recording;
    const char *last = walk.at;

    while (walk.end - walk.at > 5 && after(&walk) <= walk.end) {
        const char *next = after(&walk);

        if (*walk.at == 'S') {
            recording->units++;
            last = next;
        }
        walk.at = next;
    }
    if (walk.end - walk.at == 5 && *walk.at == 'S') {
        recording->units++;
        last = walk.end;
    }
    recording->end = last;
}

static void open_recording(struct recording *recording, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat file;
    void *map;

    if (fd < 0 || fstat(fd, &file))
        bare_die("cannot open", path);
    map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        bare_die("cannot map", path);
    close(fd);
    recording->end = (const char *)map + file.st_size;
    recording->at = (const char *)map + be32(map); /* the startup message has no type */
    measure(recording);
}

/* ---- PostgreSQL */

static void send_parse(PGconn *conn, const char *at)
{
    const char *name = at, *sql = name + strlen(name) + 1;

    if (!PQsendPrepare(conn, name, sql, 0, NULL))
        bare_die("prepare", PQerrorMessage(conn));
}

static void send_bind(PGconn *conn, const char *at)
{
    const char *statement = at + strlen(at) + 1;
    const char *values[PARAMS];
    int lengths[PARAMS], formats[PARAMS], count;

    at = statement + strlen(statement) + 1;
    at += 2 + 2 * be16(at); /* formats: all binary */
    count = be16(at);
    at += 2;
    if (count > PARAMS)
        bare_die("more parameters than a statement has", statement);
    for (int i = 0; i < count; i++) {
        lengths[i] = (int)be32(at);
        at += 4;
        values[i] = lengths[i] < 0 ? NULL : at;
        at += lengths[i] < 0 ? 0 : lengths[i];
        formats[i] = 1;
    }
    if (!PQsendQueryPrepared(conn, statement, count, values, lengths, formats, 1))
        bare_die(statement, PQerrorMessage(conn));
}

/* Everything up to the next Sync. */
static void send_unit(PGconn *conn, struct recording *recording)
{
    char type = 0;

    while (type != 'S') {
        const char *next = after(recording);

        type = *recording->at;
        if (type == 'P')
            send_parse(conn, recording->at + 5);
        else if (type == 'B')
            send_bind(conn, recording->at + 5);
        recording->at = next;
    }
    if (!PQpipelineSync(conn) || PQflush(conn) < 0)
        bare_die("sync", PQerrorMessage(conn));
}

/* How many Syncs were answered. */
static int answered(PGconn *conn, int under_way)
{
    int syncs = 0;

    if (!PQconsumeInput(conn))
        bare_die("answer", PQerrorMessage(conn));
    while (syncs < under_way && !PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;

        if (status == PGRES_FATAL_ERROR)
            bare_die("answer", PQresultErrorMessage(result));
        syncs += status == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
    return syncs;
}

static PGconn *connect_to(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);

    if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) ||
        !PQenterPipelineMode(conn))
        bare_die("connect", PQerrorMessage(conn));
    return conn;
}

/* ---- Kafka */

/* Returns how many records there are to read. */
static int64_t assign(struct bare_kafka *kafka, int32_t partitions, char **topics)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    int64_t records = 0;

    for (; *topics; topics++)
        for (int32_t p = 0; p < partitions; p++) {
            int64_t low, high;

            if (rd_kafka_query_watermark_offsets(kafka->rk, *topics, p, &low, &high, 10000))
                bare_die("offsets", *topics);
            records += high;
            rd_kafka_topic_partition_list_add(list, *topics, p)->offset = 0;
        }
    bare_kafka_assign(kafka, list);
    return records;
}

static int64_t take(struct bare_kafka *kafka)
{
    rd_kafka_event_t *event;
    int64_t count = 0;

    while (count < AT_ONCE && (event = bare_kafka_take(kafka))) {
        rd_kafka_event_destroy(event);
        count++;
    }
    return count;
}

/* ---- both */

static void wait_for_either(PGconn *conn, int wake_fd)
{
    int unsent = PQflush(conn);
    struct pollfd fds[2] = {{PQsocket(conn), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0},
                            {wake_fd, POLLIN, 0}};
    uint64_t woken;

    (void)poll(fds, 2, 100);
    (void)!read(wake_fd, &woken, sizeof woken);
}

static void run(struct bare_kafka *kafka, PGconn *conn, struct recording *recording)
{
    int64_t taken = 0, sent = 0;
    int under_way = 0;

    while (!bare_stopped) {
        int64_t now = take(kafka);

        taken += now;
        under_way -= answered(conn, under_way);
        if (under_way < UNDER_WAY && sent < recording->units &&
            taken * recording->units >= sent * recording->records) {
            send_unit(conn, recording);
            under_way++;
            sent++;
        } else if (now < AT_ONCE) {
            wait_for_either(conn, kafka->wake_fd);
        }
    }
}

int main(int argc, char **argv)
{
    struct recording recording = {0};
    struct bare_kafka kafka;
    PGconn *conn;

    if (argc < 6) {
        fprintf(stderr, "bare_replay BOOTSTRAP DSN RECORDING PARTITIONS TOPIC...\n");
        return 2;
    }
    open_recording(&recording, argv[3]);
    conn = connect_to(argv[2]);
    bare_kafka_open(&kafka, argv[1]);
    recording.records = assign(&kafka, (int32_t)strtol(argv[4], NULL, 10), argv + 5);
    run(&kafka, conn, &recording);
    PQfinish(conn);
    bare_kafka_close(&kafka);
    return 0;
}
