/*
 * stop.h - Ctrl-C while the process waits for a server, blocking: whoever waits in slices
 * looks here between two of them (runtime/kafka/ask.h, runtime/pg/await.h).
 */
#ifndef O2C_BASE_STOP_H
#define O2C_BASE_STOP_H

#include <signal.h>
#include <stdbool.h>

/* Of the whole process: waiting ends once *stop is set.  NULL: nothing ends it. */
void o2c_stop_on(const volatile sig_atomic_t *stop);
bool o2c_can_be_stopped(void);
bool o2c_stopped(void);

#endif
