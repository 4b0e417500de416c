/*
 * Random events over three tables, held against a model that is an array of
 * values: every find and every walk answers as the model does, an undone event
 * leaves no trace, and batches of 1, 7 and 10,000 events end in the same tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "tests/support/memory_tables.h"

#include "runtime/base/banned.h"

enum {
    ACCOUNTS = 3,
    DOCUMENTS = 3,
    LINES = 4,
    GROUPS = 3, /* the last of them is NULL */
    NOTES = 6,
    EVENTS = 4000,
    BY_GROUP = 0
};

struct line {
    struct o2c_row row;
    struct o2c_str account_id;
    struct o2c_str document;
    int32_t line_no;
    struct o2c_str grp;
    bool has_value;
    int64_t value;
};

struct note {
    struct o2c_row row;
    struct o2c_str account_id;
    int64_t note_no;
    int64_t value;
};

static const struct o2c_column line_columns[] = {
    O2C_COLUMN(TEXT, struct line, account_id), O2C_COLUMN(TEXT, struct line, document),
    O2C_COLUMN(INT4, struct line, line_no),    O2C_COLUMN(TEXT, struct line, grp),
    O2C_NULLABLE(INT8, struct line, value),
};
static const int by_group[] = {0, 3};
static const struct o2c_lookup line_lookups[] = {{"group", by_group, 2}};
static const struct o2c_table line_table = {
    "line", "line_row", sizeof(struct line), line_columns, 5, 3, line_lookups, 1};

static const struct o2c_column note_columns[] = {
    O2C_COLUMN(TEXT, struct note, account_id),
    O2C_COLUMN(INT8, struct note, note_no),
    O2C_COLUMN(INT8, struct note, value),
};
static const struct o2c_table note_table = {
    "note", "note_row", sizeof(struct note), note_columns, 3, 2, NULL, 0};

static const struct o2c_table *const tables[] = {&line_table, &note_table};
static const struct o2c_consumer consumer = {
    .name = "model", .tables = tables, .table_count = 2};

static const char *const names[] = {"A", "BB", "CCC", "DDDD"};

static struct o2c_str name(int i)
{
    return o2c_str_from(names[i]);
}

/* ---- the model */

struct model_line {
    bool present, has_value;
    int group;
    int64_t value;
};

struct model {
    struct model_line line[ACCOUNTS][DOCUMENTS][LINES];
    bool note_present[ACCOUNTS][NOTES];
    int64_t note[ACCOUNTS][NOTES];
};

/* ---- one event: what it wants and does follows from its number */

struct event {
    uint64_t seed;
    int account, document, group, note;
    bool wants_document, wants_account, wants_group, refused;
};

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545F4914F6CDD1Du >> 32;
}

static int below(uint64_t *seed, int limit)
{
    return (int)(draw(seed) % (uint64_t)limit);
}

static struct event event_no(int no)
{
    struct event event = {.seed = (uint64_t)(no + 1) * 0x9E3779B97F4A7C15u};

    for (int i = 0; i < 4; i++)
        (void)draw(&event.seed);
    event.account = below(&event.seed, ACCOUNTS);
    event.document = below(&event.seed, DOCUMENTS);
    event.group = below(&event.seed, GROUPS - 1);
    event.note = below(&event.seed, NOTES);
    event.wants_document = below(&event.seed, 2);
    event.wants_account = !below(&event.seed, 6);
    event.wants_group = below(&event.seed, 2);
    event.refused = !below(&event.seed, 4);
    return event;
}

static const struct o2c_key *line_key(struct o2c_key *key, int document, int line)
{
    *key = (struct o2c_key){2, {O2C_K(name(document)), O2C_N(line)}};
    return key;
}

static void want(const struct event *event, struct o2c_wants *wants)
{
    struct o2c_key key;

    for (int l = 0; l < LINES; l += event->wants_document ? LINES : 1)
        o2c_want_row(wants, &line_table, line_key(&key, event->document, l));
    if (event->wants_document)
        o2c_want_children(wants, &line_table, O2C_KEY(O2C_K(name(event->document))));
    if (event->wants_account)
        o2c_want_children(wants, &line_table, O2C_KEY_NONE);
    if (event->wants_group)
        o2c_want_lookup(wants, &line_table, BY_GROUP, O2C_KEY(O2C_K(name(event->group))));
    o2c_want_blind(wants, &note_table, O2C_KEY(O2C_N(event->note)));
}

/* ---- answers held against the model */

static int index_of(struct o2c_str text)
{
    return text.at ? (int)text.len - 1 : GROUPS - 1;
}

static void check_line(const struct line *row, const struct model_line *expected)
{
    if (!expected->present) {
        assert_null(row);
        return;
    }
    assert_non_null(row);
    assert_int_equal(index_of(row->grp), expected->group);
    assert_int_equal(row->has_value, expected->has_value);
    if (expected->has_value)
        assert_int_equal(row->value, expected->value);
}

static bool in_walk(const struct model_line *line, int document, int only_document,
                    int only_group)
{
    return line->present && (only_document < 0 || document == only_document) &&
           (only_group < 0 || line->group == only_group);
}

/* In key order the walk gives exactly the model's rows. */
static void check_walk(struct o2c_walk *walk, struct model_line lines[DOCUMENTS][LINES],
                       int only_document, int only_group)
{
    for (int d = 0; d < DOCUMENTS; d++) {
        for (int l = 0; l < LINES; l++) {
            const struct line *row;

            if (!in_walk(&lines[d][l], d, only_document, only_group))
                continue;
            row = o2c_walk_next(walk);
            assert_non_null(row);
            assert_int_equal(index_of(row->document), d);
            assert_int_equal(row->line_no, l);
            check_line(row, &lines[d][l]);
        }
    }
    assert_null(o2c_walk_next(walk));
}

static void check_walks(const struct event *event, struct o2c_account *account,
                        struct model *model)
{
    struct model_line(*lines)[LINES] = model->line[event->account];
    struct o2c_walk walk;

    if (event->wants_document || event->wants_account) {
        o2c_walk_children(&walk, account, &line_table,
                          O2C_KEY(O2C_K(name(event->document))));
        check_walk(&walk, lines, event->document, -1);
    }
    if (event->wants_account) {
        o2c_walk_children(&walk, account, &line_table, O2C_KEY_NONE);
        check_walk(&walk, lines, -1, -1);
    }
    if (event->wants_group) {
        o2c_walk_lookup(&walk, account, &line_table, BY_GROUP,
                        O2C_KEY(O2C_K(name(event->group))));
        check_walk(&walk, lines, -1, event->group);
    }
}

/* ---- what it does */

static void fill(struct line *row, struct model_line *expected, uint64_t *seed)
{
    expected->group = below(seed, GROUPS);
    expected->has_value = below(seed, 3);
    expected->value = expected->has_value ? below(seed, 1000) : 0;
    row->grp =
        expected->group == GROUPS - 1 ? (struct o2c_str){NULL, 0} : name(expected->group);
    row->has_value = expected->has_value;
    row->value = expected->value;
}

static void change_line(struct event *event, struct o2c_account *account,
                        struct model_line *expected, const struct o2c_key *key)
{
    const struct line *row = o2c_row_find(account, &line_table, key);

    check_line(row, expected);
    if (!row) {
        fill(o2c_row_add(account, &line_table, key), expected, &event->seed);
        expected->present = true;
    } else if (below(&event->seed, 4)) {
        fill(o2c_row_edit(row), expected, &event->seed);
    } else {
        o2c_row_remove(row);
        expected->present = false;
    }
}

static void apply(struct event *event, struct o2c_account *account, struct model *model)
{
    int actions = below(&event->seed, 6);
    struct o2c_key key;

    for (int i = 0; i < actions; i++) {
        int line = below(&event->seed, LINES);

        change_line(event, account, &model->line[event->account][event->document][line],
                    line_key(&key, event->document, line));
        if (!below(&event->seed, 3))
            check_walks(event, account, model);
    }
    check_walks(event, account, model);
    if (below(&event->seed, 2)) {
        struct note *note = o2c_row_put(account, &note_table, O2C_KEY(O2C_N(event->note)));

        note->value = below(&event->seed, 1000);
        model->note[event->account][event->note] = note->value;
        model->note_present[event->account][event->note] = true;
    }
}

static void fold(struct event *event, struct o2c_rows *rows, struct model *model)
{
    struct model before = *model;

    o2c_rows_begin(rows);
    apply(event, o2c_rows_account(rows, name(event->account)), model);
    if (event->refused) {
        o2c_rows_undo(rows);
        *model = before;
    } else {
        o2c_rows_commit(rows);
    }
}

static void check_tables(const struct memory_tables *kept, const struct model *model)
{
    size_t lines = 0, notes = 0;

    for (int a = 0; a < ACCOUNTS; a++) {
        for (int d = 0; d < DOCUMENTS; d++)
            for (int l = 0; l < LINES; l++)
                if (model->line[a][d][l].present)
                    check_line(memory_tables_row(kept, &line_table, lines++),
                               &model->line[a][d][l]);
        for (int n = 0; n < NOTES; n++) {
            const struct note *note;

            if (!model->note_present[a][n])
                continue;
            note = memory_tables_row(kept, &note_table, notes++);
            assert_non_null(note);
            assert_int_equal(note->note_no, n);
            assert_int_equal(note->value, model->note[a][n]);
        }
    }
    assert_int_equal(memory_tables_count(kept, &line_table), lines);
    assert_int_equal(memory_tables_count(kept, &note_table), notes);
    assert_true(lines > 10 && notes == (size_t)ACCOUNTS * NOTES);
}

static void run_in_batches_of(int limit)
{
    struct memory_tables *kept = memory_tables_new(&consumer);
    struct model model = {0};
    struct o2c_arena arena;
    struct o2c_rows *rows;
    struct o2c_err err;

    o2c_arena_init(&arena, 256 << 20);
    assert_int_equal(o2c_rows_new(&rows, &consumer, &arena, &err), O2C_OK);
    for (int from = 0; from < EVENTS; from += limit) {
        int to = from + limit < EVENTS ? from + limit : EVENTS;

        for (int e = from; e < to; e++) {
            struct event event = event_no(e);

            want(&event, o2c_rows_want(rows, name(event.account)));
        }
        memory_tables_load(kept, rows);
        for (int e = from; e < to; e++) {
            struct event event = event_no(e);

            fold(&event, rows, &model);
        }
        assert_false(o2c_rows_failed(rows));
        memory_tables_store(kept, rows);
        o2c_arena_reset(&arena);
        o2c_rows_reset(rows);
    }
    check_tables(kept, &model);
    o2c_rows_free(rows);
    o2c_arena_clear(&arena);
    memory_tables_free(kept);
}

static void events_one_by_one_end_as_the_model(void **state)
{
    (void)state;
    run_in_batches_of(1);
}

static void events_by_seven_end_as_the_model(void **state)
{
    (void)state;
    run_in_batches_of(7);
}

static void all_events_in_one_batch_end_as_the_model(void **state)
{
    (void)state;
    run_in_batches_of(10000);
}

int main(void)
{
    const struct CMUnitTest tests_[] = {
        cmocka_unit_test(events_one_by_one_end_as_the_model),
        cmocka_unit_test(events_by_seven_end_as_the_model),
        cmocka_unit_test(all_events_in_one_batch_end_as_the_model),
    };

    return cmocka_run_group_tests(tests_, NULL, NULL);
}
