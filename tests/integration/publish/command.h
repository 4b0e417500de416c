/*
 * command.h - runs the real o2c binary in a folder of its own and keeps what
 * it says.  For the tests of this folder.
 */
#ifndef O2C_TESTS_PUBLISH_COMMAND_H
#define O2C_TESTS_PUBLISH_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

struct command {
    char folder[64];  /* made by command_init: where it runs */
    char said[65536]; /* standard error of the last run */
};

void command_init(struct command *command);
void command_clear(struct command *command);

/* Writes a file into the folder. */
void command_file(struct command *command, const char *name, const char *text);

/* `o2c args...` (NULL-terminated) with this standard input; its exit status. */
int command_run(struct command *command, const char *input, const char *const *args);

/* Without waiting: *ret_input is its standard input, to be closed by the caller. */
pid_t command_start(struct command *command, const char *const *args, int *ret_input);
int command_wait(struct command *command, pid_t pid);

#endif
