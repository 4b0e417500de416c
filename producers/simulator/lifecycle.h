/*
 * lifecycle.h - the life of one order, planned from seed and number alone:
 * what is ordered and amended, what is cancelled, how it is sent and what
 * comes back, when, and (receivables.h) how it is invoiced and paid.  A plan has no
 * pointers and can be made again at any time; the simulator keeps none.
 */
#ifndef O2C_SIMULATOR_LIFECYCLE_H
#define O2C_SIMULATOR_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "producers/simulator/customers.h"

struct o2c_sim_random;
struct o2c_sim_settings;

enum {
    O2C_SIM_MAX_LINES = 20,
    O2C_SIM_MAX_CONTENTS = 3,
    O2C_SIM_MAX_PARTS = 4,
    O2C_SIM_MAX_PAYMENTS = 8,
    O2C_SIM_MAX_INSTALMENTS = 2,
    O2C_SIM_MAX_STEPS = 48
};

struct o2c_sim_line {
    int32_t line_no, product;
    int64_t quantity_milli;
    int64_t price_micro; /* 0: left to the price list (order lines only) */
};

struct o2c_sim_lines {
    int32_t count;
    struct o2c_sim_line at[O2C_SIM_MAX_LINES];
};

enum o2c_sim_step_kind {
    O2C_SIM_PLACED,
    O2C_SIM_AMENDED,
    O2C_SIM_CANCELLED,
    O2C_SIM_DISPATCHED,
    O2C_SIM_DELIVERED,
    O2C_SIM_RETURNED,
    O2C_SIM_INVOICED,
    O2C_SIM_CREDITED,
    O2C_SIM_PAID,
    O2C_SIM_REVERSED,
    O2C_SIM_DISPUTED,
    O2C_SIM_DISPUTE_WITHDRAWN,
    O2C_SIM_DISPUTE_REJECTED,
};

/* One event of the order's life. */
struct o2c_sim_step {
    enum o2c_sim_step_kind kind;
    int32_t index; /* of the content (placed, amended), the payment (paid, reversed) or the
                      part */
    int32_t revision; /* placed, amended, cancelled */
    int64_t at_us;
};

struct o2c_sim_amounts {
    int64_t net_minor, tax_minor, gross_minor;
};

/* Of a part that was sent; its lines are the part's. */
struct o2c_sim_invoice {
    bool is_issued;
    struct o2c_sim_amounts amounts;
    int32_t issue_date;
    int32_t instalment_count;
    int32_t due_date[O2C_SIM_MAX_INSTALMENTS];
    int64_t instalment_minor[O2C_SIM_MAX_INSTALMENTS];
    int64_t discount_minor; /* 0: none is granted */
    int32_t discount_until;
    int64_t disputed_minor; /* 0: it is not disputed */
};

/* What a payment is meant for. */
struct o2c_sim_claim {
    int32_t part;
    int64_t amount_minor, discount_minor;
};

enum o2c_sim_remittance {
    O2C_SIM_REMITTANCE_BY_ID,
    O2C_SIM_REMITTANCE_BY_NUMBER,
    O2C_SIM_REMITTANCE_NONE, /* the payer does not say what it is for */
};

struct o2c_sim_payment {
    int32_t date, reversed_date;
    int64_t amount_minor;
    enum o2c_sim_remittance remittance;
    int32_t claim_count;
    struct o2c_sim_claim claims[O2C_SIM_MAX_PARTS];
};

struct o2c_sim_plan {
    int64_t number; /* of the order, from 0 */
    struct o2c_sim_customer customer;
    int32_t requested_date;

    struct o2c_sim_lines contents[O2C_SIM_MAX_CONTENTS];
    int32_t content_count;

    int32_t cancelled[O2C_SIM_MAX_LINES]; /* line numbers; none: the whole order */
    int32_t cancelled_count;

    struct o2c_sim_lines parts[O2C_SIM_MAX_PARTS]; /* what is sent together */
    int32_t part_count;
    int32_t refused_line[O2C_SIM_MAX_PARTS]; /* 0: nothing was refused at the door */
    int32_t returned_part;
    struct o2c_sim_lines returned;

    struct o2c_sim_invoice invoices[O2C_SIM_MAX_PARTS]; /* by part */
    struct o2c_sim_payment payments[O2C_SIM_MAX_PAYMENTS];
    int32_t payment_count;
    struct o2c_sim_amounts credit; /* of what came back */

    struct o2c_sim_step steps[O2C_SIM_MAX_STEPS]; /* in the order of at_us */
    int32_t step_count;
};

/* Adds a step where it belongs in time; steps never share a moment. */
void o2c_sim_add_step(struct o2c_sim_plan *plan, enum o2c_sim_step_kind kind, int32_t index,
                      int32_t revision, int64_t at_us);

void o2c_sim_plan_order(const struct o2c_sim_settings *settings, int64_t number,
                        struct o2c_sim_plan *ret_plan);

#endif
