/*
 * settings.h - the options of `o2c simulate`.  They come from the command line
 * alone: the same command writes the same bytes everywhere, whatever the
 * environment holds for the programs beside it.
 */
#ifndef O2C_SIMULATOR_SETTINGS_H
#define O2C_SIMULATOR_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/config.h"
#include "runtime/base/err.h"

struct o2c_sim_settings {
    int64_t accounts, orders, days, seed;
    const char *start_date_text;
    int64_t start_date; /* days since 1970; set by o2c_sim_settings_check */
    int64_t max_lines;  /* of one order */

    /* shares of the accounts, orders or events, in percent */
    int64_t branches, amended, cancelled, split, over_under, returned, refused;
    int64_t unshipped, undelivered, unpriced;
    int64_t repeated, late, contradicted;

    bool receivables, ticks; /* are they written? */
    int64_t instalments, unreferenced, late_paid, part_paid, overpaid, unpaid; /* percent */
    int64_t reversed, disputed;
};

extern const struct o2c_settings_table o2c_sim_settings_table;

/* Once the table has filled them: PARK where values do not fit together. */
enum o2c_verdict o2c_sim_settings_check(struct o2c_sim_settings *settings,
                                        struct o2c_err *err) O2C_MUST_CHECK;

#endif
