#include "consumers/orders/apply.h"

#include <inttypes.h>
#include <stdio.h>

#include "consumers/host/effects.h"
#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/orders/rows.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

enum {
    KEY_MAX_BYTES = 320
};

static const int64_t SUM_SLACK = 1000000000000000000;

/* ---- what is looked at */

void orders_want_order(struct o2c_wants *wants, struct o2c_str order_id)
{
    o2c_want_row(wants, &orders_order, O2C_KEY(O2C_K(order_id)));
    o2c_want_children(wants, &orders_line, O2C_KEY(O2C_K(order_id)));
}

static struct o2c_str order_id_of(const struct o2c_event *event)
{
    if (event->type == O2C_ORDER_PLACED)
        return event->order_placed->order_id;
    if (event->type == O2C_ORDER_AMENDED)
        return event->order_amended->order_id;
    return event->order_cancelled->order_id;
}

void orders_needs_cancellation(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str order_id = order_id_of(event);

    orders_want_order(wants, order_id);
    o2c_want_children(wants, &orders_revision, O2C_KEY(O2C_K(order_id)));
}

void orders_needs_content(const struct o2c_event *event, struct o2c_wants *wants)
{
    orders_needs_cancellation(event, wants);
    o2c_want_lookup(wants, &orders_invoice, INVOICE_BY_ORDER,
                    O2C_KEY(O2C_K(order_id_of(event))));
}

void orders_needs_dispatch(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_shipment_dispatched *dispatched = event->shipment_dispatched;

    orders_want_order(wants, dispatched->order_id);
    o2c_want_row(wants, &orders_movement,
                 O2C_KEY(O2C_K(O2C_STR("dispatched")), O2C_K(dispatched->shipment_id)));
}

void orders_needs_return(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_shipment_returned *returned = event->shipment_returned;

    orders_want_order(wants, returned->order_id);
    o2c_want_row(wants, &orders_movement,
                 O2C_KEY(O2C_K(O2C_STR("returned")), O2C_K(returned->return_id)));
}

/* ---- rows found or begun */

const struct order *orders_find_order(struct o2c_account *account, struct o2c_str order_id)
{
    return o2c_row_find(account, &orders_order, O2C_KEY(O2C_K(order_id)));
}

static struct order *begin_order(struct o2c_account *account, struct o2c_str order_id,
                                 const struct o2c_moment *moment)
{
    const struct order *known = orders_find_order(account, order_id);
    struct order *order;

    if (known)
        return o2c_row_edit(known);
    order = o2c_row_add(account, &orders_order, O2C_KEY(O2C_K(order_id)));
    order->first_seen = moment->recorded_us;
    order->state = order->shipment_state = order->invoice_state = O2C_STR("");
    return order;
}

struct line *orders_begin_line(struct o2c_account *account, struct o2c_str order_id,
                               int32_t line_no)
{
    const struct line *known =
        o2c_row_find(account, &orders_line, O2C_KEY(O2C_K(order_id), O2C_N(line_no)));

    return known ? o2c_row_edit(known)
                 : o2c_row_add(account, &orders_line,
                               O2C_KEY(O2C_K(order_id), O2C_N(line_no)));
}

/* ---- revisions: is this one new? */

static void tell_known(const struct revision *known, struct o2c_str order_id,
                       const struct o2c_event *event, struct o2c_str content,
                       struct o2c_effects *effects)
{
    char key[KEY_MAX_BYTES];
    int len = snprintf(key, sizeof key, "%.*s/%" PRId64,
                       (int)(order_id.len < 256 ? order_id.len : 256), order_id.at,
                       known->revision);

    o2c_tell_known(effects, event, content, known->content, known->first_seen,
                   (struct o2c_str){key, (size_t)len});
}

/* The row of a revision that is new; NULL where it is known. */
static struct revision *new_revision(struct o2c_account *account,
                                     const struct o2c_event *event, int64_t number,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects)
{
    struct o2c_str order_id = order_id_of(event), content = o2c_kept_content(event, moment);
    const struct revision *known =
        o2c_row_find(account, &orders_revision, O2C_KEY(O2C_K(order_id), O2C_N(number)));
    struct revision *revision;

    if (known) {
        tell_known(known, order_id, event, content, effects);
        return NULL;
    }
    revision =
        o2c_row_add(account, &orders_revision, O2C_KEY(O2C_K(order_id), O2C_N(number)));
    revision->content = content;
    revision->first_seen = moment->recorded_us;
    return revision;
}

/* ---- cancellations */

static bool names_line(const struct revision *revision, int32_t line_no)
{
    if (!revision->line_nos.at)
        return true;
    for (size_t i = 0; i < revision->line_nos.count; i++)
        if (revision->line_nos.at[i] == line_no)
            return true;
    return false;
}

/* Which lines are cancelled by revisions above the content's, and the revision that counts.
 */
static void count_cancellations(struct o2c_account *account, struct order *order)
{
    struct o2c_walk revisions, lines;
    const struct revision *revision;
    const struct line *line;

    order->revision = order->content_revision;
    o2c_walk_children(&revisions, account, &orders_revision,
                      O2C_KEY(O2C_K(order->order_id)));
    while ((revision = o2c_walk_next(&revisions))) {
        if (!revision->cancels || revision->revision <= order->content_revision)
            continue;
        if (revision->revision > order->revision)
            order->revision = revision->revision;
        o2c_walk_children(&lines, account, &orders_line, O2C_KEY(O2C_K(order->order_id)));
        while ((line = o2c_walk_next(&lines)))
            if (line->in_content && !line->cancelled && names_line(revision, line->line_no))
                ((struct line *)o2c_row_edit(line))->cancelled = true;
    }
}

/* ---- content */

/* What placed and amended have in common. */
struct content {
    const struct o2c_head *head;
    struct o2c_str order_id, currency, customer_reference;
    int64_t revision, placed_at;
    bool has_requested_date;
    int32_t requested_date;
    const struct o2c_order_line *lines;
    size_t line_count;
};

/* PARK names the field and the value. */
static enum o2c_verdict check_line(const struct content *content, size_t i,
                                   struct o2c_err *err)
{
    const struct o2c_order_line *line = &content->lines[i];

    if (line->quantity_milli <= 0 || line->quantity_milli > ORDERS_QUANTITY_MAX)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu].quantity_milli: %" PRId64
                        " is not between 1 and %" PRId64,
                        i, line->quantity_milli, ORDERS_QUANTITY_MAX);
    if (line->has_unit_price_micro && line->unit_price_micro < 0)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu].unit_price_micro: %" PRId64 " is negative", i,
                        line->unit_price_micro);
    for (size_t j = 0; j < i; j++)
        if (content->lines[j].line_no == line->line_no)
            return o2c_fail(err, O2C_PARK,
                            "lines[%zu].line_no: %" PRId32 " stands there twice", i,
                            line->line_no);
    return O2C_OK;
}

/* Σ line net; has_net false when a line has no price. */
static enum o2c_verdict sum_net(const struct content *content, bool *ret_has_net,
                                int64_t *ret_net, struct o2c_err *err)
{
    int exponent = o2c_currency_exponent(content->currency);
    int64_t net = 0, line_net;
    bool has_net = true;

    if (exponent < 0)
        return o2c_fail(err, O2C_PARK, "currency: \"%.*s\" is no ISO 4217 code",
                        O2C_STR_ARG(content->currency));
    for (size_t i = 0; i < content->line_count; i++) {
        if (check_line(content, i, err))
            return err->verdict;
        if (!content->lines[i].has_unit_price_micro) {
            has_net = false;
            continue;
        }
        if (!o2c_line_net(content->lines[i].quantity_milli,
                          content->lines[i].unit_price_micro, exponent, &line_net) ||
            !o2c_minor_add(net, line_net, &net))
            return o2c_fail(err, O2C_PARK, "lines[%zu]: the amount does not fit", i);
    }
    *ret_has_net = has_net;
    *ret_net = has_net ? net : 0;
    return O2C_OK;
}

static enum o2c_verdict check_key(struct o2c_str order_id, int64_t revision,
                                  struct o2c_err *err)
{
    if (!order_id.len)
        return o2c_fail(err, O2C_PARK, "order_id: is empty");
    if (revision < 1)
        return o2c_fail(err, O2C_PARK, "revision: %" PRId64 " is below 1", revision);
    return O2C_OK;
}

/* What is invoiced is counted anew: the currency may be another one. */
static void leave_content(struct o2c_account *account, struct o2c_str order_id)
{
    struct o2c_walk walk;
    const struct line *known;

    o2c_walk_children(&walk, account, &orders_line, O2C_KEY(O2C_K(order_id)));
    while ((known = o2c_walk_next(&walk))) {
        struct line *line = o2c_row_edit(known);

        line->in_content = line->cancelled = false;
        line->ordered_milli = line->invoiced_milli = 0;
        line->has_unit_price_micro = false;
        line->unit_price_micro = 0;
        line->sku = line->shipped_sku_min;
    }
}

void orders_remove_empty(struct o2c_account *account, struct o2c_str order_id)
{
    struct o2c_walk walk;
    const struct line *line;

    o2c_walk_children(&walk, account, &orders_line, O2C_KEY(O2C_K(order_id)));
    while ((line = o2c_walk_next(&walk)))
        if (!line->in_content && !line->shipped_milli && !line->returned_milli &&
            !line->invoiced_milli)
            o2c_row_remove(line);
}

static void take_lines(struct o2c_account *account, const struct content *content)
{
    leave_content(account, content->order_id);
    for (size_t i = 0; i < content->line_count; i++) {
        const struct o2c_order_line *given = &content->lines[i];
        struct line *line = orders_begin_line(account, content->order_id, given->line_no);

        line->in_content = true;
        line->sku = given->sku;
        line->ordered_milli = given->quantity_milli;
        line->has_unit_price_micro = given->has_unit_price_micro;
        line->unit_price_micro = given->unit_price_micro;
    }
}

static enum o2c_verdict take_content(struct o2c_account *account,
                                     const struct o2c_event *event,
                                     const struct content *content,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    struct order *order;
    bool has_net = false;
    int64_t net = 0;

    if (check_key(content->order_id, content->revision, err) ||
        sum_net(content, &has_net, &net, err))
        return err->verdict;
    if (!new_revision(account, event, content->revision, moment, effects))
        return O2C_OK;
    order = begin_order(account, content->order_id, moment);
    if (content->revision <= order->content_revision)
        return O2C_OK;
    order->content_revision = content->revision;
    order->customer_id = content->head->customer_id;
    order->company_id = content->head->company_id;
    order->currency = content->currency;
    order->customer_reference = content->customer_reference;
    order->placed_at = content->placed_at;
    order->has_requested_date = content->has_requested_date;
    order->requested_date = content->requested_date;
    order->has_net_minor = has_net;
    order->net_minor = net;
    take_lines(account, content);
    if (orders_count_invoices(account, order, err))
        return err->verdict;
    orders_remove_empty(account, content->order_id);
    count_cancellations(account, order);
    orders_show(account, order, moment, effects);
    return O2C_OK;
}

enum o2c_verdict orders_on_placed(struct o2c_account *account,
                                  const struct o2c_event *event,
                                  const struct o2c_moment *moment,
                                  struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_placed *placed = event->order_placed;
    struct content content = {
        .head = &placed->head,
        .order_id = placed->order_id,
        .currency = placed->currency,
        .customer_reference = placed->customer_reference,
        .revision = placed->revision,
        .placed_at = placed->placed_at_us,
        .has_requested_date = placed->has_requested_date,
        .requested_date = placed->requested_date,
        .lines = placed->lines,
        .line_count = placed->lines_count,
    };

    return take_content(account, event, &content, moment, effects, err);
}

enum o2c_verdict orders_on_amended(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_amended *amended = event->order_amended;
    struct content content = {
        .head = &amended->head,
        .order_id = amended->order_id,
        .currency = amended->currency,
        .customer_reference = amended->customer_reference,
        .revision = amended->revision,
        .placed_at = amended->placed_at_us,
        .has_requested_date = amended->has_requested_date,
        .requested_date = amended->requested_date,
        .lines = amended->lines,
        .line_count = amended->lines_count,
    };

    return take_content(account, event, &content, moment, effects, err);
}

enum o2c_verdict orders_on_cancelled(struct o2c_account *account,
                                     const struct o2c_event *event,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_cancelled *cancelled = event->order_cancelled;
    struct revision *revision;
    struct order *order;

    if (check_key(cancelled->order_id, cancelled->revision, err))
        return err->verdict;
    revision = new_revision(account, event, cancelled->revision, moment, effects);
    if (!revision)
        return O2C_OK;
    revision->cancels = true;
    revision->line_nos =
        (struct o2c_int4_array){cancelled->line_nos, cancelled->line_nos_count};
    order = begin_order(account, cancelled->order_id, moment);
    if (!order->content_revision || cancelled->revision < order->content_revision)
        return O2C_OK;
    count_cancellations(account, order);
    orders_show(account, order, moment, effects);
    return O2C_OK;
}

/* ---- shipments and returns */

/* True if the movement is new: it is remembered then.  A conflict is `shipments`' to
 * report. */
static bool new_movement(struct o2c_account *account, const struct o2c_event *event,
                         struct o2c_str kind, struct o2c_str id,
                         const struct o2c_moment *moment, struct o2c_effects *effects)
{
    struct movement *movement;

    if (o2c_row_find(account, &orders_movement, O2C_KEY(O2C_K(kind), O2C_K(id)))) {
        o2c_effects_repeat(effects);
        return false;
    }
    movement = o2c_row_add(account, &orders_movement, O2C_KEY(O2C_K(kind), O2C_K(id)));
    movement->content = o2c_kept_content(event, moment);
    movement->first_seen = moment->recorded_us;
    return true;
}

static enum o2c_verdict check_moved(struct o2c_account *account, struct o2c_str order_id,
                                    int32_t line_no, size_t i, int64_t quantity_milli,
                                    struct o2c_err *err)
{
    const struct line *line =
        o2c_row_find(account, &orders_line, O2C_KEY(O2C_K(order_id), O2C_N(line_no)));
    int64_t sum;

    if (quantity_milli <= 0 || quantity_milli > ORDERS_QUANTITY_MAX)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu].quantity_milli: %" PRId64
                        " is not between 1 and %" PRId64,
                        i, quantity_milli, ORDERS_QUANTITY_MAX);
    if (line && (!o2c_minor_add(line->shipped_milli, SUM_SLACK, &sum) ||
                 !o2c_minor_add(line->returned_milli, SUM_SLACK, &sum)))
        return o2c_fail(err, O2C_PARK, "lines[%zu].quantity_milli: the sum does not fit",
                        i);
    return O2C_OK;
}

static void note_dispatch(struct line *line, struct o2c_str sku, int64_t dispatched_at)
{
    if (!line->has_first_dispatched_at || dispatched_at < line->first_dispatched_at)
        line->first_dispatched_at = dispatched_at;
    line->has_first_dispatched_at = true;
    if (!line->shipped_sku_min.at || o2c_str_cmp(sku, line->shipped_sku_min) < 0)
        line->shipped_sku_min = sku;
    if (!line->shipped_sku_max.at || o2c_str_cmp(sku, line->shipped_sku_max) > 0)
        line->shipped_sku_max = sku;
    if (!line->in_content)
        line->sku = line->shipped_sku_min;
}

enum o2c_verdict orders_on_dispatched(struct o2c_account *account,
                                      const struct o2c_event *event,
                                      const struct o2c_moment *moment,
                                      struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_shipment_dispatched *dispatched = event->shipment_dispatched;
    struct order *order;

    for (size_t i = 0; i < dispatched->lines_count; i++)
        if (check_moved(account, dispatched->order_id, dispatched->lines[i].line_no, i,
                        dispatched->lines[i].quantity_milli, err))
            return err->verdict;
    if (!new_movement(account, event, O2C_STR("dispatched"), dispatched->shipment_id,
                      moment, effects))
        return O2C_OK;
    order = begin_order(account, dispatched->order_id, moment);
    for (size_t i = 0; i < dispatched->lines_count; i++) {
        struct line *line =
            orders_begin_line(account, dispatched->order_id, dispatched->lines[i].line_no);

        line->shipped_milli += dispatched->lines[i].quantity_milli;
        note_dispatch(line, dispatched->lines[i].sku, dispatched->dispatched_at_us);
    }
    if (dispatched->lines_count)
        orders_show(account, order, moment, effects);
    return O2C_OK;
}

enum o2c_verdict orders_on_returned(struct o2c_account *account,
                                    const struct o2c_event *event,
                                    const struct o2c_moment *moment,
                                    struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_shipment_returned *returned = event->shipment_returned;
    struct order *order;

    for (size_t i = 0; i < returned->lines_count; i++)
        if (check_moved(account, returned->order_id, returned->lines[i].line_no, i,
                        returned->lines[i].quantity_milli, err))
            return err->verdict;
    if (!new_movement(account, event, O2C_STR("returned"), returned->return_id, moment,
                      effects))
        return O2C_OK;
    order = begin_order(account, returned->order_id, moment);
    for (size_t i = 0; i < returned->lines_count; i++)
        orders_begin_line(account, returned->order_id, returned->lines[i].line_no)
            ->returned_milli += returned->lines[i].quantity_milli;
    if (returned->lines_count)
        orders_show(account, order, moment, effects);
    return O2C_OK;
}
