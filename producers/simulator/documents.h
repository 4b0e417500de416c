/* documents.h - what the lines of invoices, notes, payments and disputes say. */
#ifndef O2C_SIMULATOR_DOCUMENTS_H
#define O2C_SIMULATOR_DOCUMENTS_H

#include <stdbool.h>

struct o2c_buf;
struct o2c_sim_plan;
struct o2c_sim_step;

/* Adds ids and fields of a step of receivables.h; a contradiction says something else under
 * the same id. */
void o2c_sim_add_money(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                       const struct o2c_sim_step *step, bool contradiction);

#endif
