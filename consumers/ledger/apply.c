#include "consumers/ledger/apply.h"

#include <inttypes.h>

#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/ledger/rows.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

static struct o2c_str customer_of(const struct o2c_journal_posted *posted, size_t i)
{
    return posted->lines[i].customer_id.at ? posted->lines[i].customer_id
                                           : posted->head.customer_id;
}

/* The key of the total that line i counts for. */
#define TOTAL_OF(posted, i)                                                                \
    O2C_KEY(O2C_K((posted)->lines[i].account), O2C_K(customer_of(posted, i)),              \
            O2C_K((posted)->head.company_id), O2C_K((posted)->lines[i].currency))

void ledger_needs_journal(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_journal_posted *posted = event->journal_posted;

    o2c_want_row(wants, &ledger_journal, O2C_KEY(O2C_K(posted->journal_id)));
    for (size_t i = 0; i < posted->lines_count; i++)
        o2c_want_row(wants, &ledger_total, TOTAL_OF(posted, i));
}

/* ---- refusals; PARK names the field and the value */

static enum o2c_verdict check_line(const struct o2c_journal_posted *posted, size_t i,
                                   struct o2c_err *err)
{
    const struct o2c_journal_line *line = &posted->lines[i];

    if (line->debit_minor < 0 || line->credit_minor < 0 ||
        !line->debit_minor == !line->credit_minor)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu]: debit_minor %" PRId64 " and credit_minor %" PRId64
                        ": one must be above zero, the other zero",
                        i, line->debit_minor, line->credit_minor);
    if (line->debit_minor > O2C_MINOR_MAX || line->credit_minor > O2C_MINOR_MAX)
        return o2c_fail(err, O2C_PARK,
                        "lines[%zu]: debit_minor %" PRId64 " or credit_minor %" PRId64
                        " is above %" PRId64,
                        i, line->debit_minor, line->credit_minor, O2C_MINOR_MAX);
    if (o2c_currency_exponent(line->currency) < 0)
        return o2c_fail(err, O2C_PARK, "lines[%zu].currency: \"%.*s\" is no ISO 4217 code",
                        i, O2C_STR_ARG(line->currency));
    return O2C_OK;
}

/* Debits and credits of the currency of line i. */
static enum o2c_verdict check_currency(const struct o2c_journal_posted *posted, size_t i,
                                       struct o2c_err *err)
{
    struct o2c_str currency = posted->lines[i].currency;
    int64_t sum = 0;

    for (size_t k = 0; k < posted->lines_count; k++)
        if (o2c_str_eq(posted->lines[k].currency, currency) &&
            (!o2c_minor_add(sum, posted->lines[k].debit_minor, &sum) ||
             !o2c_minor_add(sum, -posted->lines[k].credit_minor, &sum)))
            return o2c_fail(err, O2C_PARK, "lines[%zu]: the sum does not fit", k);
#ifdef O2C_MUTANT_TAKES_ONE_SIDE
    sum = 0;
#endif
    if (sum)
        return o2c_fail(err, O2C_PARK,
                        "lines: debits and credits in %.*s differ by %" PRId64,
                        O2C_STR_ARG(currency), sum);
    return O2C_OK;
}

static enum o2c_verdict check(const struct o2c_journal_posted *posted, struct o2c_err *err)
{
    if (!posted->journal_id.len)
        return o2c_fail(err, O2C_PARK, "journal_id: is empty");
    if (!posted->lines_count)
        return o2c_fail(err, O2C_PARK, "lines: there is none");
    for (size_t i = 0; i < posted->lines_count; i++)
        if (check_line(posted, i, err))
            return err->verdict;
    for (size_t i = 0; i < posted->lines_count; i++) {
        bool seen = false;

        for (size_t k = 0; k < i && !seen; k++)
            seen = o2c_str_eq(posted->lines[k].currency, posted->lines[i].currency);
        if (!seen && check_currency(posted, i, err))
            return err->verdict;
    }
    return O2C_OK;
}

/* ---- the journal */

static enum o2c_verdict add_total(struct o2c_account *account,
                                  const struct o2c_journal_posted *posted, size_t i,
                                  struct o2c_err *err)
{
    const struct o2c_journal_line *line = &posted->lines[i];
    const struct o2c_key *key = TOTAL_OF(posted, i);
    const struct ledger_total *known = o2c_row_find(account, &ledger_total, key);
    struct ledger_total *total =
        known ? o2c_row_edit(known) : o2c_row_add(account, &ledger_total, key);

    if (!o2c_minor_add(total->debit_minor, line->debit_minor, &total->debit_minor) ||
        !o2c_minor_add(total->credit_minor, line->credit_minor, &total->credit_minor))
        return o2c_fail(err, O2C_PARK, "lines[%zu]: the total of the account does not fit",
                        i);
    return O2C_OK;
}

static void keep_line(struct o2c_account *account, const struct o2c_journal_posted *posted,
                      size_t i)
{
    const struct o2c_journal_line *given = &posted->lines[i];
    struct journal_line *line =
        o2c_row_append(account, &ledger_journal_line,
                       O2C_KEY(O2C_K(posted->journal_id), O2C_N((int64_t)i + 1)));

    line->ledger_account = given->account;
    line->customer_id = customer_of(posted, i);
    line->currency = given->currency;
    line->document = given->document;
    line->debit_minor = given->debit_minor;
    line->credit_minor = given->credit_minor;
}

enum o2c_verdict ledger_on_journal(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_journal_posted *posted = event->journal_posted;
    const struct o2c_key *key = O2C_KEY(O2C_K(posted->journal_id));
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct journal *known = o2c_row_find(account, &ledger_journal, key);
    struct journal *journal;

    if (check(posted, err))
        return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->content, known->first_seen,
                             "journal", posted->journal_id))
        return O2C_OK;
    journal = o2c_row_add(account, &ledger_journal, key);
    journal->company_id = posted->head.company_id;
    journal->posting = posted->posting;
    journal->source_event_id = posted->source_event_id;
    journal->posting_date = posted->posting_date;
    journal->content = content;
    journal->first_seen = moment->recorded_us;
    for (size_t i = 0; i < posted->lines_count; i++) {
        keep_line(account, posted, i);
        if (add_total(account, posted, i, err))
            return err->verdict;
    }
    return O2C_OK;
}
