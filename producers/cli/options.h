/*
 * options.h - the options of one subcommand: a settings table
 * (runtime/base/config.h) for which options may also stand behind the
 * operands, a flag needs no value, and --help prints the table and what each
 * exit status means.
 */
#ifndef O2C_CLI_OPTIONS_H
#define O2C_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "runtime/base/config.h"

/* What the statuses of commands.h mean for one subcommand; any may end with EXIT_USAGE. */
struct exit_meanings {
    const char *done;
    const char *findings; /* NULL: there are none */
    const char *servers;  /* EXIT_STACK_FAILED: which may fail; NULL: it needs none */
    const char *timeout;  /* NULL: it waits for nothing */
    bool interrupted;     /* interrupt.h; false: Ctrl-C ends it as any program */
};
#define EXIT_NOT_SHOWN "what it shows cannot be written"

struct options {
    const char *usage; /* "o2c publish [options] FILE|-" */
    const char *about; /* paragraphs under it, each line ended */
    struct exit_meanings exits;
    const struct o2c_settings_table *table;
    void *settings; /* filled */
    int min_operands, max_operands;

    /* set by options_load */
    char **words; /* the arguments, options first */
    char **operands;
    int operand_count;
    struct o2c_config *config;
};

/*
 * True when the command may run.  False: *ret_status is the exit status, and
 * help or what is wrong has been printed.  options_clear in either case.
 */
bool options_load(struct options *options, int argc, char **argv, int *ret_status);
void options_clear(struct options *options);

/* The rule for all subcommands, a line each, for o2c help. */
void options_print_exit_rule(FILE *out);

#endif
