#include "schemas/wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/compat/random_event.h"
#include "tests/unit/schemas/sample.h"

static void an_order_is_written_in_the_order_of_its_schema(void **state)
{
    struct sample *sample = *state;
    sample->order.has_requested_date = true;
    json_t *json = o2c_event_to_json(&sample->event);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(
        text,
        "{\"type\":\"OrderPlaced\",\"event_id\":\"018f0000-0000-7000-8000-000000000001\","
        "\"occurred_at\":\"2026-01-31T10:20:30Z\",\"source\":\"shop\","
        "\"company_id\":\"main\",\"customer_id\":\"C1\",\"order_id\":\"O1\","
        "\"revision\":1,\"placed_at\":\"2026-01-31T10:20:00Z\",\"currency\":\"EUR\","
        "\"requested_date\":\"1970-01-01\",\"invoice_policy\":\"on_delivery\","
        "\"ship_policy\":\"on_order\",\"lines\":[{\"line_no\":1,\"sku\":\"A\","
        "\"quantity_milli\":1000,\"unit_price_micro\":2500000},{\"line_no\":2,"
        "\"sku\":\"B\",\"unit\":\"pc\",\"quantity_milli\":2000}]}");
    free(text);
    json_decref(json);
}

static void every_event_comes_back_from_its_json(void **state)
{
    struct sample *sample = *state;
    uint64_t seed = 7;
    struct o2c_json_given given = {.now_us = 1};
    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++)
        for (int round = 0; round < 60; round++) {
            o2c_arena_reset(&sample->arena);
            struct o2c_event read, event = random_event(&seed, (enum o2c_event_type)type,
                                                        RANDOM_ANY, &sample->arena);
            json_t *json = o2c_event_to_json(&event);
            assert_non_null(json);
            const char *field;
            if (o2c_event_from_json(json, &given, &sample->arena, NULL, NULL, &read,
                                    &sample->err))
                fail_msg("%s", sample->err.text);
            if (!same_event(&event, &read, &field))
                fail_msg("%s: %s", o2c_event_type_row(event.type)->name, field);
            json_decref(json);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_is_written_in_the_order_of_its_schema,
                                        sample_set_up, sample_tear_down),
        cmocka_unit_test_setup_teardown(every_event_comes_back_from_its_json, sample_set_up,
                                        sample_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
