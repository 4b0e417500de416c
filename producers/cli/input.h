/*
 * input.h - the file of events that a subcommand reads: NDJSON, or CSV with a
 * mapping.  Used by o2c publish and o2c import.
 */
#ifndef O2C_CLI_INPUT_H
#define O2C_CLI_INPUT_H

#include <stdint.h>

#include "producers/publish/lines.h"
#include "producers/publish/map.h"
#include "runtime/base/err.h"

struct o2c_intake;

struct input {
    const char *path; /* as given; "-": standard input */
    const char *file; /* as shown in messages */
    struct o2c_map *map;
    int fd;         /* -1: none, the mapping opens its files itself */
    uint64_t bytes; /* 0: not known */
};

/*
 * `path` and `map` (empty: NDJSON) are borrowed.  FATAL: it cannot be read;
 * PARK: the mapping is faulty, its faults were told to on_fault.  To be closed
 * in either case.
 */
enum o2c_verdict input_open(struct input *input, const char *path, const char *map,
                            o2c_map_fault_fn *on_fault, void *user,
                            struct o2c_err *err) O2C_MUST_CHECK;
void input_close(struct input *input);

/* All of it to the intake; NDJSON is read through `read`. */
enum o2c_verdict input_read(struct input *input, struct o2c_intake *intake,
                            o2c_lines_read_fn *read, void *user,
                            struct o2c_err *err) O2C_MUST_CHECK;

#endif
