#include "tests/support/mock_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "runtime/kafka/client.h"

#include "runtime/base/banned.h"

enum {
    WAIT_MS = 10000
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err)
        fail_msg("producing: %s", rd_kafka_err2str(message->err));
}

/*
 * The cluster of librdkafka 2.0.2 looks at what is asked of it (a topic, an
 * error to answer with, its end) when something arrives on a socket, else once
 * a second.  A connection that asks for the API versions all the time makes
 * that at once.
 */
static int connect_to(const char *host_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)strtoul(strchr(host_port, ':') + 1, NULL, 10));
    if (!connect(fd, (struct sockaddr *)&address, sizeof address))
        return fd;
    close(fd);
    return -1;
}

static void *keep_awake(void *user)
{
    static const char ask[] = "\0\0\0\12\0\22\0\0\0\0\0\1\377\377";
    const struct timespec moment = {0, 1000000};
    struct mock_cluster *mock = user;
    const char *broker = mock->bootstrap;
    char answer[4096];
    int fd = -1;

    while (!mock->closed) {
        if (fd < 0) {
            fd = connect_to(broker);
            broker = strchr(broker, ',') ? strchr(broker, ',') + 1 : mock->bootstrap;
        } else if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0) {
            close(fd);
            fd = -1;
        } else {
            (void)recv(fd, answer, sizeof answer, MSG_DONTWAIT);
        }
        nanosleep(&moment, NULL);
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

void mock_cluster_open(struct mock_cluster *mock, int broker_count)
{
    char text[200], count[12];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(count, sizeof count, "%d", broker_count);
    rd_kafka_conf_set(conf, "test.mock.num.brokers", count, text, sizeof text);
    rd_kafka_conf_set(conf, "linger.ms", "0", text, sizeof text);
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!mock->rk)
        fail_msg("mock cluster: %s", text);
    mock->cluster = rd_kafka_handle_mock_cluster(mock->rk);
    mock->bootstrap = strdup(rd_kafka_mock_cluster_bootstraps(mock->cluster));
    mock->closed = false;
    if (!mock->bootstrap || pthread_create(&mock->waker, NULL, keep_awake, mock))
        fail_msg("mock cluster: no thread");
}

void mock_cluster_close(struct mock_cluster *mock)
{
    rd_kafka_destroy(mock->rk);
    mock->closed = true;
    pthread_join(mock->waker, NULL);
    free(mock->bootstrap);
}

void mock_cluster_topic(struct mock_cluster *mock, const char *topic, int partition_count)
{
    rd_kafka_resp_err_t code =
        rd_kafka_mock_topic_create(mock->cluster, topic, partition_count, 1);
    if (code)
        fail_msg("mock topic %s: %s", topic, rd_kafka_err2str(code));
}

void mock_cluster_produce(struct mock_cluster *mock, const char *topic, int32_t partition,
                          const char *value, rd_kafka_headers_t *headers)
{
    rd_kafka_headers_t *given = headers ? headers : rd_kafka_headers_new(0);
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)value, .size = strlen(value)}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = given},
    };
    rd_kafka_error_t *error =
        rd_kafka_produceva(mock->rk, parts, sizeof parts / sizeof parts[0]);
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : 0;
    rd_kafka_error_destroy(error);
    if (!code)
        code = rd_kafka_flush(mock->rk, WAIT_MS);
    if (code)
        fail_msg("producing to %s/%d: %s", topic, (int)partition, rd_kafka_err2str(code));
}

rd_kafka_t *mock_cluster_client(const struct mock_cluster *mock, rd_kafka_type_t type,
                                const char *properties)
{
    const struct o2c_kafka_settings settings = {
        .bootstrap = mock->bootstrap, .topic_prefix = "", .client = properties};
    char text[200];
    struct o2c_err err;
    rd_kafka_conf_t *conf;
    if (o2c_kafka_conf(&conf, &settings, "test", &err))
        fail_msg("%s", err.text);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!rk)
        fail_msg("%s", text);
    return rk;
}
