/*
 * Any text as a number, a UUID, a date, a moment and a currency: refused and
 * nothing touched, or a value that is written as a text that gives it again.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/base/str.h"
#include "runtime/base/uuid.h"
#include "schemas/units/money.h"
#include "schemas/units/time.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

static void try_number(struct o2c_str text)
{
    char written[32];
    int64_t value = 77, again;
    if (!o2c_str_to_int64(text, &value)) {
        must(value == 77, "a refused number was touched");
        return;
    }
    snprintf(written, sizeof written, "%" PRId64, value);
    must(o2c_str_to_int64(o2c_str_from(written), &again) && again == value, "the number");
}

static void try_uuid(struct o2c_str text)
{
    char written[O2C_UUID_TEXT + 1];
    struct o2c_uuid uuid, again;
    if (!o2c_uuid_parse(text, &uuid))
        return;
    o2c_uuid_format(&uuid, written);
    must(o2c_uuid_parse(o2c_str_from(written), &again) &&
             !memcmp(&uuid, &again, sizeof uuid),
         "the UUID");
    for (size_t i = 0; i < text.len; i++)
        must((text.at[i] | 0x20) == (written[i] | 0x20), "the UUID is another one");
}

static void try_date(struct o2c_str text)
{
    char written[O2C_DATE_TEXT + 1];
    int32_t days;
    if (!o2c_date_parse(text, &days))
        return;
    must(days >= O2C_DATE_MIN && days <= O2C_DATE_MAX, "the date is out of its years");
    o2c_date_format(days, written);
    must(o2c_str_eq(text, o2c_str_from(written)), "the date is another one");
}

static void try_moment(struct o2c_str text)
{
    char written[O2C_TIMESTAMP_TEXT + 1];
    int64_t us, again;
    int32_t days;
    if (!o2c_timestamp_parse(text, &us))
        return;
    o2c_timestamp_format(us, written);
    must(o2c_timestamp_parse(o2c_str_from(written), &again) && again == us, "the moment");
    must(o2c_date_parse((struct o2c_str){text.at, O2C_DATE_TEXT}, &days) &&
             days == o2c_timestamp_date(us),
         "its date");
}

/* By the definition, one character after the other. */
static bool is_utf8(const unsigned char *at, size_t len)
{
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < len;) {
        size_t bytes = at[i] < 0x80           ? 1
                       : (at[i] >> 5) == 0x06 ? 2
                       : (at[i] >> 4) == 0x0e ? 3
                       : (at[i] >> 3) == 0x1e ? 4
                                              : 0;
        if (!bytes || bytes > len - i)
            return false;
        uint32_t point = bytes == 1 ? at[i] : at[i] & (0x7fu >> bytes);
        for (size_t k = 1; k < bytes; k++) {
            if ((at[i + k] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (at[i + k] & 0x3fu);
        }
        if (point < least[bytes] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
        i += bytes;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const struct o2c_str absent = {NULL, 0};
    struct o2c_str text = {(const char *)at, len};
    try_number(text);
    try_uuid(text);
    try_date(text);
    try_moment(text);
    try_number(absent);
    try_uuid(absent);
    try_date(absent);
    try_moment(absent);
    (void)o2c_currency_exponent(text);
    must(o2c_str_is_text(text) == is_utf8(at, len), "text or not");
    return 0;
}
