/*
 * settle.h - claims on documents and what comes of them: which document a line
 * means, applying it, undoing that (docs/rules/receivables.md, "Remittance lines").
 */
#ifndef O2C_RECEIVABLES_SETTLE_H
#define O2C_RECEIVABLES_SETTLE_H

#include "consumers/receivables/work.h"

/* A line of a payment or credit note that has just arrived; applied as far as it goes. */
void receivables_settle_new_line(struct work *work, const struct remittance_line *line);

/* The lines that claim a document which has arrived. */
void receivables_settle_waiting_lines(struct work *work, const struct document *document);

/*
 * Undoes every application of the payment; documents that are open again meet the
 * other lines that claim them.
 */
void receivables_settle_reversal(struct work *work, struct payment *payment);

/* Undoes every application to the invoice, and closes the lines that claim it by its id. */
void receivables_settle_cancellation(struct work *work, const struct document *invoice,
                                     int32_t date);

#endif
