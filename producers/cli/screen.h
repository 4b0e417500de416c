/*
 * screen.h - shows a report again and again until Ctrl-C: painted over what
 * stood there on a terminal, one after the other elsewhere.  For --watch.
 */
#ifndef O2C_CLI_SCREEN_H
#define O2C_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct o2c_buf;

struct stack;

enum {
    SCREEN_EVERY_S = 2
};

struct screen {
    const struct stack *stack; /* whose command it is, for messages */
    bool json; /* lines for a program: nothing is painted, and no empty line stands between
                */

    /* Adds the report as it is now, whole lines; 0, or the exit status after saying what
     * failed.  `lines`: how many the terminal shows, SIZE_MAX where there is none. */
    int (*show)(void *user, struct o2c_buf *text, size_t lines);
    void *user;
};

/* The exit status: of the show that failed, or 0 when interrupted, or when standard output
 * cannot be written. */
int screen_watch(const struct screen *screen);

#endif
