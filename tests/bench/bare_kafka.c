#include "tests/bench/bare_kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

volatile sig_atomic_t bare_stopped;

static void on_signal(int number)
{
    (void)number;
    bare_stopped = 1;
}

void bare_die(const char *what, const char *why)
{
    fprintf(stderr, "bare loop: %s: %s\n", what, why);
    _exit(1); /* what is not freed then is no leak, whose trace would hide this */
}

void bare_kafka_open(struct bare_kafka *kafka, const char *bootstrap)
{
    static const char *const settings[][2] = {
        {"group.id", "bare"},
        {"enable.auto.commit", "false"},
        {"queued.min.messages", "200000"},
        {"queued.max.messages.kbytes", "65536"},
        {"fetch.wait.max.ms", "100"},
        {"check.crcs", "true"},
        {"isolation.level", "read_committed"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char words[256];

    signal(SIGTERM, on_signal);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, words, sizeof words))
        bare_die(bootstrap, words);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], words, sizeof words))
            bare_die(settings[i][0], words);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR);
    kafka->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, words, sizeof words);
    kafka->wake_fd = eventfd(0, EFD_NONBLOCK);
    if (!kafka->rk || kafka->wake_fd < 0)
        bare_die("consumer", words);
    rd_kafka_poll_set_consumer(kafka->rk);
    kafka->queue = rd_kafka_queue_get_consumer(kafka->rk);
    rd_kafka_queue_io_event_enable(kafka->queue, kafka->wake_fd, "\1\0\0\0\0\0\0\0", 8);
}

void bare_kafka_assign(struct bare_kafka *kafka, rd_kafka_topic_partition_list_t *list)
{
    struct timespec now;
    char seconds[32];
    struct tm utc;

    if (rd_kafka_assign(kafka->rk, list))
        bare_die("assign", "refused");
    rd_kafka_topic_partition_list_destroy(list);
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
    printf("{\"time\":\"%s.%06ldZ\",\"message\":\"reading\"}\n", seconds,
           now.tv_nsec / 1000);
    fflush(stdout);
}

rd_kafka_event_t *bare_kafka_take(struct bare_kafka *kafka)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(kafka->queue, 0))) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH)
            return event;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            fprintf(stderr, "bare loop: %s\n", rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
    }
    return NULL;
}

void bare_kafka_close(struct bare_kafka *kafka)
{
    rd_kafka_queue_destroy(kafka->queue);
    rd_kafka_consumer_close(kafka->rk);
    rd_kafka_destroy(kafka->rk);
    close(kafka->wake_fd);
}
