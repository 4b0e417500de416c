/*
 * apply.h - the rules of the consumer `reminders` (docs/rules/reminders.md): what
 * open items and ticks make of letters, and what holds them.
 */
#ifndef O2C_REMINDERS_APPLY_H
#define O2C_REMINDERS_APPLY_H

#include "consumers/host/consumer.h"

o2c_needs_fn reminders_needs_item;
o2c_needs_more_fn reminders_needs_more_item;
o2c_apply_fn reminders_on_item;
o2c_notice_needs_fn reminders_needs_held;
o2c_notice_fn reminders_on_parked;
o2c_due_needs_fn reminders_due_needs;
o2c_due_needs_more_fn reminders_due_needs_more;
o2c_on_due_fn reminders_on_due;

#endif
