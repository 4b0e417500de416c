/*
 * wait.h - waits until nothing of the pipeline is under way any more: for
 * o2c drain, and for publish and clock, which go on then.
 */
#ifndef O2C_CLI_WAIT_H
#define O2C_CLI_WAIT_H

#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_buf;
struct stack;

struct wait {
    struct stack *stack; /* both opened */
    int64_t timeout_s;
    void (*meanwhile)(void *user, const char *why); /* again and again; may be NULL */
    void *user;
};

enum wait_end {
    WAIT_DRAINED,
    WAIT_TIMED_OUT, /* `why` says what is under way */
    WAIT_STOPPED,   /* Ctrl-C: runtime/base/stop.h */
    WAIT_FAILED     /* err says why */
};

enum wait_end wait_until_drained(const struct wait *wait, struct o2c_buf *why,
                                 struct o2c_err *err);

#endif
