/*
 * interrupt.h - Ctrl-C (or SIGTERM) of a command that still has something to do or to say
 * then; any other ends as any program.  A second one ends these too.
 */
#ifndef O2C_CLI_INTERRUPT_H
#define O2C_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on it is noted, and waiting for a server ends (runtime/base/stop.h). */
void interrupt_catch(void);
bool interrupt_came(void);

/* For as long as nothing is done yet, and what is waited for does not look: it ends the
 * process. */
void interrupt_ends(bool at_once);

#endif
