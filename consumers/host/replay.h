/*
 * replay.h - a rebuild folds by the order that was recorded (decision 11).
 *
 * `o2c rebuild` puts into SCHEMA.replay, batch by batch, where the original left each
 * partition.  While a claimed partition has such rows ahead of its position, the engine
 * folds exactly these batches, one partition after the other, and nothing else:
 * records up to the recorded offsets, a tick up to the recorded cursor, or what a
 * person had ordered about parked records.  A batch that does not leave the position
 * that was recorded ends the process; nothing of it is stored.
 *
 * Nothing is published meanwhile but by a relay, whose cursor `o2c rebuild` sets behind
 * what was published.  Behind the last row the partitions are claimed anew and looked
 * at as after any start (outbound.c).
 */
#ifndef O2C_HOST_REPLAY_H
#define O2C_HOST_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct batch;
struct engine;
struct o2c_buf;
struct o2c_due;
struct unit;

/* After a claim: true where something recorded is to be folded. */
bool replay_begins(struct engine *engine);

/* Forgets what was read of the order. */
void replay_clear(struct engine *engine);

/*
 * True: all of the batch that comes now is there, in engine->current, or, where that is
 * NULL, in engine->next.  False: there is none yet, or the order is at its end.
 */
bool replay_pick(struct engine *engine);

/* The partition whose batches are folded; NULL: none is left. */
struct unit *replay_unit(const struct engine *engine);

/* The tick under way goes on in another batch: this was its last item here. */
bool replay_cuts(const struct engine *engine, const struct o2c_due *due);
/* The tick under way ends with this batch. */
bool replay_ends_tick(const struct engine *engine);
/* The last offset of the clock that this batch covers, of so many without a record. */
int64_t replay_marker(const struct engine *engine, int64_t offset);

/* A person had ordered something here, and the database has no such order: fatal. */
void replay_lacks_order(struct engine *engine);

/* Only a part of what was one batch fits into memory: fatal. */
void replay_lacks_bytes(struct engine *engine);

/* FATAL: what was folded is not what was recorded. */
enum o2c_verdict replay_check(struct engine *engine, struct o2c_err *err) O2C_MUST_CHECK;

/* How far it is, for /readyz. */
void replay_tell(const struct engine *engine, struct o2c_buf *text);

#endif
