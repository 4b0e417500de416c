/*
 * log.h - one JSON line per message on standard error: a constant sentence,
 * then named values.
 *
 *     o2c_log_warn("event parked", O2C_S("topic", topic), O2C_I("offset", offset));
 *     o2c_log_info("caught up", O2C_NO_FIELDS);
 *
 * Only mains and the host call it (see err.h).  Never pass personal data:
 * account and document ids only.
 */
#ifndef O2C_BASE_LOG_H
#define O2C_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum o2c_log_level {
    O2C_LOG_ERROR,
    O2C_LOG_WARN,
    O2C_LOG_INFO,
    O2C_LOG_DEBUG
};

struct o2c_log_field {
    const char *name; /* NULL: no field */
    struct o2c_str text;
    int64_t number; /* used when text.at is NULL */
};

#define O2C_S(name, c_string) ((struct o2c_log_field){name, o2c_str_from(c_string), 0})
#define O2C_T(name, str) ((struct o2c_log_field){name, str, 0})
#define O2C_I(name, integer) ((struct o2c_log_field){name, {NULL, 0}, integer})
#define O2C_NO_FIELDS ((struct o2c_log_field){NULL, {NULL, 0}, 0})

#define O2C_LOG_FIELDS_(...)                                                               \
    (const struct o2c_log_field[]){__VA_ARGS__},                                           \
        sizeof((const struct o2c_log_field[]){__VA_ARGS__}) / sizeof(struct o2c_log_field)

#define o2c_log_error(sentence, ...)                                                       \
    o2c_log_write(O2C_LOG_ERROR, sentence, O2C_LOG_FIELDS_(__VA_ARGS__))
#define o2c_log_warn(sentence, ...)                                                        \
    o2c_log_write(O2C_LOG_WARN, sentence, O2C_LOG_FIELDS_(__VA_ARGS__))
#define o2c_log_info(sentence, ...)                                                        \
    o2c_log_write(O2C_LOG_INFO, sentence, O2C_LOG_FIELDS_(__VA_ARGS__))
#define o2c_log_debug(sentence, ...)                                                       \
    o2c_log_write(O2C_LOG_DEBUG, sentence, O2C_LOG_FIELDS_(__VA_ARGS__))

/* Before the first message; `component` is borrowed for the life of the process. */
void o2c_log_init(const char *component, enum o2c_log_level level);

void o2c_log_write(enum o2c_log_level level, const char *sentence,
                   const struct o2c_log_field *fields, size_t field_count);

/* The setting log-level: "error", "warn", "info" or "debug"; FATAL on anything else. */
enum o2c_verdict o2c_log_level_read(const char *name, enum o2c_log_level *ret_level,
                                    struct o2c_err *err) O2C_MUST_CHECK;

#endif
