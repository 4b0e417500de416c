#include "runtime/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/banned.h"

/* A text that was cut ends with a whole character: PostgreSQL takes no other. */
static void end_whole(char *text)
{
    size_t len = strlen(text), begin = len;
    if (len < O2C_ERR_TEXT - 1)
        return;
    while (begin > 0 && len - begin < 3 && ((unsigned char)text[begin - 1] & 0xC0) == 0x80)
        begin--;
    if (begin == 0 || (unsigned char)text[begin - 1] < 0xC0)
        return; /* ends with a plain one */
    unsigned char first = (unsigned char)text[begin - 1];
    size_t wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (len - begin + 1 < wanted)
        text[begin - 1] = '\0';
}

/* Formats into a second text first: the arguments may point into err->text. */
enum o2c_verdict o2c_fail(struct o2c_err *err, enum o2c_verdict verdict, const char *fmt,
                          ...)
{
    char text[O2C_ERR_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    end_whole(text);
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
    end_whole(err->text);
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
