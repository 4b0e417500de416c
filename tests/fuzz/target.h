/* target.h - what libFuzzer calls, and replay.c where there is no libFuzzer. */
#ifndef O2C_TESTS_FUZZ_TARGET_H
#define O2C_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

#endif
