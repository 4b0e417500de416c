/* The rules of docs/rules/reminders.md: open items and days in, letters out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/host/consumer.h"
#include "consumers/reminders/reminders.h"
#include "consumers/reminders/rows.h"
#include "consumers/reminders/settings.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"
#include "tests/support/rule_cases.h"

#include "runtime/base/banned.h"

#define ITEM_OF(customer, kind, id, due, open, disputed, more)                             \
    "{'type':'OpenItemChanged','account_id':'A','customer_id':'" customer                  \
    "','document_id':'" id "','kind':'" kind "','instalment_no':1,'due_date':'" due        \
    "','currency':'EUR','open_minor':" #open ",'disputed_minor':" #disputed                \
    ",'state':'open','cause':'x'" more "}"
#define ITEM(id, due, open, disputed) ITEM_OF("C1", "invoice", id, due, open, disputed, "")
#define DAY(date) date
#define PARKED(left) "parked " #left /* of account A, in receivables */
#define RELEASED(left) "released " #left
#define DISCARDED(left) "discarded " #left

enum {
    STEPS_MAX = 12
};

static const struct {
    const char *name, *go_live;
    const char *steps[STEPS_MAX + 1]; /* events, dates that begin, notices of parking */
    const char *letters;
} cases[] = {
    {"ten days after the due date, once",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-14"), DAY("2026-01-15"),
      DAY("2026-01-16"), NULL},
     "01-15: C1 100 I1+10\n"},
    {"one letter for a customer, in the order of the due dates",
     "",
     {ITEM("I2", "2026-01-05", 10, 0), ITEM("I1", "2026-01-05", 1, 0),
      ITEM("I3", "2026-01-04", 5, 0),
      ITEM_OF("C2", "invoice", "I9", "2026-01-05", 7, 0, ""), DAY("2026-01-20"), NULL},
     "01-20: C1 16 I3+16 I1+15 I2+15\n01-20: C2 7 I9+15\n"},
    {"days that were left out are caught up in one letter",
     "",
     {ITEM("I1", "2026-01-01", 10, 0), ITEM("I2", "2026-01-02", 10, 0), DAY("2026-01-05"),
      DAY("2026-01-20"), NULL},
     "01-20: C1 20 I1+19 I2+18\n"},
    {"paid in time: none",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I1", "2026-01-05", 0, 0), DAY("2026-01-20"),
      NULL},
     ""},
    {"disputed at its day, reminded when the dispute is over",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I1", "2026-01-05", 100, 40),
      DAY("2026-01-15"), ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-18"), NULL},
     "01-18: C1 100 I1+13\n"},
    {"an item that comes late is taken at the next tick",
     "",
     {DAY("2026-02-01"), ITEM("I1", "2026-01-05", 100, 0), DAY("2026-02-02"), NULL},
     "02-02: C1 100 I1+28\n"},
    {"a part payment does not bring another letter",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-15"), ITEM("I1", "2026-01-05", 60, 0),
      DAY("2026-01-16"), NULL},
     "01-15: C1 100 I1+10\n"},
    {"the letter is cancelled when all of it is paid or disputed",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I2", "2026-01-05", 5, 0), DAY("2026-01-15"),
      ITEM("I1", "2026-01-05", 0, 0), ITEM("I2", "2026-01-05", 5, 5), NULL},
     "01-15: C1 105 I1+10 I2+10\ncancelled C1/EUR/2026-01-15 disputed\n"},
    {"and is not written again when an item is open again",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-15"), ITEM("I1", "2026-01-05", 0, 0),
      ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-16"), NULL},
     "01-15: C1 100 I1+10\ncancelled C1/EUR/2026-01-15 settled\n"},
    {"not live any more and again before the last: the letter stands",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I2", "2026-01-05", 5, 0), DAY("2026-01-15"),
      ITEM("I1", "2026-01-05", 0, 0), ITEM("I1", "2026-01-05", 100, 0),
      ITEM("I2", "2026-01-05", 0, 0), NULL},
     "01-15: C1 105 I1+10 I2+10\n"},
    {"credit notes and what says so are not reminded, debit notes are",
     "",
     {ITEM_OF("C1", "credit_note", "K1", "2026-01-05", 9, 0, ""),
      ITEM_OF("C1", "invoice", "I1", "2026-01-05", 9, 0, ",'remind':false"),
      ITEM_OF("C1", "debit_note", "D1", "2026-01-05", 9, 0, ",'remind':true"),
      DAY("2026-01-15"), NULL},
     "01-15: C1 9 debit note D1+10\n"},
    {"before the go-live date nothing, then what is overdue",
     "2026-02-01",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I2", "2026-01-06", 50, 0), DAY("2026-01-15"),
      ITEM("I2", "2026-01-06", 0, 0), DAY("2026-01-31"), DAY("2026-02-01"), NULL},
     "02-01: C1 100 I1+27\n"},
    {"held while something is parked, and written on the first day after",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), DAY("2026-01-15"), DAY("2026-01-16"),
      RELEASED(0), DAY("2026-01-17"), DAY("2026-01-18"), NULL},
     "01-17: C1 100 I1+12\n"},
    {"a discard ends it as well, at whatever day comes next",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), DAY("2026-01-15"), DISCARDED(0),
      DAY("2026-02-01"), NULL},
     "02-01: C1 100 I1+27\n"},
    {"what still queues holds",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), RELEASED(2), DAY("2026-01-15"),
      PARKED(2), DISCARDED(1), DAY("2026-01-16"), RELEASED(0), DAY("2026-01-17"), NULL},
     "01-17: C1 100 I1+12\n"},
    {"a notice said twice is said once",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), PARKED(1), DAY("2026-01-15"),
      RELEASED(0), RELEASED(0), DAY("2026-01-16"), DAY("2026-01-17"), NULL},
     "01-16: C1 100 I1+11\n"},
    {"parked and released before its day, and an item that comes after the notice",
     "",
     {PARKED(1), ITEM("I1", "2026-01-05", 100, 0), RELEASED(0), DAY("2026-01-15"), NULL},
     "01-15: C1 100 I1+10\n"},
    {"parked again before the next day",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), DAY("2026-01-15"), RELEASED(0),
      PARKED(1), DAY("2026-01-16"), RELEASED(0), DAY("2026-01-17"), NULL},
     "01-17: C1 100 I1+12\n"},
    {"what the release brings is paid or disputed: none",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I2", "2026-01-05", 50, 0), PARKED(1),
      DAY("2026-01-15"), ITEM("I1", "2026-01-05", 0, 0), ITEM("I2", "2026-01-05", 50, 50),
      RELEASED(0), DAY("2026-01-16"), ITEM("I2", "2026-01-05", 50, 0), DAY("2026-01-17"),
      NULL},
     "01-17: C1 50 I2+12\n"},
    {"days reached while it was held make one letter for each customer",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), ITEM("I2", "2026-01-06", 50, 0),
      ITEM_OF("C2", "invoice", "I9", "2026-01-06", 7, 0, ""), PARKED(1), DAY("2026-01-15"),
      DAY("2026-01-16"), RELEASED(0), DAY("2026-01-17"), NULL},
     "01-17: C1 150 I1+12 I2+11\n01-17: C2 7 I9+11\n"},
    {"a letter that was written is cancelled all the same",
     "",
     {ITEM("I1", "2026-01-05", 100, 0), DAY("2026-01-15"), PARKED(1),
      ITEM("I1", "2026-01-05", 0, 0), DAY("2026-01-16"), NULL},
     "01-15: C1 100 I1+10\ncancelled C1/EUR/2026-01-15 settled\n"},
    {"another account is not held",
     "",
     {ITEM("I1", "2026-01-05", 100, 0),
      "{'type':'OpenItemChanged','account_id':'B','customer_id':'C3','document_id':'I7',"
      "'kind':'invoice','instalment_no':1,'due_date':'2026-01-05','currency':'EUR',"
      "'open_minor':5,'disputed_minor':0,'state':'open','cause':'x'}",
      PARKED(1), DAY("2026-01-15"), NULL},
     "01-15: C3 5 I7+10\n"},
    {"held before the go-live date and beyond it",
     "2026-02-01",
     {ITEM("I1", "2026-01-05", 100, 0), PARKED(1), DAY("2026-01-15"), DAY("2026-02-01"),
      RELEASED(0), DAY("2026-02-02"), NULL},
     "02-02: C1 100 I1+28\n"},
};

static void describe_item(const struct o2c_reminder_item *item, struct o2c_buf *out)
{
    assert_true(item->has_kind);
    o2c_buf_printf(out, " %s%.*s+%" PRId32,
                   item->kind == O2C_DOCUMENT_KIND_DEBIT_NOTE ? "debit note " : "",
                   O2C_STR_ARG(item->invoice_id), item->days_overdue);
}

static int64_t kept_total(const struct rows_fixture *fixture, struct o2c_str reminder_id)
{
    const struct reminder *reminder;

    for (size_t i = 0; (reminder = rows_fixture_row(fixture, &reminders_reminder, i)); i++)
        if (o2c_str_eq(reminder->reminder_id, reminder_id))
            return reminder->total_minor;
    return -1;
}

static void describe(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct rows_effect *effect;
    char date[O2C_DATE_TEXT + 1];

    for (size_t i = 0;
         (effect = rows_fixture_effect(fixture, ROWS_EMITTED, O2C_EVENT_NONE, i)); i++) {
        const struct o2c_reminder_issued *issued = effect->event.reminder_issued;
        int64_t total = 0;

        if (effect->event.type == O2C_REMINDER_CANCELLED) {
            o2c_buf_printf(out, "cancelled %.*s %.*s\n",
                           O2C_STR_ARG(effect->event.reminder_cancelled->reminder_id),
                           O2C_STR_ARG(effect->event.reminder_cancelled->reason));
            continue;
        }
        for (size_t k = 0; k < issued->items_count; k++)
            total += issued->items[k].open_minor;
        assert_int_equal(total, kept_total(fixture, issued->reminder_id));
        o2c_date_format(issued->run_date, date);
        o2c_buf_printf(out, "%s: %.*s %" PRId64, date + 5,
                       O2C_STR_ARG(issued->head.customer_id), total);
        for (size_t k = 0; k < issued->items_count; k++)
            describe_item(&issued->items[k], out);
        o2c_buf_add_text(out, "\n");
        assert_string_equal(
            o2c_str_eq(issued->policy.configured, O2C_STR("days_overdue=10"))
                ? "days_overdue=10"
                : "?",
            "days_overdue=10");
    }
}

/* False: the step is something else. */
static bool give_notice(struct rows_fixture *fixture, const char *text)
{
    static const char *const states[] = {[O2C_NOTICE_PARKED] = "parked ",
                                         [O2C_NOTICE_RELEASED] = "released ",
                                         [O2C_NOTICE_DISCARDED] = "discarded "};
    struct o2c_parked_notice notice;
    struct o2c_err err;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (!strncmp(text, states[i], strlen(states[i]))) {
            notice.state = (enum o2c_notice_state)i;
            assert_true(
                o2c_str_to_int64(o2c_str_from(text + strlen(states[i])), &notice.left));
            assert_int_equal(rows_fixture_notice(fixture, "o2c.parked.receivables",
                                                 O2C_STR("A"), &notice, &err),
                             O2C_OK);
            return true;
        }
    return false;
}

static void step(struct rows_fixture *fixture, const char *text)
{
    struct o2c_err err;
    int32_t date;

    if (give_notice(fixture, text))
        return;
    if (*text != '{') {
        assert_true(o2c_date_parse(o2c_str_from(text), &date));
        (void)rows_fixture_start_day(fixture, date);
    } else if (rule_apply(fixture, text, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
}

static void letters_are_written_once_and_stop_when_paid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct reminders_settings settings = {10, cases[i].go_live};
        struct rows_fixture *fixture = rows_fixture_new(&reminders_consumer);
        struct o2c_buf out;

        rows_fixture_settings(fixture, &settings);
        o2c_buf_init(&out, 1 << 20);
        for (size_t s = 0; cases[i].steps[s]; s++) {
            step(fixture, cases[i].steps[s]);
            describe(fixture, &out);
        }
        if (!o2c_str_eq((struct o2c_str){out.at ? out.at : "", out.len},
                        o2c_str_from(cases[i].letters)))
            fail_msg("%s:\n%.*s, expected\n%s", cases[i].name, (int)out.len,
                     out.at ? out.at : "", cases[i].letters);
        o2c_buf_clear(&out);
        rows_fixture_free(fixture);
    }
}

static void expect_held(const struct rows_fixture *fixture, int64_t since,
                        const char *put_off_on)
{
    const struct held *held = rows_fixture_row(fixture, &reminders_held, 0);
    int32_t date;

    assert_non_null(held);
    assert_int_equal(rows_fixture_row_count(fixture, &reminders_held), 1);
    assert_int_equal(held->since, since);
    assert_int_equal(held->has_put_off_on, put_off_on != NULL);
    if (!put_off_on)
        return;
    assert_true(o2c_date_parse(o2c_str_from(put_off_on), &date));
    assert_int_equal(held->put_off_on, date);
}

static void what_is_held_says_since_when_and_what_was_put_off(void **state)
{
    static const int64_t since = 1768000000000000;
    const struct reminders_settings settings = {10, ""};
    struct rows_fixture *fixture = rows_fixture_new(&reminders_consumer);
    const struct o2c_due *due;

    (void)state;
    rows_fixture_settings(fixture, &settings);
    step(fixture, ITEM("I1", "2026-01-05", 100, 0));
    rows_fixture_recorded_at(fixture, since);
    step(fixture, PARKED(1));
    expect_held(fixture, since, NULL);
    step(fixture, DAY("2026-01-14")); /* nothing is due yet */
    expect_held(fixture, since, NULL);
    step(fixture, DAY("2026-01-15"));
    expect_held(fixture, since, "2026-01-15");
    due = rows_fixture_due(fixture, 0);
    assert_true(due && !rows_fixture_due(fixture, 1));
    assert_int_equal(
        due->date,
        ((const struct held *)rows_fixture_row(fixture, &reminders_held, 0))->put_off_on +
            1);
    step(fixture, PARKED(3));
    step(fixture, DAY("2026-01-19"));
    expect_held(fixture, since, "2026-01-19");
    step(fixture, RELEASED(0));
    assert_int_equal(rows_fixture_row_count(fixture, &reminders_held), 0);
    assert_int_equal(rows_fixture_row_count(fixture, &reminders_reminder), 0);
    rows_fixture_free(fixture);
}

static void expect_policy(const struct rows_fixture *fixture, const char *configured)
{
    const struct rows_effect *issued =
        rows_fixture_effect(fixture, ROWS_EMITTED, O2C_REMINDER_ISSUED, 0);

    assert_non_null(issued);
    assert_true(o2c_str_eq(issued->event.reminder_issued->policy.configured,
                           o2c_str_from(configured)));
}

static void a_letter_says_what_its_items_were_due_by(void **state)
{
    struct reminders_settings settings = {10, ""};
    struct rows_fixture *fixture = rows_fixture_new(&reminders_consumer);

    (void)state;
    rows_fixture_settings(fixture, &settings);
    step(fixture, ITEM("I1", "2026-01-05", 100, 0));
    step(fixture, ITEM("I2", "2026-01-20", 50, 0));
    settings.days_overdue = 20; /* started again with another value */
    step(fixture, ITEM("I3", "2026-01-06", 30, 0));
    step(fixture, DAY("2026-01-15"));
    expect_policy(fixture, "days_overdue=10");
    step(fixture, DAY("2026-01-26"));
    expect_policy(fixture, "days_overdue=20");
    step(fixture, ITEM("I4", "2026-01-08", 30, 0));
    step(fixture, DAY("2026-01-30"));
    expect_policy(fixture, "days_overdue=10"); /* I4 by 20, I2 by 10 */
    rows_fixture_free(fixture);
}

static void a_go_live_date_that_is_none_is_refused(void **state)
{
    const struct reminders_settings wrong = {10, "soon"}, right = {10, "2026-02-01"},
                                    none = {10, ""};
    struct o2c_err err;

    (void)state;
    assert_int_equal(reminders_own_settings.check(&wrong, &err), O2C_FATAL);
    assert_string_equal(err.text, "reminders-go-live: \"soon\" is no date like 2026-01-31");
    assert_int_equal(reminders_own_settings.check(&right, &err), O2C_OK);
    assert_int_equal(reminders_own_settings.check(&none, &err), O2C_OK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(letters_are_written_once_and_stop_when_paid),
        cmocka_unit_test(what_is_held_says_since_when_and_what_was_put_off),
        cmocka_unit_test(a_letter_says_what_its_items_were_due_by),
        cmocka_unit_test(a_go_live_date_that_is_none_is_refused),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(all, NULL, NULL);
}
