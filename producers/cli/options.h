/*
 * options.h - the options of one subcommand: a settings table
 * (runtime/base/config.h) for which options may also stand behind the
 * operands, a flag needs no value, and --help prints the table.
 */
#ifndef O2C_CLI_OPTIONS_H
#define O2C_CLI_OPTIONS_H

#include <stdbool.h>

#include "runtime/base/config.h"

struct options {
    const char *usage; /* "o2c publish [options] FILE|-" */
    const char *about; /* paragraphs under it, each line ended */
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

#endif
