/* The rules of docs/rules/ledger.md as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/ledger/ledger.h"
#include "consumers/ledger/rows.h"
#include "runtime/base/buf.h"
#include "tests/support/rule_cases.h"

#include "runtime/base/banned.h"

#define JOURNAL(id, lines) JOURNAL_OF("main", id, lines)
#define JOURNAL_OF(company, id, lines)                                                     \
    "{'type':'JournalPosted','company_id':'" company "','journal_id':'" id                 \
    "','posting_date':'2026-01-10','source_event_id':"                                     \
    "'5f0a5c4e-0000-7000-8000-000000000001','lines':[" lines "]}"
#define LINE_IN(currency, account, debit, credit, more)                                    \
    "{'account':'" account "','debit_minor':" #debit ",'credit_minor':" #credit            \
    ",'currency':'" currency "'" more "}"
#define LINE(account, debit, credit) LINE_IN("EUR", account, debit, credit, "")

static void describe(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct ledger_total *total;

    for (size_t i = 0; (total = rows_fixture_row(fixture, &ledger_total, i)); i++) {
        bool main = o2c_str_eq(total->company_id, O2C_STR("main"));

        o2c_buf_printf(out, "%.*s %.*s %.*s%s%.*s %" PRId64 "/%" PRId64 "\n",
                       O2C_STR_ARG(total->ledger_account), O2C_STR_ARG(total->customer_id),
                       main ? 0 : (int)total->company_id.len, total->company_id.at,
                       main ? "" : " ", O2C_STR_ARG(total->currency), total->debit_minor,
                       total->credit_minor);
    }
    o2c_buf_printf(out, "%zu journals, %zu lines\n",
                   rows_fixture_row_count(fixture, &ledger_journal),
                   rows_fixture_row_count(fixture, &ledger_journal_line));
}

static const struct rule_case cases[] = {
    {"journals add up per account, customer and currency",
     {JOURNAL("J1", LINE("receivable", 119, 0) "," LINE("revenue", 0,
                                                        100) "," LINE("output_tax", 0, 19)),
      JOURNAL("J2", LINE("bank", 50, 0) "," LINE_IN("EUR", "receivable", 0, 50,
                                                    ",'customer_id':'C2'")),
      JOURNAL("J3",
              LINE_IN("USD", "bank", 7, 0, "") "," LINE_IN("USD", "receivable", 0, 7, "")),
      NULL},
     "bank C1 EUR 50/0\nbank C1 USD 7/0\noutput_tax C1 EUR 0/19\n"
     "receivable C1 EUR 119/0\nreceivable C1 USD 0/7\nreceivable C2 EUR 0/50\n"
     "revenue C1 EUR 0/100\n3 journals, 7 lines\n"},
    {"two companies have books of their own",
     {JOURNAL("J1", LINE("bank", 2, 0) "," LINE("unapplied", 0, 2)),
      JOURNAL_OF("beta", "J2", LINE("bank", 3, 0) "," LINE("unapplied", 0, 3)), NULL},
     "bank C1 beta EUR 3/0\nbank C1 EUR 2/0\nunapplied C1 beta EUR 0/3\n"
     "unapplied C1 EUR 0/2\n2 journals, 4 lines\n"},
    {"two lines of one account in one journal",
     {JOURNAL("J1", LINE("bank", 2, 0) "," LINE("bank", 3, 0) "," LINE("unapplied", 0, 5)),
      NULL},
     "bank C1 EUR 5/0\nunapplied C1 EUR 0/5\n1 journals, 3 lines\n"},
};

static void journals_add_up_in_any_order_each_once(void **state)
{
    (void)state;
    rule_cases_run(&ledger_consumer, cases, sizeof cases / sizeof cases[0], describe);
}

static const struct {
    const char *event, *reason;
} refusals[] = {
    {JOURNAL("", LINE("bank", 1, 0)), "journal_id: is empty"},
    {JOURNAL("J", ""), "lines: there is none"},
    {JOURNAL("J", LINE("bank", 5, 0) "," LINE("revenue", 0, 4)),
     "lines: debits and credits in EUR differ by 1"},
    {JOURNAL("J", LINE("bank", 5, 0) "," LINE_IN("USD", "revenue", 0, 5, "")),
     "lines: debits and credits in EUR differ by 5"},
    {JOURNAL("J", LINE("bank", 5, 5)),
     "lines[0]: debit_minor 5 and credit_minor 5: one must be above zero, the other zero"},
    {JOURNAL("J", LINE("bank", 0, 0)),
     "lines[0]: debit_minor 0 and credit_minor 0: one must be above zero, the other zero"},
    {JOURNAL("J", LINE("bank", -1, 0)),
     "lines[0]: debit_minor -1 and credit_minor 0: one must be above zero, the other zero"},
    {JOURNAL("J",
             LINE("bank", 1000000000000001, 0) "," LINE("revenue", 0, 1000000000000001)),
     "lines[0]: debit_minor 1000000000000001 or credit_minor 0 is above 1000000000000000"},
    {JOURNAL("J", LINE_IN("EURO", "bank", 1, 0, "")),
     "lines[0].currency: \"EURO\" is no ISO 4217 code"},
};

static void what_does_not_balance_is_parked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&ledger_consumer);
        struct o2c_err err;

        if (rule_apply(fixture, refusals[i].event, &err) != O2C_PARK)
            fail_msg("not parked: %s", refusals[i].reason);
        assert_string_equal(err.text, refusals[i].reason);
        rows_fixture_free(fixture);
    }
}

static void the_same_journal_with_other_lines_is_a_conflict(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&ledger_consumer);
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture,
                                JOURNAL("J", LINE("bank", 5, 0) "," LINE("revenue", 0, 5)),
                                &err),
                     O2C_OK);
    assert_int_equal(rule_apply(fixture,
                                JOURNAL("J", LINE("bank", 6, 0) "," LINE("revenue", 0, 6)),
                                &err),
                     O2C_OK);
    assert_non_null(rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0));
    assert_int_equal(
        ((const struct ledger_total *)rows_fixture_row(fixture, &ledger_total, 0))
            ->debit_minor,
        5);
    rows_fixture_free(fixture);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(journals_add_up_in_any_order_each_once),
        cmocka_unit_test(what_does_not_balance_is_parked),
        cmocka_unit_test(the_same_journal_with_other_lines_is_a_conflict),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(all, NULL, NULL);
}
