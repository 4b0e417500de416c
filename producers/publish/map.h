/*
 * map.h - turns CSV files into events as a mapping file says: which files,
 * how they join, which columns make which fields under which conditions.  The
 * form of a mapping file is map.schema.json beside this file; docs/publishing.md
 * explains it by example.
 *
 *     o2c_map_open(&map, "classicmodels.json", "exports/", complain, user, &err)
 *     o2c_map_run(map, &intake, &err)      events go to the intake's sink
 *     o2c_map_close(map)
 */
#ifndef O2C_PUBLISH_MAP_H
#define O2C_PUBLISH_MAP_H

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_intake;
struct o2c_map;

/* One sentence about what is wrong with the mapping: "m.json: rows[0].from: ...". */
typedef void o2c_map_fault_fn(void *user, const char *sentence);

/*
 * Reads the mapping and finds its files in `input`: a directory, or one file
 * ("/dev/stdin" too) beside which the others lie.  PARK: something is wrong
 * with the mapping, or a file it names is missing or lacks a column; every
 * fault has been told to on_fault.  FATAL: the mapping cannot be read.
 */
enum o2c_verdict o2c_map_open(struct o2c_map **ret_map, const char *map_path,
                              const char *input, o2c_map_fault_fn *on_fault, void *user,
                              struct o2c_err *err) O2C_MUST_CHECK;
void o2c_map_close(struct o2c_map *map);

/* The mapping's own "source"; absent if it has none. */
struct o2c_str o2c_map_source(const struct o2c_map *map);

/*
 * Makes the events of every row, in the order of the mapping and the files.
 * FATAL: a file cannot be read; otherwise the sink's verdict.
 */
enum o2c_verdict o2c_map_run(struct o2c_map *map, struct o2c_intake *intake,
                             struct o2c_err *err) O2C_MUST_CHECK;

#endif
