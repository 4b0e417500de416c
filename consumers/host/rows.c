/*
 * Accounts and rows of a batch, and what rules do to them.
 *
 * Every row that was named in the batch has one object, found by its key, that
 * stays for the batch; whether rules see it is its state.  An event's first
 * change of a row keeps a copy of it in `images`, which the next event
 * overwrites; so undoing costs nothing until it is done.
 */
#include "consumers/host/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/arena.h"
#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

enum {
    IMAGE_ALIGN = 16,
    HINTS_TRIED = 8,
    HINTED_ROWS_TRIED = 4 /* more are found faster by their hash */
};

/* ---- life cycle */

static const int key_columns[O2C_KEY_PARTS] = {1, 2, 3, 4};

static bool init_table(struct o2c_rows *rows, uint8_t no)
{
    struct rows_table *table = &rows->tables[no];
    const struct o2c_table *described = rows->consumer->tables[no];

    assert(described->key_count >= 1 && described->key_count <= O2C_KEY_PARTS + 1);
    table->rows = rows;
    table->table = described;
    table->no = no;
    table->way_count = described->key_count + described->lookup_count;
    table->ways = calloc(table->way_count, sizeof *table->ways);
    for (uint8_t w = 0; table->ways && w < table->way_count; w++) {
        struct row_way *way = &table->ways[w];

        if (w < described->key_count) {
            way->columns = key_columns;
            way->column_count = w;
        } else {
            const struct o2c_lookup *lookup = &described->lookups[w - described->key_count];

            assert(lookup->columns[0] == 0 && lookup->column_count <= O2C_KEY_PARTS + 1);
            way->columns = lookup->columns + 1;
            way->column_count = lookup->column_count - 1;
        }
        o2c_rows_name_load(way->statement, no, w);
    }
    o2c_rows_name_store(table->merge, table->remove, no);
    return table->ways;
}

static bool init(struct o2c_rows *rows)
{
    const struct o2c_consumer *consumer = rows->consumer;
    size_t widest = 0;

    assert(consumer->table_count < ROWS_TABLES_MAX);
    rows->tables = calloc(consumer->table_count + 1, sizeof *rows->tables);
    for (uint8_t t = 0; t < consumer->table_count; t++) {
        if (!rows->tables || !init_table(rows, t))
            return false;
        if (consumer->tables[t]->row_bytes > widest)
            widest = consumer->tables[t]->row_bytes;
    }
    rows->scratch_row = malloc(widest + 1);
    rows->scratch_account = calloc(1, sizeof *rows->scratch_account);
    return rows->tables && rows->scratch_row && rows->scratch_account &&
           o2c_row_map_init(&rows->by_account) && o2c_row_map_init(&rows->by_key) &&
           o2c_row_map_init(&rows->by_set);
}

enum o2c_verdict o2c_rows_new(struct o2c_rows **ret_rows,
                              const struct o2c_consumer *consumer, struct o2c_arena *arena,
                              struct o2c_err *err)
{
    struct o2c_rows *rows = calloc(1, sizeof *rows);

    if (!rows)
        return o2c_fail(err, O2C_FATAL, "no memory for the rows of a batch");
    rows->consumer = consumer;
    rows->arena = arena;
    o2c_pg_params_init(&rows->params, O2C_PG_PARAMS_BYTES);
    if (!init(rows)) {
        o2c_rows_free(rows);
        return o2c_fail(err, O2C_FATAL, "no memory for the rows of a batch");
    }
    *ret_rows = rows;
    return O2C_OK;
}

void o2c_rows_free(struct o2c_rows *rows)
{
    if (!rows)
        return;
    for (size_t t = 0; rows->tables && t < rows->consumer->table_count; t++)
        free(rows->tables[t].ways);
    free(rows->tables);
    o2c_row_map_clear(&rows->by_account);
    o2c_row_map_clear(&rows->by_key);
    o2c_row_map_clear(&rows->by_set);
    free(rows->hints);
    free(rows->hinted);
    free(rows->log);
    free(rows->images);
    free(rows->scratch_account);
    free(rows->scratch_row);
    free(rows->sort_space);
    o2c_pg_params_clear(&rows->params);
    free(rows);
}

/* What lay in the arena may be gone already: nothing of it is looked at. */
void o2c_rows_reset(struct o2c_rows *rows)
{
    for (size_t t = 0; t < rows->consumer->table_count; t++) {
        struct rows_table *table = &rows->tables[t];

        for (size_t w = 0; w < table->way_count; w++) {
            table->ways[w].wanted = NULL;
            table->ways[w].wanted_count = table->ways[w].set_count = 0;
        }
        table->set_count = table->wanted_count = table->changed_count = 0;
        table->wanted = table->changed = NULL;
        table->touched_by = 0;
    }
    o2c_row_map_reset(&rows->by_account);
    o2c_row_map_reset(&rows->by_key);
    o2c_row_map_reset(&rows->by_set);
    rows->first_id = (struct o2c_str){NULL, 0};
    rows->hint_count = rows->hinted_count = rows->next_hint = 0;
    rows->hinted_now = rows->hinted_end = NULL;
    rows->pending_first = rows->pending_end = 0;
    rows->event = 0;
    rows->in_event = false;
    rows->failed = false;
    rows->loads = 0;
}

void o2c_rows_trim(struct o2c_rows *rows)
{
    assert(!rows->in_event && !rows->by_key.count);
    o2c_row_map_trim(&rows->by_account);
    o2c_row_map_trim(&rows->by_key);
    o2c_row_map_trim(&rows->by_set);
    free(rows->hints);
    free(rows->hinted);
    free(rows->log);
    free(rows->images);
    free(rows->sort_space);
    rows->hints = NULL;
    rows->hinted = NULL;
    rows->log = NULL;
    rows->images = NULL;
    rows->sort_space = NULL;
    rows->hint_cap = rows->hinted_cap = rows->log_cap = 0;
    rows->images_len = rows->images_cap = rows->sort_bytes = 0;
    o2c_pg_params_clear(&rows->params);
}

void o2c_rows_fail(struct o2c_rows *rows)
{
    rows->failed = true;
}

bool o2c_rows_failed(const struct o2c_rows *rows)
{
    return rows->failed;
}

/* An array with room for one more; NULL and as it was without memory. */
static void *room_for_one(void *at, size_t count, size_t *cap, size_t element_bytes)
{
    size_t more = *cap ? *cap * 2 : 64;

    if (count < *cap)
        return at;
    at = realloc(at, more * element_bytes);
    if (at)
        *cap = more;
    return at;
}

/* ---- accounts */

struct rows_table *o2c_rows_table(struct o2c_rows *rows, const struct o2c_table *table)
{
    struct rows_table *at = rows->tables;

    while (at->table != table) {
        assert(at->table && "a table that the consumer did not list");
        at++;
    }
    return at;
}

static struct o2c_account *find_account(const struct o2c_rows *rows, struct o2c_str id,
                                        uint64_t hash)
{
    size_t at = hash;

    for (struct o2c_account *account;
         (account = o2c_row_map_next(&rows->by_account, hash, &at));)
        if (account->id.len == id.len &&
            (account->id.at == id.at || !memcmp(account->id.at, id.at, id.len)))
            return account;
    return NULL;
}

struct o2c_account *o2c_rows_find_account(struct o2c_rows *rows, struct o2c_str id)
{
    return find_account(rows, id, o2c_hash_64(id.at, id.len));
}

/* How many bytes all accounts' ids of the batch have in common at their beginning. */
static void note_common_beginning(struct o2c_rows *rows, struct o2c_str id)
{
    const struct o2c_str first = rows->first_id;
    size_t common = 0;

    if (!first.at) {
        rows->first_id = id;
        rows->id_skip = id.len;
        return;
    }
    while (common < rows->id_skip && common < id.len && id.at[common] == first.at[common])
        common++;
    rows->id_skip = common;
}

static struct o2c_account *make_account(struct o2c_rows *rows, struct o2c_str id,
                                        uint64_t hash)
{
    struct o2c_account *account = o2c_arena_alloc(rows->arena, sizeof *account + id.len);

    if (!account || !o2c_row_map_add(&rows->by_account, hash, account)) {
        o2c_rows_fail(rows);
        account = rows->scratch_account;
        *account = (struct o2c_account){.rows = rows, .id = id, .hash = hash};
        return account;
    }
    *account =
        (struct o2c_account){.rows = rows, .id = {account->text, id.len}, .hash = hash};
    memcpy(account->text, id.at, id.len);
    note_common_beginning(rows, account->id);
    return account;
}

struct o2c_account *o2c_rows_find_or_make_account(struct o2c_rows *rows, struct o2c_str id,
                                                  uint64_t hash)
{
    struct o2c_account *account = find_account(rows, id, hash);

    return account ? account : make_account(rows, id, hash);
}

/* The hint of this event; a few are passed over, for events that wanted and are not
 * applied. */
static const struct rows_hint *find_hint(struct o2c_rows *rows, struct o2c_str id)
{
    size_t end = rows->next_hint + HINTS_TRIED;

    for (size_t h = rows->next_hint; h < end && h < rows->hint_count; h++) {
        const struct rows_hint *hint = &rows->hints[h];

        if (hint->id.at == id.at && hint->id.len == id.len && hint->account) {
            rows->next_hint = h + 1;
            return hint;
        }
    }
    return NULL;
}

struct o2c_account *o2c_rows_account(struct o2c_rows *rows, struct o2c_str account_id)
{
    const struct rows_hint *hint = find_hint(rows, account_id);
    size_t last;

    rows->hinted_now = rows->hinted_end = NULL;
    if (!hint)
        return o2c_rows_find_or_make_account(rows, account_id,
                                             o2c_hash_64(account_id.at, account_id.len));
    last = rows->next_hint < rows->hint_count ? hint[1].first_row : rows->hinted_count;
    if (last > hint->first_row && last - hint->first_row <= HINTED_ROWS_TRIED) {
        rows->hinted_now = rows->hinted + hint->first_row;
        rows->hinted_end = rows->hinted + last;
    }
    return hint->account;
}

struct o2c_str o2c_account_id(const struct o2c_account *account)
{
    return account->id;
}

size_t o2c_rows_add_hint(struct o2c_rows *rows, struct o2c_str account_id)
{
    struct rows_hint *hints =
        room_for_one(rows->hints, rows->hint_count, &rows->hint_cap, sizeof *hints);

    if (!hints)
        return SIZE_MAX;
    rows->hints = hints;
    hints[rows->hint_count] = (struct rows_hint){account_id, NULL, rows->hinted_count};
    return rows->hint_count++;
}

size_t o2c_rows_add_hinted(struct o2c_rows *rows)
{
    struct o2c_row **hinted =
        room_for_one(rows->hinted, rows->hinted_count, &rows->hinted_cap, sizeof *hinted);

    if (!hinted)
        return SIZE_MAX;
    rows->hinted = hinted;
    hinted[rows->hinted_count] = NULL;
    return rows->hinted_count++;
}

void o2c_rows_forget_wanted(struct o2c_rows *rows)
{
    for (size_t t = 0; t < rows->consumer->table_count; t++) {
        struct rows_table *table = &rows->tables[t];

        table->wanted = NULL;
        table->wanted_count = 0;
        for (size_t w = 0; w < table->way_count; w++) {
            table->ways[w].wanted = NULL;
            table->ways[w].wanted_count = 0;
        }
    }
    rows->loads++;
}

/* ---- rows by key */

static bool is_row(const struct o2c_row *row, const struct o2c_account *account,
                   const struct rows_table *table, const struct o2c_key *key)
{
    return row->table_no == table->no && row->account == account &&
           o2c_row_matches(row, table, key->count, key);
}

static struct o2c_row *find_row(struct o2c_account *account, const struct rows_table *table,
                                const struct o2c_key *key, uint64_t hash)
{
    size_t at = hash;

    for (struct o2c_row *row; (row = o2c_row_map_next(&account->rows->by_key, hash, &at));)
        if (is_row(row, account, table, key))
            return row;
    return NULL;
}

static struct o2c_row *find_hinted(struct o2c_account *account,
                                   const struct rows_table *table,
                                   const struct o2c_key *key)
{
    struct o2c_rows *rows = account->rows;

    assert(key->count + 1 == table->table->key_count);
    for (struct o2c_row **hinted = rows->hinted_now; hinted < rows->hinted_end; hinted++)
        if (*hinted && is_row(*hinted, account, table, key))
            return *hinted;
    return NULL;
}

struct o2c_row *o2c_rows_get(struct o2c_account *account, const struct rows_table *table,
                             const struct o2c_key *key)
{
    struct o2c_row *row = find_hinted(account, table, key);

    return row ? row
               : find_row(account, table, key,
                          o2c_row_key_hash(account->hash, table, key->count, key));
}

static struct o2c_row *make(struct o2c_row *row, struct o2c_account *account,
                            const struct rows_table *table, const struct o2c_key *key)
{
    memset(row, 0, table->table->row_bytes);
    row->table = table->table;
    row->table_no = table->no;
    row->account = account;
    o2c_row_set_key(row, key);
    return row;
}

static struct o2c_row *scratch(struct o2c_account *account, const struct rows_table *table,
                               const struct o2c_key *key)
{
    struct o2c_row *row = make(account->rows->scratch_row, account, table, key);

    o2c_rows_fail(account->rows);
    row->state = ROW_SCRATCH;
    return row;
}

struct o2c_row *o2c_rows_get_or_make(struct o2c_account *account, struct rows_table *table,
                                     const struct o2c_key *key, uint64_t hash)
{
    struct o2c_rows *rows = account->rows;
    struct o2c_row *row = find_row(account, table, key, hash);

    if (row)
        return row;
    row = o2c_arena_alloc(rows->arena, table->table->row_bytes);
    if (!row || account == rows->scratch_account)
        return scratch(account, table, key);
    make(row, account, table, key);
    if (!o2c_row_map_add(&rows->by_key, hash, row))
        return scratch(account, table, key);
    return row;
}

void o2c_rows_enter(struct rows_table *table, struct o2c_row *row)
{
    row->state |= ROW_PRESENT | ROW_KNOWN | ROW_STORED;
    if (table->set_count)
        o2c_rows_join(table, row, NULL);
}

/* ---- the undo log */

/* Room for one more image; UNDO_NO_IMAGE without memory. */
static ptrdiff_t room_for_image(struct o2c_rows *rows, size_t bytes)
{
    size_t at = rows->images_len;

    bytes = (bytes + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
    if (at + bytes > rows->images_cap) {
        size_t cap = (at + bytes) * 2;
        char *images = realloc(rows->images, cap);

        if (!images)
            return UNDO_NO_IMAGE;
        rows->images = images;
        rows->images_cap = cap;
    }
    rows->images_len += bytes;
    return (ptrdiff_t)at;
}

/* Before the first change of a row by an event. */
static void remember(struct o2c_row *row)
{
    struct o2c_rows *rows = row->account->rows;
    struct undo undo = {row, UNDO_NO_IMAGE, row->state}, *log;

    if (row->state & ROW_SCRATCH)
        return;
    assert(rows->in_event && "rows are changed by an event only");
    if (row->edited_by == rows->event)
        return;
    if (row->state & ROW_PRESENT) {
        undo.image = room_for_image(rows, row->table->row_bytes);
        if (undo.image != UNDO_NO_IMAGE)
            memcpy(rows->images + undo.image, row, row->table->row_bytes);
    }
    log = room_for_one(rows->log, rows->log_count, &rows->log_cap, sizeof *log);
    if (log)
        rows->log = log;
    if (!log || ((row->state & ROW_PRESENT) && undo.image == UNDO_NO_IMAGE)) {
        o2c_rows_fail(rows);
        return;
    }
    rows->log[rows->log_count++] = undo;
    rows->tables[row->table_no].touched_by = rows->event;
    row->edited_by = rows->event;
}

void o2c_rows_begin(struct o2c_rows *rows)
{
    assert(!rows->in_event);
    o2c_rows_settle_wants(rows);
    rows->event++;
    rows->in_event = true;
    rows->log_count = 0;
    rows->images_len = 0;
}

void o2c_rows_undo(struct o2c_rows *rows)
{
    assert(rows->in_event);
    for (size_t i = 0; i < rows->log_count; i++) {
        const struct undo *undo = &rows->log[i];

        undo->row->state = undo->state;
        if (undo->image != UNDO_NO_IMAGE)
            memcpy(undo->row, rows->images + undo->image, undo->row->table->row_bytes);
    }
    rows->in_event = false;
}

/* The event left the row as it was, as far as its bytes tell. */
static bool is_unchanged(const struct o2c_row *row, const struct o2c_row *before,
                         uint8_t state)
{
    if (!((row->state | state) & ROW_PRESENT))
        return row->state &
               ROW_KNOWN; /* put blind and removed at once: the database may have it */
    return before && row->state == state &&
           !memcmp(row + 1, before + 1, row->table->row_bytes - sizeof *row);
}

void o2c_rows_commit(struct o2c_rows *rows)
{
    assert(rows->in_event);
    for (size_t i = 0; i < rows->log_count; i++) {
        const struct undo *undo = &rows->log[i];
        struct o2c_row *row = undo->row;
        struct rows_table *table = &rows->tables[row->table_no];
        const void *before =
            undo->image == UNDO_NO_IMAGE ? NULL : rows->images + undo->image;

        if (is_unchanged(row, before, undo->state))
            continue;
        if (!(row->state & ROW_CHANGED)) {
            row->state |= ROW_CHANGED;
            row->next_in_table = table->changed;
            table->changed = row;
            table->changed_count++;
        }
        if (table->set_count && (row->state & ROW_PRESENT))
            o2c_rows_join(table, row, before);
    }
    rows->in_event = false;
}

/* ---- what rules do */

static bool is_covered(struct o2c_account *account, const struct rows_table *table,
                       const struct o2c_row *row, const struct o2c_key *key)
{
    return (row && (row->state & ROW_KNOWN)) || o2c_rows_covered(account, table, key) ||
           account->rows->failed;
}

const void *o2c_row_find(struct o2c_account *account, const struct o2c_table *table,
                         const struct o2c_key *key)
{
    struct rows_table *rows_table = o2c_rows_table(account->rows, table);
    struct o2c_row *row = o2c_rows_get(account, rows_table, key);

    assert((!account->rows->in_event || is_covered(account, rows_table, row, key)) &&
           "a row that the event did not want");
    return row && (row->state & ROW_PRESENT) ? row : NULL;
}

/* The row is `const` to rules that have not asked to change it. */
static struct o2c_row *changeable(const void *row)
{
    return (struct o2c_row *)(uintptr_t)row;
}

void *o2c_row_edit(const void *row)
{
    remember(changeable(row));
    return changeable(row);
}

/* A row that is not present appears, empty but for its key. */
static void *appear(struct o2c_row *row, const struct o2c_key *key)
{
    if (row->state & ROW_SCRATCH)
        return row;
    remember(row);
    memset(row + 1, 0, row->table->row_bytes - sizeof *row);
    o2c_row_set_key(row, key);
    row->state |= ROW_PRESENT;
    return row;
}

void *o2c_row_add(struct o2c_account *account, const struct o2c_table *table,
                  const struct o2c_key *key)
{
    struct rows_table *rows_table = o2c_rows_table(account->rows, table);
    struct o2c_row *row = find_hinted(account, rows_table, key);

    if (!row)
        row = o2c_rows_get_or_make(
            account, rows_table, key,
            o2c_row_key_hash(account->hash, rows_table, key->count, key));
    assert(is_covered(account, rows_table, row, key) &&
           "a row that the event did not want");
    assert(!(row->state & ROW_PRESENT) && "a row with this key is there already");
    if (!(row->state & ROW_SCRATCH))
        row->state |= ROW_KNOWN;
    return appear(row, key);
}

void *o2c_row_append(struct o2c_account *account, const struct o2c_table *table,
                     const struct o2c_key *key)
{
    struct rows_table *rows_table = o2c_rows_table(account->rows, table);
    struct o2c_row *row =
        o2c_rows_get_or_make(account, rows_table, key,
                             o2c_row_key_hash(account->hash, rows_table, key->count, key));

    assert(!(row->state & ROW_PRESENT) && "a row with this key is there already");
    if (!(row->state & ROW_SCRATCH))
        row->state |= ROW_KNOWN;
    return appear(row, key);
}

void *o2c_row_put(struct o2c_account *account, const struct o2c_table *table,
                  const struct o2c_key *key)
{
    struct rows_table *rows_table = o2c_rows_table(account->rows, table);
    struct o2c_row *row = o2c_rows_get(account, rows_table, key);

    if (!row && account->rows->failed)
        return scratch(account, rows_table, key);
    assert(row && (row->state & ROW_BLIND) && "a row that the event did not want blind");
    return row->state & ROW_PRESENT ? o2c_row_edit(row) : appear(row, key);
}

void o2c_row_remove(const void *row)
{
    remember(changeable(row));
    changeable(row)->state &= (uint8_t)~ROW_PRESENT;
}
