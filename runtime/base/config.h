/*
 * config.h - the settings of one program: one table gives the environment
 * variables, the keys of the configuration file, --help and the page
 * docs/configuration.md.
 *
 * Precedence: command line (--name VALUE or --name=VALUE) over environment
 * (O2C_NAME) over file (name = value, '#' comments) over default.  The file is
 * named by --config or O2C_CONFIG.  A key that is not in the table, in the
 * file or as an O2C_ variable, refuses the start.  Where all is given on the
 * command line alone, neither environment nor file is looked at.
 */
#ifndef O2C_BASE_CONFIG_H
#define O2C_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum o2c_setting_kind {
    O2C_SETTING_TEXT, /* const char *, owned by the configuration */
    O2C_SETTING_INT,  /* int64_t, within min..max */
    O2C_SETTING_FLAG, /* bool: true/false/yes/no/1/0 */

    /* The same, but given on the command line alone: what belongs to one call, not to an
     * installation, such as the reason of an act. */
    O2C_OPTION_TEXT,
    O2C_OPTION_INT,
    O2C_OPTION_FLAG,

    /* Of the programs beside this one, which share its environment and its file: passed
     * over there, never shown, and no option.  The rest of the row says nothing. */
    O2C_SETTING_OF_OTHERS,
};

struct o2c_setting {
    const char *name; /* "pg-dsn": option --pg-dsn, variable O2C_PG_DSN, file key pg-dsn */
    enum o2c_setting_kind kind;
    size_t offset;             /* in the program's settings struct */
    const char *default_value; /* as text; NULL: required */
    int64_t min, max;          /* O2C_SETTING_INT */
    const char *unit;          /* "ms", "bytes", NULL */
    const char *help;          /* one line */
    bool secret;               /* never printed or logged */
};

struct o2c_settings_table {
    const struct o2c_setting *settings;
    size_t setting_count;
};

/* What is said of an operand that nothing takes. */
#define O2C_WORD_TOO_MANY "\"%s\" is a word too many"

/* Whether the option may stand without a value. */
bool o2c_setting_is_flag(const struct o2c_setting *setting);

/*
 * Fills `settings` (a struct described by the tables; several tables make one
 * program's settings, offsets into the same struct).  argv[0] is skipped; argv
 * is read up to the first word that is no option ("-" is none), or past "--";
 * *ret_next is the index of what follows, and where ret_next is NULL nothing may
 * follow.  A flag without "=" takes the next
 * word only if that is true, false, yes or no.  --help is not handled here.
 * O2C_CONFIG, O2C_FAILPOINTS and O2C_FAILPOINT_LOG are no settings.  The texts
 * live until o2c_config_free.
 */
struct o2c_config;
enum o2c_verdict o2c_config_load(struct o2c_config **ret_config,
                                 const struct o2c_settings_table *tables,
                                 size_t table_count, void *settings, int argc, char **argv,
                                 int *ret_next, struct o2c_err *err) O2C_MUST_CHECK;
void o2c_config_free(struct o2c_config *config);

/* Prints the table for --help (markdown false) or for docs/configuration.md (true). */
struct o2c_buf;
void o2c_config_describe(struct o2c_buf *out, const struct o2c_settings_table *tables,
                         size_t table_count, bool markdown);

#endif
