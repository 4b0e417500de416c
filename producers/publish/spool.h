/*
 * spool.h - keeps checked events in an unnamed temporary file until they may
 * be published: --strict publishes only once everything has been found good,
 * --by-day once everything has been sorted.  Memory: 24 bytes an event, and
 * only where it is sorted.
 */
#ifndef O2C_PUBLISH_SPOOL_H
#define O2C_PUBLISH_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_outgoing;
struct o2c_spool;

/* FATAL: no temporary file can be made (unnamed.h). */
enum o2c_verdict o2c_spool_open(struct o2c_spool **ret_spool, bool sorted,
                                struct o2c_err *err) O2C_MUST_CHECK;
void o2c_spool_close(struct o2c_spool *spool);

enum o2c_verdict o2c_spool_add(struct o2c_spool *spool, const struct o2c_outgoing *outgoing,
                               int64_t day, struct o2c_err *err) O2C_MUST_CHECK;
enum o2c_verdict o2c_spool_add_barrier(struct o2c_spool *spool, uint64_t line,
                                       struct o2c_err *err) O2C_MUST_CHECK;

/* Ends the adding; where sorted: by day, those of one day in the order they came. */
enum o2c_verdict o2c_spool_turn(struct o2c_spool *spool,
                                struct o2c_err *err) O2C_MUST_CHECK;

/*
 * The next one, valid until the next call.  ret_outgoing->type is NULL for a
 * barrier; *ret_more is false at the end.
 */
enum o2c_verdict o2c_spool_next(struct o2c_spool *spool, struct o2c_outgoing *ret_outgoing,
                                int64_t *ret_day, bool *ret_more,
                                struct o2c_err *err) O2C_MUST_CHECK;

uint64_t o2c_spool_count(const struct o2c_spool *spool);

#endif
