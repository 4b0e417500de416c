/* o2c drain: waits until nothing is under way any more. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/kafka/drained.h"

#include "runtime/base/banned.h"

enum {
    ASK_EVERY_MS = 10,
    SAY_EVERY_MS = 250
};

struct drain_settings {
    struct stack_settings stack;
    int64_t timeout_s;
};

static const struct o2c_setting settings_rows[] = {
    {"timeout-s", O2C_SETTING_INT, offsetof(struct drain_settings, timeout_s), "60", 1,
     86400, "s", "give up after so long", false},
    STACK_SETTINGS(struct drain_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

static void say(const char *reason, bool *said)
{
    fprintf(stderr, "\r\033[Kwaiting: %s", reason);
    fflush(stderr);
    *said = true;
}

static int wait_until_drained(struct stack *stack, const struct drain_settings *settings)
{
    int64_t begun = o2c_clock_monotonic_us(), said_us = begun;
    bool terminal = isatty(STDERR_FILENO), drained = false, said = false;
    struct timespec pause = {0, ASK_EVERY_MS * 1000000L};
    struct o2c_buf why;
    int status = EXIT_OK;

    o2c_buf_init(&why, 4096);
    for (;;) {
        int64_t now;

        o2c_buf_reset(&why);
        if (o2c_drained(stack->pg, stack->rk, settings->stack.kafka.topic_prefix, &drained,
                        &why, &stack->err)) {
            status = stack_fail(stack, EXIT_UNREACHABLE, "%s", stack->err.text);
            break;
        }
        now = o2c_clock_monotonic_us();
        if (drained || now - begun > settings->timeout_s * 1000000)
            break;
        if (terminal && now - said_us > SAY_EVERY_MS * 1000) {
            say(o2c_buf_text(&why), &said);
            said_us = now;
        }
        nanosleep(&pause, NULL);
    }
    if (said)
        fputs("\r\033[K", stderr);
    if (!status && !drained)
        status = stack_fail(stack, EXIT_TIMEOUT, "not drained after %lld s: %s",
                            (long long)settings->timeout_s, o2c_buf_text(&why));
    o2c_buf_clear(&why);
    return status;
}

int drain_run(int argc, char **argv)
{
    struct drain_settings settings = {0};
    struct options options = {
        .usage = "o2c drain [options]",
        .about =
            "Waits until every record is applied by every consumer and every decision is\n"
            "published: end offsets, positions and outboxes agree.\n\n"
            "Exit status: 0 drained, 3 Kafka or PostgreSQL cannot be reached, 4 not in "
            "time\n"
            "(says which consumer, topic and partition).\n",
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = stack_open_pg(&stack);
        if (!status)
            status = stack_open_kafka(&stack);
        if (!status)
            status = wait_until_drained(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
