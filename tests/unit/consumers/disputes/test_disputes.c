/* The rules of docs/rules/disputes.md: events in, what is published and kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/disputes/disputes.h"
#include "consumers/disputes/rows.h"
#include "runtime/base/buf.h"
#include "tests/support/rule_cases.h"

#include "runtime/base/banned.h"

#define ITEM_OF(kind, no, open, more)                                                      \
    "{'type':'OpenItemChanged','document_id':'I1','kind':'" kind "','instalment_no':" #no  \
    ",'due_date':'2026-02-01','currency':'EUR','open_minor':" #open                        \
    ",'disputed_minor':0,'cause':'issued'," more "}"
/* As version 1 told it: the item is the whole. */
#define ITEM(open) ITEM_OF("invoice", 1, open, "'state':'open'")
#define PART(no, open, whole)                                                              \
    ITEM_OF("invoice", no, open, "'state':'open','document_open_minor':" #whole)
#define CREDITED(open, credited)                                                           \
    ITEM_OF("invoice", 1, open,                                                            \
            "'state':'open','cause_id':'N1','document_open_minor':" #open                  \
            ",'document_credited_minor':" #credited)
/* A credit note of so much that says which dispute it is for. */
#define NAMED(note, id, amount)                                                            \
    "{'type':'OpenItemChanged','document_id':'" note                                       \
    "','kind':'credit_note','instalment_no':1,'due_date':'2026-01-15','currency':'EUR',"   \
    "'open_minor':0,'amount_minor':" #amount                                               \
    ",'disputed_minor':0,'cause':'issued','state':'paid','dispute_id':'" id "'}"
#define ENDED(state) ITEM_OF("invoice", 1, 0, "'cause_id':'I1','state':'" state "'")
#define DEBIT_NOTE(open) ITEM_OF("debit_note", 1, open, "'state':'open'")
#define RAISED(id, amount)                                                                 \
    "{'type':'DisputeRaised','dispute_id':'" id                                            \
    "','invoice_id':'I1','amount_minor':" #amount                                          \
    ",'reason_code':'01','raised_by':'buyer'}"
#define ASSIGNED(who)                                                                      \
    "{'type':'DisputeAssigned','occurred_at':'2026-01-20T10:00:00Z','dispute_id':'D1','"   \
    "assignee':'" who "'}"
#define DECIDED(outcome, more) DECIDED_OF("D1", outcome, more)
#define DECIDED_OF(id, outcome, more)                                                      \
    "{'type':'DisputeDecided','occurred_at':'2026-01-20T10:00:00Z','dispute_id':'" id      \
    "','outcome':'" outcome "','decided_by':'clerk','note':'x'" more "}"
#define WITHDRAWN                                                                          \
    "{'type':'DisputeWithdrawn','occurred_at':'2026-01-20T10:00:00Z','dispute_id':'D1'}"
#define EVIDENCE                                                                           \
    "{'type':'DisputeEvidenceAdded','occurred_at':'2026-01-20T10:00:00Z','dispute_id':'"   \
    "D1','evidence':['photo']}"

enum {
    EVENTS_MAX = 8
};

/* What the events publish, and in the end the state of D1 (- : it waits). */
static const struct {
    const char *name;
    const char *events[EVENTS_MAX + 1];
    const char *published;
} cases[] = {
    {"a dispute on a known invoice opens",
     {ITEM(100), RAISED("D1", 40), NULL},
     "opened 40\nopen 40\n"},
    {"a dispute waits for its invoice", {RAISED("D1", 40), NULL}, "- 40\n"},
    {"and opens when it comes",
     {RAISED("D1", 40), ITEM(100), NULL},
     "opened 40\nopen 40\n"},
    {"raised twice",
     {ITEM(100), RAISED("D1", 40), RAISED("D1", 40), NULL},
     "opened 40\nrepeat\nopen 40\n"},
    {"raised otherwise",
     {ITEM(100), RAISED("D1", 40), RAISED("D1", 50), NULL},
     "opened 40\nconflict\nopen 40\n"},
    {"assigned, then to somebody else",
     {ITEM(100), RAISED("D1", 40), ASSIGNED("ann"), ASSIGNED("bob"), ASSIGNED("bob"), NULL},
     "opened 40\ninvestigating 40 ann\ninvestigating 40 bob\nrepeat\ninvestigating 40\n"},
    {"approved: active until the invoice is settled",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), NULL},
     "opened 40\napproved 40\napproved 40\n"},
    {"the credit note closes it, with the rest of the invoice still open",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), CREDITED(70, 30),
      CREDITED(60, 40), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"a credit note before the decision counts",
     {ITEM(100), RAISED("D1", 40), CREDITED(60, 40), DECIDED("approved", ""), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed credit_note\nclosed 40\n"},
    {"so does one before its invoice",
     {RAISED("D1", 40), CREDITED(60, 40), DECIDED("approved", ""), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed credit_note\nclosed 40\n"},
    {"and ends the case as soon as the invoice is there",
     {RAISED("D1", 40), DECIDED("approved", ""), CREDITED(60, 40), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"one before the dispute was raised does not",
     {CREDITED(60, 40), RAISED("D1", 40), DECIDED("approved", ""), CREDITED(30, 70), NULL},
     "opened 40\napproved 40\napproved 40\n"},
    {"what was approved in part is credited in part",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':15"),
      CREDITED(85, 15), NULL},
     "opened 40\napproved 15\nclosed 15\nclosed credit_note by N1\nclosed 15\n"},
    {"a credit note closes one case, not two",
     {ITEM(100), RAISED("D1", 40), RAISED("D2", 40), DECIDED_OF("D2", "approved", ""),
      DECIDED("approved", ""), CREDITED(60, 40), NULL},
     "opened 40\nopened 40\napproved 40\napproved 40\nclosed 40\nclosed credit_note by "
     "N1\nclosed 40\n"},
    {"the next one closes the other",
     {ITEM(100), RAISED("D2", 40), RAISED("D1", 50), DECIDED_OF("D2", "approved", ""),
      CREDITED(60, 40), DECIDED("approved", ""), CREDITED(10, 90), NULL},
     "opened 40\nopened 50\napproved 40\nclosed 40\nclosed credit_note by N1\napproved "
     "50\nclosed 50\nclosed credit_note by N1\nclosed 50\n"},
    {"a credit note without a decision closes nothing",
     {ITEM(100), RAISED("D1", 40), CREDITED(60, 40), NULL},
     "opened 40\nopen 40\n"},
    {"one that names it needs none",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 40), CREDITED(60, 40), NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"and counts also where it came before the dispute was raised",
     {ITEM(100), NAMED("N1", "D1", 40), CREDITED(60, 40), RAISED("D1", 40), NULL},
     "opened 40\nclosed 40\nclosed credit_note\nclosed 40\n"},
    {"or before its invoice",
     {NAMED("N1", "D1", 40), RAISED("D1", 40), CREDITED(60, 40), NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"the one before it does not",
     {ITEM(100), CREDITED(60, 40), NAMED("N2", "D1", 20), CREDITED(40, 60),
      RAISED("D1", 40), DECIDED("approved", ""), NULL},
     "opened 40\napproved 40\napproved 40\n"},
    {"the whole of the invoice",
     {ITEM(100), NAMED("N1", "D1", 100), CREDITED(0, 100), RAISED("D1", 100), NULL},
     "opened 100\nclosed 100\nclosed credit_note\nclosed 100\n"},
    {"several come to the amount together",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 15), CREDITED(85, 15),
      NAMED("N2", "D1", 25), CREDITED(60, 40), NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"for less, somebody decides about the rest",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 15), CREDITED(85, 15),
      DECIDED("partly_approved", ",'amount_minor':15"), NULL},
     "opened 40\napproved 15\nclosed 15\nclosed credit_note\nclosed 15\n"},
    {"it closes nothing as long as nothing is credited of the invoice",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 40), ITEM(90), NULL},
     "opened 40\nopen 40\n"},
    {"nor a case that was paid",
     {ITEM(100), RAISED("D1", 40), ITEM(0), NAMED("N1", "D1", 40), NULL},
     "opened 40\nclosed 40\nclosed paid\nclosed 40\n"},
    {"nor one that it does not name, whichever comes first",
     {ITEM(100), RAISED("D1", 40), RAISED("D2", 40), DECIDED("approved", ""),
      NAMED("N1", "D2", 40), CREDITED(60, 40), NULL},
     "opened 40\nopened 40\napproved 40\nclosed 40\nclosed credit_note by N1\n"
     "approved 40\n"},
    {"one that names it has the last word: it was rejected before",
     {ITEM(100), RAISED("D1", 40), DECIDED("rejected", ""), NAMED("N1", "D1", 40),
      CREDITED(60, 40), NULL},
     "opened 40\nrejected 40\nclosed 40\nclosed charge_back\nclosed 40\nclosed "
     "credit_note by N1\nclosed 40\n"},
    {"or afterwards",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 40), CREDITED(60, 40),
      DECIDED("rejected", ""), NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"it was withdrawn before",
     {ITEM(100), RAISED("D1", 40), WITHDRAWN, NAMED("N1", "D1", 40), CREDITED(60, 40),
      NULL},
     "opened 40\nwithdrawn 40\nclosed withdrawn\nclosed 40\nclosed credit_note by "
     "N1\nclosed 40\n"},
    {"or afterwards, also",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 40), CREDITED(60, 40), WITHDRAWN,
      NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"all of it came before the dispute was raised",
     {ITEM(100), WITHDRAWN, NAMED("N1", "D1", 40), CREDITED(60, 40), RAISED("D1", 40),
      NULL},
     "opened 40\nwithdrawn 40\nclosed withdrawn\nclosed 40\nclosed "
     "credit_note\nclosed 40\n"},
    {"one for less does not end what was withdrawn",
     {ITEM(100), RAISED("D1", 40), WITHDRAWN, NAMED("N1", "D1", 15), CREDITED(85, 15),
      ITEM(0), NULL},
     "opened 40\nwithdrawn 40\nclosed withdrawn\nwithdrawn 40\n"},
    {"nor does one that names nothing",
     {ITEM(100), RAISED("D1", 40), DECIDED("rejected", ""), CREDITED(60, 40), NULL},
     "opened 40\nrejected 40\nclosed 40\nclosed charge_back\nclosed 40\n"},
    {"all that was raised is credited, a part was approved before",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':15"),
      NAMED("N1", "D1", 40), CREDITED(60, 40), NULL},
     "opened 40\napproved 15\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"or is approved afterwards",
     {ITEM(100), RAISED("D1", 40), NAMED("N1", "D1", 40), CREDITED(60, 40),
      DECIDED("partly_approved", ",'amount_minor':15"), NULL},
     "opened 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"more than the part that was approved and less than what was raised",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':15"),
      NAMED("N1", "D1", 25), CREDITED(75, 25), NULL},
     "opened 40\napproved 15\nclosed 15\nclosed credit_note by N1\nclosed 15\n"},
    {"what ended so was credited once, and not for another case",
     {ITEM(100), RAISED("D2", 40), RAISED("D1", 40), WITHDRAWN, NAMED("N1", "D1", 40),
      CREDITED(60, 40), DECIDED_OF("D2", "approved", ""), NULL},
     "opened 40\nopened 40\nwithdrawn 40\nclosed withdrawn\nclosed 40\nclosed "
     "credit_note by N1\napproved 40\nclosed 40\n"},
    {"paid, and credited for less than was approved",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), CREDITED(70, 30),
      CREDITED(0, 30), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed paid by N1\nclosed 40\n"},
    {"approved, and paid all the same",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), ITEM(0), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed paid\nclosed 40\n"},
    {"the invoice is cancelled",
     {ITEM(100), RAISED("D1", 40), ENDED("cancelled"), NULL},
     "opened 40\nclosed 40\nclosed credit_note\nclosed 40\n"},
    {"the invoice is written off",
     {ITEM(100), RAISED("D1", 40), ENDED("written_off"), NULL},
     "opened 40\nclosed 40\nclosed write_off\nclosed 40\n"},
    {"partly approved: the rest is due again",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':15"), NULL},
     "opened 40\napproved 15\napproved 15\n"},
    {"rejected: charged back",
     {ITEM(100), RAISED("D1", 40), DECIDED("rejected", ""), NULL},
     "opened 40\nrejected 40\nclosed 40\nclosed charge_back\nclosed 40\n"},
    {"decided again otherwise",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), DECIDED("rejected", ""), NULL},
     "opened 40\napproved 40\nconflict\napproved 40\n"},
    {"withdrawn",
     {ITEM(100), RAISED("D1", 40), WITHDRAWN, WITHDRAWN, NULL},
     "opened 40\nwithdrawn 40\nclosed withdrawn\nrepeat\nwithdrawn 40\n"},
    {"withdrawn before it was raised",
     {WITHDRAWN, RAISED("D1", 40), ITEM(100), NULL},
     "opened 40\nwithdrawn 40\nclosed withdrawn\nwithdrawn 40\n"},
    {"both instalments must be settled",
     {PART(1, 50, 100), PART(2, 50, 100), RAISED("D1", 40), PART(1, 0, 50), PART(2, 0, 0),
      NULL},
     "opened 40\nclosed 40\nclosed paid\nclosed 40\n"},
    {"the first instalment is paid in advance",
     {RAISED("D1", 30), PART(1, 0, 40), PART(2, 40, 40), NULL},
     "opened 30\nopen 30\n"},
    {"paid before it was raised",
     {ITEM(100), ITEM(0), RAISED("D1", 40), NULL},
     "opened 40\nclosed 40\nclosed paid\nclosed 40\n"},
    {"a closed case stays closed",
     {ITEM(100), RAISED("D1", 40), DECIDED("rejected", ""), ASSIGNED("ann"), ITEM(0), NULL},
     "opened 40\nrejected 40\nclosed 40\nclosed charge_back\nclosed 40\n"},
    {"nobody is assigned to a closed case",
     {ITEM(100), RAISED("D1", 40), ITEM(0), ASSIGNED("ann"), ITEM(100), NULL},
     "opened 40\nclosed 40\nclosed paid\nopen 40\nopen 40\n"},
    {"nor to what was settled before it was raised; what waits for it counts if it is open again",
     {ITEM(100), ITEM(0), ASSIGNED("ann"), DECIDED("rejected", ""), RAISED("D1", 40),
      ITEM(100), NULL},
     "opened 40\nclosed 40\nclosed paid\nopen 40\nrejected 40\nclosed 40\nclosed "
     "charge_back\nclosed 40\n"},
    {"a bounced payment opens it again, as it was",
     {ITEM(100), RAISED("D1", 40), ASSIGNED("ann"), ITEM(0), ITEM(100), NULL},
     "opened 40\ninvestigating 40 ann\nclosed 40 ann\nclosed paid\ninvestigating 40 "
     "ann\ninvestigating 40\n"},
    {"or approved",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':15"),
      ITEM(0), ITEM(100), CREDITED(85, 15), NULL},
     "opened 40\napproved 15\nclosed 15\nclosed paid\napproved 15\nclosed 15\nclosed "
     "credit_note by N1\nclosed 15\n"},
    {"decided while it was closed",
     {ITEM(100), RAISED("D1", 40), ITEM(0), DECIDED("rejected", ""), ITEM(100), ITEM(0),
      NULL},
     "opened 40\nclosed 40\nclosed paid\nopen 40\nrejected 40\nclosed 40\nclosed "
     "charge_back\nclosed 40\n"},
    {"withdrawn after it was paid: as if it had been the other way round",
     {ITEM(100), RAISED("D1", 40), ITEM(0), WITHDRAWN, ITEM(100), NULL},
     "opened 40\nclosed 40\nclosed paid\nwithdrawn 40\nclosed withdrawn\nwithdrawn 40\n"},
    {"withdrawn and paid before it was raised",
     {WITHDRAWN, ITEM(100), ITEM(0), RAISED("D1", 40), ITEM(100), NULL},
     "opened 40\nclosed 40\nclosed paid\nwithdrawn 40\nclosed withdrawn\nwithdrawn 40\n"},
    {"decided while it was closed, and withdrawn",
     {ITEM(100), RAISED("D1", 40), ITEM(0), DECIDED("rejected", ""), WITHDRAWN, ITEM(100),
      NULL},
     "opened 40\nclosed 40\nclosed paid\nwithdrawn 40\nclosed withdrawn\nwithdrawn 40\n"},
    {"a withdrawal changes no other end",
     {ITEM(100), RAISED("D1", 40), ENDED("cancelled"), WITHDRAWN, NULL},
     "opened 40\nclosed 40\nclosed credit_note\nclosed 40\n"},
    {"cancelled after it was paid",
     {ITEM(100), RAISED("D1", 40), ITEM(0), ENDED("cancelled"), NULL},
     "opened 40\nclosed 40\nclosed paid\nclosed 40\n"},
    {"a case closed by a credit note is not opened again",
     {ITEM(100), RAISED("D1", 40), DECIDED("approved", ""), CREDITED(0, 100),
      CREDITED(50, 100), NULL},
     "opened 40\napproved 40\nclosed 40\nclosed credit_note by N1\nclosed 40\n"},
    {"more is approved than is disputed",
     {ITEM(100), RAISED("D1", 40), DECIDED("partly_approved", ",'amount_minor':41"), NULL},
     "opened 40\napproved 40\napproved 40\n"},
    {"the same, decided before it was raised",
     {ITEM(100), DECIDED("partly_approved", ",'amount_minor':41"), RAISED("D1", 40), NULL},
     "opened 40\napproved 40\napproved 40\n"},
    {"a debit note",
     {DEBIT_NOTE(100), RAISED("D1", 40), DEBIT_NOTE(0), NULL},
     "opened 40 debit_note\nclosed 40 debit_note\nclosed paid debit_note\nclosed 40\n"},
    {"an invoice with the id of a debit note comes second",
     {DEBIT_NOTE(100), RAISED("D1", 40), ITEM(100), ITEM(0), NULL},
     "opened 40 debit_note\nopen 40\n"},
    {"credit notes are not disputed",
     {RAISED("D1", 40), ITEM_OF("credit_note", 1, 100, "'state':'open'"), NULL},
     "- 40\n"},
    {"evidence is kept, once",
     {ITEM(100), RAISED("D1", 40), EVIDENCE, EVIDENCE, NULL},
     "opened 40\nrepeat\nopen 40\n"},
};

static const char *kind_text(bool has_kind, enum o2c_document_kind kind)
{
    assert_true(has_kind);
    return kind == O2C_DOCUMENT_KIND_DEBIT_NOTE ? " debit_note" : "";
}

static void describe_closed(const struct o2c_dispute_closed *closed, struct o2c_buf *out)
{
    o2c_buf_printf(out, "closed %.*s%s",
                   O2C_STR_ARG(o2c_dispute_resolution_text(closed->resolution)),
                   kind_text(closed->has_kind, closed->kind));
    if (closed->document_id.at)
        o2c_buf_printf(out, " by %.*s", O2C_STR_ARG(closed->document_id));
    o2c_buf_add_text(out, "\n");
}

static void describe_changed(const struct o2c_dispute_state_changed *changed,
                             struct o2c_buf *out)
{
    o2c_buf_printf(out, "%.*s %" PRId64 "%s",
                   O2C_STR_ARG(o2c_dispute_phase_text(changed->state)),
                   changed->amount_minor, kind_text(changed->has_kind, changed->kind));
    if (changed->assignee.at)
        o2c_buf_printf(out, " %.*s", O2C_STR_ARG(changed->assignee));
    o2c_buf_add_text(out, "\n");
}

static void describe(const struct rows_effect *effect, struct o2c_buf *out)
{
    const struct o2c_event *event = &effect->event;
    const struct o2c_dispute_opened *opened = event->dispute_opened;

    if (effect->kind == ROWS_REPEAT)
        o2c_buf_add_text(out, "repeat\n");
    else if (effect->kind == ROWS_CONFLICT)
        o2c_buf_add_text(out, "conflict\n");
    else if (event->type == O2C_DISPUTE_OPENED)
        o2c_buf_printf(out, "opened %" PRId64 "%s\n", opened->amount_minor,
                       kind_text(opened->has_kind, opened->kind));
    else if (event->type == O2C_DISPUTE_CLOSED)
        describe_closed(event->dispute_closed, out);
    else if (event->type == O2C_DISPUTE_STATE_CHANGED)
        describe_changed(event->dispute_state_changed, out);
}

static void play(struct rows_fixture *fixture, const char *json, struct o2c_buf *out)
{
    const struct rows_effect *effects;
    struct o2c_err err;
    size_t count;

    if (rule_apply(fixture, json, &err))
        fail_msg("%s: %s", json, err.text);
    effects = rows_fixture_effects(fixture, &count);
    for (size_t i = 0; i < count; i++)
        describe(&effects[i], out);
}

static void cases_go_through_their_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&disputes_consumer);
        const struct dispute *dispute;
        struct o2c_buf out;

        o2c_buf_init(&out, 1 << 20);
        for (size_t e = 0; cases[i].events[e]; e++)
            play(fixture, cases[i].events[e], &out);
        dispute = rows_fixture_row(fixture, &disputes_dispute, 0);
        o2c_buf_printf(&out, "%.*s %" PRId64 "\n",
                       dispute->state.at ? (int)dispute->state.len : 1,
                       dispute->state.at ? dispute->state.at : "-", dispute->amount_minor);
        if (!o2c_str_eq(o2c_str_from(o2c_buf_text(&out)), o2c_str_from(cases[i].published)))
            fail_msg("%s:\n%s, expected\n%s", cases[i].name, o2c_buf_text(&out),
                     cases[i].published);
        o2c_buf_clear(&out);
        rows_fixture_free(fixture);
    }
}

static void a_decision_is_kept_before_the_end_of_a_case_or_after_it(void **state)
{
    static const char *const orders[][2] = {{DECIDED("approved", ""), ENDED("cancelled")},
                                            {ENDED("cancelled"), DECIDED("approved", "")}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&disputes_consumer);
        const struct dispute *dispute;
        struct o2c_err err;

        assert_int_equal(rule_apply(fixture, ITEM(100), &err), O2C_OK);
        assert_int_equal(rule_apply(fixture, RAISED("D1", 40), &err), O2C_OK);
        for (size_t e = 0; e < 2; e++)
            assert_int_equal(rule_apply(fixture, orders[i][e], &err), O2C_OK);
        dispute = rows_fixture_row(fixture, &disputes_dispute, 0);
        assert_true(o2c_str_eq(dispute->decision, O2C_STR("approved")));
        assert_true(o2c_str_eq(dispute->resolution, O2C_STR("credit_note")));
        rows_fixture_free(fixture);
    }
}

static const struct {
    const char *event, *reason;
} refusals[] = {
    {RAISED("", 40), "dispute_id: is empty"},
    {RAISED("D1", 0), "amount_minor: 0 is not between 1 and 1000000000000000"},
    {RAISED("D1", 1000000000000001),
     "amount_minor: 1000000000000001 is not between 1 and 1000000000000000"},
    {DECIDED("partly_approved", ""), "amount_minor: is missing where partly_approved"},
    {DECIDED("partly_approved", ",'amount_minor':-1"),
     "amount_minor: -1 is not between 1 and 1000000000000000"},
    {ASSIGNED(""), "assignee: is empty"},
};

static void what_cannot_be_is_parked_with_field_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&disputes_consumer);
        struct o2c_err err;

        assert_int_equal(rule_apply(fixture, RAISED("D1", 40), &err), O2C_OK);
        assert_int_equal(rule_apply(fixture, refusals[i].event, &err), O2C_PARK);
        assert_string_equal(err.text, refusals[i].reason);
        rows_fixture_free(fixture);
    }
}

static void credit_that_does_not_fit_is_parked(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&disputes_consumer);
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, NAMED("N1", "D1", 9223372036854775807), &err),
                     O2C_OK);
    assert_int_equal(rule_apply(fixture, NAMED("N2", "D1", 1), &err), O2C_PARK);
    assert_string_equal(err.text, "dispute_id: the credit for \"D1\" does not fit");
    rows_fixture_free(fixture);
}

/* ---- where a batch ends changes nothing */

static void draw_json(unsigned *state, char *json, size_t size)
{
    static const char *const outcomes[] = {"approved", "rejected"};
    const char *at = "'occurred_at':'2026-01-20T10:00:00Z'";
    unsigned id = rule_draw(state, 4), invoice = rule_draw(state, 2),
             n = rule_draw(state, 9);

    switch (rule_draw(state, 7)) {
    case 6:
        snprintf(
            json, size,
            "{'type':'OpenItemChanged','document_id':'N%u','kind':'credit_note',"
            "'instalment_no':1,'due_date':'2026-02-01','currency':'EUR','open_minor':0,"
            "'amount_minor':%u,'disputed_minor':0,'state':'paid','cause':'issued',"
            "'dispute_id':'D%u'}",
            n, 5 * n, id);
        return;
    case 0:
    case 1:
        snprintf(
            json, size,
            "{'type':'OpenItemChanged','document_id':'I%u','kind':'invoice',"
            "'instalment_no':%u,'due_date':'2026-02-01','currency':'EUR','open_minor':%u,"
            "'disputed_minor':0,'state':'open','cause':'x','document_open_minor':%u,"
            "'document_credited_minor':%u}",
            invoice, 1 + n % 2, n % 3 ? 5 * n : 0, n % 3 ? 5 * n : 0,
            5 * rule_draw(state, 9));
        return;
    case 2:
        snprintf(
            json, size,
            "{'type':'DisputeRaised','dispute_id':'D%u','invoice_id':'I%u','amount_minor':"
            "%u,'reason_code':'01','raised_by':'b'}",
            id, invoice, 10 + n);
        return;
    case 3:
        snprintf(json, size,
                 "{'type':'DisputeAssigned',%s,'dispute_id':'D%u','assignee':'a%u'}", at,
                 id, n);
        return;
    case 4:
        snprintf(json, size,
                 "{'type':'DisputeDecided',%s,'dispute_id':'D%u','outcome':'%s','decided_"
                 "by':'c',"
                 "'note':'n'}",
                 at, id, outcomes[n % 2]);
        return;
    default:
        snprintf(json, size, "{'type':'DisputeWithdrawn',%s,'dispute_id':'D%u'}", at, id);
    }
}

static void describe_cases(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct dispute *dispute;

    for (size_t i = 0; (dispute = rows_fixture_row(fixture, &disputes_dispute, i)); i++)
        o2c_buf_printf(out, "%.*s %.*s %.*s %" PRId64 "\n",
                       O2C_STR_ARG(dispute->dispute_id), O2C_STR_ARG(dispute->state),
                       O2C_STR_ARG(dispute->resolution), dispute->amount_minor);
}

static void describe_published(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    size_t count;
    const struct rows_effect *effects = rows_fixture_effects(fixture, &count);

    for (size_t i = 0; i < count; i++)
        describe(&effects[i], out);
}

static void where_a_batch_ends_changes_nothing(void **state)
{
    const struct rule_histories histories = {.consumer = &disputes_consumer,
                                             .draw = draw_json,
                                             .tables = describe_cases,
                                             .published = describe_published,
                                             .count = 150,
                                             .events_each = 60};

    (void)state;
    rule_histories_run(&histories);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(cases_go_through_their_states),
        cmocka_unit_test(a_decision_is_kept_before_the_end_of_a_case_or_after_it),
        cmocka_unit_test(what_cannot_be_is_parked_with_field_and_value),
        cmocka_unit_test(credit_that_does_not_fit_is_parked),
        cmocka_unit_test(where_a_batch_ends_changes_nothing),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(all, NULL, NULL);
}
