#include "producers/publish/ndjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/intake.h"
#include "producers/publish/outgoing.h"
#include "tests/unit/producers/publish/personal_fields.h"

#define SECRET "anna@example.org"
#define SECRET_NUMBER "49301234567890123456789"
#define TEN "7777777777"

struct reading {
    const char *text;
    size_t at;
    struct o2c_buf told;
    size_t refused_count;
};

static ssize_t read_text(void *user, char *into, size_t room)
{
    struct reading *reading = user;
    size_t left = strlen(reading->text) - reading->at;
    size_t len = left < room ? left : room;

    memcpy(into, reading->text + reading->at, len);
    reading->at += len;
    return (ssize_t)len;
}

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    (void)user;
    (void)outgoing;
    (void)event;
    (void)err;
    return O2C_OK;
}

static void on_fault(void *user, const char *sentence)
{
    struct reading *reading = user;

    o2c_buf_printf(&reading->told, "%s\n", sentence);
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    struct reading *reading = user;

    (void)type;
    reading->refused_count++;
}

static void read_ndjson(struct reading *reading, const char *text)
{
    const struct o2c_intake_sink sink = {
        .event = on_event, .fault = on_fault, .refused = on_refused, .user = reading};
    struct o2c_intake intake;
    struct o2c_err err;

    *reading = (struct reading){.text = text};
    o2c_buf_init(&reading->told, 1 << 20);
    o2c_intake_init(&intake, &sink, O2C_STR("test"));
    if (o2c_ndjson_read(&intake, "f", read_text, reading, &err))
        fail_msg("%s", err.text);
    o2c_intake_clear(&intake);
}

/* The text is refused, its fault says `said` and not what is secret. */
static void must_hide(const char *text, const char *said)
{
    struct reading reading;

    read_ndjson(&reading, text);
    if (!reading.refused_count)
        fail_msg("not refused: %s", text);
    if (!strstr(o2c_buf_text(&reading.told), said))
        fail_msg("\"%s\" is not said of %s:\n%s", said, text, o2c_buf_text(&reading.told));
    if (strstr(o2c_buf_text(&reading.told), SECRET) ||
        strstr(o2c_buf_text(&reading.told), SECRET_NUMBER))
        fail_msg("told: %s", o2c_buf_text(&reading.told));
    o2c_buf_clear(&reading.told);
}

static void an_id_that_consumers_would_park_is_refused(void **state)
{
    static const char with[] = "{\"type\":\"DisputeWithdrawn\",\"customer_id\":\"C\","
                               "\"dispute_id\":\"%0*d\"}\n";
    struct reading reading;
    char text[512];

    (void)state;
    snprintf(text, sizeof text, with, 256, 1);
    read_ndjson(&reading, text);
    assert_string_equal(o2c_buf_text(&reading.told), "");
    o2c_buf_clear(&reading.told);
    snprintf(text, sizeof text, with, 257, 1);
    read_ndjson(&reading, text);
    assert_string_equal(o2c_buf_text(&reading.told),
                        "f:1: DisputeWithdrawn: field dispute_id has 257 bytes, an id has "
                        "at most 256\n");
    assert_int_equal(reading.refused_count, 1);
    o2c_buf_clear(&reading.told);
}

/* The event with this value, taken over, at the end of the field's path. */
static json_t *event_with(const struct personal_field *field, json_t *value)
{
    for (size_t i = field->depth; i-- > 0;) {
        if (field->path[i]->array && i + 1 < field->depth)
            value = json_pack("[o]", value);
        value = json_pack("{s:o}", field->path[i]->name, value);
    }
    json_object_set_new(value, "type", json_string(field->type->name));
    return value;
}

/* None of them fits a text, a list of texts, a record or a list of records. */
static void try_wrong_values(const struct personal_field *field)
{
    static const char *const wrong[] = {"{\"x\":\"" SECRET "\"}", "[[\"" SECRET "\"]]",
                                        "[{\"x\":\"" SECRET "\"}]"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *event = event_with(field, json_loads(wrong[i], 0, NULL));
        char *text = json_dumps(event, 0);

        must_hide(text, "not shown) is not ");
        free(text);
        json_decref(event);
    }
}

static void try_text(const struct personal_field *field)
{
    const struct o2c_field *last = field->path[field->depth - 1];
    json_t *event;
    char *text, said[128];

    if (last->kind == O2C_KIND_STRING && !last->array)
        return; /* nothing is wrong with it */
    event = event_with(field, json_string(SECRET));
    text = json_dumps(event, 0);
    snprintf(said, sizeof said, "%s: (personal data, not shown) is not ", last->name);
    must_hide(text, said);
    free(text);
    json_decref(event);
}

static void try_cut_line(const struct personal_field *field)
{
    json_t *event = event_with(field, json_string(SECRET));
    char *text = json_dumps(event, 0), *at = strstr(text, SECRET) + strlen(SECRET);

    *at = '\0'; /* the string does not end */
    must_hide(text, "is no JSON: ");
    memcpy(at, "\" 1", 4); /* it ends, but nothing can follow it here */
    must_hide(text, "is no JSON: ");
    free(text);
    json_decref(event);
}

static void try_everything(const struct personal_field *field)
{
    try_wrong_values(field);
    try_text(field);
    try_cut_line(field);
}

static void no_fault_shows_personal_data(void **state)
{
    (void)state;
    assert_true(personal_fields_each(try_everything) > 50);
}

static void what_has_no_field_is_not_shown(void **state)
{
    (void)state;
    must_hide("{\"type\":\"OrderPlaced\",\"mail\":\"" SECRET "\"}",
              "OrderPlaced.mail: (not shown) is not a field of OrderPlaced\n");
    must_hide("\"" SECRET "\"", "f:1: the line is no JSON object\n");
    must_hide(SECRET, "is no JSON: invalid token (at character ");
    must_hide("{\"type\":\"OrderPlaced\",\"" SECRET "\" 1}",
              "is no JSON: ':' expected (at");
}

static void other_values_are_shown(void **state)
{
    struct reading reading;

    (void)state;
    read_ndjson(&reading, "{\"type\":\"OrderPlaced\",\"currency\":17}");
    assert_non_null(strstr(o2c_buf_text(&reading.told),
                           "f:1: OrderPlaced.currency: 17 is not a text\n"));
    o2c_buf_clear(&reading.told);
}

/* jansson cannot hold all of them. */
static void a_number_that_is_none_here_is_told_with_its_field(void **state)
{
    static const struct {
        const char *fields, *told;
    } rows[] = {
        {"\"revision\":99999999999999999999",
         "revision: 99999999999999999999 is not a whole number of 64 bits"},
        {"\"revision\":-9223372036854775809",
         "revision: -9223372036854775809 is not a whole number of 64 bits"},
        {"\"revision\":1e999", "revision: 1e999 is not a whole number of 64 bits"},
        {"\"revision\":1e3", "revision: 1000.0 is not a whole number"},
        {"\"revision\":1.5", "revision: 1.5 is not a whole number"},
        {"\"revision\":-0.0", "revision: -0.0 is not a whole number"},
        {"\"lines\":[{},{\"line_no\":99999999999999999999}]",
         "lines[1].line_no: 99999999999999999999 is not a whole number from -2147483648 to "
         "2147483647"},
        {"\"order_id\":99999999999999999999",
         "order_id: 99999999999999999999 is not a text"},
        {"\"lines\":99999999999999999999",
         "lines: 99999999999999999999 is not a list of at most 10000 items"},
        {"\"mail\":99999999999999999999",
         "mail: (not shown) is not a field of OrderPlaced"},
        {"\"revision\":" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
             TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
                 TEN TEN TEN,
         "revision: " TEN TEN TEN TEN TEN TEN "... is not a whole number of 64 bits"},
    };
    struct reading reading;
    char text[1024], told[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "{\"type\":\"OrderPlaced\",%s}", rows[i].fields);
        snprintf(told, sizeof told, "f:1: OrderPlaced.%s\n", rows[i].told);
        read_ndjson(&reading, text);
        if (!strstr(o2c_buf_text(&reading.told), told))
            fail_msg("not told: %s\nbut: %s", told, o2c_buf_text(&reading.told));
        assert_int_equal(reading.refused_count, 1);
        o2c_buf_clear(&reading.told);
    }
}

static void a_number_is_hidden_where_it_is_personal_data(void **state)
{
    (void)state;
    must_hide("{\"type\":\"CustomerRegistered\",\"phone\":" SECRET_NUMBER "}",
              "f:1: CustomerRegistered.phone: (personal data, not shown) is not a text\n");
}

static void minus_zero_is_zero(void **state)
{
    struct reading reading;

    (void)state;
    read_ndjson(&reading,
                "{\"type\":\"PaymentReceived\",\"customer_id\":\"C\",\"payment_id\":\"P\","
                "\"received_date\":\"2026-03-01\",\"currency\":\"EUR\",\"method\":\"cash\","
                "\"occurred_at\":\"2026-03-01T00:00:00Z\",\"amount_minor\":-0}");
    assert_string_equal(o2c_buf_text(&reading.told), "");
    assert_int_equal(reading.refused_count, 0);
    o2c_buf_clear(&reading.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_that_consumers_would_park_is_refused),
        cmocka_unit_test(no_fault_shows_personal_data),
        cmocka_unit_test(what_has_no_field_is_not_shown),
        cmocka_unit_test(other_values_are_shown),
        cmocka_unit_test(a_number_that_is_none_here_is_told_with_its_field),
        cmocka_unit_test(a_number_is_hidden_where_it_is_personal_data),
        cmocka_unit_test(minus_zero_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
