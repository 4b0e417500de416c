/*
 * unnamed.h - a temporary file without a name, gone with its descriptor: for
 * what must be read again.  Called by the spool and by the mapping.
 */
#ifndef O2C_PUBLISH_UNNAMED_H
#define O2C_PUBLISH_UNNAMED_H

#include "runtime/base/err.h"

/* Open for reading and writing, to be closed by the caller.  FATAL: none can be made in
 * $TMPDIR, else /tmp. */
enum o2c_verdict o2c_unnamed_open(int *ret_fd, struct o2c_err *err) O2C_MUST_CHECK;

#endif
