/*
 * receivables.h - what becomes of an order's shipments in money: an invoice
 * for each, how and when it is paid, what is credited for a return and what
 * is disputed.  Added to the order's plan from draws of their own, so that
 * orders and shipments are the same with and without.
 */
#ifndef O2C_SIMULATOR_RECEIVABLES_H
#define O2C_SIMULATOR_RECEIVABLES_H

#include <stdint.h>

#include "producers/simulator/lifecycle.h"

struct o2c_sim_settings;

enum {
    O2C_SIM_TAX_PPM = 200000 /* of every line */
};

/* What a line comes to, without tax; lines without a price are charged at list price. */
int64_t o2c_sim_line_net(const struct o2c_sim_plan *plan, const struct o2c_sim_line *line);
int64_t o2c_sim_charged_price(const struct o2c_sim_plan *plan,
                              const struct o2c_sim_line *line);

/* The day of a moment where the customer is. */
int32_t o2c_sim_local_date(const struct o2c_sim_plan *plan, int64_t at_us);

/* Adds invoices, notes, payments and disputes to a plan that has its shipments. */
void o2c_sim_plan_receivables(const struct o2c_sim_settings *settings,
                              struct o2c_sim_plan *plan);

#endif
