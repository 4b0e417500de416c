/*
 * commands.h - the subcommands of `o2c`: one file and one row in o2c.c each.
 * argv[0] is the subcommand's name; run returns the exit status.
 */
#ifndef O2C_CLI_COMMANDS_H
#define O2C_CLI_COMMANDS_H

struct o2c_command {
    const char *name;
    const char *summary; /* one line, for o2c help */
    int (*run)(int argc, char **argv);
};

/* What every subcommand's exit status means; o2c help says it in exit_rule's words. */
enum {
    EXIT_OK = 0,
    EXIT_FINDINGS = 1,
    EXIT_USAGE = 2,
    EXIT_STACK_FAILED = 3,
    EXIT_TIMEOUT = 4,
    EXIT_INTERRUPTED = 130,
};

int ageing_run(int argc, char **argv);
int clock_run(int argc, char **argv);
int drain_run(int argc, char **argv);
int flow_run(int argc, char **argv);
int invoices_run(int argc, char **argv);
int import_run(int argc, char **argv);
int lag_run(int argc, char **argv);
int ledger_run(int argc, char **argv);
int migrate_run(int argc, char **argv);
int parked_run(int argc, char **argv);
int publish_run(int argc, char **argv);
int rebuild_run(int argc, char **argv);
int simulate_run(int argc, char **argv);
int topics_run(int argc, char **argv);
int verify_run(int argc, char **argv);

#endif
