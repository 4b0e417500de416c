/* must.h - what a fuzz target demands: the process ends where it does not hold. */
#ifndef O2C_TESTS_FUZZ_MUST_H
#define O2C_TESTS_FUZZ_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(bool holds, const char *what)
{
    if (!holds && fprintf(stderr, "%s\n", what))
        abort();
}

#endif
