/*
 * totals.h - the control totals of a run: per event type, customer and
 * currency how many events and the sum of their amounts, kept in a JSON file.
 * Written by o2c publish of what Kafka acknowledged, compared by o2c import
 * check with the file that was published.
 */
#ifndef O2C_PUBLISH_TOTALS_H
#define O2C_PUBLISH_TOTALS_H

#include <jansson.h>
#include <stdbool.h>

#include "runtime/base/err.h"

struct o2c_facts;

enum {
    O2C_RUN_ID_BYTES = 64,
    O2C_TOTALS_PATH_BYTES = O2C_RUN_ID_BYTES + 32
};

/* Whether it can name a run: up to 64 letters, digits, ".", "_" and "-". */
bool o2c_run_id_is_valid(const char *text);

/* Where the totals of a run with such an id are, unless it is said otherwise. */
void o2c_totals_path(const char *run, char ret_path[O2C_TOTALS_PATH_BYTES]);

/* {"InvoiceIssued": {"C-1": {"EUR": {"count": 2, "amount_minor": 300}}}}; a sum that does
 * not fit in 64 bits is null.  False: no memory. */
bool o2c_totals_add(json_t *totals, const struct o2c_facts *facts);

/* Replaces the file as a whole.  RETRY: it cannot be written. */
enum o2c_verdict o2c_totals_write(const char *path, const json_t *run,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/* The file's object, a new reference, with an object "totals" in it.  RETRY: there is no
 * such file; PARK: it is none of these. */
enum o2c_verdict o2c_totals_read(const char *path, json_t **ret_run,
                                 struct o2c_err *err) O2C_MUST_CHECK;

/* "InvoiceIssued of customer C-1 in EUR"; a side that has nothing is NULL. */
typedef void o2c_totals_differ_fn(void *user, const char *type, const char *customer,
                                  const char *currency, const json_t *left,
                                  const json_t *right);

/* Tells every place where they differ. */
void o2c_totals_compare(const json_t *left, const json_t *right,
                        o2c_totals_differ_fn *on_difference, void *user);

#endif
