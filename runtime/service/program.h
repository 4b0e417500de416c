/*
 * program.h - the main of a long-running program: it answers what describe.h
 * lists, or reads its settings, opens its log and runs.
 */
#ifndef O2C_SERVICE_PROGRAM_H
#define O2C_SERVICE_PROGRAM_H

#include "runtime/base/err.h"
#include "runtime/service/describe.h"

struct o2c_service_settings;

struct o2c_service_program {
    const char *name; /* in its log: "orders" */
    struct o2c_service_about about;
    void *settings;                             /* what the tables of `about` describe */
    const struct o2c_service_settings *service; /* a member of it */
    /* Once they are read, before run; may be NULL. */
    enum o2c_verdict (*check)(void *user, struct o2c_err *err);
    int (*run)(void *user); /* hands back the exit status */
    void *user;
};

/* The exit status: 2 after logging which setting or word is refused, else that of run. */
int o2c_service_main(const struct o2c_service_program *program, int argc, char **argv);

#endif
