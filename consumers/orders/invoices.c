/* What is invoiced of an order: by its lines, or by the amount of the invoice. */
#include <inttypes.h>

#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/orders/apply.h"
#include "consumers/orders/rows.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

/* ---- what is looked at */

/* An invoice without an order is not looked at at all. */
static bool names_order(const struct o2c_invoice_issued *issued)
{
    return issued->order_id.len;
}

void orders_needs_invoice(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_invoice_issued *issued = event->invoice_issued;

    if (!names_order(issued))
        return;
    o2c_want_row(wants, &orders_invoice, O2C_KEY(O2C_K(issued->invoice_id)));
    orders_want_order(wants, issued->order_id);
}

void orders_needs_invoice_cancelled(const struct o2c_event *event, struct o2c_wants *wants)
{
    o2c_want_row(wants, &orders_invoice,
                 O2C_KEY(O2C_K(event->invoice_cancelled->invoice_id)));
}

static const struct invoice *find_invoice(struct o2c_account *account,
                                          struct o2c_str invoice_id)
{
    return o2c_row_find(account, &orders_invoice, O2C_KEY(O2C_K(invoice_id)));
}

void orders_needs_more_invoice_cancelled(struct o2c_account *account,
                                         const struct o2c_event *event,
                                         struct o2c_wants *wants)
{
    const struct invoice *invoice =
        find_invoice(account, event->invoice_cancelled->invoice_id);

    if (invoice && invoice->order_id.at)
        orders_want_order(wants, invoice->order_id);
}

/* ---- counting */

/*
 * Adds an invoice to its order, or takes it off again.  Amounts of another
 * currency than the order's do not count, quantities do.  False where a sum
 * does not fit.
 */
static bool count_invoice(struct o2c_account *account, struct order *order,
                          const struct invoice *invoice, int sign)
{
    int64_t net = sign * invoice->net_minor;

    for (size_t i = 0; i < invoice->line_nos.count; i++) {
        struct line *line =
            orders_begin_line(account, order->order_id, invoice->line_nos.at[i]);

        if (!o2c_minor_add(line->invoiced_milli, sign * invoice->quantities_milli.at[i],
                           &line->invoiced_milli))
            return false;
    }
    if (!o2c_str_eq(invoice->currency, order->currency))
        return true;
    return o2c_minor_add(order->invoiced_minor, net, &order->invoiced_minor) &&
           (invoice->line_nos.count ||
            o2c_minor_add(order->lump_sum_minor, net, &order->lump_sum_minor));
}

enum o2c_verdict orders_count_invoices(struct o2c_account *account, struct order *order,
                                       struct o2c_err *err)
{
    const struct invoice *invoice;
    struct o2c_walk walk;

    order->invoiced_minor = order->lump_sum_minor = 0;
    o2c_walk_lookup(&walk, account, &orders_invoice, INVOICE_BY_ORDER,
                    O2C_KEY(O2C_K(order->order_id)));
    while ((invoice = o2c_walk_next(&walk)))
        if (!invoice->cancelled && !count_invoice(account, order, invoice, 1))
            return o2c_fail(err, O2C_PARK,
                            "order_id: the sum of its invoices does not fit");
    return O2C_OK;
}

/* Of an order that has come: before that, its content counts all of them. */
static enum o2c_verdict recount(struct o2c_account *account, const struct invoice *invoice,
                                int sign, const struct o2c_moment *moment,
                                struct o2c_effects *effects, struct o2c_err *err)
{
    const struct order *known = orders_find_order(account, invoice->order_id);
    struct order *order;

    if (!known || !known->content_revision)
        return O2C_OK;
    order = o2c_row_edit(known);
    if (!count_invoice(account, order, invoice, sign))
        return o2c_fail(err, O2C_PARK, "invoice_id: the sum of the order does not fit");
    orders_remove_empty(account, order->order_id);
    orders_show(account, order, moment, effects);
    return O2C_OK;
}

/* ---- refusals; PARK names the field and the value */

static enum o2c_verdict check_id(struct o2c_str invoice_id, struct o2c_err *err)
{
    return invoice_id.len ? O2C_OK : o2c_fail(err, O2C_PARK, "invoice_id: is empty");
}

static enum o2c_verdict check_issued(const struct o2c_invoice_issued *issued,
                                     struct o2c_err *err)
{
    if (check_id(issued->invoice_id, err) ||
        o2c_minor_check("net_minor", issued->net_minor, -O2C_MINOR_MAX, err))
        return err->verdict;
    for (size_t i = 0; i < issued->lines_count; i++) {
        int64_t milli = issued->lines[i].quantity_milli;

        if (issued->lines[i].has_order_line_no &&
            (milli < -ORDERS_QUANTITY_MAX || milli > ORDERS_QUANTITY_MAX))
            return o2c_fail(err, O2C_PARK,
                            "lines[%zu].quantity_milli: %" PRId64 " is not between %" PRId64
                            " and %" PRId64,
                            i, milli, -ORDERS_QUANTITY_MAX, ORDERS_QUANTITY_MAX);
    }
    return O2C_OK;
}

/* ---- events */

static struct invoice *begin_invoice(struct o2c_account *account, struct o2c_str invoice_id)
{
    const struct invoice *known = find_invoice(account, invoice_id);

    return known ? o2c_row_edit(known)
                 : o2c_row_add(account, &orders_invoice, O2C_KEY(O2C_K(invoice_id)));
}

/* The lines that name one of the order; false without memory. */
static bool take_lines(struct invoice *invoice, const struct o2c_invoice_issued *issued,
                       struct o2c_arena *arena)
{
    int32_t *line_nos =
        o2c_arena_alloc(arena, (issued->lines_count + 1) * sizeof *line_nos);
    int64_t *quantities =
        o2c_arena_alloc(arena, (issued->lines_count + 1) * sizeof *quantities);
    size_t count = 0;

    if (!line_nos || !quantities)
        return false;
    for (size_t i = 0; i < issued->lines_count; i++) {
        if (!issued->lines[i].has_order_line_no)
            continue;
        line_nos[count] = issued->lines[i].order_line_no;
        quantities[count++] = issued->lines[i].quantity_milli;
    }
    invoice->line_nos = (struct o2c_int4_array){line_nos, count};
    invoice->quantities_milli = (struct o2c_int8_array){quantities, count};
    return true;
}

/* A contradiction is `receivables`' to report: here the later one changes nothing. */
enum o2c_verdict orders_on_invoice(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_invoice_issued *issued = event->invoice_issued;
    const struct invoice *known;
    struct invoice *invoice;

    if (!names_order(issued))
        return O2C_OK;
    if (check_issued(issued, err))
        return err->verdict;
    known = find_invoice(account, issued->invoice_id);
    if (known && known->order_id.at) {
        o2c_effects_repeat(effects);
        return O2C_OK;
    }
    invoice = begin_invoice(account, issued->invoice_id);
    invoice->order_id = issued->order_id;
    invoice->currency = issued->currency;
    invoice->net_minor = issued->net_minor;
    if (!take_lines(invoice, issued, moment->arena)) {
        o2c_effects_no_room(effects);
        return O2C_OK;
    }
    return invoice->cancelled ? O2C_OK : recount(account, invoice, 1, moment, effects, err);
}

enum o2c_verdict orders_on_invoice_cancelled(struct o2c_account *account,
                                             const struct o2c_event *event,
                                             const struct o2c_moment *moment,
                                             struct o2c_effects *effects,
                                             struct o2c_err *err)
{
    struct o2c_str invoice_id = event->invoice_cancelled->invoice_id;
    const struct invoice *known = find_invoice(account, invoice_id);
    struct invoice *invoice;

    if (check_id(invoice_id, err))
        return err->verdict;
    if (known && known->cancelled) {
        o2c_effects_repeat(effects);
        return O2C_OK;
    }
    invoice = begin_invoice(account, invoice_id);
    invoice->cancelled = true;
    return invoice->order_id.at ? recount(account, invoice, -1, moment, effects, err)
                                : O2C_OK;
}
