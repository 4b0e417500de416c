/*
 * evidence.h - a heap of facts (facts.h) with the place each was found, and
 * the comparison of two of them: what the file has against what the topic has.
 * Used by o2c import check.
 *
 *     o2c_evidence_init(&file)
 *     o2c_evidence_add(&file, &facts, place, &err)   for every event
 *     o2c_evidence_settle(&file)
 *     o2c_evidence_compare(&file, &topic, differ, user)
 */
#ifndef O2C_PUBLISH_EVIDENCE_H
#define O2C_PUBLISH_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "producers/publish/facts.h"
#include "runtime/base/arena.h"
#include "runtime/base/err.h"

struct o2c_exhibit {
    struct o2c_facts facts; /* its texts lie in the evidence */
    struct o2c_str place;   /* "orders.csv:17"; "o2c.orders/3/12" */
    uint64_t number;        /* in the order of adding */
};

struct o2c_evidence {
    struct o2c_exhibit *exhibits;
    size_t count, cap;
    struct o2c_arena arena;
};

void o2c_evidence_init(struct o2c_evidence *evidence);
void o2c_evidence_clear(struct o2c_evidence *evidence);

/* RETRY: no memory. */
enum o2c_verdict o2c_evidence_add(struct o2c_evidence *evidence,
                                  const struct o2c_facts *facts, struct o2c_str place,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/* Ends the adding: an event that came more than once (the same event_id) counts once, where
 * it came first; sorted by type, account, document, revision and amount. */
void o2c_evidence_settle(struct o2c_evidence *evidence);

/* One side is NULL where only the other has it; both: the same document, another amount or
 * currency. */
typedef void o2c_evidence_differ_fn(void *user, const struct o2c_exhibit *left,
                                    const struct o2c_exhibit *right);

/* Both settled.  As multisets of (document, amount) per type. */
void o2c_evidence_compare(const struct o2c_evidence *left, const struct o2c_evidence *right,
                          o2c_evidence_differ_fn *on_difference, void *user);

/*
 * `want` exhibits drawn by the seed, the same ones for the same seed and file,
 * in settled order: their indices, to be freed.  NULL: no memory, or none.
 */
size_t *o2c_evidence_sample(const struct o2c_evidence *evidence, size_t want, uint64_t seed,
                            size_t *ret_count);

#endif
