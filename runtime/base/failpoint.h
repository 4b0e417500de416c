/*
 * failpoint.h - named places at which a test build can be told to die, stop
 * or wait.  Without -DO2C_FAILPOINTS the macro is empty.
 *
 *     O2C_FAILPOINTS="store.after_sync=kill@3;relay.after_ack=stop"
 *
 * actions: kill (SIGKILL itself), stop (SIGSTOP itself), abort, exit; @N: at
 * the N-th hit (default 1).  With O2C_FAILPOINT_LOG=FILE each hit appends one
 * line "name hit-count pid", so that a test can prove that the point was
 * reached.
 */
#ifndef O2C_BASE_FAILPOINT_H
#define O2C_BASE_FAILPOINT_H

#ifdef O2C_FAILPOINTS
void o2c_failpoint_hit(const char *name);
#define O2C_FAILPOINT(name) o2c_failpoint_hit(name)
#else
#define O2C_FAILPOINT(name) ((void)0)
#endif

#endif
