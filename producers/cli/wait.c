#include "producers/cli/wait.h"

#include <time.h>

#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/ask.h"
#include "runtime/kafka/drained.h"

#include "runtime/base/banned.h"

enum {
    ASK_EVERY_MS = 10,
    ANSWER_MS = 5000 /* of Kafka, to the first question */
};

static enum wait_end failed(void)
{
    return o2c_stopped() ? WAIT_STOPPED : WAIT_FAILED;
}

enum wait_end wait_until_drained(const struct wait *wait, struct o2c_buf *why,
                                 struct o2c_err *err)
{
    const struct stack *stack = wait->stack;
    const struct timespec pause = {0, ASK_EVERY_MS * 1000000L};
    int64_t begun_us = o2c_clock_monotonic_us();

    if (o2c_kafka_await(stack->rk, ANSWER_MS, err))
        return failed();
    for (;;) {
        bool drained;

        o2c_buf_reset(why);
        if (o2c_drained(stack->pg, stack->rk, stack->settings->kafka.topic_prefix, &drained,
                        why, err))
            return failed();
        if (drained)
            return WAIT_DRAINED;
        if (o2c_stopped())
            return WAIT_STOPPED;
        if (o2c_clock_monotonic_us() - begun_us > wait->timeout_s * 1000000)
            return WAIT_TIMED_OUT;
        if (wait->meanwhile)
            wait->meanwhile(wait->user, o2c_buf_text(why));
        nanosleep(&pause, NULL);
    }
}
