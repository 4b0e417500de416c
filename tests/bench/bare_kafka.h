/*
 * bare_kafka.h - a plain librdkafka consumer for the bare loops: assigned, not
 * subscribed, read event by event, with a file descriptor that becomes
 * readable when there is something to take.
 */
#ifndef O2C_BENCH_BARE_KAFKA_H
#define O2C_BENCH_BARE_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <signal.h>

struct bare_kafka {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int wake_fd;
};

/* Set by SIGTERM. */
extern volatile sig_atomic_t bare_stopped;

void bare_die(const char *what, const char *why) __attribute__((noreturn));

/* The settings are those of the host. */
void bare_kafka_open(struct bare_kafka *kafka, const char *bootstrap);

/* Begins to read, and prints the line the host logs then; takes the list. */
void bare_kafka_assign(struct bare_kafka *kafka, rd_kafka_topic_partition_list_t *list);

/* The next record; NULL: none now. Destroyed by the caller. */
rd_kafka_event_t *bare_kafka_take(struct bare_kafka *kafka);

void bare_kafka_close(struct bare_kafka *kafka);

#endif
