/* o2c drain: waits until nothing is under way any more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/interrupt.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "producers/cli/wait.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

enum {
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

struct saying {
    int64_t said_us;
    bool said;
};

static void say(void *user, const char *why)
{
    struct saying *saying = user;
    int64_t now = o2c_clock_monotonic_us();

    if (now - saying->said_us < SAY_EVERY_MS * INT64_C(1000))
        return;
    saying->said_us = now;
    saying->said = true;
    fprintf(stderr, "\r\033[Kwaiting: %s", why);
    fflush(stderr);
}

static int drain(struct stack *stack, const struct drain_settings *settings)
{
    struct saying saying = {.said_us = o2c_clock_monotonic_us()};
    struct wait wait = {.stack = stack,
                        .timeout_s = settings->timeout_s,
                        .meanwhile = isatty(STDERR_FILENO) ? say : NULL,
                        .user = &saying};
    struct o2c_buf why;
    enum wait_end end;
    int status = EXIT_OK;

    o2c_buf_init(&why, 4096);
    end = wait_until_drained(&wait, &why, &stack->err);
    if (saying.said)
        fputs("\r\033[K", stderr);
    if (end == WAIT_FAILED)
        status = stack_failed(stack);
    else if (end == WAIT_STOPPED)
        status = EXIT_INTERRUPTED;
    else if (end == WAIT_TIMED_OUT)
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
            "published: end offsets, positions and outboxes agree.\n",
        .exits = {.done = "drained",
                  .servers = "Kafka or PostgreSQL",
                  .timeout = "not in time; says which consumer, topic and partition",
                  .interrupted = true},
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {
        .command = argv[0], .settings = &settings.stack, .sees_open_transactions = true};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        interrupt_catch();
        status = stack_open_pg(&stack);
        if (!status)
            status = stack_open_kafka(&stack);
        if (!status)
            status = drain(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
