/* o2c simulate: an invented trading history as NDJSON on standard output. */
#include "producers/simulator/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"

#include "runtime/base/banned.h"

static enum o2c_verdict to_stdout(void *user, const char *lines, size_t len,
                                  struct o2c_err *err)
{
    (void)user;
    while (len) {
        ssize_t written = write(STDOUT_FILENO, lines, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return o2c_fail(err, O2C_FATAL, "standard output: %s", strerror(errno));
        lines += written;
        len -= (size_t)written;
    }
    return O2C_OK;
}

static int failed(const char *command, int status, const struct o2c_err *err)
{
    fprintf(stderr, "o2c %s: %s\n", command, err->text);
    return status;
}

int simulate_run(int argc, char **argv)
{
    struct o2c_sim_settings settings = {0};
    struct options options = {
        .usage = "o2c simulate [options] > EVENTS.ndjson",
        .about =
            "Writes an invented trading history: customers first, then what they order, what is\n"
            "sent to them and what comes back, in the order in which it is published. An invoice\n"
            "follows each shipment within hours, with 20 % tax and the customer's payment terms,\n"
            "a credit note each return; most invoices are paid some days before they are due. The\n"
            "same options give the same bytes.\n",
        .exits = {.done = "written", .findings = "standard output cannot be written"},
        .table = &o2c_sim_settings_table,
        .settings = &settings,
    };
    struct o2c_err err;
    int status;

    if (options_load(&options, argc, argv, &status)) {
        if (o2c_sim_settings_check(&settings, &err))
            status = failed(argv[0], EXIT_USAGE, &err);
        else if (o2c_simulate(&settings, to_stdout, NULL, &err))
            status = failed(argv[0], EXIT_FINDINGS, &err);
        else
            status = EXIT_OK;
    }
    options_clear(&options);
    return status;
}
