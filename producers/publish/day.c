#include "producers/publish/day.h"

#include <string.h>

#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum token {
    TOKEN_YEAR4,
    TOKEN_YEAR2,
    TOKEN_MONTH2,
    TOKEN_MONTH,
    TOKEN_MONTH_NAME,
    TOKEN_DAY2,
    TOKEN_DAY,
    TOKEN_HOUR2,
    TOKEN_HOUR,
    TOKEN_MINUTE,
    TOKEN_SECOND,
};

/* Longer words first: the first that fits is taken. */
static const struct token_row {
    const char *word;
    enum token token;
    int min_digits, max_digits;
} token_rows[] = {
    {"YYYY", TOKEN_YEAR4, 4, 4},     {"YY", TOKEN_YEAR2, 2, 2},
    {"Mon", TOKEN_MONTH_NAME, 0, 0}, {"MM", TOKEN_MONTH2, 2, 2},
    {"M", TOKEN_MONTH, 1, 2},        {"DD", TOKEN_DAY2, 2, 2},
    {"D", TOKEN_DAY, 1, 2},          {"hh", TOKEN_HOUR2, 2, 2},
    {"h", TOKEN_HOUR, 1, 2},         {"mm", TOKEN_MINUTE, 2, 2},
    {"ss", TOKEN_SECOND, 2, 2},
};

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const struct token_row *token_at(struct o2c_str pattern)
{
    for (size_t i = 0; i < sizeof(token_rows) / sizeof(token_rows[0]); i++) {
        size_t len = strlen(token_rows[i].word);
        if (pattern.len >= len && memcmp(pattern.at, token_rows[i].word, len) == 0)
            return &token_rows[i];
    }
    return NULL;
}

static struct o2c_str behind(struct o2c_str text, size_t len)
{
    return (struct o2c_str){text.at + len, text.len - len};
}

enum o2c_verdict o2c_day_pattern_check(struct o2c_str pattern, struct o2c_err *err)
{
    unsigned seen = 0;
    for (struct o2c_str rest = pattern; rest.len;) {
        const struct token_row *row = token_at(rest);
        if (!row && is_letter(*rest.at) && *rest.at != 'T' && *rest.at != 'Z')
            return o2c_fail(
                err, O2C_PARK,
                "\"%.*s\" is not understood in a date pattern (YYYY, YY, MM, M, "
                "Mon, DD, D, hh, h, mm, ss)",
                O2C_STR_ARG(rest));
        if (row)
            seen |= 1U << row->token;
        rest = behind(rest, row ? strlen(row->word) : 1);
    }
    bool year = seen & (1U << TOKEN_YEAR4 | 1U << TOKEN_YEAR2);
    bool month = seen & (1U << TOKEN_MONTH2 | 1U << TOKEN_MONTH | 1U << TOKEN_MONTH_NAME);
    bool day = seen & (1U << TOKEN_DAY2 | 1U << TOKEN_DAY);
    if (!year || !month || !day)
        return o2c_fail(err, O2C_PARK, "the pattern lacks the %s",
                        !year ? "year" : (!month ? "month" : "day"));
    return O2C_OK;
}

static size_t read_number(struct o2c_str text, int min_digits, int max_digits, int32_t *ret)
{
    int32_t value = 0;
    int digits = 0;
    while (digits < max_digits && (size_t)digits < text.len && text.at[digits] >= '0' &&
           text.at[digits] <= '9')
        value = value * 10 + (text.at[digits++] - '0');
    if (digits < min_digits)
        return 0;
    *ret = value;
    return (size_t)digits;
}

static size_t read_month_name(struct o2c_str text, int32_t *ret)
{
    for (int month = 0; text.len >= 3 && month < 12; month++)
        if (strncasecmp(text.at, month_names + (size_t)month * 3, 3) == 0) {
            *ret = month + 1;
            return 3;
        }
    return 0;
}

struct parts {
    int32_t year, month, day, hour, minute, second;
    bool has_time;
};

static size_t read_token(struct o2c_str text, const struct token_row *row,
                         struct parts *parts)
{
    int32_t value = 0;
    size_t len = row->token == TOKEN_MONTH_NAME
                     ? read_month_name(text, &value)
                     : read_number(text, row->min_digits, row->max_digits, &value);
    if (!len)
        return 0;
    switch (row->token) {
    case TOKEN_YEAR4:
        parts->year = value;
        break;
    case TOKEN_YEAR2:
        parts->year = value + (value >= 70 ? 1900 : 2000);
        break;
    case TOKEN_MONTH2:
    case TOKEN_MONTH:
    case TOKEN_MONTH_NAME:
        parts->month = value;
        break;
    case TOKEN_DAY2:
    case TOKEN_DAY:
        parts->day = value;
        break;
    case TOKEN_HOUR2:
    case TOKEN_HOUR:
        parts->hour = value;
        parts->has_time = true;
        break;
    case TOKEN_MINUTE:
        parts->minute = value;
        break;
    case TOKEN_SECOND:
        parts->second = value;
        break;
    }
    return len;
}

static bool time_exists(int32_t hour, int32_t minute, int32_t second)
{
    return hour <= 23 && minute <= 59 && second <= 59;
}

bool o2c_day_parse(struct o2c_str text, struct o2c_str pattern, struct o2c_day *ret_day)
{
    struct parts parts = {.has_time = false};
    while (pattern.len) {
        const struct token_row *row = token_at(pattern);
        size_t len;
        if (row)
            len = read_token(text, row, &parts);
        else
            len = text.len && *text.at == *pattern.at;
        if (!len)
            return false;
        text = behind(text, len);
        pattern = behind(pattern, row ? strlen(row->word) : 1);
    }
    int32_t second = parts.hour * 3600 + parts.minute * 60 + parts.second;
    struct o2c_day day = {.second = parts.has_time ? second : -1};
    if (text.len || !time_exists(parts.hour, parts.minute, parts.second) ||
        !o2c_date_of(parts.year, parts.month, parts.day, &day.days))
        return false;
    *ret_day = day;
    return true;
}

bool o2c_day_time(struct o2c_str text, int32_t *ret_second)
{
    int32_t hour, minute, second = 0;
    if (text.len != 5 && text.len != 8)
        return false;
    if (!read_number(text, 2, 2, &hour) || text.at[2] != ':' ||
        !read_number(behind(text, 3), 2, 2, &minute))
        return false;
    if (text.len == 8 &&
        (text.at[5] != ':' || !read_number(behind(text, 6), 2, 2, &second)))
        return false;
    if (!time_exists(hour, minute, second))
        return false;
    *ret_second = hour * 3600 + minute * 60 + second;
    return true;
}

bool o2c_day_zone(struct o2c_str text, int32_t *ret_minutes)
{
    int32_t second;
    if (text.len != 6 || (*text.at != '+' && *text.at != '-') ||
        !o2c_day_time(behind(text, 1), &second) || second > 14 * 3600)
        return false;
    *ret_minutes = (*text.at == '-' ? -1 : 1) * (second / 60);
    return true;
}

int64_t o2c_day_moment_us(const struct o2c_day *day, int32_t zone_minutes)
{
    int64_t second = (day->second < 0 ? 0 : day->second) - (int64_t)zone_minutes * 60;
    return day->days * O2C_DAY_US + second * 1000000;
}
