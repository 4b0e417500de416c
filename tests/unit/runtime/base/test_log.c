/* log.c: every line is one JSON object, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/base/log.h"

#include "runtime/base/banned.h"

static int kept_stderr, captured;

static int capture(void **state)
{
    (void)state;
    char path[] = "/tmp/o2c-test-log-XXXXXX";
    captured = mkstemp(path);
    assert_true(captured >= 0);
    unlink(path);
    fcntl(captured, F_SETFL, O_APPEND);
    kept_stderr = dup(STDERR_FILENO);
    dup2(captured, STDERR_FILENO);
    o2c_log_init("test", O2C_LOG_INFO);
    return 0;
}

static int release(void **state)
{
    (void)state;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(captured);
    return 0;
}

/* All that was logged; to be freed. */
static char *logged(void)
{
    off_t size = lseek(captured, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(captured, text, (size_t)size, 0), size);
    return text;
}

static json_t *only_line(void)
{
    char *text = logged();
    size_t len = strlen(text);
    assert_true(len > 0 && len <= 4096);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    free(text);
    return line;
}

static const char *member(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void a_line_says_when_who_and_what(void **state)
{
    (void)state;
    o2c_log_warn("event parked", O2C_S("topic", "o2c.orders"), O2C_I("offset", INT64_MIN),
                 O2C_T("account", O2C_STR("C-1")));
    json_t *line = only_line();
    const char *time = member(line, "time");
    assert_int_equal(strlen(time), strlen("2026-01-02T03:04:05.678901Z"));
    assert_int_equal(time[10], 'T');
    assert_int_equal(time[26], 'Z');
    assert_string_equal(member(line, "level"), "warn");
    assert_string_equal(member(line, "component"), "test");
    assert_string_equal(member(line, "message"), "event parked");
    assert_string_equal(member(line, "topic"), "o2c.orders");
    assert_string_equal(member(line, "account"), "C-1");
    assert_true(json_integer_value(json_object_get(line, "offset")) == INT64_MIN);
    assert_int_equal(json_object_size(line), 7);
    json_decref(line);
}

static void no_fields_add_nothing(void **state)
{
    (void)state;
    o2c_log_info("caught up", O2C_NO_FIELDS);
    json_t *line = only_line();
    assert_int_equal(json_object_size(line), 4);
    json_decref(line);
}

static void bytes_that_are_no_json_text_are_escaped(void **state)
{
    (void)state;
    o2c_log_info("said \"so\"\n", O2C_T("a", O2C_STR("tab\t back\\slash \x01 \x7f")),
                 O2C_T("b", O2C_STR("caf\xc3\xa9 \xf0\x9f\x98\x80")),
                 O2C_T("c", O2C_STR("\xff|\xc3|\xed\xa0\x80|")));
    json_t *line = only_line();
    assert_string_equal(member(line, "message"), "said \"so\"\n");
    assert_string_equal(member(line, "a"), "tab\t back\\slash \x01 \x7f");
    assert_string_equal(member(line, "b"), "caf\xc3\xa9 \xf0\x9f\x98\x80");
    assert_string_equal(member(line, "c"),
                        "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|");
    json_decref(line);
}

static void a_nul_inside_a_text_is_kept_as_an_escape(void **state)
{
    (void)state;
    o2c_log_info("nul", O2C_T("a", O2C_STR("x\0y")));
    char *text = logged();
    assert_non_null(strstr(text, "\"a\":\"x\\u0000y\""));
    free(text);
}

/* Whatever length falls on the end of the line, it stays one JSON object. */
static void a_line_too_long_is_cut_and_says_so(void **state)
{
    (void)state;
    char long_text[6000];
    memset(long_text, '"', sizeof long_text);
    for (size_t len = 1900; len < 2050; len++) {
        assert_int_equal(ftruncate(captured, 0), 0);
        o2c_log_info("long", O2C_T("a", ((struct o2c_str){long_text, len})),
                     O2C_I("number", 123456), O2C_S("b", "more"));
        json_t *line = only_line();
        bool whole = member(line, "b") && strcmp(member(line, "b"), "more") == 0;
        assert_true(whole != json_is_true(json_object_get(line, "cut")));
        json_decref(line);
    }
    assert_int_equal(ftruncate(captured, 0), 0);
    o2c_log_info("long", O2C_T("a", ((struct o2c_str){long_text, sizeof long_text})));
    json_t *line = only_line();
    assert_true(json_is_true(json_object_get(line, "cut")));
    assert_true(strlen(member(line, "a")) > 1900);
    json_decref(line);
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    o2c_log_init("test", O2C_LOG_WARN);
    o2c_log_info("no", O2C_NO_FIELDS);
    o2c_log_debug("no", O2C_NO_FIELDS);
    char *text = logged();
    assert_string_equal(text, "");
    free(text);
    o2c_log_error("yes", O2C_NO_FIELDS);
    json_t *line = only_line();
    assert_string_equal(member(line, "level"), "error");
    json_decref(line);
}

static void levels_are_read_by_their_names(void **state)
{
    (void)state;
    enum o2c_log_level level = O2C_LOG_INFO;
    struct o2c_err err;
    assert_false(o2c_log_level_read("debug", &level, &err));
    assert_int_equal(level, O2C_LOG_DEBUG);
    assert_false(o2c_log_level_read("error", &level, &err));
    assert_int_equal(level, O2C_LOG_ERROR);
    assert_int_equal(o2c_log_level_read("", &level, &err), O2C_FATAL);
    assert_int_equal(o2c_log_level_read("INFO", &level, &err), O2C_FATAL);
    assert_string_equal(err.text,
                        "log-level: \"INFO\" is none of error, warn, info, debug");
    assert_int_equal(level, O2C_LOG_ERROR);
}

enum {
    THREADS = 4,
    LINES = 500
};

static void *log_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < LINES; i++)
        o2c_log_info("from a thread", O2C_I("i", i),
                     O2C_S("text", "some text of some length"));
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char *text = logged(), *rest = text, *line;
    int lines = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), 6);
        json_decref(object);
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES);
    free(text);
}

#define captured_test(f) cmocka_unit_test_setup_teardown(f, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        captured_test(a_line_says_when_who_and_what),
        captured_test(no_fields_add_nothing),
        captured_test(bytes_that_are_no_json_text_are_escaped),
        captured_test(a_nul_inside_a_text_is_kept_as_an_escape),
        captured_test(a_line_too_long_is_cut_and_says_so),
        captured_test(what_is_below_the_level_is_not_written),
        captured_test(levels_are_read_by_their_names),
        captured_test(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
