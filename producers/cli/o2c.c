/* o2c - the command line of the pipeline: finds the subcommand and runs it. */

#include <stdio.h>
#include <string.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "runtime/base/log.h"

#include "runtime/base/banned.h"

/* In the order in which help shows them: that of a first day's work. */
static const struct o2c_command commands[] = {
    {"migrate", "bring the database up to date", migrate_run},
    {"topics", "create or list the topics", topics_run},
    {"simulate", "write an invented month of business as NDJSON", simulate_run},
    {"publish", "publish events from NDJSON or CSV", publish_run},
    {"clock", "begin business days", clock_run},
    {"drain", "wait until nothing is under way any more", drain_run},
    {"lag", "how far each consumer is behind", lag_run},
    {"parked", "events that could not be applied: list, release, discard", parked_run},
    {"flow", "where documents are, and what is stuck", flow_run},
    {"invoices", "a customer's documents, payments and statement", invoices_run},
    {"ageing", "what customers owed on a date, by age", ageing_run},
    {"ledger", "balances of the ledger accounts, and the trial balance", ledger_run},
    {"import", "prove that a published file is what the views show", import_run},
    {"rebuild", "fold the topics again in the recorded order", rebuild_run},
    {"verify", "check that nothing was lost or invented", verify_run},
};

static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static void print_help(FILE *out)
{
    fputs("usage: o2c COMMAND [options]\n\n", out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\no2c COMMAND --help tells more.\n\n", out);
    options_print_exit_rule(out);
}

/* What was printed to nowhere (a full disk) is nothing that was done. */
static int finished(const char *command, int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    fprintf(stderr, "o2c %s: standard output cannot be written\n", command);
    return status ? status : EXIT_FINDINGS;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(stdout);
        return finished(argv[1], EXIT_OK);
    }
    o2c_log_init("o2c", O2C_LOG_ERROR); /* what goes wrong a command says itself */
    for (size_t i = 0; i < command_count; i++)
        if (!strcmp(argv[1], commands[i].name))
            return finished(argv[1], commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "o2c: there is no command \"%s\"; o2c help lists them\n", argv[1]);
    return EXIT_USAGE;
}
