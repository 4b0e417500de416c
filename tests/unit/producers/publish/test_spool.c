#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/outgoing.h"
#include "producers/publish/spool.h"
#include "schemas/events.h"

static void add(struct o2c_spool *spool, uint64_t line, int64_t day, const char *value)
{
    struct o2c_err err;
    struct o2c_outgoing out = {.type = o2c_event_type_row(O2C_ORDER_PLACED),
                               .line = line,
                               .key = O2C_STR("key"),
                               .value = o2c_str_from(value),
                               .id = O2C_STR("id"),
                               .source = O2C_STR(""),
                               .time = O2C_STR("time"),
                               .place = O2C_STR("orders.csv:7")};
    assert_int_equal(o2c_spool_add(spool, &out, day, &err), O2C_OK);
}

/* "line:value@day " of all, "line| " for a barrier. */
static void read_all(struct o2c_spool *spool, char *text, size_t room)
{
    size_t at = 0;
    for (;;) {
        struct o2c_outgoing out;
        struct o2c_err err;
        int64_t day;
        bool more;
        assert_int_equal(o2c_spool_next(spool, &out, &day, &more, &err), O2C_OK);
        if (!more)
            return;
        if (!out.type) {
            at += (size_t)snprintf(text + at, room - at, "%d| ", (int)out.line);
            continue;
        }
        assert_int_equal(out.type->type, O2C_ORDER_PLACED);
        assert_true(o2c_str_eq(out.key, O2C_STR("key")));
        assert_true(o2c_str_eq(out.id, O2C_STR("id")));
        assert_int_equal(out.source.len, 0);
        assert_true(o2c_str_eq(out.time, O2C_STR("time")));
        assert_true(o2c_str_eq(out.place, O2C_STR("orders.csv:7")));
        at += (size_t)snprintf(text + at, room - at, "%d:%.*s@%d ", (int)out.line,
                               O2C_STR_ARG(out.value), (int)day);
    }
}

static void events_come_back_as_they_went_in(void **state)
{
    struct o2c_spool *spool;
    struct o2c_err err;
    char text[256] = "";
    (void)state;
    assert_int_equal(o2c_spool_open(&spool, false, &err), O2C_OK);
    add(spool, 1, 5, "a");
    add(spool, 2, 3, "");
    assert_int_equal(o2c_spool_add_barrier(spool, 3, &err), O2C_OK);
    add(spool, 4, 4, "longer than before");
    assert_int_equal(o2c_spool_count(spool), 4);
    assert_int_equal(o2c_spool_turn(spool, &err), O2C_OK);
    read_all(spool, text, sizeof(text));
    assert_string_equal(text, "1:a@5 2:@3 3| 4:longer than before@4 ");
    o2c_spool_close(spool);
}

static void sorted_by_day_those_of_one_day_keep_their_order(void **state)
{
    struct o2c_spool *spool;
    struct o2c_err err;
    char text[256] = "";
    (void)state;
    assert_int_equal(o2c_spool_open(&spool, true, &err), O2C_OK);
    add(spool, 1, 20, "a");
    add(spool, 2, 10, "b");
    add(spool, 3, 20, "c");
    add(spool, 4, 10, "d");
    add(spool, 5, -7, "e");
    assert_int_equal(o2c_spool_turn(spool, &err), O2C_OK);
    read_all(spool, text, sizeof(text));
    assert_string_equal(text, "5:e@-7 2:b@10 4:d@10 1:a@20 3:c@20 ");
    o2c_spool_close(spool);
}

static void an_empty_spool_ends_at_once(void **state)
{
    struct o2c_spool *spool;
    struct o2c_err err;
    char text[16] = "";
    (void)state;
    assert_int_equal(o2c_spool_open(&spool, true, &err), O2C_OK);
    assert_int_equal(o2c_spool_turn(spool, &err), O2C_OK);
    read_all(spool, text, sizeof(text));
    assert_string_equal(text, "");
    o2c_spool_close(spool);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct o2c_spool *spool = NULL;
    struct o2c_err err;
    (void)state;
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_int_equal(o2c_spool_open(&spool, false, &err), O2C_FATAL);
    assert_string_equal(
        err.text,
        "no temporary file can be made in /no/such/folder: No such file or directory");
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back_as_they_went_in),
        cmocka_unit_test(sorted_by_day_those_of_one_day_keep_their_order),
        cmocka_unit_test(an_empty_spool_ends_at_once),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
