#include "producers/cli/import_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/cli/stack.h"
#include "producers/publish/evidence.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    ROWS_AT_ONCE = 2000,
    MAX_QUERY_BYTES = 4 << 20,
};

/* A view with the columns that are compared; NULL: it has no such column. */
static const struct view {
    enum o2c_event_type type;
    const char *name, *only, *id, *amount, *currency, *revision;
} views[] = {
    {O2C_INVOICE_ISSUED, "o2c.invoice", "kind = 'invoice'", "invoice_id", "gross_minor",
     "currency", NULL},
    {O2C_DEBIT_NOTE_ISSUED, "o2c.invoice", "kind = 'debit_note'", "invoice_id",
     "gross_minor", "currency", NULL},
    {O2C_CREDIT_NOTE_ISSUED, "o2c.invoice", "kind = 'credit_note'", "invoice_id",
     "gross_minor", "currency", NULL},
    {O2C_PAYMENT_RECEIVED, "o2c.payment", "true", "payment_id", "amount_minor", "currency",
     NULL},
    {O2C_DISPUTE_RAISED, "o2c.dispute", "true", "dispute_id", "raised_minor", NULL, NULL},
    {O2C_ORDER_PLACED, "o2c.order_status", "true", "order_id", "net_minor", "currency",
     "revision"},
    {O2C_ORDER_AMENDED, "o2c.order_status", "true", "order_id", "net_minor", "currency",
     "revision"},
    {O2C_SHIPMENT_DISPATCHED, "o2c.shipment", "true", "shipment_id", NULL, NULL, NULL},
};

static const struct view *find_view(enum o2c_event_type type)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (views[i].type == type)
            return &views[i];
    return NULL;
}

const char *import_state_view(enum o2c_event_type type)
{
    const struct view *view = find_view(type);

    return view ? view->name : NULL;
}

/* One more item of a text[] literal. */
static void add_item(struct o2c_buf *array, struct o2c_str item)
{
    o2c_buf_add_text(array, array->len ? ",\"" : "{\"");
    for (size_t i = 0; i < item.len; i++) {
        if (item.at[i] == '"' || item.at[i] == '\\')
            o2c_buf_add_u8(array, '\\');
        o2c_buf_add_u8(array, (uint8_t)item.at[i]);
    }
    o2c_buf_add_u8(array, '"');
}

static PGresult *ask(struct stack *stack, const struct view *view,
                     const struct o2c_exhibit *exhibits, size_t count)
{
    struct o2c_buf sql, accounts, ids;

    o2c_buf_init(&sql, 1 << 16);
    o2c_buf_init(&accounts, MAX_QUERY_BYTES);
    o2c_buf_init(&ids, MAX_QUERY_BYTES);
    for (size_t i = 0; i < count; i++) {
        add_item(&accounts, exhibits[i].facts.account);
        add_item(&ids, exhibits[i].facts.id);
    }
    o2c_buf_add_text(&accounts, "}");
    o2c_buf_add_text(&ids, "}");
    o2c_buf_printf(&sql,
                   "SELECT v.id IS NOT NULL, v.amount_minor, v.currency, v.revision"
                   "  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY"
                   "       k (account_id, id, place)"
                   "  LEFT JOIN (SELECT account_id, %s AS id, (%s)::bigint AS amount_minor,"
                   "                    (%s)::text AS currency, (%s)::bigint AS revision"
                   "               FROM %s WHERE %s) v USING (account_id, id)"
                   " ORDER BY k.place",
                   view->id, view->amount ? view->amount : "NULL",
                   view->currency ? view->currency : "NULL",
                   view->revision ? view->revision : "NULL", view->name, view->only);
    PGresult *result =
        stack_query(stack, o2c_buf_text(&sql),
                    (const char *const[]){o2c_buf_text(&accounts), o2c_buf_text(&ids)}, 2);
    o2c_buf_clear(&sql);
    o2c_buf_clear(&accounts);
    o2c_buf_clear(&ids);
    return result;
}

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column)
               ? 0
               : strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* What a view has no column for is as the topic says. */
static struct o2c_facts read_row(const struct view *view, const struct o2c_facts *of_topic,
                                 const PGresult *rows, int row)
{
    struct o2c_facts facts = *of_topic;

    if (view->amount) {
        facts.has_amount = !PQgetisnull(rows, row, 1);
        facts.amount_minor = number_at(rows, row, 1);
    }
    if (view->currency)
        facts.currency = o2c_str_from(PQgetvalue(rows, row, 2));
    if (view->revision)
        facts.revision = number_at(rows, row, 3);
    return facts;
}

static bool is_the_same(const struct o2c_facts *of_topic, const struct o2c_facts *of_state)
{
    if (of_state->revision != of_topic->revision)
        return of_state->revision > of_topic->revision;
    return of_state->has_amount == of_topic->has_amount &&
           of_state->amount_minor == of_topic->amount_minor &&
           o2c_str_eq(of_state->currency, of_topic->currency);
}

static void compare_rows(const struct view *view, const struct o2c_exhibit *exhibits,
                         const PGresult *rows, import_state_differ_fn *on_difference,
                         void *user)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const struct o2c_facts *of_topic = &exhibits[i].facts;
        struct o2c_facts of_state = read_row(view, of_topic, rows, i);

        if (*PQgetvalue(rows, i, 0) != 't')
            on_difference(user, &exhibits[i], view->name, NULL);
        else if (!is_the_same(of_topic, &of_state))
            on_difference(user, &exhibits[i], view->name, &of_state);
    }
}

int import_state_compare(struct stack *stack, const struct o2c_evidence *topic,
                         import_state_differ_fn *on_difference, void *user)
{
    size_t count;

    for (size_t i = 0; i < topic->count; i += count) {
        const struct o2c_exhibit *exhibits = &topic->exhibits[i];
        const struct view *view = find_view(exhibits->facts.type);

        for (count = 1; i + count < topic->count && count < ROWS_AT_ONCE; count++)
            if (exhibits[count].facts.type != exhibits->facts.type)
                break;
        if (!view)
            continue;
        PGresult *rows = ask(stack, view, exhibits, count);
        if (!rows)
            return EXIT_STACK_FAILED;
        compare_rows(view, exhibits, rows, on_difference, user);
        PQclear(rows);
    }
    return EXIT_OK;
}

int import_state_row(struct stack *stack, const struct o2c_facts *facts, char **ret_row)
{
    const struct view *view = find_view(facts->type);
    char sql[512];
    int status = EXIT_OK;
    char *account = strndup(facts->account.at, facts->account.len);
    char *id = strndup(facts->id.at, facts->id.len);

    *ret_row = NULL;
    if (view && account && id) {
        snprintf(sql, sizeof sql,
                 "SELECT row_to_json(v) FROM %s v WHERE account_id = $1 AND %s = $2 AND %s",
                 view->name, view->id, view->only);
        PGresult *rows = stack_query(stack, sql, (const char *const[]){account, id}, 2);
        if (!rows)
            status = EXIT_STACK_FAILED;
        else if (PQntuples(rows))
            *ret_row = strdup(PQgetvalue(rows, 0, 0));
        PQclear(rows);
    }
    free(account);
    free(id);
    return status;
}
