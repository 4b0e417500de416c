/* The mapping that the docs explain, on the real files: their folder is the only argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "producers/publish/intake.h"
#include "producers/publish/map.h"
#include "producers/publish/outgoing.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

static const char *folder;

/* The figures of the sample's own description. */
struct figures {
    int customers, orders, lines, shipments, cancellations, payments;
    int64_t net_minor, paid_minor;
};

static enum o2c_verdict count_event(void *user, const struct o2c_outgoing *outgoing,
                                    const struct o2c_event *event, struct o2c_err *err)
{
    struct figures *figures = user;
    (void)outgoing;
    (void)err;
    figures->customers += event->type == O2C_CUSTOMER_REGISTERED;
    figures->shipments += event->type == O2C_SHIPMENT_DISPATCHED;
    figures->cancellations += event->type == O2C_ORDER_CANCELLED;
    if (event->type == O2C_PAYMENT_RECEIVED) {
        figures->payments++;
        figures->paid_minor += event->payment_received->amount_minor;
    }
    if (event->type != O2C_ORDER_PLACED)
        return O2C_OK;
    const struct o2c_order_placed *order = event->order_placed;
    figures->orders++;
    for (size_t i = 0; i < order->lines_count; i++) {
        int64_t net = 0;
        assert_true(o2c_line_net(order->lines[i].quantity_milli,
                                 order->lines[i].unit_price_micro, 2, &net));
        assert_int_equal(order->lines[i].line_no, i + 1);
        figures->net_minor += net;
        figures->lines++;
    }
    return O2C_OK;
}

static void on_fault(void *user, const char *sentence)
{
    (void)user;
    fail_msg("%s", sentence);
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    (void)user;
    fail_msg("%s was refused", type ? type->name : "something");
}

static void classic_models_comes_to_its_published_figures(void **state)
{
    struct figures figures = {0};
    const struct o2c_intake_sink counting = {
        .event = count_event, .fault = on_fault, .refused = on_refused, .user = &figures};
    struct o2c_intake intake;
    struct o2c_map *map;
    struct o2c_err err;
    (void)state;
    if (o2c_map_open(&map, O2C_SOURCE "/docs/maps/classicmodels.json", folder, on_fault,
                     NULL, &err))
        fail_msg("%s", err.text);
    o2c_intake_init(&intake, &counting, O2C_STR("test"));
    if (o2c_map_run(map, &intake, &err))
        fail_msg("%s", err.text);
    o2c_intake_clear(&intake);
    o2c_map_close(map);
    assert_int_equal(figures.customers, 80);
    assert_int_equal(figures.orders, 210);
    assert_int_equal(figures.lines, 1992);
    assert_int_equal(figures.net_minor, 640858563);
    assert_int_equal(figures.shipments, 202);
    assert_int_equal(figures.cancellations, 3);
    assert_int_equal(figures.payments, 182);
    assert_int_equal(figures.paid_minor, 600659356);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classic_models_comes_to_its_published_figures),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
