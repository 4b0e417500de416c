#include "runtime/base/str.h"

#include <string.h>

#include "runtime/base/banned.h"

struct o2c_str o2c_str_from(const char *text)
{
    return (struct o2c_str){text, text ? strlen(text) : 0};
}

bool o2c_str_eq(struct o2c_str a, struct o2c_str b)
{
    if (!a.at || !b.at)
        return a.at == b.at;
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

int o2c_str_cmp(struct o2c_str a, struct o2c_str b)
{
    if (!a.at || !b.at)
        return (a.at != NULL) - (b.at != NULL);
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Gathers on the negative side, which reaches one further than the positive. */
bool o2c_str_to_int64(struct o2c_str text, int64_t *ret_value)
{
    if (!text.at || text.len == 0)
        return false;
    bool negative = text.at[0] == '-';
    size_t i = negative || text.at[0] == '+';
    int64_t value = 0;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        int digit = text.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *ret_value = negative ? value : -value;
    return true;
}

/* How many bytes of plain ASCII without NUL lie at `at`, looked at eight at a time. */
static size_t ascii_run(const char *at, size_t len)
{
    const uint64_t high = 0x8080808080808080u, low = 0x0101010101010101u;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        if ((word & high) || ((word - low) & ~word & high))
            break;
    }
    while (i < len && (signed char)at[i] > 0)
        i++;
    return i;
}

/* The length of the well-formed sequence of two to four bytes at `at`, 0 if there is none.
 */
static size_t sequence(const unsigned char *at, size_t len)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } form[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        if (at[0] < form[i].first_min || at[0] > form[i].first_max)
            continue;
        if (len < form[i].length || at[1] < form[i].second_min ||
            at[1] > form[i].second_max)
            return 0;
        for (size_t k = 2; k < form[i].length; k++)
            if ((at[k] & 0xC0) != 0x80)
                return 0;
        return form[i].length;
    }
    return 0;
}

size_t o2c_str_character(struct o2c_str text)
{
    if (text.len > 0 && (signed char)text.at[0] > 0)
        return 1;
    return text.len > 0 ? sequence((const unsigned char *)text.at, text.len) : 0;
}

bool o2c_str_is_text(struct o2c_str text)
{
    size_t i = 0;
    while (i < text.len) {
        i += ascii_run(text.at + i, text.len - i);
        if (i == text.len)
            break;
        size_t length = sequence((const unsigned char *)text.at + i, text.len - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
