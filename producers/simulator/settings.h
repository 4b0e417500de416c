/*
 * settings.h - the options of `o2c simulate`.  They come from the command line
 * alone: the same command writes the same bytes everywhere, whatever the
 * environment holds for the programs beside it.
 */
#ifndef O2C_SIMULATOR_SETTINGS_H
#define O2C_SIMULATOR_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/base/err.h"

struct o2c_sim_settings {
    int64_t accounts, orders, days, seed;
    int64_t start_date; /* days since 1970 */
    int64_t max_lines;  /* of one order */

    /* shares of the accounts, orders or events, in percent */
    int64_t branches, amended, cancelled, split, over_under, returned, refused;
    int64_t unshipped, undelivered, unpriced;
    int64_t repeated, late, conflicts;

    int64_t receivables, ticks; /* 1: they are written */
    int64_t instalments, unreferenced, late_paid, part_paid, overpaid, unpaid; /* percent */
    int64_t reversed, disputed;
};

/*
 * Fills *ret from the defaults and argv (argv[0] is skipped).  PARK, with a
 * text for the user, on an unknown option, a bad value or shares that do not
 * fit together.  *ret_help is true when help was asked for instead.
 */
enum o2c_verdict o2c_sim_settings_read(int argc, char **argv, struct o2c_sim_settings *ret,
                                       bool *ret_help, struct o2c_err *err) O2C_MUST_CHECK;

void o2c_sim_settings_help(FILE *out);

#endif
