/*
 * err.h - how a failure travels: a verdict that says what to do next, and a
 * sentence that says what happened.
 *
 * Every function that can fail returns enum o2c_verdict and takes the error
 * as its last argument.  O2C_OK is 0, so `if (f(..., err))` always reads
 * "if f failed".  Library code fills the error and never logs it; the one
 * place that decides (the host, a producer's main) logs it once.
 */
#ifndef O2C_BASE_ERR_H
#define O2C_BASE_ERR_H

#define O2C_MUST_CHECK __attribute__((warn_unused_result))
#define O2C_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum o2c_verdict {
    O2C_OK = 0,
    O2C_RETRY,  /* may work if tried again unchanged: network, lock, serialization */
    O2C_PARK,   /* this one event can never work: bad bytes, broken rule */
    O2C_FENCED, /* another process owns this partition now: drop the batch, re-read */
    O2C_FATAL,  /* the process cannot go on: configuration, missing table, bug */
};

_Static_assert(O2C_OK == 0, "callers test a verdict as a truth value");

enum {
    O2C_ERR_TEXT = 240
};

struct o2c_err {
    enum o2c_verdict verdict;
    int native;              /* the library's own code, 0 if none */
    char text[O2C_ERR_TEXT]; /* what failed, for a log line; never parsed */
};

/* Fills *err and hands the verdict back: `return o2c_fail(err, O2C_PARK, "..."); ` */
enum o2c_verdict o2c_fail(struct o2c_err *err, enum o2c_verdict verdict, const char *fmt,
                          ...) O2C_PRINTF(3, 4);

/* Puts "prefix: " before the text of an error that travels up; hands its verdict back. */
enum o2c_verdict o2c_fail_in(struct o2c_err *err, const char *fmt, ...) O2C_PRINTF(2, 3);

/* "ok", "retry", "park", "fenced", "fatal": for log lines and metric labels. */
const char *o2c_verdict_name(enum o2c_verdict verdict);

#endif
