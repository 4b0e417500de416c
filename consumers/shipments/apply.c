#include "consumers/shipments/apply.h"

#include <inttypes.h>
#include <stdio.h>

#include "consumers/host/effects.h"
#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/shipments/rows.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

/* 10^11 units; an event's 10,000 lines of it stay below the slack. */
static const int64_t QUANTITY_MAX = 100000000000000;
static const int64_t SUM_SLACK = 1000000000000000000;

/* ---- what is looked at */

static void want_shipment(struct o2c_wants *wants, struct o2c_str shipment_id,
                          struct o2c_str order_id)
{
    o2c_want_row(wants, &shipments_shipment, O2C_KEY(O2C_K(shipment_id)));
    o2c_want_children(wants, &shipments_line, O2C_KEY(O2C_K(shipment_id)));
    o2c_want_row(wants, &shipments_known_order, O2C_KEY(O2C_K(order_id)));
}

static struct o2c_str order_id_of(const struct o2c_event *event)
{
    return event->type == O2C_ORDER_PLACED ? event->order_placed->order_id
                                           : event->order_amended->order_id;
}

void shipments_needs_order(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str order_id = order_id_of(event);

    o2c_want_row(wants, &shipments_known_order, O2C_KEY(O2C_K(order_id)));
    o2c_want_lookup(wants, &shipments_shipment, SHIPMENT_BY_ORDER,
                    O2C_KEY(O2C_K(order_id)));
}

void shipments_needs_dispatch(const struct o2c_event *event, struct o2c_wants *wants)
{
    want_shipment(wants, event->shipment_dispatched->shipment_id,
                  event->shipment_dispatched->order_id);
}

void shipments_needs_delivery(const struct o2c_event *event, struct o2c_wants *wants)
{
    want_shipment(wants, event->shipment_delivered->shipment_id,
                  event->shipment_delivered->order_id);
}

void shipments_needs_return(const struct o2c_event *event, struct o2c_wants *wants)
{
    want_shipment(wants, event->shipment_returned->shipment_id,
                  event->shipment_returned->order_id);
    o2c_want_row(wants, &shipments_return,
                 O2C_KEY(O2C_K(event->shipment_returned->return_id)));
}

/* ---- the state, derived */

struct sums {
    bool came_back; /* something was returned or refused */
    bool all_back;  /* every dispatched line wholly */
};

static bool is_refused(const struct shipment *shipment, int32_t line_no)
{
    for (size_t i = 0; i < shipment->refused_lines.count; i++)
        if (shipment->refused_lines.at[i] == line_no)
            return true;
    return false;
}

static struct sums add_up(struct o2c_account *account, const struct shipment *shipment)
{
    struct sums sums = {.came_back = shipment->refused_lines.count > 0, .all_back = true};
    struct o2c_walk walk;
    const struct shipment_line *line;

    o2c_walk_children(&walk, account, &shipments_line,
                      O2C_KEY(O2C_K(shipment->shipment_id)));
    while ((line = o2c_walk_next(&walk))) {
        sums.came_back |= line->returned_milli > 0;
        if (line->returned_milli < line->dispatched_milli &&
            !is_refused(shipment, line->line_no))
            sums.all_back = false;
    }
    return sums;
}

static struct o2c_str derive(const struct shipment *shipment, const struct sums *sums)
{
    if (shipment->dispatch_content.at && sums->came_back && sums->all_back)
        return O2C_STR("returned");
    if (sums->came_back)
        return O2C_STR("part_returned");
    return shipment->delivery_content.at ? O2C_STR("delivered") : O2C_STR("dispatched");
}

static void show(struct o2c_account *account, struct shipment *shipment)
{
    struct sums sums = add_up(account, shipment);

    shipment->moved_state = derive(shipment, &sums);
    shipment->state =
        shipment->order_known ? shipment->moved_state : O2C_STR("waiting_order");
}

/* ---- rows found or begun */

static struct shipment *begin_shipment(struct o2c_account *account,
                                       struct o2c_str shipment_id,
                                       const struct o2c_moment *moment)
{
    const struct shipment *known =
        o2c_row_find(account, &shipments_shipment, O2C_KEY(O2C_K(shipment_id)));
    struct shipment *shipment;

    if (known)
        return o2c_row_edit(known);
    shipment = o2c_row_add(account, &shipments_shipment, O2C_KEY(O2C_K(shipment_id)));
    shipment->first_seen = moment->recorded_us;
    return shipment;
}

static struct shipment_line *begin_line(struct o2c_account *account,
                                        struct o2c_str shipment_id, int32_t line_no)
{
    const struct shipment_line *known =
        o2c_row_find(account, &shipments_line, O2C_KEY(O2C_K(shipment_id), O2C_N(line_no)));

    return known ? o2c_row_edit(known)
                 : o2c_row_add(account, &shipments_line,
                               O2C_KEY(O2C_K(shipment_id), O2C_N(line_no)));
}

/* The order and customer of a shipment are what the highest event that has arrived says. */
static void tell_order(struct o2c_account *account, struct shipment *shipment,
                       enum told_by told_by, struct o2c_str return_id,
                       struct o2c_str order_id, struct o2c_str customer_id)
{
    if ((int32_t)told_by < shipment->told_by ||
        (told_by == TOLD_BY_RETURN && shipment->told_by == TOLD_BY_RETURN &&
         o2c_str_cmp(return_id, shipment->told_by_return) > 0))
        return;
    shipment->told_by = (int32_t)told_by;
    shipment->told_by_return = return_id;
    shipment->order_id = order_id;
    shipment->customer_id = customer_id;
    shipment->order_known =
        o2c_row_find(account, &shipments_known_order, O2C_KEY(O2C_K(order_id))) != NULL;
}

/* ---- refusals; PARK names the field and the value */

static enum o2c_verdict check_id(const char *name, struct o2c_str id, struct o2c_err *err)
{
    return id.len ? O2C_OK : o2c_fail(err, O2C_PARK, "%s: is empty", name);
}

static enum o2c_verdict check_quantity(struct o2c_account *account,
                                       struct o2c_str shipment_id, int32_t line_no,
                                       size_t i, int64_t quantity_milli,
                                       struct o2c_err *err)
{
    const struct shipment_line *line =
        o2c_row_find(account, &shipments_line, O2C_KEY(O2C_K(shipment_id), O2C_N(line_no)));
    int64_t sum;

    if (quantity_milli <= 0 || quantity_milli > QUANTITY_MAX)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu].quantity_milli: %" PRId64
                        " is not between 1 and %" PRId64,
                        i, quantity_milli, QUANTITY_MAX);
    if (line && !o2c_minor_add(line->returned_milli, SUM_SLACK, &sum))
        return o2c_fail(err, O2C_PARK, "lines[%zu].quantity_milli: the sum does not fit",
                        i);
    return O2C_OK;
}

/* ---- events */

enum o2c_verdict shipments_on_order(struct o2c_account *account,
                                    const struct o2c_event *event,
                                    const struct o2c_moment *moment,
                                    struct o2c_effects *effects, struct o2c_err *err)
{
    struct o2c_str order_id = order_id_of(event);
    const struct shipment *waiting;
    struct known_order *order;
    struct o2c_walk walk;

    if (check_id("order_id", order_id, err))
        return err->verdict;
    if (o2c_row_find(account, &shipments_known_order, O2C_KEY(O2C_K(order_id)))) {
        o2c_effects_repeat(effects);
        return O2C_OK;
    }
    order = o2c_row_add(account, &shipments_known_order, O2C_KEY(O2C_K(order_id)));
    order->first_seen = moment->recorded_us;
    o2c_walk_lookup(&walk, account, &shipments_shipment, SHIPMENT_BY_ORDER,
                    O2C_KEY(O2C_K(order_id)));
    while ((waiting = o2c_walk_next(&walk))) {
        struct shipment *shipment = o2c_row_edit(waiting);

        shipment->order_known = true;
        shipment->state = shipment->moved_state;
    }
    return O2C_OK;
}

enum o2c_verdict shipments_on_dispatched(struct o2c_account *account,
                                         const struct o2c_event *event,
                                         const struct o2c_moment *moment,
                                         struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_shipment_dispatched *dispatched = event->shipment_dispatched;
    struct o2c_str content = o2c_kept_content(event, moment), id = dispatched->shipment_id;
    const struct shipment *known =
        o2c_row_find(account, &shipments_shipment, O2C_KEY(O2C_K(id)));
    struct shipment *shipment;

    if (check_id("shipment_id", id, err) || check_id("order_id", dispatched->order_id, err))
        return err->verdict;
    for (size_t i = 0; i < dispatched->lines_count; i++)
        if (check_quantity(account, id, dispatched->lines[i].line_no, i,
                           dispatched->lines[i].quantity_milli, err))
            return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->dispatch_content,
                             known->dispatch_seen, "dispatched", id))
        return O2C_OK;
    shipment = begin_shipment(account, id, moment);
    shipment->dispatch_content = content;
    shipment->dispatch_seen = moment->recorded_us;
    shipment->has_dispatched_at = true;
    shipment->dispatched_at = dispatched->dispatched_at_us;
    shipment->carrier = dispatched->carrier;
    shipment->tracking = dispatched->tracking;
    tell_order(account, shipment, TOLD_BY_DISPATCH, (struct o2c_str){NULL, 0},
               dispatched->order_id, dispatched->head.customer_id);
    for (size_t i = 0; i < dispatched->lines_count; i++) {
        struct shipment_line *line = begin_line(account, id, dispatched->lines[i].line_no);

        line->sku = dispatched->lines[i].sku;
        line->dispatched_milli += dispatched->lines[i].quantity_milli;
    }
    show(account, shipment);
    return O2C_OK;
}

enum o2c_verdict shipments_on_delivered(struct o2c_account *account,
                                        const struct o2c_event *event,
                                        const struct o2c_moment *moment,
                                        struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_shipment_delivered *delivered = event->shipment_delivered;
    struct o2c_str content = o2c_kept_content(event, moment), id = delivered->shipment_id;
    const struct shipment *known =
        o2c_row_find(account, &shipments_shipment, O2C_KEY(O2C_K(id)));
    struct shipment *shipment;

    if (check_id("shipment_id", id, err) || check_id("order_id", delivered->order_id, err))
        return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->delivery_content,
                             known->delivery_seen, "delivered", id))
        return O2C_OK;
    shipment = begin_shipment(account, id, moment);
    shipment->delivery_content = content;
    shipment->delivery_seen = moment->recorded_us;
    shipment->has_delivered_at = true;
    shipment->delivered_at = delivered->delivered_at_us;
    shipment->proof = delivered->proof;
    shipment->refused_lines =
        (struct o2c_int4_array){delivered->refused_lines, delivered->refused_lines_count};
    tell_order(account, shipment, TOLD_BY_DELIVERY, (struct o2c_str){NULL, 0},
               delivered->order_id, delivered->head.customer_id);
    show(account, shipment);
    return O2C_OK;
}

enum o2c_verdict shipments_on_returned(struct o2c_account *account,
                                       const struct o2c_event *event,
                                       const struct o2c_moment *moment,
                                       struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_shipment_returned *given = event->shipment_returned;
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct shipment_return *known =
        o2c_row_find(account, &shipments_return, O2C_KEY(O2C_K(given->return_id)));
    struct shipment_return *returned;
    struct shipment *shipment;

    if (check_id("return_id", given->return_id, err) ||
        check_id("shipment_id", given->shipment_id, err) ||
        check_id("order_id", given->order_id, err))
        return err->verdict;
    for (size_t i = 0; i < given->lines_count; i++)
        if (check_quantity(account, given->shipment_id, given->lines[i].line_no, i,
                           given->lines[i].quantity_milli, err))
            return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->content, known->first_seen,
                             "returned", given->return_id))
        return O2C_OK;
    returned = o2c_row_add(account, &shipments_return, O2C_KEY(O2C_K(given->return_id)));
    returned->shipment_id = given->shipment_id;
    returned->reason_code = given->reason_code;
    returned->returned_at = given->returned_at_us;
    returned->content = content;
    returned->first_seen = moment->recorded_us;
    shipment = begin_shipment(account, given->shipment_id, moment);
    tell_order(account, shipment, TOLD_BY_RETURN, given->return_id, given->order_id,
               given->head.customer_id);
    for (size_t i = 0; i < given->lines_count; i++)
        begin_line(account, given->shipment_id, given->lines[i].line_no)->returned_milli +=
            given->lines[i].quantity_milli;
    show(account, shipment);
    return O2C_OK;
}
