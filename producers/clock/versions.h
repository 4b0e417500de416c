/*
 * versions.h - whether this clock goes with what migrations have made of the
 * database (docs/decisions/0021): it reads positions, outboxes and cursors to
 * know what is drained.  Asked at each connection.
 */
#ifndef O2C_CLOCK_VERSIONS_H
#define O2C_CLOCK_VERSIONS_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "runtime/base/err.h"

/* *ret_fits false: not, and *err says why.  Else than O2C_OK: it could not be asked. */
enum o2c_verdict o2c_clock_versions(PGconn *pg, bool *ret_fits,
                                    struct o2c_err *err) O2C_MUST_CHECK;

#endif
