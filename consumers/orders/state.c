/* The states of an order: derived from its lines, never set. */
#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "consumers/orders/apply.h"
#include "consumers/orders/rows.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

/* Of quantities of several lines; what has no price, or an amount that does not fit, is
 * unknown. */
struct worth {
    bool some;    /* there is something */
    bool unknown; /* of some of it */
    int64_t minor;
    int exponent; /* of the currency, once there is something */
};

/* What the lines of an order add up to. */
struct sums {
    bool ordered;               /* something is in the content */
    bool to_ship;               /* something of it is not cancelled */
    bool shipped;               /* something was, on any line */
    bool astray;                /* ... on a line the content lacks, or with another sku */
    bool open;                  /* something is still to be shipped */
    bool invoiced;              /* something is, on any line or by an amount */
    bool missing;               /* something is still to be invoiced */
    struct worth not_invoiced;  /* has left, has not come back and is not invoiced */
    int64_t not_invoiced_since; /* where there is some: its first dispatch */
    size_t line_count;
};

struct states {
    enum o2c_order_phase state;
    enum o2c_order_shipment_state shipment_state;
    enum o2c_order_invoice_state invoice_state;
};

/* What of `a` is left without `b`; below 0 either is taken for 0. */
static int64_t rest(int64_t a, int64_t b)
{
    if (a <= 0 || a <= b)
        return 0;
    return b > 0 ? a - b : a;
}

static int64_t cancelled_milli(const struct line *line)
{
    return line->cancelled && line->ordered_milli > line->shipped_milli
               ? line->ordered_milli - line->shipped_milli
               : 0;
}

/* What of a line is to be invoiced: all that is wanted, or more where more was shipped. */
static int64_t missing_milli(const struct line *line)
{
    int64_t wanted = line->ordered_milli - cancelled_milli(line);
    int64_t due = (wanted > line->shipped_milli ? wanted : line->shipped_milli) -
                  line->returned_milli;

    return rest(due, line->invoiced_milli);
}

/* What of a line has left, has not come back and is not invoiced. */
static int64_t not_invoiced_milli(const struct line *line)
{
    return rest(line->shipped_milli - line->returned_milli, line->invoiced_milli);
}

static bool is_astray(const struct line *line)
{
    return line->shipped_milli > 0 &&
           (!line->in_content || !o2c_str_eq(line->shipped_sku_min, line->sku) ||
            !o2c_str_eq(line->shipped_sku_max, line->sku));
}

static void add_worth(struct worth *worth, const struct order *order,
                      const struct line *line, int64_t milli)
{
    int64_t net;

    if (!milli)
        return;
    if (!worth->some)
        worth->exponent = o2c_currency_exponent(order->currency);
    worth->some = true;
    if (!line->has_unit_price_micro ||
        !o2c_line_net(milli, line->unit_price_micro, worth->exponent, &net) ||
        !o2c_minor_add(worth->minor, net, &worth->minor))
        worth->unknown = true;
}

static void count_not_invoiced(struct sums *sums, const struct order *order,
                               const struct line *line)
{
    int64_t milli = not_invoiced_milli(line);

    if (milli &&
        (!sums->not_invoiced.some || line->first_dispatched_at < sums->not_invoiced_since))
        sums->not_invoiced_since = line->first_dispatched_at;
    add_worth(&sums->not_invoiced, order, line, milli);
}

static struct sums add_up(struct o2c_account *account, const struct order *order)
{
    struct sums sums = {.invoiced = order->lump_sum_minor > 0};
    struct o2c_walk walk;
    const struct line *line;

    o2c_walk_children(&walk, account, &orders_line, O2C_KEY(O2C_K(order->order_id)));
    while ((line = o2c_walk_next(&walk))) {
        int64_t wanted = line->ordered_milli - cancelled_milli(line);

        sums.line_count++;
        sums.ordered |= line->ordered_milli > 0;
        sums.to_ship |= wanted > 0;
        sums.shipped |= line->shipped_milli > 0;
        sums.astray |= is_astray(line);
        sums.open |= wanted > line->shipped_milli;
        sums.invoiced |= line->invoiced_milli > 0;
        sums.missing |= missing_milli(line) > 0;
        count_not_invoiced(&sums, order, line);
    }
    return sums;
}

/* ---- what invoices cover */

/* What invoices that name no line leave of it. */
static int64_t left_of(const struct worth *worth, const struct order *order)
{
    return rest(worth->minor, order->lump_sum_minor);
}

static bool is_covered(const struct worth *worth, const struct order *order)
{
    return !worth->unknown && !left_of(worth, order);
}

static bool all_invoiced(struct o2c_account *account, const struct order *order,
                         const struct sums *sums)
{
    struct worth missing = {0};
    struct o2c_walk walk;
    const struct line *line;

    if (!sums->missing)
        return true;
    o2c_walk_children(&walk, account, &orders_line, O2C_KEY(O2C_K(order->order_id)));
    while ((line = o2c_walk_next(&walk)))
        add_worth(&missing, order, line, missing_milli(line));
    return is_covered(&missing, order);
}

static void take_not_invoiced(struct order *order, const struct sums *sums)
{
    order->has_not_invoiced_since = !is_covered(&sums->not_invoiced, order);
    order->not_invoiced_since =
        order->has_not_invoiced_since ? sums->not_invoiced_since : 0;
    order->not_invoiced_minor = left_of(&sums->not_invoiced, order);
}

/* ---- states */

static enum o2c_order_shipment_state shipment_state(const struct sums *sums)
{
    if (sums->astray)
        return O2C_ORDER_SHIPMENT_STATE_EXCEPTION;
    if (!sums->shipped)
        return sums->to_ship ? O2C_ORDER_SHIPMENT_STATE_WAITING
                             : O2C_ORDER_SHIPMENT_STATE_NONE;
    return sums->open ? O2C_ORDER_SHIPMENT_STATE_PART_SHIPPED
                      : O2C_ORDER_SHIPMENT_STATE_SHIPPED;
}

static enum o2c_order_invoice_state invoice_state(struct o2c_account *account,
                                                  const struct order *order,
                                                  const struct sums *sums)
{
    if (sums->invoiced)
        return all_invoiced(account, order, sums) ? O2C_ORDER_INVOICE_STATE_AWAITING_PAYMENT
                                                  : O2C_ORDER_INVOICE_STATE_PART_INVOICED;
    return sums->shipped || sums->to_ship ? O2C_ORDER_INVOICE_STATE_PENDING
                                          : O2C_ORDER_INVOICE_STATE_NONE;
}

static struct states derive(struct o2c_account *account, const struct order *order,
                            const struct sums *sums)
{
    struct states states = {O2C_ORDER_PHASE_RECEIVED, shipment_state(sums),
                            invoice_state(account, order, sums)};

    if (sums->ordered && !sums->to_ship && !sums->shipped)
        states.state = O2C_ORDER_PHASE_CANCELLED;
    else if (sums->shipped || sums->invoiced)
        states.state = O2C_ORDER_PHASE_PROCESSING;
    return states;
}

/* True if one of the three changed. */
static bool take_states(struct order *order, const struct states *states)
{
    struct o2c_str state = o2c_order_phase_text(states->state);
    struct o2c_str shipment = o2c_order_shipment_state_text(states->shipment_state);
    struct o2c_str invoice = o2c_order_invoice_state_text(states->invoice_state);
    bool changed = !o2c_str_eq(order->state, state) ||
                   !o2c_str_eq(order->shipment_state, shipment) ||
                   !o2c_str_eq(order->invoice_state, invoice);

    order->state = state;
    order->shipment_state = shipment;
    order->invoice_state = invoice;
    return changed;
}

static void emit_change(const struct order *order, const struct states *states,
                        struct o2c_effects *effects)
{
    struct o2c_order_status_changed changed = {
        .head = {.customer_id = order->customer_id, .company_id = order->company_id},
        .order_id = order->order_id,
        .state = states->state,
        .shipment_state = states->shipment_state,
        .invoice_state = states->invoice_state,
    };
    struct o2c_event event = o2c_event_of(O2C_ORDER_STATUS_CHANGED, &changed);

    o2c_effects_emit(effects, &event);
}

static size_t state_lines(struct o2c_account *account, const struct order *order,
                          struct o2c_order_state_line *lines)
{
    struct o2c_walk walk;
    const struct line *line;
    size_t count = 0;

    o2c_walk_children(&walk, account, &orders_line, O2C_KEY(O2C_K(order->order_id)));
    while ((line = o2c_walk_next(&walk)))
        lines[count++] = (struct o2c_order_state_line){
            .line_no = line->line_no,
            .sku = line->sku,
            .ordered_milli = line->ordered_milli,
            .shipped_milli = line->shipped_milli,
            .returned_milli = line->returned_milli,
            .cancelled_milli = cancelled_milli(line),
            .invoiced_milli = line->invoiced_milli,
            .has_unit_price_micro = line->has_unit_price_micro,
            .unit_price_micro = line->unit_price_micro,
            .in_content = line->in_content,
        };
    return count;
}

static void emit_state(struct o2c_account *account, const struct order *order,
                       const struct states *states, struct o2c_order_state_line *lines,
                       struct o2c_effects *effects)
{
    struct o2c_order_state state = {
        .order_id = order->order_id,
        .customer_id = order->customer_id,
        .account_id = o2c_account_id(account),
        .company_id = order->company_id,
        .revision = order->revision,
        .state = states->state,
        .shipment_state = states->shipment_state,
        .invoice_state = states->invoice_state,
        .currency = order->currency,
        .has_net_minor = order->has_net_minor,
        .net_minor = order->net_minor,
        .placed_at_us = order->placed_at,
        .customer_reference = order->customer_reference,
        .has_requested_date = order->has_requested_date,
        .requested_date = order->requested_date,
        .cancelled = states->state == O2C_ORDER_PHASE_CANCELLED,
        .lines = lines,
        .lines_count = state_lines(account, order, lines),
    };
    struct o2c_event event = o2c_event_of(O2C_ORDER_STATE, &state);

    o2c_effects_emit_state(effects, order->order_id, &event);
}

void orders_show(struct o2c_account *account, struct order *order,
                 const struct o2c_moment *moment, struct o2c_effects *effects)
{
    struct o2c_order_state_line *lines;
    struct states states;
    struct sums sums;

    if (!order->content_revision)
        return;
    sums = add_up(account, order);
    take_not_invoiced(order, &sums);
    states = derive(account, order, &sums);
    if (take_states(order, &states))
        emit_change(order, &states, effects);
    lines = o2c_arena_alloc(moment->arena, (sums.line_count + 1) * sizeof *lines);
    if (lines)
        emit_state(account, order, &states, lines, effects);
    else
        o2c_effects_no_room(effects);
}
