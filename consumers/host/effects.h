/*
 * effects.h - what a rule makes happen outside its rows.  Events are encoded
 * at once, so they may stand on the caller's stack and borrow from anywhere.
 * As with rows, nothing here fails in the rule's face: what cannot be encoded
 * or has no room makes the host refuse the event or the batch.
 */
#ifndef O2C_HOST_EFFECTS_H
#define O2C_HOST_EFFECTS_H

#include <stdint.h>

#include "runtime/base/str.h"

struct o2c_content; /* schemas/wire/content.h: what an event says, as hashes */
struct o2c_effects;
struct o2c_event;

/*
 * Publishes an event of the pipeline on the topic of its type, keyed by the
 * account.  The rule fills head.customer_id and head.company_id and the
 * body; the host fills event_id, occurred_at, source and account_id.
 */
void o2c_effects_emit(struct o2c_effects *effects, const struct o2c_event *event);

/* Publishes the present state of an entity on its o2c.state.* topic, keyed by its id. */
void o2c_effects_emit_state(struct o2c_effects *effects, struct o2c_str entity_id,
                            const struct o2c_event *state);

/*
 * Has on_due() called for this item of the account when a business day from
 * `date` on has begun; where one has already, at the next tick.  Emitting what
 * is there already changes nothing.  The text is copied.
 */
void o2c_effects_due(struct o2c_effects *effects, int32_t date, const char *kind,
                     struct o2c_str item);

/* Takes such an entry back; none need be there. */
void o2c_effects_due_cancel(struct o2c_effects *effects, int32_t date, const char *kind,
                            struct o2c_str item);

/* A rule found no room in the arena: the host drops the batch and tries smaller ones. */
void o2c_effects_no_room(struct o2c_effects *effects);

/* The event was already reflected in the rows: counted as a repeat. */
void o2c_effects_repeat(struct o2c_effects *effects);

/*
 * Publishes ConflictFound: this event has the natural key of one applied
 * before, first seen at first_seen_us, with other content.  The fields that
 * differ are told by comparing `before` (as stored then) with the event.
 */
void o2c_effects_conflict(struct o2c_effects *effects, const struct o2c_event *event,
                          struct o2c_str natural_key, struct o2c_str before,
                          int64_t first_seen_us);

#endif
