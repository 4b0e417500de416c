/*
 * rows_private.h - private to the rows files of consumers/host: how the rows
 * of one batch are kept.
 *
 *   rows.c             accounts and rows, what rules do to them, the undo log
 *   rows_key.c         keys: hashed, compared, sorted
 *   rows_map.c         hash to item
 *   rows_sets.c        sets of rows: wanted prefixes and look-ups, and walks
 *   wants.c            what needs() functions say
 *   rows_statements.c  the SQL, from the table descriptions
 *   rows_load.c        wanted rows from PostgreSQL
 *   rows_store.c       changed rows to PostgreSQL
 *
 * A "way" is a way of wanting rows of a table.  Way n, for n below key_count,
 * is by the first n values of the key after account_id (n = key_count - 1: the
 * whole key); way key_count + i is by look-up i.
 */
#ifndef O2C_HOST_ROWS_PRIVATE_H
#define O2C_HOST_ROWS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumers/host/rows_map.h"
#include "consumers/host/table.h"
#include "runtime/pg/binary.h"

struct o2c_arena;
struct o2c_consumer;
struct o2c_rows;

enum {
    ROWS_TABLES_MAX = 64,
    ROWS_STATEMENT_NAME = 24
};

enum row_state {
    ROW_PRESENT = 1, /* rules see it */
    ROW_KNOWN = 2,   /* the database was or will be asked for it */
    ROW_STORED = 4,  /* the database had it when the batch was loaded */
    ROW_CHANGED = 8, /* in its table's list of rows to store */
    ROW_BLIND = 16,  /* wanted blind: may be put without having been asked for */
    ROW_SCRATCH = 32 /* stands in for a row there was no memory for; in no map */
};

/* ---- the batch */

struct o2c_account {
    struct o2c_rows *rows;
    struct o2c_str id;
    uint64_t hash;
    char text[]; /* what id borrows: one cache miss less for every look at it */
};

/* The event being asked what it wants. */
struct o2c_wants {
    struct o2c_rows *rows;
    struct o2c_str account_id;
    uint64_t account_hash;
    size_t hint;
};

enum want_kind {
    WANT_ROW,
    WANT_BLIND,
    WANT_SET
};

/*
 * A want that is not in the maps yet.  Looking things up in maps of 50,000 is
 * waiting for memory, three or four times a want; so a want only says what it
 * will look at, and is dealt with when a few more have come.
 */
struct pending_want {
    enum want_kind kind;
    uint8_t way_no;
    struct rows_table *table;
    struct o2c_str account_id;
    uint64_t account_hash, key_hash;
    size_t hint, hinted;
    struct o2c_key key;
};

enum {
    PENDING_WANTS = 16 /* a power of two */
};

/*
 * What an event wanted.  Events are applied in the order in which they were
 * asked what they want, so most accounts and rows need not be looked up again:
 * they are recognized by where the event's bytes lie.
 */
struct rows_hint {
    struct o2c_str id;
    struct o2c_account *account; /* NULL: not known */
    size_t first_row;            /* in hinted; up to the next hint's */
};

/* The rows that one wanted prefix or look-up names. */
struct row_set {
    struct row_set *next_in_way;
    struct o2c_account *account;
    struct o2c_key key;
    uint8_t table_no, way_no;
    bool sorted;          /* by key, none twice */
    const void **members; /* may hold some that left it: every walk looks again */
    size_t count, cap;
};

struct row_way {
    const int *columns; /* numbers of the columns it goes by, without account_id */
    size_t column_count;
    struct row_set *wanted; /* sets to be asked for */
    size_t wanted_count;
    size_t set_count; /* all of this batch */
    char statement[ROWS_STATEMENT_NAME];
};

struct rows_table {
    struct o2c_rows *rows;
    const struct o2c_table *table;
    struct row_way *ways;
    size_t way_count;
    size_t set_count;       /* of all its ways */
    struct o2c_row *wanted; /* whole keys to be asked for, by next_in_table */
    size_t wanted_count;
    struct o2c_row *changed; /* by next_in_table */
    size_t changed_count;
    uint32_t touched_by;   /* the last event that edited a row of it */
    uint32_t row_type_oid; /* 0: not known on this connection */
    uint8_t no;
    char merge[ROWS_STATEMENT_NAME], remove[ROWS_STATEMENT_NAME];
};

enum {
    UNDO_NO_IMAGE = -1
};

struct undo {
    struct o2c_row *row;
    ptrdiff_t
        image; /* offset into images; UNDO_NO_IMAGE for a row that rules did not see */
    uint8_t state;
};

struct o2c_rows {
    const struct o2c_consumer *consumer;
    struct o2c_arena *arena;
    struct rows_table *tables;
    struct row_map by_account, by_key, by_set;
    struct o2c_wants wants;
    struct pending_want pending[PENDING_WANTS]; /* number n at n % PENDING_WANTS */
    size_t pending_first, pending_end;
    struct o2c_str first_id;
    size_t id_skip; /* all accounts' ids begin with the same so many bytes */

    struct rows_hint *hints; /* one per event that wanted something */
    size_t hint_count, hint_cap;
    struct o2c_row **hinted; /* NULL: not known */
    size_t hinted_count, hinted_cap;
    size_t next_hint;
    struct o2c_row **hinted_now, **hinted_end; /* of the account asked for last */

    bool failed;
    uint32_t loads; /* of this batch, begun so far */
    uint32_t event; /* ordinal of the one being applied; 0 before the first */
    bool in_event;
    struct undo *log;
    size_t log_count, log_cap;
    char *images; /* of rows before the event */
    size_t images_len, images_cap;

    struct o2c_account *scratch_account;
    void *scratch_row;
    void *sort_space;
    size_t sort_bytes;
    struct o2c_pg_params params;
};

/* ---- rows.c */

/* Remembers that there was no memory. */
void o2c_rows_fail(struct o2c_rows *rows);
struct rows_table *o2c_rows_table(struct o2c_rows *rows, const struct o2c_table *table);
struct o2c_account *o2c_rows_find_account(struct o2c_rows *rows, struct o2c_str id);
struct o2c_account *o2c_rows_find_or_make_account(struct o2c_rows *rows, struct o2c_str id,
                                                  uint64_t hash);

/* The row with this key in any state; NULL: there is none in memory. */
struct o2c_row *o2c_rows_get(struct o2c_account *account, const struct rows_table *table,
                             const struct o2c_key *key);
/* Makes one that is not present if there is none; `hash` is the key's. Scratch without
 * memory. */
struct o2c_row *o2c_rows_get_or_make(struct o2c_account *account, struct rows_table *table,
                                     const struct o2c_key *key, uint64_t hash);

/* A hint for an event; a place in `hinted` for a row it wants.  SIZE_MAX: no memory for it.
 */
size_t o2c_rows_add_hint(struct o2c_rows *rows, struct o2c_str account_id);
size_t o2c_rows_add_hinted(struct o2c_rows *rows);

/* What was wanted has been asked for. */
void o2c_rows_forget_wanted(struct o2c_rows *rows);

/*
 * A row that a load found: `row` (made by get_or_make, its columns filled in)
 * becomes visible and a member of the sets it belongs to.  One that an earlier
 * load of the batch found becomes a member of the sets wanted since.
 */
void o2c_rows_enter(struct rows_table *table, struct o2c_row *row);

/* ---- wants.c */

/* Nothing is pending any more. */
void o2c_rows_settle_wants(struct o2c_rows *rows);

/* ---- rows_key.c */

/* What a column of a row says; false for NULL. */
bool o2c_row_part(const void *row, const struct o2c_column *column,
                  struct o2c_key_part *ret);
void o2c_row_set_key(struct o2c_row *row, const struct o2c_key *key);
uint64_t o2c_row_key_hash(uint64_t account_hash, const struct rows_table *table,
                          size_t way_no, const struct o2c_key *key);
bool o2c_row_key_eq(const struct o2c_key *a, const struct o2c_key *b);

/* The row's values in the columns of a way; false if one of them is NULL. */
bool o2c_row_way_key(const void *row, const struct rows_table *table, size_t way_no,
                     struct o2c_key *ret_key);
bool o2c_row_matches(const void *row, const struct rows_table *table, size_t way_no,
                     const struct o2c_key *key);

/* By account and key; text as bytes. */
int o2c_row_cmp(const void *a, const void *b);
/* Sorts rows of one table; false without memory, in no particular order then. */
bool o2c_rows_sort(struct o2c_rows *rows, const void **at, size_t count);
/* Sorts at least one set by account as far as eight bytes tell. */
bool o2c_rows_sort_sets(struct o2c_rows *rows, const void **at, size_t count);

/* ---- rows_statements.c: the names that both the list and the senders use */

#define ROWS_SETTINGS_STATEMENT "rows_settings"
#define ROWS_TYPES_STATEMENT "rows_types"

void o2c_rows_name_load(char ret_name[ROWS_STATEMENT_NAME], uint8_t table_no,
                        uint8_t way_no);
void o2c_rows_name_store(char ret_merge[ROWS_STATEMENT_NAME],
                         char ret_remove[ROWS_STATEMENT_NAME], uint8_t table_no);

/* ---- rows_sets.c */

void o2c_rows_want_set(struct o2c_account *account, struct rows_table *table, size_t way_no,
                       const struct o2c_key *key);
/* Some wanted prefix covers this key, so a row that is not here is not in the database
 * either. */
bool o2c_rows_covered(struct o2c_account *account, const struct rows_table *table,
                      const struct o2c_key *key);
/* Adds the row to the sets its columns name, except those that `before` (may be NULL) was
 * in. */
void o2c_rows_join(struct rows_table *table, const struct o2c_row *row, const void *before);

#endif
