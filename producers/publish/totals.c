#include "producers/publish/totals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producers/publish/facts.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

bool o2c_run_id_is_valid(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789._-");
    return len && len <= O2C_RUN_ID_BYTES && !text[len] && text[0] != '.' && text[0] != '-';
}

void o2c_totals_path(const char *run, char ret_path[O2C_TOTALS_PATH_BYTES])
{
    snprintf(ret_path, O2C_TOTALS_PATH_BYTES, "%s.totals.json", run);
}

/* The object under this key, made where there is none; borrowed; NULL: no memory. */
static json_t *under(json_t *object, struct o2c_str key)
{
    json_t *found = json_object_getn(object, key.at ? key.at : "", key.len);
    if (found)
        return found;
    found = json_object();
    if (!found || json_object_setn_new(object, key.at ? key.at : "", key.len, found))
        return NULL;
    return found;
}

bool o2c_totals_add(json_t *totals, const struct o2c_facts *facts)
{
    json_t *at = under(totals, o2c_str_from(o2c_event_type_row(facts->type)->name));
    if (at)
        at = under(at, facts->customer);
    if (at)
        at = under(at, facts->currency);
    if (!at)
        return false;
    const json_t *amount = json_object_get(at, "amount_minor");
    json_int_t count = json_integer_value(json_object_get(at, "count")) + 1;
    int64_t sum = 0;
    bool fits = !json_is_null(amount) &&
                o2c_minor_add(json_integer_value(amount),
                              facts->has_amount ? facts->amount_minor : 0, &sum);
    return !json_object_set_new(at, "count", json_integer(count)) &&
           !json_object_set_new(at, "amount_minor", fits ? json_integer(sum) : json_null());
}

enum o2c_verdict o2c_totals_write(const char *path, const json_t *run, struct o2c_err *err)
{
    char *beside;
    if (asprintf(&beside, "%s.new", path) < 0)
        return o2c_fail(err, O2C_RETRY, "%s: no memory", path);
    errno = 0;
    if (json_dump_file(run, beside, JSON_INDENT(1)) || rename(beside, path)) {
        o2c_fail(err, O2C_RETRY, "%s cannot be written: %s", path, strerror(errno));
        (void)unlink(beside);
    } else {
        err->verdict = O2C_OK;
    }
    free(beside);
    return err->verdict;
}

enum o2c_verdict o2c_totals_read(const char *path, json_t **ret_run, struct o2c_err *err)
{
    json_error_t error;
    if (access(path, R_OK))
        return o2c_fail(err, O2C_RETRY, "%s: %s", path, strerror(errno));
    json_t *run = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!run)
        return o2c_fail(err, O2C_PARK, "%s:%d: %s", path, error.line, error.text);
    if (!json_is_object(json_object_get(run, "totals"))) {
        json_decref(run);
        return o2c_fail(err, O2C_PARK, "%s: totals: is no object: no control totals", path);
    }
    *ret_run = run;
    return O2C_OK;
}

/* What the left side has; `back`: only what the right one lacks, told the other way round.
 */
static void compare_one_way(const json_t *left, const json_t *right, bool back,
                            o2c_totals_differ_fn *on_difference, void *user)
{
    const char *type, *customer, *currency;
    json_t *customers, *currencies, *mine;
    json_object_foreach((json_t *)(uintptr_t)left, type, customers)
    {
        json_object_foreach(customers, customer, currencies)
        {
            json_object_foreach(currencies, currency, mine)
            {
                const json_t *theirs = json_object_get(
                    json_object_get(json_object_get(right, type), customer), currency);
                if (back && !theirs)
                    on_difference(user, type, customer, currency, NULL, mine);
                else if (!back && !json_equal(mine, theirs))
                    on_difference(user, type, customer, currency, mine, theirs);
            }
        }
    }
}

void o2c_totals_compare(const json_t *left, const json_t *right,
                        o2c_totals_differ_fn *on_difference, void *user)
{
    compare_one_way(left, right, false, on_difference, user);
    compare_one_way(right, left, true, on_difference, user);
}
