/* What reading events answers when an allocation fails, whichever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "producers/publish/intake.h"
#include "producers/publish/lines.h"
#include "producers/publish/map.h"
#include "producers/publish/map_plan.h"
#include "producers/publish/table.h"
#include "schemas/events.h"
#include "tests/support/no_memory.h"

struct heard {
    size_t events, refused, faults;
};

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    struct heard *heard = user;

    (void)outgoing;
    (void)event;
    (void)err;
    heard->events++;
    return O2C_OK;
}

static void on_sentence(void *user, const char *sentence)
{
    struct heard *heard = user;

    assert_true(*sentence);
    heard->faults++;
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    struct heard *heard = user;

    (void)type;
    heard->refused++;
}

static const char payment[] =
    "{\"type\": \"PaymentReceived\", \"source\": \"shop\", \"customer_id\": \"C-1\","
    "\"occurred_at\": \"2026-01-31T12:00:00Z\", \"payment_id\": \"text\","
    "\"received_date\": \"2026-01-31\", \"amount_minor\": 1, \"currency\": \"EUR\","
    "\"method\": \"transfer\"}";

/* The event goes out whole, or is refused with a sentence, or the reading ends. */
static void an_event_is_taken_or_refused_but_never_in_part(void **state)
{
    json_t *object = json_loads(payment, 0, NULL);
    size_t turns = 0;

    (void)state;
    assert_non_null(object);
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        struct heard heard = {0};
        const struct o2c_intake_sink sink = {
            .event = on_event, .fault = on_sentence, .refused = on_refused, .user = &heard};
        const struct o2c_origin origin = {.file = "f", .line = 1};
        struct o2c_intake intake;
        struct o2c_err err;
        enum o2c_verdict verdict;

        o2c_intake_init(&intake, &sink, O2C_STR("bank"));
        verdict = o2c_intake_take(&intake, object, &origin, &err);
        if (no_memory_met()) {
            assert_int_equal(heard.events, 0);
            assert_true(verdict ? *err.text : heard.refused == 1 && heard.faults > 0);
        } else {
            assert_int_equal(verdict, O2C_OK);
            assert_int_equal(heard.events, 1);
            assert_int_equal(heard.faults + heard.refused, 0);
        }
        o2c_intake_clear(&intake);
    }
    json_decref(object);
    assert_true(turns > 1);
}

static void on_fault(void *user, const char *file, uint64_t line, const char *what)
{
    (void)user;
    (void)file;
    (void)line;
    fail_msg("a row is blamed: %s", what);
}

static char folder[64], mapping[96], rows[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/o2c-no-memory-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(mapping, sizeof mapping, "%s/map.json", folder);
    snprintf(rows, sizeof rows, "%s/rows.csv", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(mapping); /* not every test writes one */
    unlink(rows);
    return rmdir(folder);
}

static enum o2c_verdict load(struct o2c_table *table, const char *path, struct o2c_err *err)
{
    if (!o2c_table_add_path(table, path, "rows.csv"))
        return o2c_fail(err, O2C_FATAL, "no memory");
    if (o2c_table_read_header(table, err))
        return err->verdict;
    return o2c_table_load(table, on_fault, NULL, err);
}

static void a_table_is_whole_or_fatal(void **state)
{
    FILE *file = fopen(rows, "w");
    size_t turns = 0;

    (void)state;
    assert_non_null(file);
    fputs("id,name,amount\n", file);
    for (int i = 0; i < 3000; i++)
        fprintf(file, "%d,\"name, of %d\",%d\n", i, i, i * 10);
    assert_int_equal(fclose(file), 0);
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        struct o2c_table table;
        struct o2c_err err;
        enum o2c_verdict verdict;

        o2c_table_init(&table, "rows");
        verdict = load(&table, rows, &err);
        assert_int_equal(verdict, no_memory_met() ? O2C_FATAL : O2C_OK);
        if (verdict)
            assert_true(*err.text);
        else
            assert_int_equal(table.row_count, 3000);
        o2c_table_clear(&table);
    }
    assert_true(turns > 5);
}

static void on_map_fault(void *user, const char *sentence)
{
    size_t *faults = user;

    assert_true(*sentence);
    assert_null(strstr(sentence, "twice"));
    ++*faults;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void a_mapping_has_all_its_columns_or_is_refused(void **state)
{
    size_t turns = 0;

    (void)state;
    write_file(
        mapping,
        "{\"map\": 1, \"files\": {\"rows\": {\"file\": \"rows.csv\","
        "  \"columns\": [\"account\", \"order\"]}},"
        " \"rows\": [{\"from\": \"rows\", \"events\": [{\"type\": \"OrderCancelled\","
        "  \"fields\": {\"customer_id\": \"account\", \"order_id\": \"order\","
        "   \"revision\": {\"constant\": 2}, \"reason\": {\"constant\": \"x\"},"
        "   \"occurred_at\": {\"constant\": \"2010-01-01T00:00:00Z\"}}}]}]}");
    write_file(rows, "1,a\n");
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        size_t faults = 0;
        struct o2c_map *map = NULL;
        struct o2c_err err;
        enum o2c_verdict verdict =
            o2c_map_open(&map, mapping, folder, on_map_fault, &faults, &err);

        /* Where a sentence about the mapping would point to may be lost without harm. */
        if (!no_memory_met() || !verdict) {
            assert_int_equal(verdict, O2C_OK);
            assert_int_equal(map->tables[0].column_count, 2);
        } else {
            assert_true(verdict == O2C_FATAL || faults);
        }
        o2c_map_close(map);
    }
    assert_true(turns > 5);
}

static const char payments_map[] =
    "{\"map\": 1, \"source\": \"bank\", \"files\": {\"rows\": \"rows.csv\"},"
    " \"rows\": [{\"from\": \"rows\", \"events\": [{\"type\": \"PaymentReceived\","
    "  \"once\": [\"id\"], \"fields\": {\"customer_id\": \"customer\", \"payment_id\": \"id\","
    "   \"received_date\": \"date\", \"value_date\": \"date\", \"amount_minor\": \"amount\","
    "   \"currency\": {\"constant\": \"EUR\"}, \"method\": {\"constant\": \"transfer\"},"
    "   \"reference_text\": {\"text\": \"for {invoice}\"},"
    "   \"remittance\": {\"list\": [{\"record\": {\"invoice_id\": \"invoice\","
    "    \"amount_minor\": \"amount\"}}]}}}]}]}";
static const char payments_rows[] = "customer,id,date,amount,invoice\n"
                                    "C-1,P-1,2026-01-31,1.50,I-1\n"
                                    "C-1,P-1,2026-01-31,1.50,I-1\n"
                                    "C-2,P-2,2026-02-01,2.50,I-2\n";

static enum o2c_verdict on_whole_payment(void *user, const struct o2c_outgoing *outgoing,
                                         const struct o2c_event *event, struct o2c_err *err)
{
    const struct o2c_payment_received *paid = event->payment_received;

    assert_true(paid->has_value_date);
    assert_int_equal(paid->reference_text.len, strlen("for I-1"));
    assert_int_equal(paid->remittance_count, 1);
    assert_int_equal(paid->remittance[0].invoice_id.len, strlen("I-1"));
    assert_int_equal(paid->remittance[0].amount_minor, paid->amount_minor);
    return on_event(user, outgoing, event, err);
}

/* Of two payments, one of them twice in the file. */
static void run_payments(struct o2c_map *map)
{
    struct heard heard = {0};
    const struct o2c_intake_sink sink = {.event = on_whole_payment,
                                         .fault = on_sentence,
                                         .refused = on_refused,
                                         .user = &heard};
    struct o2c_intake intake;
    struct o2c_err err = {0};
    enum o2c_verdict verdict;

    o2c_intake_init(&intake, &sink, O2C_STR("bank"));
    verdict = o2c_map_run(map, &intake, &err);
    assert_true(no_memory_met() || !(verdict || heard.refused || heard.faults));
    if (verdict) {
        assert_true(*err.text);
    } else {
        assert_int_equal(heard.events + heard.refused, 2);
        assert_int_equal(heard.faults > 0, heard.refused > 0);
    }
    o2c_intake_clear(&intake);
}

static void a_row_becomes_a_whole_event_or_none(void **state)
{
    size_t turns = 0;
    bool more = true;

    (void)state;
    write_file(mapping, payments_map);
    write_file(rows, payments_rows);
    json_set_alloc_funcs(malloc, free); /* those that fail when they are told to */
    for (; more; turns++) {
        size_t faults = 0;
        struct o2c_map *map = NULL;
        struct o2c_err err;

        assert_int_equal(o2c_map_open(&map, mapping, folder, on_map_fault, &faults, &err),
                         O2C_OK);
        more = no_memory_at(turns + 1);
        if (more)
            run_payments(map);
        o2c_map_close(map);
    }
    assert_true(turns > 30);
}

static ssize_t read_lines(void *user, char *into, size_t room)
{
    int *rest = user;

    if (--*rest < 0)
        return 0;
    memset(into, 'x', room);
    into[room - 1] = '\n';
    return (ssize_t)room;
}

static void no_line_is_called_too_long_for_want_of_memory(void **state)
{
    size_t turns = 0;

    (void)state;
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        int rest = 5;
        struct o2c_lines *lines = o2c_lines_new(1 << 20, read_lines, &rest);
        enum o2c_verdict verdict;
        struct o2c_str line = {"", 0};
        struct o2c_err err;
        uint64_t number;

        for (verdict = lines ? O2C_OK : O2C_FATAL; !verdict && line.at;)
            verdict = o2c_lines_next(lines, &line, &number, &err);
        assert_int_equal(verdict, no_memory_met() ? O2C_FATAL : O2C_OK);
        o2c_lines_free(lines);
    }
    assert_true(turns > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_taken_or_refused_but_never_in_part),
        cmocka_unit_test_setup_teardown(a_table_is_whole_or_fatal, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_mapping_has_all_its_columns_or_is_refused,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_row_becomes_a_whole_event_or_none, make_folder,
                                        remove_folder),
        cmocka_unit_test(no_line_is_called_too_long_for_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
