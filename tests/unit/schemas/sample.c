#include "tests/unit/schemas/sample.h"

#include <stdlib.h>

void sample_fill(struct sample *sample)
{
    sample->lines[0] = (struct o2c_order_line){.line_no = 1,
                                               .sku = O2C_STR("A"),
                                               .quantity_milli = 1000,
                                               .unit_price_micro = 2500000,
                                               .has_unit_price_micro = true};
    sample->lines[1] = (struct o2c_order_line){
        .line_no = 2, .sku = O2C_STR("B"), .unit = O2C_STR("pc"), .quantity_milli = 2000};
    sample->order = (struct o2c_order_placed){
        .head = {.event_id = O2C_STR("018f0000-0000-7000-8000-000000000001"),
                 .occurred_at_us = INT64_C(1769854830000000),
                 .source = O2C_STR("shop"),
                 .company_id = O2C_STR("main"),
                 .customer_id = O2C_STR("C1")},
        .order_id = O2C_STR("O1"),
        .revision = 1,
        .placed_at_us = INT64_C(1769854800000000),
        .currency = O2C_STR("EUR"),
        .invoice_policy = O2C_INVOICE_POLICY_ON_DELIVERY,
        .ship_policy = O2C_SHIP_POLICY_ON_ORDER,
        .lines = sample->lines,
        .lines_count = 2};
    sample->event = o2c_event_of(O2C_ORDER_PLACED, &sample->order);
}

int sample_set_up(void **state)
{
    struct sample *sample = calloc(1, sizeof(*sample));
    if (!sample)
        return -1;
    sample_fill(sample);
    o2c_arena_init(&sample->arena, 64 << 20);
    o2c_buf_init(&sample->buf, 1 << 20);
    *state = sample;
    return 0;
}

int sample_tear_down(void **state)
{
    struct sample *sample = *state;
    o2c_arena_clear(&sample->arena);
    o2c_buf_clear(&sample->buf);
    free(sample);
    return 0;
}

struct o2c_str sample_bytes(const struct sample *sample)
{
    return (struct o2c_str){sample->buf.at, sample->buf.len};
}
