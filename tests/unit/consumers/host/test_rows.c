/* What rules may rely on when they look at rows and change them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows.h"
#include "consumers/host/rows_private.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "tests/support/memory_tables.h"

#include "runtime/base/banned.h"

struct item {
    struct o2c_row row;
    struct o2c_str account_id;
    struct o2c_str document;
    int64_t item_no;
    struct o2c_str owner;
    int64_t amount;
};

static const struct o2c_column item_columns[] = {
    O2C_COLUMN(TEXT, struct item, account_id), O2C_COLUMN(TEXT, struct item, document),
    O2C_COLUMN(INT8, struct item, item_no),    O2C_COLUMN(TEXT, struct item, owner),
    O2C_COLUMN(INT8, struct item, amount),
};
static const int by_owner[] = {0, 3};
static const struct o2c_lookup item_lookups[] = {{"owner", by_owner, 2}};
static const struct o2c_table item_table = {
    "item", "item_row", sizeof(struct item), item_columns, 5, 3, item_lookups, 1};
static const struct o2c_table *const tables[] = {&item_table};
static const struct o2c_consumer consumer = {
    .name = "t", .tables = tables, .table_count = 1};

#define ACCOUNT O2C_STR("acc")
#define DOCUMENT O2C_STR("doc")
#define ITEM(number) O2C_KEY(O2C_K(DOCUMENT), O2C_N(number))

struct stand {
    struct memory_tables *kept;
    struct o2c_arena arena;
    struct o2c_rows *rows;
};

static int set_up(void **state)
{
    struct stand *stand = calloc(1, sizeof *stand);
    struct o2c_err err;

    o2c_arena_init(&stand->arena, 1 << 20);
    stand->kept = memory_tables_new(&consumer);
    assert_int_equal(o2c_rows_new(&stand->rows, &consumer, &stand->arena, &err), O2C_OK);
    *state = stand;
    return 0;
}

static int tear_down(void **state)
{
    struct stand *stand = *state;

    o2c_rows_free(stand->rows);
    o2c_arena_clear(&stand->arena);
    memory_tables_free(stand->kept);
    free(stand);
    return 0;
}

static void store(struct stand *stand)
{
    memory_tables_store(stand->kept, stand->rows);
    o2c_arena_reset(&stand->arena);
    o2c_rows_reset(stand->rows);
}

static struct o2c_wants *wants_of(struct stand *stand)
{
    return o2c_rows_want(stand->rows, ACCOUNT);
}

static struct o2c_account *begin(struct stand *stand)
{
    o2c_rows_begin(stand->rows);
    return o2c_rows_account(stand->rows, ACCOUNT);
}

/* Items 1..count with amount = number, owner "o", in a batch of their own. */
static void keep_items(struct stand *stand, int64_t count)
{
    struct o2c_account *account;

    o2c_want_children(wants_of(stand), &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    for (int64_t i = count; i > 0; i--) {
        struct item *item = o2c_row_add(account, &item_table, ITEM(i));

        item->amount = i;
        item->owner = O2C_STR("o");
    }
    o2c_rows_commit(stand->rows);
    store(stand);
}

static const struct item *kept_item(const struct stand *stand, size_t i)
{
    return memory_tables_row(stand->kept, &item_table, i);
}

/* What `broken` does ends the process by an assertion. */
static void asserts(void (*broken)(struct stand *stand), struct stand *stand)
{
    pid_t child = fork();
    int status;

    if (!child) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        broken(stand);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- finding */

static void a_wanted_row_is_found_and_a_missing_one_is_not(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    const struct item *item;

    keep_items(stand, 2);
    o2c_want_row(wants_of(stand), &item_table, ITEM(2));
    o2c_want_row(wants_of(stand), &item_table, ITEM(3));
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    item = o2c_row_find(account, &item_table, ITEM(2));
    assert_non_null(item);
    assert_int_equal(item->amount, 2);
    assert_null(o2c_row_find(account, &item_table, ITEM(3)));
    o2c_rows_commit(stand->rows);
}

static void find_unwanted(struct stand *stand)
{
    (void)o2c_row_find(begin(stand), &item_table, ITEM(9));
}

static void walk_unwanted(struct stand *stand)
{
    struct o2c_walk walk;

    o2c_walk_children(&walk, begin(stand), &item_table, O2C_KEY(O2C_K(O2C_STR("other"))));
}

static void look_up_unwanted(struct stand *stand)
{
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, begin(stand), &item_table, 0, O2C_KEY(O2C_K(O2C_STR("o"))));
}

static void put_unwanted(struct stand *stand)
{
    (void)o2c_row_put(begin(stand), &item_table, ITEM(1));
}

static void add_twice(struct stand *stand)
{
    struct o2c_account *account = begin(stand);

    (void)o2c_row_add(account, &item_table, ITEM(1));
    (void)o2c_row_add(account, &item_table, ITEM(1));
}

static void edit_outside_an_event(struct stand *stand)
{
    const void *row = o2c_row_add(begin(stand), &item_table, ITEM(1));

    o2c_rows_commit(stand->rows);
    (void)o2c_row_edit(row);
}

static void what_an_event_did_not_want_asserts(void **state)
{
    struct stand *stand = *state;

    o2c_want_row(wants_of(stand), &item_table, ITEM(1));
    asserts(find_unwanted, stand);
    asserts(walk_unwanted, stand);
    asserts(look_up_unwanted, stand);
    asserts(put_unwanted, stand);
    asserts(add_twice, stand);
    asserts(edit_outside_an_event, stand);
}

static void a_wanted_prefix_covers_every_key_below_it(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    struct o2c_walk walk;

    keep_items(stand, 2);
    o2c_want_children(wants_of(stand), &item_table, O2C_KEY_NONE);
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    assert_non_null(o2c_row_find(account, &item_table, ITEM(1)));
    assert_null(o2c_row_find(account, &item_table, ITEM(3)));
    o2c_walk_children(&walk, account, &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    assert_int_equal(walk.count, 2);
    o2c_walk_children(&walk, account, &item_table, O2C_KEY(O2C_K(O2C_STR("other"))));
    assert_null(o2c_walk_next(&walk));
    o2c_rows_commit(stand->rows);
}

/* ---- walking */

static void a_walk_goes_in_key_order_and_its_rows_may_be_edited(void **state)
{
    struct stand *stand = *state;
    struct o2c_walk walk;
    int64_t expected = 1;

    keep_items(stand, 200);
    o2c_want_children(wants_of(stand), &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    memory_tables_load(stand->kept, stand->rows);
    o2c_walk_children(&walk, begin(stand), &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    for (const struct item *item; (item = o2c_walk_next(&walk)); expected++) {
        assert_int_equal(item->item_no, expected);
        ((struct item *)o2c_row_edit(item))->amount = -expected;
    }
    assert_int_equal(expected, 201);
    o2c_rows_commit(stand->rows);
    store(stand);
    assert_int_equal(kept_item(stand, 199)->amount, -200);
}

static void a_row_moves_between_look_ups_within_the_event_that_moves_it(void **state)
{
    struct stand *stand = *state;
    const struct o2c_key *old_owner = O2C_KEY(O2C_K(O2C_STR("o")));
    const struct o2c_key *new_owner = O2C_KEY(O2C_K(O2C_STR("n")));
    struct o2c_account *account;
    struct o2c_walk walk;
    struct item *item;

    keep_items(stand, 3);
    o2c_want_lookup(wants_of(stand), &item_table, 0, old_owner);
    o2c_want_lookup(wants_of(stand), &item_table, 0, new_owner);
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    o2c_walk_lookup(&walk, account, &item_table, 0, old_owner);
    assert_int_equal(walk.count, 3);
    item = o2c_row_edit(walk.rows[1]);
    item->owner = O2C_STR("n");
    for (int later_event = 0; later_event < 2; later_event++) {
        o2c_walk_lookup(&walk, account, &item_table, 0, old_owner);
        assert_int_equal(walk.count, 2);
        o2c_walk_lookup(&walk, account, &item_table, 0, new_owner);
        assert_int_equal(walk.count, 1);
        assert_ptr_equal(o2c_walk_next(&walk), item);
        o2c_rows_commit(stand->rows);
        o2c_rows_begin(stand->rows);
    }
    o2c_rows_undo(stand->rows);
}

static void rows_of_many_accounts_are_sorted_by_account_and_key(void **state)
{
    enum {
        ROWS = 3000
    };
    struct stand *stand = *state;
    const void *rows[ROWS];
    char ids[ROWS][16];

    for (int i = 0; i < ROWS; i++) {
        int len = snprintf(ids[i], sizeof ids[i], "A-%.*d", i % 7, i * 7919 % 501);
        struct o2c_str id = {ids[i], (size_t)len};

        o2c_want_blind(o2c_rows_want(stand->rows, id), &item_table, ITEM(ROWS - i));
    }
    o2c_rows_begin(stand->rows);
    for (int i = 0; i < ROWS; i++) {
        struct o2c_str id = o2c_str_from(ids[i]);

        rows[i] =
            o2c_row_put(o2c_rows_account(stand->rows, id), &item_table, ITEM(ROWS - i));
    }
    o2c_rows_undo(stand->rows);
    assert_true(o2c_rows_sort(stand->rows, rows, ROWS));
    for (int i = 1; i < ROWS; i++)
        assert_true(o2c_row_cmp(rows[i - 1], rows[i]) < 0);
}

/* ---- changing */

static void an_undone_event_leaves_no_trace(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    struct o2c_walk walk;

    keep_items(stand, 2);
    o2c_want_children(wants_of(stand), &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    ((struct item *)o2c_row_edit(o2c_row_find(account, &item_table, ITEM(1))))->amount = 99;
    o2c_row_remove(o2c_row_find(account, &item_table, ITEM(2)));
    (void)o2c_row_add(account, &item_table, ITEM(3));
    o2c_rows_undo(stand->rows);
    account = begin(stand);
    o2c_walk_children(&walk, account, &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    assert_int_equal(walk.count, 2);
    assert_int_equal(((const struct item *)o2c_walk_next(&walk))->amount, 1);
    assert_int_equal(((const struct item *)o2c_walk_next(&walk))->amount, 2);
    o2c_rows_commit(stand->rows);
    assert_int_equal(stand->rows->tables[0].changed_count, 0);
}

static void a_row_edited_to_what_it_was_is_not_stored(void **state)
{
    struct stand *stand = *state;
    struct item *item;

    keep_items(stand, 1);
    o2c_want_row(wants_of(stand), &item_table, ITEM(1));
    memory_tables_load(stand->kept, stand->rows);
    item = o2c_row_edit(o2c_row_find(begin(stand), &item_table, ITEM(1)));
    item->amount = 1;
    o2c_rows_commit(stand->rows);
    assert_int_equal(stand->rows->tables[0].changed_count, 0);
}

static void a_removed_row_can_be_added_again_and_begins_empty(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    struct item *item;

    keep_items(stand, 1);
    o2c_want_row(wants_of(stand), &item_table, ITEM(1));
    memory_tables_load(stand->kept, stand->rows);
    account = begin(stand);
    o2c_row_remove(o2c_row_find(account, &item_table, ITEM(1)));
    assert_null(o2c_row_find(account, &item_table, ITEM(1)));
    item = o2c_row_add(account, &item_table, ITEM(1));
    assert_int_equal(item->amount, 0);
    assert_null(item->owner.at);
    assert_int_equal(item->item_no, 1);
    o2c_rows_commit(stand->rows);
    store(stand);
    assert_int_equal(memory_tables_count(stand->kept, &item_table), 1);
    assert_int_equal(kept_item(stand, 0)->amount, 0);
}

static void of_rows_put_blind_the_last_wins(void **state)
{
    struct stand *stand = *state;

    keep_items(stand, 1);
    o2c_want_blind(wants_of(stand), &item_table, ITEM(1));
    memory_tables_load(stand->kept, stand->rows);
    for (int64_t amount = 10; amount < 13; amount++) {
        ((struct item *)o2c_row_put(begin(stand), &item_table, ITEM(1)))->amount = amount;
        if (amount < 12)
            o2c_rows_commit(stand->rows);
        else
            o2c_rows_undo(stand->rows);
    }
    assert_int_equal(stand->rows->tables[0].changed_count, 1);
    store(stand);
    assert_int_equal(kept_item(stand, 0)->amount, 11);
}

static void a_row_put_blind_and_removed_is_deleted(void **state)
{
    struct stand *stand = *state;

    keep_items(stand, 1);
    o2c_want_blind(wants_of(stand), &item_table, ITEM(1));
    o2c_row_remove(o2c_row_put(begin(stand), &item_table, ITEM(1)));
    o2c_rows_commit(stand->rows);
    store(stand);
    assert_int_equal(memory_tables_count(stand->kept, &item_table), 0);
}

/* ---- without memory */

static void without_memory_rules_get_scratch_rows_and_the_batch_fails(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    struct o2c_walk walk;
    struct item *item;

    for (int64_t i = 0; !o2c_rows_failed(stand->rows); i++) {
        assert_true(i < 100000);
        o2c_want_row(wants_of(stand), &item_table, ITEM(i));
    }
    account = begin(stand);
    assert_null(o2c_row_find(account, &item_table, ITEM(1000000)));
    item = o2c_row_add(account, &item_table, ITEM(1000000));
    item->amount = 5;
    assert_int_equal(item->item_no, 1000000);
    ((struct item *)o2c_row_edit(item))->amount = 6;
    o2c_row_remove(item);
    ((struct item *)o2c_row_put(account, &item_table, ITEM(1000001)))->amount = 7;
    o2c_walk_children(&walk, account, &item_table, O2C_KEY(O2C_K(DOCUMENT)));
    assert_null(o2c_walk_next(&walk));
    assert_non_null(o2c_rows_account(stand->rows, O2C_STR("unheard of")));
    o2c_rows_undo(stand->rows);
    o2c_arena_reset(&stand->arena);
    o2c_rows_reset(stand->rows);
    assert_false(o2c_rows_failed(stand->rows));
}

/* ---- what loaded rows name */

static void want_those_of_the_owner_of_item_2(struct stand *stand)
{
    struct o2c_account *account;
    struct o2c_wants *wants = o2c_rows_want_more(stand->rows, ACCOUNT, &account);
    const struct item *item = o2c_row_find(account, &item_table, ITEM(2));

    o2c_want_lookup(wants, &item_table, 0, O2C_KEY(O2C_K(item->owner)));
}

static void what_loaded_rows_name_is_loaded_too(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    const struct item *item;
    struct o2c_walk walk;
    int64_t count = 0;

    keep_items(stand, 3);
    o2c_want_row(wants_of(stand), &item_table, ITEM(2));
    assert_true(memory_tables_load(stand->kept, stand->rows));
    want_those_of_the_owner_of_item_2(stand);
    assert_true(memory_tables_load(stand->kept, stand->rows));
    want_those_of_the_owner_of_item_2(stand);
    assert_false(memory_tables_load(stand->kept, stand->rows)); /* nothing new */
    account = begin(stand);
    o2c_walk_lookup(&walk, account, &item_table, 0, O2C_KEY(O2C_K(O2C_STR("o"))));
    while ((item = o2c_walk_next(&walk)))
        assert_int_equal(item->amount, ++count);
    assert_int_equal(count, 3);
    o2c_rows_commit(stand->rows);
}

static void a_row_nobody_wanted_can_be_appended(void **state)
{
    struct stand *stand = *state;

    (void)o2c_row_append(begin(stand), &item_table, ITEM(7));
    o2c_rows_undo(stand->rows);
    (void)o2c_row_append(begin(stand), &item_table, ITEM(8));
    o2c_rows_commit(stand->rows);
    store(stand);
    assert_int_equal(memory_tables_count(stand->kept, &item_table), 1);
    assert_int_equal(kept_item(stand, 0)->item_no, 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest all[] = {
        TEST(a_wanted_row_is_found_and_a_missing_one_is_not),
        TEST(what_an_event_did_not_want_asserts),
        TEST(a_wanted_prefix_covers_every_key_below_it),
        TEST(a_walk_goes_in_key_order_and_its_rows_may_be_edited),
        TEST(a_row_moves_between_look_ups_within_the_event_that_moves_it),
        TEST(rows_of_many_accounts_are_sorted_by_account_and_key),
        TEST(an_undone_event_leaves_no_trace),
        TEST(a_row_edited_to_what_it_was_is_not_stored),
        TEST(a_removed_row_can_be_added_again_and_begins_empty),
        TEST(of_rows_put_blind_the_last_wins),
        TEST(a_row_put_blind_and_removed_is_deleted),
        TEST(what_loaded_rows_name_is_loaded_too),
        TEST(a_row_nobody_wanted_can_be_appended),
        TEST(without_memory_rules_get_scratch_rows_and_the_batch_fails),
    };

    return cmocka_run_group_tests(all, NULL, NULL);
}
