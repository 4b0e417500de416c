/*
 * opening.h - what is loaded as of a cut-over: open documents and unapplied
 * cash are marked `opening: true`, so that receivables posts them against the
 * opening account.  Used by the intake; o2c publish --opening DATE.
 *
 * Only what can stand open on a day may come: master data, open orders with
 * what was shipped of them, disputes, documents and payments.  What takes
 * something back, or asks for a decision, is refused: what it takes back is
 * simply not loaded.
 */
#ifndef O2C_PUBLISH_OPENING_H
#define O2C_PUBLISH_OPENING_H

#include <jansson.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_event;
struct o2c_event_type_row;

/*
 * The object to make the event of, a new reference: the one given, or a copy
 * that is marked.  PARK: events of this type have no place in an opening, or
 * the object says that it is none.  RETRY: no memory.
 */
enum o2c_verdict o2c_opening_mark(const struct o2c_event_type_row *type,
                                  const json_t *object, json_t **ret_object,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/* PARK: a marked event is dated after the cut-over (days since 1970-01-01). */
enum o2c_verdict o2c_opening_check_date(int32_t cut_over, const struct o2c_event *event,
                                        struct o2c_err *err) O2C_MUST_CHECK;

#endif
