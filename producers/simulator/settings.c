#include "producers/simulator/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "runtime/base/str.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

struct option {
    const char *name;
    size_t offset;
    const char *default_value;
    int64_t min, max;
    const char *help;
};

#define AT(member) offsetof(struct o2c_sim_settings, member)

enum {
    MAX_LINES = 20,
    MAX_DAYS = 3660
};

static const struct option options[] = {
    {"accounts", AT(accounts), "200", 1, 9000000, "accounts that buy"},
    {"orders", AT(orders), "1500", 0, 20000000, "orders they place"},
    {"days", AT(days), "31", 1, MAX_DAYS, "length of the time in which they are placed"},
    {"seed", AT(seed), "1", 0, INT64_MAX, "another seed is another history"},
    {"start-date", AT(start_date), "2026-03-01", -719162, 2900000, "first day"},
    {"max-lines", AT(max_lines), "20", 1, MAX_LINES, "lines of the longest orders"},
    {"branch-percent", AT(branches), "10", 0, 100, "accounts with a second customer"},
    {"amended-percent", AT(amended), "20", 0, 100, "orders amended"},
    {"cancelled-percent", AT(cancelled), "8", 0, 100, "orders cancelled, whole or by line"},
    {"split-percent", AT(split), "25", 0, 100, "orders sent in several shipments"},
    {"over-under-percent", AT(over_under), "5", 0, 100, "orders over- or under-delivered"},
    {"returned-percent", AT(returned), "6", 0, 100, "orders with a return"},
    {"refused-percent", AT(refused), "1", 0, 100, "deliveries with refused lines"},
    {"unshipped-percent", AT(unshipped), "4", 0, 100, "orders not shipped yet"},
    {"undelivered-percent", AT(undelivered), "5", 0, 100, "shipments not delivered yet"},
    {"unpriced-percent", AT(unpriced), "0", 0, 100, "orders with a line without price"},
    {"repeated-percent", AT(repeated), "2", 0, 100, "events published twice"},
    {"late-percent", AT(late), "3", 0, 100, "events published out of order"},
    {"conflicts", AT(conflicts), "0", 0, 100, "percent of events contradicted later"},
    {"receivables", AT(receivables), "1", 0, 1, "1: invoices and payments follow; 0: none"},
    {"instalments-percent", AT(instalments), "10", 0, 100, "invoices due in two halves"},
    {"late-paid-percent", AT(late_paid), "25", 0, 100, "payments 3 to 45 days overdue"},
    {"unpaid-percent", AT(unpaid), "6", 0, 100, "invoices never paid, of those paid alone"},
    {"part-paid-percent", AT(part_paid), "5", 0, 100, "paid in part, every second later"},
    {"overpaid-percent", AT(overpaid), "2", 0, 100, "payments of more than is owed"},
    {"unreferenced-percent", AT(unreferenced), "12", 0, 100, "payments without remittance"},
    {"reversed-percent", AT(reversed), "1", 0, 100, "payments reversed, half paid again"},
    {"disputed-percent", AT(disputed), "4", 0, 100, "invoices disputed for a while"},
    {"ticks", AT(ticks), "0", 0, 1, "1: each day begins with its BusinessDayStarted"},
};

static const size_t option_count = sizeof(options) / sizeof(options[0]);

static const struct option *find(struct o2c_str name)
{
    for (size_t i = 0; i < option_count; i++)
        if (o2c_str_eq(name, o2c_str_from(options[i].name)))
            return &options[i];
    return NULL;
}

static bool is_date(const struct option *option)
{
    return option->offset == AT(start_date);
}

static bool read_value(const struct option *option, struct o2c_str text, int64_t *ret_value)
{
    int32_t date;
    int64_t value;
    if (is_date(option)) {
        if (!o2c_date_parse(text, &date))
            return false;
        value = date;
    } else if (!o2c_str_to_int64(text, &value)) {
        return false;
    }
    *ret_value = value;
    return value >= option->min && value <= option->max;
}

static enum o2c_verdict set(struct o2c_sim_settings *settings, const struct option *option,
                            struct o2c_str text, struct o2c_err *err)
{
    int64_t value;
    if (read_value(option, text, &value)) {
        memcpy((char *)settings + option->offset, &value, sizeof value);
        return O2C_OK;
    }
    if (is_date(option))
        return o2c_fail(err, O2C_PARK, "--%s: \"%.*s\" is no date like 2026-03-01",
                        option->name, O2C_STR_ARG(text));
    return o2c_fail(err, O2C_PARK, "--%s: \"%.*s\" is no number from %jd to %jd",
                    option->name, O2C_STR_ARG(text), (intmax_t)option->min,
                    (intmax_t)option->max);
}

/* Takes one option (and its value, in the same word or the next) off the arguments. */
static enum o2c_verdict take(struct o2c_sim_settings *settings, int argc, char **argv,
                             int *next, struct o2c_err *err)
{
    const char *word = argv[(*next)++];
    if (strncmp(word, "--", 2) != 0)
        return o2c_fail(err, O2C_PARK, "\"%s\" is no option", word);
    const char *equals = strchr(word, '=');
    struct o2c_str name = o2c_str_from(word + 2);
    if (equals)
        name.len = (size_t)(equals - name.at);
    const struct option *option = find(name);
    if (!option)
        return o2c_fail(err, O2C_PARK, "there is no option --%.*s", O2C_STR_ARG(name));
    if (equals)
        return set(settings, option, o2c_str_from(equals + 1), err);
    if (*next == argc)
        return o2c_fail(err, O2C_PARK, "--%s needs a value", option->name);
    return set(settings, option, o2c_str_from(argv[(*next)++]), err);
}

static enum o2c_verdict check(const struct o2c_sim_settings *settings, struct o2c_err *err)
{
    if (settings->cancelled + settings->unshipped > 100)
        return o2c_fail(
            err, O2C_PARK,
            "--cancelled-percent and --unshipped-percent are over 100 together");
    if (settings->repeated + settings->conflicts > 100)
        return o2c_fail(err, O2C_PARK,
                        "--repeated-percent and --conflicts are over 100 together");
    return O2C_OK;
}

enum o2c_verdict o2c_sim_settings_read(int argc, char **argv, struct o2c_sim_settings *ret,
                                       bool *ret_help, struct o2c_err *err)
{
    struct o2c_sim_settings settings = {0};
    *ret_help = false;
    for (size_t i = 0; i < option_count; i++)
        if (set(&settings, &options[i], o2c_str_from(options[i].default_value), err))
            return err->verdict;
    for (int next = 1; next < argc;) {
        if (!strcmp(argv[next], "--help") || !strcmp(argv[next], "-h")) {
            *ret_help = true;
            return O2C_OK;
        }
        if (take(&settings, argc, argv, &next, err))
            return err->verdict;
    }
    if (check(&settings, err))
        return err->verdict;
    *ret = settings;
    return O2C_OK;
}

void o2c_sim_settings_help(FILE *out)
{
    fputs(
        "usage: o2c simulate [options] > EVENTS.ndjson\n\n"
        "Writes an invented trading history: customers first, then what they order, what is\n"
        "sent to them and what comes back, in the order in which it is published.  An invoice\n"
        "follows each shipment within hours, with 20 % tax and the customer's payment terms,\n"
        "a credit note each return; most invoices are paid some days before they are due.  The\n"
        "same options give the same bytes.\n\n",
        out);
    for (size_t i = 0; i < option_count; i++)
        fprintf(out, "  --%-20s %s (%s)\n", options[i].name, options[i].help,
                options[i].default_value);
}
