/*
 * given.h - what the events of documents and payments say, in one form: for
 * needs.c, which asks for the rows it leads to, and for the rules, which look at
 * them.
 */
#ifndef O2C_RECEIVABLES_GIVEN_H
#define O2C_RECEIVABLES_GIVEN_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/events.h"

/* The document a claim is for: by id, or by number, or (both absent) none. */
struct naming {
    struct o2c_str invoice_id, number;
};

struct naming receivables_naming(const struct o2c_remittance_line *line);

/* What invoices, debit notes and credit notes have in common. */
struct issued {
    const struct o2c_head *head;
    struct o2c_str kind, id, number, order_id, currency;
    const char *id_field, *natural_key;
    struct naming names;       /* of a credit note: the invoice it is for */
    struct o2c_str dispute_id; /* of a credit note: the dispute it settles */
    int32_t issue_date;
    int64_t net_minor, tax_minor, gross_minor;
    const struct o2c_instalment *instalments;
    size_t instalment_count;
    struct o2c_instalment whole; /* of a credit note: the one instalment */
    bool has_discount, has_discount_until;
    int64_t discount_minor;
    int32_t discount_until;
    bool opening, has_remind, remind;
};

/* Of one of the three events; *ret points into itself and must not be copied. */
void receivables_issued(const struct o2c_event *event, struct issued *ret);

/* Kind of the document it names. */
struct o2c_str receivables_disputed_kind(const struct o2c_dispute_opened *opened);

#endif
