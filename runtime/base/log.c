#include "runtime/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/err.h"

#include "runtime/base/banned.h"

/*
 * A line lives on the caller's stack and leaves in one write of at most
 * PIPE_BUF bytes: lines of several threads and processes never mix.
 */
enum {
    LINE_BYTES = 4096,
    TAIL_BYTES = 16, /* always left for what ends a line: ","cut":true}\n */
    LIMIT_BYTES = LINE_BYTES - TAIL_BYTES
};

struct line {
    char byte[LINE_BYTES];
    size_t len;
    bool cut;
};

static const char *log_component = "o2c";
static enum o2c_log_level log_level = O2C_LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void o2c_log_init(const char *component, enum o2c_log_level level)
{
    log_component = component;
    log_level = level;
}

enum o2c_verdict o2c_log_level_read(const char *name, enum o2c_log_level *ret_level,
                                    struct o2c_err *err)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum o2c_log_level)i;
            return O2C_OK;
        }
    return o2c_fail(err, O2C_FATAL, "log-level: \"%s\" is none of error, warn, info, debug",
                    name);
}

/* All or nothing, so that an escape or a character is never cut in two. */
static void put(struct line *line, const char *bytes, size_t len)
{
    if (line->cut || line->len + len > LIMIT_BYTES) {
        line->cut = true;
        return;
    }
    memcpy(line->byte + line->len, bytes, len);
    line->len += len;
}

static void O2C_PRINTF(2, 3) put_format(struct line *line, const char *fmt, ...)
{
    char text[128];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof text)
        put(line, text, (size_t)len);
}

static void put_escaped(struct line *line, const char *at, size_t len)
{
    while (len > 0 && !line->cut) {
        size_t n = o2c_str_character((struct o2c_str){at, len});
        if (*at == '"' || *at == '\\')
            put_format(line, "\\%c", *at);
        else if (n == 1 && (unsigned char)*at < 0x20)
            put_format(line, "\\u%04x", (unsigned)*at);
        else if (n > 0)
            put(line, at, n);
        else
            put_format(line, "%s", *at ? "\\ufffd" : "\\u0000");
        at += n ? n : 1;
        len -= n ? n : 1;
    }
}

/* A member that cannot even begin is left out; a text that does not fit is cut. */
static void put_field(struct line *line, const struct o2c_log_field *field)
{
    size_t start = line->len;
    put(line, ",\"", 2);
    put_escaped(line, field->name, strlen(field->name));
    if (field->text.at)
        put(line, "\":\"", 3);
    else
        put_format(line, "\":%" PRId64, field->number);
    if (line->cut) {
        line->len = start;
    } else if (field->text.at) {
        put_escaped(line, field->text.at, field->text.len);
        line->byte[line->len++] = '"'; /* into the room of the tail */
    }
}

static void put_time(struct line *line)
{
    int64_t now_us = o2c_clock_utc_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    put_format(line, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"",
               utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
               utc.tm_sec, (int)(now_us % 1000000));
}

static void put_end(struct line *line)
{
    const char *tail = line->cut ? ",\"cut\":true}\n" : "}\n";
    size_t len = strlen(tail);
    memcpy(line->byte + line->len, tail, len);
    line->len += len;
}

static void write_out(const char *at, size_t len)
{
    while (len > 0) {
        ssize_t written = write(STDERR_FILENO, at, len);
        if (written < 0 && errno != EINTR)
            return; /* nobody is left to tell */
        if (written > 0) {
            at += written;
            len -= (size_t)written;
        }
    }
}

void o2c_log_write(enum o2c_log_level level, const char *sentence,
                   const struct o2c_log_field *fields, size_t field_count)
{
    if (level > log_level)
        return;
    struct line line;
    line.len = 0;
    line.cut = false;
    put_time(&line);
    put_field(&line, &O2C_S("level", level_names[level]));
    put_field(&line, &O2C_S("component", log_component));
    put_field(&line, &O2C_S("message", sentence));
    for (size_t i = 0; i < field_count; i++)
        if (fields[i].name)
            put_field(&line, &fields[i]);
    put_end(&line);
    write_out(line.byte, line.len);
}
