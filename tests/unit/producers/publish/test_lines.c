#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/lines.h"
#include "runtime/base/buf.h"

struct feed {
    const char *at;
    size_t rest, step;
};

static ssize_t read_feed(void *user, char *into, size_t room)
{
    struct feed *feed = user;
    size_t len = feed->rest < feed->step ? feed->rest : feed->step;
    if (len > room)
        len = room;
    memcpy(into, feed->at, len);
    feed->at += len;
    feed->rest -= len;
    return (ssize_t)len;
}

static void check(const char *text, size_t max, const char *expected)
{
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        struct feed feed = {text, strlen(text), step};
        struct o2c_lines *lines = o2c_lines_new(max, read_feed, &feed);
        struct o2c_buf out;
        o2c_buf_init(&out, 4096);
        for (;;) {
            struct o2c_str line;
            uint64_t number = 0;
            struct o2c_err err;
            enum o2c_verdict verdict = o2c_lines_next(lines, &line, &number, &err);
            if (!verdict && !line.at)
                break;
            if (verdict)
                line = o2c_str_from(err.text);
            o2c_buf_printf(&out, "%llu%s%.*s/", (unsigned long long)number,
                           verdict ? "!" : ":", O2C_STR_ARG(line));
        }
        assert_string_equal(o2c_buf_text(&out), expected);
        o2c_buf_clear(&out);
        o2c_lines_free(lines);
    }
}

static void lines_come_without_their_ends(void **state)
{
    (void)state;
    check("", 100, "");
    check("a\nb", 100, "1:a/2:b/");
    check("a\r\n\r\nb\n", 100, "1:a/2:/3:b/");
    check("\xEF\xBB\xBF{}\n", 100, "1:{}/");
}

static void a_line_too_long_is_skipped_and_the_next_is_read(void **state)
{
    (void)state;
    check("abcd\nabcde\nx\n", 4, "1:abcd/2!the line is longer than 4 bytes/3:x/");
    check("abcd\r\nabcdefghijklmnop\r\nx", 4,
          "1:abcd/2!the line is longer than 4 bytes/3:x/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_their_ends),
        cmocka_unit_test(a_line_too_long_is_skipped_and_the_next_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
