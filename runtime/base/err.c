#include "runtime/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/banned.h"

/* Formats into a second text first: the arguments may point into err->text. */
enum o2c_verdict o2c_fail(struct o2c_err *err, enum o2c_verdict verdict, const char *fmt,
                          ...)
{
    char text[O2C_ERR_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(err->text, text, sizeof text);
    err->verdict = verdict;
    err->native = 0;
    return verdict;
}

enum o2c_verdict o2c_fail_in(struct o2c_err *err, const char *fmt, ...)
{
    char text[2 * O2C_ERR_TEXT + 2];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, O2C_ERR_TEXT, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, ": %s", err->text);
    memcpy(err->text, text, O2C_ERR_TEXT - 1);
    err->text[O2C_ERR_TEXT - 1] = '\0';
    return err->verdict;
}

const char *o2c_verdict_name(enum o2c_verdict verdict)
{
    switch (verdict) {
    case O2C_OK:
        return "ok";
    case O2C_RETRY:
        return "retry";
    case O2C_PARK:
        return "park";
    case O2C_FENCED:
        return "fenced";
    case O2C_FATAL:
        return "fatal";
    }
    return "unknown";
}
