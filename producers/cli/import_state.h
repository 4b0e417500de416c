/* import_state.h - what the reading views show of the events of an import.  For o2c import.
 */
#ifndef O2C_CLI_IMPORT_STATE_H
#define O2C_CLI_IMPORT_STATE_H

#include "schemas/events.h"

struct o2c_evidence;
struct o2c_exhibit;
struct o2c_facts;
struct stack;

/* The view that shows documents of this type; NULL: none does. */
const char *import_state_view(enum o2c_event_type type);

/* `of_state` is NULL where the view has no row of the document. */
typedef void import_state_differ_fn(void *user, const struct o2c_exhibit *of_topic,
                                    const char *view, const struct o2c_facts *of_state);

/*
 * Compares every exhibit whose type reaches a view with its row.  A row at a
 * higher revision has gone on since, and is none.  0, or the exit status after
 * saying what failed.
 */
int import_state_compare(struct stack *stack, const struct o2c_evidence *topic,
                         import_state_differ_fn *on_difference, void *user);

/* The view's row as JSON, to be freed; NULL: no view, or no row.  EXIT_STACK_FAILED after
 * saying what failed. */
int import_state_row(struct stack *stack, const struct o2c_facts *facts, char **ret_row);

#endif
