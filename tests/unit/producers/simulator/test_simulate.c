/* simulate.c: the history as a whole, read back line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "producers/simulator/simulate.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/hash.h"
#include "schemas/events.h"
#include "schemas/units/time.h"
#include "schemas/wire/json.h"
#include "tests/unit/producers/simulator/sim_options.h"

#include "runtime/base/banned.h"

enum {
    MAX_HISTORY_BYTES = 64 * 1024 * 1024,
    MAX_EVENT_BYTES = 1024 * 1024
};

static void default_settings(struct o2c_sim_settings *ret_settings)
{
    struct o2c_err err;
    assert_int_equal(sim_options_default(ret_settings, &err), 0);
}

static enum o2c_verdict gather(void *user, const char *lines, size_t len,
                               struct o2c_err *err)
{
    (void)err;
    o2c_buf_add(user, lines, len);
    return O2C_OK;
}

static void simulate(const struct o2c_sim_settings *settings, struct o2c_buf *ret_history)
{
    struct o2c_err err;
    o2c_buf_init(ret_history, MAX_HISTORY_BYTES);
    assert_int_equal(o2c_simulate(settings, gather, ret_history, &err), O2C_OK);
    assert_false(ret_history->failed);
}

/* What a history is checked by: lines by type, and lines told before. */
struct tally {
    int events, customers, placed, amended, cancelled, dispatched, delivered, returned;
    int invoices, credits, payments, reversed, disputes, ticks;
    int again;     /* with the id and content of an earlier line but for event_id */
    int behind;    /* of those told first, the ones older than some line before */
    int misplaced; /* customers after anything else */
};

/* Hashes of lines without their event_id, to find repeats. */
struct seen {
    uint64_t hash[16384];
};

static bool was_seen(struct seen *seen, uint64_t hash)
{
    size_t at = hash % 16384;
    for (; seen->hash[at]; at = (at + 1) % 16384)
        if (seen->hash[at] == hash)
            return true;
    seen->hash[at] = hash;
    return false;
}

static uint64_t hash_without_id(json_t *event)
{
    json_object_del(event, "event_id");
    char *text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t hash = o2c_hash_64(text, strlen(text));
    free(text);
    return hash | 1;
}

static void count_type(struct tally *tally, const char *type)
{
    const struct {
        const char *type;
        int *count;
    } counts[] = {
        {"CustomerRegistered", &tally->customers},
        {"OrderPlaced", &tally->placed},
        {"OrderAmended", &tally->amended},
        {"OrderCancelled", &tally->cancelled},
        {"ShipmentDispatched", &tally->dispatched},
        {"ShipmentDelivered", &tally->delivered},
        {"ShipmentReturned", &tally->returned},
        {"InvoiceIssued", &tally->invoices},
        {"CreditNoteIssued", &tally->credits},
        {"PaymentReceived", &tally->payments},
        {"PaymentReversed", &tally->reversed},
        {"DisputeRaised", &tally->disputes},
        {"BusinessDayStarted", &tally->ticks},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        *counts[i].count += !strcmp(type, counts[i].type);
    tally->misplaced += !strcmp(type, "CustomerRegistered") && tally->placed > 0;
    tally->events++;
}

typedef void line_fn(void *user, json_t *event);

static void each_line(struct o2c_buf *history, line_fn *fn, void *user)
{
    const char *at = history->at, *end = history->at + history->len;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        assert_non_null(stop);
        json_t *event = json_loadb(at, (size_t)(stop - at), JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_object(event));
        fn(user, event);
        json_decref(event);
        at = stop + 1;
    }
}

struct reading {
    struct tally tally;
    struct seen seen;
    char newest[40];
};

static void read_line(void *user, json_t *event)
{
    struct reading *reading = user;
    const char *type = json_string_value(json_object_get(event, "type"));
    count_type(&reading->tally, type);
    if (!strcmp(type, "CustomerRegistered"))
        return;
    const char *moment = json_string_value(json_object_get(event, "occurred_at"));
    if (was_seen(&reading->seen, hash_without_id(event)))
        reading->tally.again++;
    else if (strcmp(moment, reading->newest) < 0)
        reading->tally.behind++;
    else
        memcpy(reading->newest, moment, strlen(moment) + 1);
}

static struct tally tally_of(const struct o2c_sim_settings *settings)
{
    struct o2c_buf history;
    struct reading *reading = calloc(1, sizeof *reading);
    assert_non_null(reading);
    simulate(settings, &history);
    each_line(&history, read_line, reading);
    struct tally tally = reading->tally;
    free(reading);
    o2c_buf_clear(&history);
    return tally;
}

static void the_default_history_is_known_in_every_count(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    struct tally tally = tally_of(&settings);
    assert_int_equal(tally.events, 10772);
    assert_int_equal(tally.customers, 215);
    assert_int_equal(tally.placed, 1533);
    assert_int_equal(tally.amended, 381);
    assert_int_equal(tally.cancelled, 123);
    assert_int_equal(tally.dispatched, 2141);
    assert_int_equal(tally.delivered, 2067);
    assert_int_equal(tally.returned, 98);
    assert_int_equal(tally.invoices, 2151);
    assert_int_equal(tally.credits, 96);
    assert_int_equal(tally.payments, 1773);
    assert_int_equal(tally.reversed, 15);
    assert_int_equal(tally.disputes, 88);
    assert_int_equal(tally.ticks, 0);
    assert_int_equal(tally.misplaced, 0);
}

static void repeats_and_late_events_have_their_share_with_every_seed(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.orders = 500;
    for (settings.seed = 1; settings.seed <= 5; settings.seed++) {
        struct tally tally = tally_of(&settings);
        int events = tally.events - tally.customers;
        assert_in_range((uintmax_t)tally.again, (uintmax_t)events * 18 / 1000,
                        (uintmax_t)events * 22 / 1000);
        assert_in_range((uintmax_t)tally.behind, (uintmax_t)events * 26 / 1000,
                        (uintmax_t)events * 33 / 1000);
    }
}

static void nothing_is_repeated_or_late_when_that_is_asked_for(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.repeated = settings.late = 0;
    struct tally tally = tally_of(&settings);
    assert_int_equal(tally.placed, 1500);
    assert_int_equal(tally.again, 0);
    assert_int_equal(tally.behind, 0);
}

static void orders_and_shipments_are_the_same_without_receivables(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.repeated = settings.late = 0;
    settings.orders = 300;
    struct tally with = tally_of(&settings);
    settings.receivables = 0;
    struct tally without = tally_of(&settings);
    assert_int_equal(without.placed, with.placed);
    assert_int_equal(without.amended, with.amended);
    assert_int_equal(without.dispatched, with.dispatched);
    assert_int_equal(without.returned, with.returned);
    assert_int_equal(without.invoices + without.payments + without.disputes, 0);
    assert_int_equal(with.invoices, with.dispatched);
    assert_int_equal(with.credits, with.returned);
}

/* Each day's tick comes once, and before all that happens on it. */
struct days {
    char newest[11];
    int count;
};

static void read_day(void *user, json_t *event)
{
    struct days *days = user;
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *moment = json_string_value(json_object_get(event, "occurred_at"));
    if (!strcmp(type, "BusinessDayStarted")) {
        assert_true(strncmp(moment, days->newest, 10) > 0);
        memcpy(days->newest, moment, 10);
        days->count++;
    } else if (strcmp(type, "CustomerRegistered") != 0) {
        assert_int_equal(strncmp(moment, days->newest, 10), 0);
    }
}

static void every_day_begins_with_its_tick(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_buf history;
    struct days days = {0};
    default_settings(&settings);
    settings.repeated = settings.late = 0;
    settings.ticks = 1;
    settings.orders = 300;
    simulate(&settings, &history);
    each_line(&history, read_day, &days);
    assert_in_range((uintmax_t)days.count, 90, 180);
    o2c_buf_clear(&history);
}

static void contradictions_come_only_when_asked_for(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.orders = 500;
    struct tally plain = tally_of(&settings);
    settings.contradicted = 10;
    struct tally tally = tally_of(&settings);
    int more = tally.events - plain.events, events = plain.events - plain.customers;
    assert_in_range((uintmax_t)more, (uintmax_t)events * 9 / 100,
                    (uintmax_t)events * 11 / 100);
    assert_int_equal(tally.again, plain.again);
}

static void one_seed_is_one_history(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_buf first, again, other;
    default_settings(&settings);
    settings.orders = 200;
    simulate(&settings, &first);
    simulate(&settings, &again);
    settings.seed = 2;
    simulate(&settings, &other);
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.at, again.at, first.len);
    assert_true(other.len != first.len || memcmp(other.at, first.at, first.len) != 0);
    o2c_buf_clear(&first);
    o2c_buf_clear(&again);
    o2c_buf_clear(&other);
}

static void fail_with_fault(void *user, const struct o2c_json_fault *fault)
{
    (void)user;
    fail_msg("%s: %s, expected %s", fault->path, fault->value, fault->expected);
}

static void check_schema(void *user, json_t *event)
{
    struct o2c_arena *arena = user;
    struct o2c_json_given given = {.now_us = 0};
    struct o2c_event made;
    struct o2c_err err;
    o2c_arena_reset(arena);
    assert_int_equal(
        o2c_event_from_json(event, &given, arena, fail_with_fault, NULL, &made, &err),
        O2C_OK);
}

static void check_history(const struct o2c_sim_settings *settings)
{
    struct o2c_buf history;
    struct o2c_arena arena;
    o2c_arena_init(&arena, MAX_EVENT_BYTES);
    simulate(settings, &history);
    each_line(&history, check_schema, &arena);
    o2c_arena_clear(&arena);
    o2c_buf_clear(&history);
}

static void every_line_is_an_event_of_the_schemas(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.orders = 500;
    settings.contradicted = settings.unpriced = settings.refused = 20;
    settings.part_paid = settings.reversed = settings.disputed = settings.overpaid = 20;
    settings.ticks = 1;
    check_history(&settings);
}

/* Whether a history that begins there is taken; one that is stays inside the calendar. */
static bool is_taken(int32_t start_date)
{
    char text[O2C_DATE_TEXT + 1];
    struct o2c_sim_settings settings;
    struct o2c_err err;
    o2c_date_format(start_date, text);
    if (sim_options_read((const char *const[]){"simulate", "--start-date", text, NULL},
                         &settings, &err)) {
        assert_non_null(strstr(err.text, text));
        return false;
    }
    settings.late_paid = settings.reversed = settings.instalments = settings.returned = 50;
    check_history(&settings);
    return true;
}

static void the_calendar_has_room_for_every_history(void **state)
{
    (void)state;
    assert_false(is_taken(O2C_DATE_MIN));
    assert_false(is_taken(O2C_DATE_MIN + 365));
    assert_true(is_taken(O2C_DATE_MIN + 366));
    assert_true(is_taken(O2C_DATE_MAX - 366 - 31));
    assert_false(is_taken(O2C_DATE_MAX - 366 - 30));
    assert_false(is_taken(O2C_DATE_MAX));
}

static void without_orders_there_are_only_customers(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.orders = settings.branches = 0;
    settings.accounts = 3;
    struct tally tally = tally_of(&settings);
    assert_int_equal(tally.events, 3);
    assert_int_equal(tally.customers, 3);
}

static enum o2c_verdict refuse(void *user, const char *lines, size_t len,
                               struct o2c_err *err)
{
    (void)lines;
    (void)len;
    ++*(int *)user;
    return o2c_fail(err, O2C_FATAL, "the disk is full");
}

static void a_sink_that_fails_ends_the_history(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    int calls = 0;
    default_settings(&settings);
    assert_int_equal(o2c_simulate(&settings, refuse, &calls, &err), O2C_FATAL);
    assert_string_equal(err.text, "the disk is full");
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_history_is_known_in_every_count),
        cmocka_unit_test(repeats_and_late_events_have_their_share_with_every_seed),
        cmocka_unit_test(nothing_is_repeated_or_late_when_that_is_asked_for),
        cmocka_unit_test(orders_and_shipments_are_the_same_without_receivables),
        cmocka_unit_test(every_day_begins_with_its_tick),
        cmocka_unit_test(contradictions_come_only_when_asked_for),
        cmocka_unit_test(one_seed_is_one_history),
        cmocka_unit_test(every_line_is_an_event_of_the_schemas),
        cmocka_unit_test(the_calendar_has_room_for_every_history),
        cmocka_unit_test(without_orders_there_are_only_customers),
        cmocka_unit_test(a_sink_that_fails_ends_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
