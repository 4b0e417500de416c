#include "tests/support/rows_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/effects.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/uuid.h"
#include "schemas/wire/content.h"
#include "tests/support/memory_tables.h"

#include "runtime/base/banned.h"

static const int64_t first_recorded_us = 1767225600000000; /* 2026-01-01T00:00:00Z */
static const int64_t second_us = 1000000;

enum {
    ARENA_MAX_BYTES = 1 << 30,
    EVENT_MAX_BYTES = 1 << 20
};

/* What rules of one event made happen. */
struct o2c_effects {
    struct rows_fixture *fixture;
    struct o2c_str account;
    size_t event_no;
    int64_t recorded_us;
    struct o2c_err err; /* of the first event that could not be encoded */
};

/* An entry of the due table, or what an event does to one. */
struct entry {
    struct o2c_due due; /* its texts lie in `kept` */
    int32_t since;      /* business date when it was made */
};

struct rows_fixture {
    const struct o2c_consumer *consumer;
    struct memory_tables *tables;
    struct o2c_rows *rows;
    struct o2c_arena batch, recorded;
    struct o2c_buf wire;
    int64_t recorded_us, offset;
    struct rows_effect *effects;
    size_t effect_count, effect_cap;
    const void *settings;
    struct o2c_arena kept;
    struct entry *entries; /* in the order in which ticks run them */
    size_t entry_count, entry_cap;
    int32_t business_date;
};

struct rows_fixture *rows_fixture_new(const struct o2c_consumer *consumer)
{
    struct rows_fixture *fixture = calloc(1, sizeof *fixture);
    struct o2c_err err;

    if (!fixture)
        abort();
    fixture->consumer = consumer;
    fixture->tables = memory_tables_new(consumer);
    fixture->recorded_us = first_recorded_us;
    o2c_arena_init(&fixture->batch, ARENA_MAX_BYTES);
    o2c_arena_init(&fixture->recorded, ARENA_MAX_BYTES);
    o2c_arena_init(&fixture->kept, ARENA_MAX_BYTES);
    fixture->business_date = O2C_NO_BUSINESS_DATE;
    o2c_buf_init(&fixture->wire, EVENT_MAX_BYTES);
    if (o2c_rows_new(&fixture->rows, consumer, &fixture->batch, &err))
        abort();
    return fixture;
}

void rows_fixture_free(struct rows_fixture *fixture)
{
    o2c_rows_free(fixture->rows);
    memory_tables_free(fixture->tables);
    o2c_arena_clear(&fixture->batch);
    o2c_arena_clear(&fixture->recorded);
    o2c_arena_clear(&fixture->kept);
    free(fixture->entries);
    o2c_buf_clear(&fixture->wire);
    free(fixture->effects);
    free(fixture);
}

void rows_fixture_settings(struct rows_fixture *fixture, const void *settings)
{
    fixture->settings = settings;
}

void rows_fixture_recorded_at(struct rows_fixture *fixture, int64_t utc_us)
{
    fixture->recorded_us = utc_us;
}

static void *must(void *at)
{
    if (!at)
        abort();
    return at;
}

static struct o2c_str copy(struct o2c_arena *arena, struct o2c_str text)
{
    if (!o2c_arena_copy(arena, text, &text))
        abort();
    return text;
}

/* ---- events to bytes and back */

static void fill_head(struct rows_fixture *fixture, struct o2c_head *head, int64_t at_us)
{
    static const struct o2c_str source = {"test", 4}, company = {"main", 4};
    struct o2c_uuid id = o2c_uuid_v5(&O2C_UUID_NAMESPACE, &at_us, sizeof at_us);
    char text[O2C_UUID_TEXT + 1];

    o2c_uuid_format(&id, text);
    if (!head->event_id.at)
        head->event_id = copy(&fixture->batch, (struct o2c_str){text, O2C_UUID_TEXT});
    if (!head->source.at)
        head->source = source;
    if (!head->company_id.at)
        head->company_id = company;
    if (!head->occurred_at_us)
        head->occurred_at_us = at_us;
}

/* What the host fills in for rules. */
static void fill_account(struct o2c_head *head, struct o2c_str account)
{
    head->account_id = account;
    if (!head->customer_id.at)
        head->customer_id = account;
}

/*
 * The event as it would be read from its topic; everything in it lies in
 * `arena`.  `account` is absent for events from outside.
 */
static enum o2c_verdict through_the_wire(struct rows_fixture *fixture,
                                         const struct o2c_event *event,
                                         struct o2c_str account, int64_t at_us,
                                         struct o2c_arena *arena,
                                         struct o2c_event *ret_event, struct o2c_err *err)
{
    const struct o2c_event_type_row *type = o2c_event_type_row(event->type);
    void *body = must(o2c_arena_alloc(&fixture->batch, type->record->bytes));
    struct o2c_event full = o2c_event_of(event->type, body);

    memcpy(body, event->body, type->record->bytes);
    if (type->has_head && account.at)
        fill_account(body, account);
    if (type->has_head)
        fill_head(fixture, body, at_us);
    o2c_buf_reset(&fixture->wire);
    if (o2c_event_encode(&full, &fixture->wire, err))
        return err->verdict;
    return o2c_event_decode(
        copy(arena, (struct o2c_str){fixture->wire.at, fixture->wire.len}), arena,
        ret_event, err);
}

/* ---- effects */

static struct rows_effect *add_effect(struct rows_fixture *fixture, size_t event_no,
                                      enum rows_effect_kind kind)
{
    if (fixture->effect_count == fixture->effect_cap) {
        fixture->effect_cap = fixture->effect_cap ? fixture->effect_cap * 2 : 16;
        fixture->effects =
            must(realloc(fixture->effects, fixture->effect_cap * sizeof *fixture->effects));
    }
    fixture->effects[fixture->effect_count] =
        (struct rows_effect){.kind = kind, .event_no = event_no};
    return &fixture->effects[fixture->effect_count++];
}

static void emit(struct o2c_effects *effects, enum rows_effect_kind kind,
                 struct o2c_str key, const struct o2c_event *event)
{
    struct rows_fixture *fixture = effects->fixture;
    struct o2c_err err;
    struct o2c_event decoded;
    struct rows_effect *effect;

    if (through_the_wire(fixture, event, effects->account, effects->recorded_us,
                         &fixture->recorded, &decoded, &err)) {
        if (!effects->err.verdict)
            effects->err = err;
        return;
    }
    effect = add_effect(fixture, effects->event_no, kind);
    effect->event = decoded;
    effect->key = copy(&fixture->recorded, key);
}

void o2c_effects_emit(struct o2c_effects *effects, const struct o2c_event *event)
{
    emit(effects, ROWS_EMITTED, effects->account, event);
}

void o2c_effects_emit_state(struct o2c_effects *effects, struct o2c_str entity_id,
                            const struct o2c_event *state)
{
    emit(effects, ROWS_STATE, entity_id, state);
}

static void note_due(struct o2c_effects *effects, enum rows_effect_kind kind, int32_t date,
                     const char *word, struct o2c_str item)
{
    struct o2c_arena *arena = &effects->fixture->recorded;
    struct rows_effect *effect = add_effect(effects->fixture, effects->event_no, kind);

    effect->due = (struct o2c_due){date, copy(arena, effects->account),
                                   copy(arena, o2c_str_from(word)), copy(arena, item)};
}

void o2c_effects_due(struct o2c_effects *effects, int32_t date, const char *kind,
                     struct o2c_str item)
{
    note_due(effects, ROWS_DUE, date, kind, item);
}

void o2c_effects_due_cancel(struct o2c_effects *effects, int32_t date, const char *kind,
                            struct o2c_str item)
{
    note_due(effects, ROWS_DUE_GONE, date, kind, item);
}

void o2c_effects_no_room(struct o2c_effects *effects)
{
    (void)effects;
    abort(); /* no test's events fill the arena */
}

void o2c_effects_repeat(struct o2c_effects *effects)
{
    add_effect(effects->fixture, effects->event_no, ROWS_REPEAT);
}

void o2c_effects_conflict(struct o2c_effects *effects, const struct o2c_event *event,
                          struct o2c_str natural_key, struct o2c_str before,
                          int64_t first_seen_us)
{
    struct rows_effect *effect =
        add_effect(effects->fixture, effects->event_no, ROWS_CONFLICT);
    struct o2c_arena *arena = &effects->fixture->recorded;
    struct o2c_str *names =
        must(o2c_arena_alloc(arena, O2C_CONTENT_MAX_FIELDS * sizeof *names));
    struct o2c_content now;

    o2c_content_of(event, &now);
    effect->key = copy(arena, natural_key);
    effect->first_seen_us = first_seen_us;
    effect->fields = names;
    effect->field_count = o2c_content_differs(event->type, before, o2c_content_bytes(&now),
                                              names, O2C_CONTENT_MAX_FIELDS);
}

/* ---- due dates */

static int compare_text(struct o2c_str a, struct o2c_str b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_due(const struct o2c_due *a, const struct o2c_due *b)
{
    int order = (a->date > b->date) - (a->date < b->date);

    order = order ? order : compare_text(a->account_id, b->account_id);
    order = order ? order : compare_text(a->kind, b->kind);
    return order ? order : compare_text(a->item, b->item);
}

static size_t place_of(const struct rows_fixture *fixture, const struct o2c_due *due)
{
    size_t i = 0;

    while (i < fixture->entry_count && compare_due(&fixture->entries[i].due, due) < 0)
        i++;
    return i;
}

static bool is_there(const struct rows_fixture *fixture, size_t i,
                     const struct o2c_due *due)
{
    return i < fixture->entry_count && !compare_due(&fixture->entries[i].due, due);
}

static void remove_due(struct rows_fixture *fixture, const struct o2c_due *due)
{
    size_t i = place_of(fixture, due);

    if (!is_there(fixture, i, due))
        return;
    fixture->entry_count--;
    memmove(&fixture->entries[i], &fixture->entries[i + 1],
            (fixture->entry_count - i) * sizeof *fixture->entries);
}

static void add_due(struct rows_fixture *fixture, const struct o2c_due *due)
{
    size_t i = place_of(fixture, due);

    if (is_there(fixture, i, due))
        return;
    if (fixture->entry_count == fixture->entry_cap) {
        fixture->entry_cap = fixture->entry_cap ? fixture->entry_cap * 2 : 16;
        fixture->entries =
            must(realloc(fixture->entries, fixture->entry_cap * sizeof *fixture->entries));
    }
    memmove(&fixture->entries[i + 1], &fixture->entries[i],
            (fixture->entry_count - i) * sizeof *fixture->entries);
    fixture->entry_count++;
    fixture->entries[i] = (struct entry){
        .due = {due->date, copy(&fixture->kept, due->account_id),
                copy(&fixture->kept, due->kind), copy(&fixture->kept, due->item)},
        .since = fixture->business_date};
}

/* What the events of a batch, all of them good by now, did to the due dates. */
static void store_due(struct rows_fixture *fixture, size_t effects_before)
{
    for (size_t e = effects_before; e < fixture->effect_count; e++) {
        const struct rows_effect *effect = &fixture->effects[e];

        if (effect->kind == ROWS_DUE)
            add_due(fixture, &effect->due);
        else if (effect->kind == ROWS_DUE_GONE)
            remove_due(fixture, &effect->due);
    }
}

const struct o2c_due *rows_fixture_due(const struct rows_fixture *fixture, size_t i)
{
    return i < fixture->entry_count ? &fixture->entries[i].due : NULL;
}

/* ---- batches */

static const struct o2c_route *route_of(const struct o2c_consumer *consumer,
                                        const struct o2c_event *event)
{
    for (size_t r = 0; r < consumer->route_count; r++)
        if (consumer->routes[r].event_type == (int)event->type)
            return &consumer->routes[r];
    return NULL;
}

static struct o2c_moment next_moment(struct rows_fixture *fixture, const char *topic)
{
    struct o2c_moment moment = {.recorded_us = fixture->recorded_us,
                                .topic = topic,
                                .offset = fixture->offset++,
                                .arena = &fixture->batch,
                                .business_date = fixture->business_date,
                                .settings = fixture->settings};

    fixture->recorded_us += second_us;
    return moment;
}

/* After a rule was called between o2c_rows_begin and this. */
static enum o2c_verdict settle(struct rows_fixture *fixture, enum o2c_verdict verdict,
                               const struct o2c_effects *effects, size_t effects_before,
                               struct o2c_err *err)
{
    if (!verdict && effects->err.verdict) {
        *err = effects->err;
        verdict = err->verdict;
    }
    if (verdict) {
        o2c_rows_undo(fixture->rows);
        fixture->effect_count = effects_before;
        return verdict;
    }
    o2c_rows_commit(fixture->rows);
    store_due(fixture, effects_before);
    return O2C_OK;
}

static enum o2c_verdict fold(struct rows_fixture *fixture, const struct o2c_event *event,
                             size_t event_no, struct o2c_err *err)
{
    const struct o2c_route *route = route_of(fixture->consumer, event);
    struct o2c_str account = o2c_event_account(event);
    struct o2c_effects effects = {fixture, account, event_no, fixture->recorded_us, {0}};
    struct o2c_moment moment =
        next_moment(fixture, o2c_event_type_row(event->type)->topic->name);
    size_t effects_before = fixture->effect_count;
    enum o2c_verdict verdict;

    if (!route)
        return O2C_OK;
    o2c_rows_begin(fixture->rows);
    verdict = route->apply(o2c_rows_account(fixture->rows, account), event, &moment,
                           &effects, err);
    return settle(fixture, verdict, &effects, effects_before, err);
}

static void park(struct rows_fixture *fixture, size_t event_no, const struct o2c_err *err)
{
    struct o2c_str text =
        copy(&fixture->recorded, (struct o2c_str){err->text, strlen(err->text) + 1});

    add_effect(fixture, event_no, ROWS_PARKED)->reason = text.at;
}

/* Ends a batch of one rule; a refusal is an effect, too. */
static enum o2c_verdict stored(struct rows_fixture *fixture, enum o2c_verdict verdict,
                               const struct o2c_err *err)
{
    if (verdict)
        park(fixture, 0, err);
    if (o2c_rows_failed(fixture->rows))
        abort();
    memory_tables_store(fixture->tables, fixture->rows);
    return verdict;
}

static void want(struct rows_fixture *fixture, const struct o2c_event *event)
{
    const struct o2c_route *route = route_of(fixture->consumer, event);

    if (route && route->needs)
        route->needs(event, o2c_rows_want(fixture->rows, o2c_event_account(event)));
}

static void want_more(struct rows_fixture *fixture, const struct o2c_event *event)
{
    const struct o2c_route *route = route_of(fixture->consumer, event);
    struct o2c_account *account;
    struct o2c_wants *wants;

    if (!route || !route->needs_more)
        return;
    wants = o2c_rows_want_more(fixture->rows, o2c_event_account(event), &account);
    route->needs_more(account, event, wants);
}

static void load(struct rows_fixture *fixture, const struct o2c_event *events, size_t count)
{
    while (memory_tables_load(fixture->tables, fixture->rows))
        for (size_t i = 0; i < count; i++)
            want_more(fixture, &events[i]);
}

static void begin_batch(struct rows_fixture *fixture)
{
    o2c_rows_reset(fixture->rows);
    o2c_arena_reset(&fixture->batch);
    o2c_arena_reset(&fixture->recorded);
    fixture->effect_count = 0;
}

/* Decoded copies in the batch arena, which is given back before the next call. */
static struct o2c_event *take(struct rows_fixture *fixture, const struct o2c_event *events,
                              size_t count)
{
    static const struct o2c_str from_outside = {NULL, 0};
    struct o2c_event *taken;
    struct o2c_err err;

    begin_batch(fixture);
    taken = must(o2c_arena_alloc(&fixture->batch, (count + 1) * sizeof *taken));
    for (size_t i = 0; i < count; i++) {
        if (through_the_wire(fixture, &events[i], from_outside,
                             fixture->recorded_us + (int64_t)i * second_us, &fixture->batch,
                             &taken[i], &err)) {
            fprintf(stderr, "rows_fixture: no topic could carry this event: %s\n",
                    err.text);
            abort();
        }
        want(fixture, &taken[i]);
    }
    load(fixture, taken, count);
    return taken;
}

void rows_fixture_apply_batch(struct rows_fixture *fixture, const struct o2c_event *events,
                              size_t count)
{
    struct o2c_event *taken = take(fixture, events, count);
    struct o2c_err err;

    for (size_t i = 0; i < count; i++)
        if (fold(fixture, &taken[i], i, &err))
            park(fixture, i, &err);
    if (o2c_rows_failed(fixture->rows))
        abort();
    memory_tables_store(fixture->tables, fixture->rows);
}

enum o2c_verdict rows_fixture_apply(struct rows_fixture *fixture, enum o2c_event_type type,
                                    const void *body, struct o2c_err *err)
{
    struct o2c_event event = o2c_event_of(type, body);
    struct o2c_event *taken = take(fixture, &event, 1);

    return stored(fixture, fold(fixture, taken, 0, err), err);
}

/* ---- notices */

static const struct o2c_parked_route *parked_route_of(const struct rows_fixture *fixture,
                                                      const char *topic)
{
    for (size_t i = 0; i < fixture->consumer->parked_route_count; i++)
        if (!strcmp(fixture->consumer->parked_routes[i].topic, topic))
            return &fixture->consumer->parked_routes[i];
    abort(); /* it hears no notices on that topic */
}

enum o2c_verdict rows_fixture_notice(struct rows_fixture *fixture, const char *topic,
                                     struct o2c_str account,
                                     const struct o2c_parked_notice *notice,
                                     struct o2c_err *err)
{
    const struct o2c_parked_route *route = parked_route_of(fixture, topic);
    struct o2c_effects effects = {fixture, account, 0, fixture->recorded_us, {0}};
    struct o2c_moment moment = next_moment(fixture, topic);
    enum o2c_verdict verdict;

    begin_batch(fixture);
    if (route->needs)
        route->needs(notice, o2c_rows_want(fixture->rows, account));
    (void)memory_tables_load(fixture->tables, fixture->rows);
    o2c_rows_begin(fixture->rows);
    verdict = route->apply(o2c_rows_account(fixture->rows, account), notice, &moment,
                           &effects, err);
    verdict = settle(fixture, verdict, &effects, 0, err);
    return stored(fixture, verdict, err);
}

/* ---- business days */

static void load_due(struct rows_fixture *fixture, const struct o2c_due *due)
{
    struct o2c_account *account;
    struct o2c_wants *wants;

    while (memory_tables_load(fixture->tables, fixture->rows)) {
        if (!fixture->consumer->due_needs_more)
            continue;
        wants = o2c_rows_want_more(fixture->rows, due->account_id, &account);
        fixture->consumer->due_needs_more(account, due, fixture->business_date, wants);
    }
}

/* The item is taken away first, as the host does; a refused one comes back. */
static void run_item(struct rows_fixture *fixture, const struct entry *entry,
                     size_t item_no)
{
    struct o2c_effects effects = {
        fixture, entry->due.account_id, item_no, fixture->recorded_us, {0}};
    struct o2c_moment moment = next_moment(fixture, "o2c.clock");
    size_t effects_before = fixture->effect_count;
    struct o2c_err err;
    enum o2c_verdict verdict;

    o2c_rows_reset(fixture->rows);
    o2c_arena_reset(&fixture->batch);
    if (fixture->consumer->due_needs)
        fixture->consumer->due_needs(&entry->due,
                                     o2c_rows_want(fixture->rows, entry->due.account_id));
    load_due(fixture, &entry->due);
    remove_due(fixture, &entry->due);
    o2c_rows_begin(fixture->rows);
    verdict =
        fixture->consumer->on_due(o2c_rows_account(fixture->rows, entry->due.account_id),
                                  &entry->due, &moment, &effects, &err);
    if (settle(fixture, verdict, &effects, effects_before, &err)) {
        park(fixture, item_no, &err);
        add_due(fixture, &entry->due);
    }
    memory_tables_store(fixture->tables, fixture->rows);
}

size_t rows_fixture_start_day(struct rows_fixture *fixture, int32_t business_date)
{
    size_t count = 0, all = fixture->entry_count;
    struct entry *reached = must(malloc((all + 1) * sizeof *reached));

    for (size_t i = 0; i < all; i++)
        if (fixture->entries[i].due.date <= business_date &&
            fixture->entries[i].since < business_date)
            reached[count++] = fixture->entries[i];
    o2c_arena_reset(&fixture->recorded);
    fixture->effect_count = 0;
    fixture->business_date = business_date;
    for (size_t i = 0; i < count; i++) {
        size_t at = place_of(fixture, &reached[i].due);

        if (is_there(fixture, at, &reached[i].due) &&
            fixture->entries[at].since < business_date)
            run_item(fixture, &reached[i], i);
    }
    free(reached);
    return count;
}

/* ---- looking */

const struct rows_effect *rows_fixture_effects(const struct rows_fixture *fixture,
                                               size_t *ret_count)
{
    *ret_count = fixture->effect_count;
    return fixture->effects;
}

const struct rows_effect *rows_fixture_effect(const struct rows_fixture *fixture,
                                              enum rows_effect_kind kind,
                                              enum o2c_event_type type, size_t i)
{
    for (size_t e = 0; e < fixture->effect_count; e++) {
        const struct rows_effect *effect = &fixture->effects[e];

        if (effect->kind == kind && (!type || effect->event.type == type) && !i--)
            return effect;
    }
    return NULL;
}

const void *rows_fixture_row(const struct rows_fixture *fixture,
                             const struct o2c_table *table, size_t i)
{
    return memory_tables_row(fixture->tables, table, i);
}

size_t rows_fixture_row_count(const struct rows_fixture *fixture,
                              const struct o2c_table *table)
{
    return memory_tables_count(fixture->tables, table);
}
