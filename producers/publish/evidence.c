#include "producers/publish/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

void o2c_evidence_init(struct o2c_evidence *evidence)
{
    *evidence = (struct o2c_evidence){.exhibits = NULL};
    o2c_arena_init(&evidence->arena, SIZE_MAX / 2);
}

void o2c_evidence_clear(struct o2c_evidence *evidence)
{
    free(evidence->exhibits);
    o2c_arena_clear(&evidence->arena);
}

static bool make_room(struct o2c_evidence *evidence)
{
    if (evidence->count < evidence->cap)
        return true;
    size_t cap = evidence->cap ? evidence->cap * 2 : 1024;
    struct o2c_exhibit *exhibits =
        realloc(evidence->exhibits, cap * sizeof(*evidence->exhibits));
    if (!exhibits)
        return false;
    evidence->exhibits = exhibits;
    evidence->cap = cap;
    return true;
}

enum o2c_verdict o2c_evidence_add(struct o2c_evidence *evidence,
                                  const struct o2c_facts *facts, struct o2c_str place,
                                  struct o2c_err *err)
{
    struct o2c_exhibit exhibit = {.facts = *facts, .number = evidence->count};
    struct o2c_facts *kept = &exhibit.facts;
    struct o2c_arena *arena = &evidence->arena;
    if (!make_room(evidence) || !o2c_arena_copy(arena, facts->event_id, &kept->event_id) ||
        !o2c_arena_copy(arena, facts->customer, &kept->customer) ||
        !o2c_arena_copy(arena, facts->account, &kept->account) ||
        !o2c_arena_copy(arena, facts->id, &kept->id) ||
        !o2c_arena_copy(arena, facts->currency, &kept->currency) ||
        !o2c_arena_copy(arena, place, &exhibit.place))
        return o2c_fail(err, O2C_RETRY, "no memory for %zu events", evidence->count);
    evidence->exhibits[evidence->count++] = exhibit;
    return O2C_OK;
}

static int order_of(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_event(const void *a, const void *b)
{
    const struct o2c_exhibit *x = a, *y = b;
    int order = o2c_str_cmp(x->facts.event_id, y->facts.event_id);
    return order ? order : order_of((int64_t)x->number, (int64_t)y->number);
}

static int by_document(const struct o2c_facts *x, const struct o2c_facts *y)
{
    int order = order_of(x->type, y->type);
    if (!order)
        order = o2c_str_cmp(x->account, y->account);
    if (!order)
        order = o2c_str_cmp(x->id, y->id);
    return order ? order : order_of(x->revision, y->revision);
}

static int by_amount(const struct o2c_facts *x, const struct o2c_facts *y)
{
    int order = o2c_str_cmp(x->currency, y->currency);
    if (!order)
        order = order_of(x->has_amount, y->has_amount);
    return order ? order : order_of(x->amount_minor, y->amount_minor);
}

static int by_all(const void *a, const void *b)
{
    const struct o2c_exhibit *x = a, *y = b;
    int order = by_document(&x->facts, &y->facts);
    if (!order)
        order = by_amount(&x->facts, &y->facts);
    return order ? order : order_of((int64_t)x->number, (int64_t)y->number);
}

void o2c_evidence_settle(struct o2c_evidence *evidence)
{
    struct o2c_exhibit *exhibits = evidence->exhibits;
    size_t kept = 0;
    if (!evidence->count)
        return;
    qsort(exhibits, evidence->count, sizeof(*exhibits), by_event);
    for (size_t i = 0; i < evidence->count; i++)
        if (!kept ||
            !o2c_str_eq(exhibits[kept - 1].facts.event_id, exhibits[i].facts.event_id))
            exhibits[kept++] = exhibits[i];
    evidence->count = kept;
    qsort(exhibits, kept, sizeof(*exhibits), by_all);
}

/* The exhibits about one document, of one side. */
struct group {
    const struct o2c_exhibit *at;
    size_t count;
};

static struct group group_from(const struct o2c_evidence *evidence, size_t from)
{
    struct group group = {evidence->exhibits + from, 0};
    while (from + group.count < evidence->count &&
           !by_document(&group.at->facts, &group.at[group.count].facts))
        group.count++;
    return group;
}

/* The next one from *index on that the other side has no equal of; NULL: none.  `taken`
 * runs along the other side. */
static const struct o2c_exhibit *next_alone(struct group group, size_t *index,
                                            struct group other, size_t *taken)
{
    while (*index < group.count) {
        const struct o2c_exhibit *one = group.at + (*index)++;
        while (*taken < other.count && by_amount(&other.at[*taken].facts, &one->facts) < 0)
            ++*taken;
        if (*taken == other.count || by_amount(&other.at[*taken].facts, &one->facts))
            return one;
        ++*taken;
    }
    return NULL;
}

static void compare_groups(struct group left, struct group right,
                           o2c_evidence_differ_fn *on_difference, void *user)
{
    size_t left_index = 0, left_taken = 0, right_index = 0, right_taken = 0;
    for (;;) {
        const struct o2c_exhibit *mine = next_alone(left, &left_index, right, &left_taken);
        const struct o2c_exhibit *theirs =
            next_alone(right, &right_index, left, &right_taken);
        if (!mine && !theirs)
            return;
        on_difference(user, mine, theirs);
    }
}

void o2c_evidence_compare(const struct o2c_evidence *left, const struct o2c_evidence *right,
                          o2c_evidence_differ_fn *on_difference, void *user)
{
    const struct group none = {NULL, 0};
    size_t l = 0, r = 0;
    while (l < left->count || r < right->count) {
        int order = l == left->count ? 1
                    : r == right->count
                        ? -1
                        : by_document(&left->exhibits[l].facts, &right->exhibits[r].facts);
        struct group mine = order > 0 ? none : group_from(left, l);
        struct group theirs = order < 0 ? none : group_from(right, r);
        compare_groups(mine, theirs, on_difference, user);
        l += mine.count;
        r += theirs.count;
    }
}

struct draw {
    uint64_t lot;
    size_t index;
};

static int by_lot(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;
    return x->lot < y->lot ? -1 : x->lot > y->lot;
}

static int by_index(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Every event draws a lot made of the seed and its id. */
static uint64_t lot_of(struct o2c_str event_id, uint64_t seed)
{
    uint64_t parts[2] = {seed, o2c_hash_64(event_id.at, event_id.len)};
    return o2c_hash_64(parts, sizeof(parts));
}

size_t *o2c_evidence_sample(const struct o2c_evidence *evidence, size_t want, uint64_t seed,
                            size_t *ret_count)
{
    size_t count = want < evidence->count ? want : evidence->count;
    struct draw *draws = calloc(evidence->count + 1, sizeof(*draws));
    size_t *chosen = calloc(count + 1, sizeof(*chosen));
    if (!draws || !chosen || !count) {
        free(draws);
        free(chosen);
        return NULL;
    }
    for (size_t i = 0; i < evidence->count; i++)
        draws[i] = (struct draw){lot_of(evidence->exhibits[i].facts.event_id, seed), i};
    qsort(draws, evidence->count, sizeof(*draws), by_lot);
    for (size_t i = 0; i < count; i++)
        chosen[i] = draws[i].index;
    qsort(chosen, count, sizeof(*chosen), by_index);
    free(draws);
    *ret_count = count;
    return chosen;
}
