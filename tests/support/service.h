/*
 * service.h - a program of the pipeline as a child of the test: started with
 * its settings, watched through its log, stopped, continued, killed.  It ends
 * with the test at the latest.
 */
#ifndef O2C_TESTS_SUPPORT_SERVICE_H
#define O2C_TESTS_SUPPORT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct service {
    char log[64]; /* path; kept over restarts */
    pid_t pid;    /* 0: does not run */
    long from;    /* where the log of its present start begins */
};

/*
 * Runs the program with these words, NULL-terminated, and these further
 * variables of the environment ("NAME=value", NULL-terminated, may be NULL).
 * Where the folder of TEST_PROGRAMS has a program of that name, it is run
 * instead: so tests/mutants puts a defect in.
 */
void service_start(struct service *service, const char *program, const char *const *words,
                   const char *const *variables);

/* Waits until the log of this start has the text; fails the test after a while. */
void service_wait_log(struct service *service, const char *text);
void service_wait_log_times(struct service *service, const char *text, int times);
int service_log_count(const struct service *service, const char *text);

/* When it logged the text for the nth time, from 1 on; the test fails if it did not. */
int64_t service_log_time_us(const struct service *service, const char *text, int nth);

/* What its management port answers to GET of this path ("/readyz"), with the status line;
 * until the next call. */
const char *service_ask(struct service *service, const char *path);
void service_wait_answer(struct service *service, const char *path, const char *text);

/* Waits until it stands still (a failpoint's SIGSTOP); service_continue lets it go on. */
void service_wait_stopped(struct service *service);
void service_continue(struct service *service);

/* Its exit status, 128 + signal where one ended it; end asks it to (SIGTERM). */
int service_wait(struct service *service);
void service_ask_to_end(struct service *service);
int service_end(struct service *service);
void service_kill(struct service *service);

/* Ends it however it stands and removes its log; prints the log if asked. */
void service_clear(struct service *service, bool print_log);

#endif
