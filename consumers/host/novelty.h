/*
 * novelty.h - has this been said before?  For events with a natural key: the
 * same content again is a repeat, other content a conflict; both leave the rows
 * as they are.  Called by rules.
 */
#ifndef O2C_HOST_NOVELTY_H
#define O2C_HOST_NOVELTY_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/str.h"

struct o2c_effects;
struct o2c_event;
struct o2c_moment;

/* What the event says, as a row keeps it; in the batch arena. */
struct o2c_str o2c_kept_content(const struct o2c_event *event,
                                const struct o2c_moment *moment);

/*
 * Tells the effects what an event is whose natural key is known: a repeat of
 * `before`, or a conflict with it, which was first seen at first_seen_us.
 */
void o2c_tell_known(struct o2c_effects *effects, const struct o2c_event *event,
                    struct o2c_str now, struct o2c_str before, int64_t first_seen_us,
                    struct o2c_str natural_key);

/*
 * True if nothing of the natural key "kind/id" was seen before (`before`
 * absent).  Otherwise what it is has been told.
 */
bool o2c_is_new(struct o2c_effects *effects, const struct o2c_event *event,
                struct o2c_str now, struct o2c_str before, int64_t first_seen_us,
                const char *kind, struct o2c_str id);

#endif
