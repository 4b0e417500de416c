/*
 * ndjson.h - reads events from NDJSON: one JSON object per line, as events.md
 * of the contract describes it; {"barrier": true} is handed to the sink.
 */
#ifndef O2C_PUBLISH_NDJSON_H
#define O2C_PUBLISH_NDJSON_H

#include "producers/publish/lines.h"

struct o2c_intake;

/*
 * Takes every line, in order; what is wrong with a line is told to the
 * intake's sink and the next one is read.  `file` stands in the messages.
 * FATAL: the file cannot be read; otherwise the sink's verdict.
 */
enum o2c_verdict o2c_ndjson_read(struct o2c_intake *intake, const char *file,
                                 o2c_lines_read_fn *read, void *user,
                                 struct o2c_err *err) O2C_MUST_CHECK;

#endif
