#include "producers/publish/opening.h"

#include "schemas/events.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

/* What may come; date: the field that must not lie behind the cut-over of what is marked.
 */
static const struct admitted {
    enum o2c_event_type type;
    const char *date;
} admitted_rows[] = {
    {O2C_INVOICE_ISSUED, "issue_date"},
    {O2C_DEBIT_NOTE_ISSUED, "issue_date"},
    {O2C_CREDIT_NOTE_ISSUED, "issue_date"},
    {O2C_PAYMENT_RECEIVED, "received_date"},
    {O2C_CUSTOMER_REGISTERED, NULL},
    {O2C_CUSTOMER_UPDATED, NULL},
    {O2C_CUSTOMER_LOCKED, NULL},
    {O2C_CUSTOMER_UNLOCKED, NULL},
    {O2C_CUSTOMER_DOCUMENT_CHECKED, NULL},
    {O2C_CONTRACT_SIGNED, NULL},
    {O2C_CONTRACT_AMENDED, NULL},
    {O2C_CONTRACT_TERMINATED, NULL},
    {O2C_CREDIT_LIMIT_OVERRIDDEN, NULL},
    {O2C_REMINDERS_BLOCKED, NULL},
    {O2C_REMINDERS_UNBLOCKED, NULL},
    {O2C_PAYMENT_PROMISED, NULL},
    {O2C_ORDER_PLACED, NULL},
    {O2C_SHIPMENT_DISPATCHED, NULL},
    {O2C_SHIPMENT_DELIVERED, NULL},
    {O2C_DISPUTE_RAISED, NULL},
    {O2C_DISPUTE_EVIDENCE_ADDED, NULL},
    {O2C_DISPUTE_ASSIGNED, NULL},
};

static const struct admitted *find_admitted(enum o2c_event_type type)
{
    for (size_t i = 0; i < sizeof(admitted_rows) / sizeof(admitted_rows[0]); i++)
        if (admitted_rows[i].type == type)
            return &admitted_rows[i];
    return NULL;
}

enum o2c_verdict o2c_opening_mark(const struct o2c_event_type_row *type,
                                  const json_t *object, json_t **ret_object,
                                  struct o2c_err *err)
{
    const struct admitted *admitted = find_admitted(type->type);
    if (!admitted)
        return o2c_fail(err, O2C_PARK,
                        "type: \"%s\" has no place in an --opening: load what is still "
                        "open after it instead",
                        type->name);
    if (admitted->date && json_is_false(json_object_get(object, "opening")))
        return o2c_fail(err, O2C_PARK,
                        "%s.opening: false contradicts --opening, which marks it",
                        type->name);
    json_t *copy = json_copy((json_t *)(uintptr_t)object); /* the API takes no const */
    if (!copy || (admitted->date && json_object_set_new(copy, "opening", json_true()))) {
        json_decref(copy);
        return o2c_fail(err, O2C_RETRY, "no memory for the event");
    }
    *ret_object = copy;
    return O2C_OK;
}

enum o2c_verdict o2c_opening_check_date(int32_t cut_over, const struct o2c_event *event,
                                        struct o2c_err *err)
{
    const struct o2c_event_type_row *type = o2c_event_type_row(event->type);
    const struct admitted *admitted = find_admitted(event->type);
    char date_text[O2C_DATE_TEXT + 1], cut_over_text[O2C_DATE_TEXT + 1];
    if (!admitted || !admitted->date)
        return O2C_OK;
    const struct o2c_field *field =
        o2c_record_field(type->record, o2c_str_from(admitted->date));
    const char *body = event->body;
    int32_t date = *(const int32_t *)(const void *)(body + field->offset);
    if (date <= cut_over)
        return O2C_OK;
    o2c_date_format(date, date_text);
    o2c_date_format(cut_over, cut_over_text);
    return o2c_fail(err, O2C_PARK, "%s.%s: \"%s\" is after the opening, %s", type->name,
                    admitted->date, date_text, cut_over_text);
}
