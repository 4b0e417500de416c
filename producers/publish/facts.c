#include "producers/publish/facts.h"

#include "schemas/units/money.h"

#include "runtime/base/banned.h"

/* The fields that name a document, in the order in which they are looked for. */
static const struct {
    enum o2c_event_type type;
    const char *field;
} documents[] = {
    {O2C_INVOICE_ISSUED, "invoice_id"},       {O2C_INVOICE_CANCELLED, "invoice_id"},
    {O2C_DEBIT_NOTE_ISSUED, "debit_note_id"}, {O2C_CREDIT_NOTE_ISSUED, "credit_note_id"},
    {O2C_PAYMENT_RECEIVED, "payment_id"},     {O2C_PAYMENT_REVERSED, "payment_id"},
    {O2C_REFUND_PAID, "refund_id"},           {O2C_ORDER_PLACED, "order_id"},
    {O2C_ORDER_AMENDED, "order_id"},          {O2C_ORDER_CANCELLED, "order_id"},
    {O2C_SHIPMENT_DISPATCHED, "shipment_id"}, {O2C_SHIPMENT_DELIVERED, "shipment_id"},
    {O2C_SHIPMENT_RETURNED, "return_id"},     {O2C_DISPUTE_RAISED, "dispute_id"},
    {O2C_DISPUTE_WITHDRAWN, "dispute_id"},    {O2C_CUSTOMER_REGISTERED, "customer_id"},
    {O2C_CUSTOMER_UPDATED, "customer_id"},
};

static const struct o2c_field *present(const struct o2c_event *event, const char *name)
{
    const struct o2c_field *field =
        o2c_record_field(o2c_event_type_row(event->type)->record, o2c_str_from(name));
    return field && !field->array && o2c_field_is_present(field, event->body) ? field
                                                                              : NULL;
}

static const void *value_of(const struct o2c_event *event, const struct o2c_field *field)
{
    return (const char *)event->body + field->offset;
}

static struct o2c_str text_of(const struct o2c_event *event, const char *name)
{
    const struct o2c_field *field = present(event, name);
    return field && field->kind == O2C_KIND_STRING
               ? *(const struct o2c_str *)value_of(event, field)
               : O2C_STR("");
}

static bool number_of(const struct o2c_event *event, const char *name, int64_t *ret_number)
{
    const struct o2c_field *field = present(event, name);
    if (!field || field->kind != O2C_KIND_LONG)
        return false;
    *ret_number = *(const int64_t *)value_of(event, field);
    return true;
}

static struct o2c_str id_of(const struct o2c_event *event)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        if (documents[i].type == event->type)
            return text_of(event, documents[i].field);
    return event->head->event_id;
}

/* The source's own sum; false where a line has no price, or it does not fit. */
static bool net_of(const struct o2c_order_line *lines, size_t count,
                   struct o2c_str currency, int64_t *ret_net)
{
    int exponent = o2c_currency_exponent(currency);
    int64_t net = 0, line_net;
    if (exponent < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!lines[i].has_unit_price_micro ||
            !o2c_line_net(lines[i].quantity_milli, lines[i].unit_price_micro, exponent,
                          &line_net) ||
            !o2c_minor_add(net, line_net, &net))
            return false;
    *ret_net = net;
    return true;
}

static bool amount_of(const struct o2c_event *event, int64_t *ret_amount)
{
    if (event->type == O2C_ORDER_PLACED)
        return net_of(event->order_placed->lines, event->order_placed->lines_count,
                      event->order_placed->currency, ret_amount);
    if (event->type == O2C_ORDER_AMENDED)
        return net_of(event->order_amended->lines, event->order_amended->lines_count,
                      event->order_amended->currency, ret_amount);
    return number_of(event, "gross_minor", ret_amount) ||
           number_of(event, "amount_minor", ret_amount);
}

bool o2c_facts_of(const struct o2c_event *event, struct o2c_facts *ret_facts)
{
    struct o2c_facts facts = {.type = event->type};
    if (event->type == O2C_BUSINESS_DAY_STARTED ||
        !o2c_event_type_row(event->type)->has_head)
        return false;
    facts.event_id = event->head->event_id;
    facts.customer = event->head->customer_id;
    facts.account = o2c_event_account(event);
    facts.id = id_of(event);
    facts.currency = text_of(event, "currency");
    (void)number_of(event, "revision", &facts.revision);
    facts.has_amount = amount_of(event, &facts.amount_minor);
    *ret_facts = facts;
    return true;
}
