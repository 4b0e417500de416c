/*
 * facts.h - what a proof of an import compares of an event: which document it
 * is about and its amount.  Taken from decoded events, so that those of a file
 * and those of a topic are looked at by the same eyes.
 */
#ifndef O2C_PUBLISH_FACTS_H
#define O2C_PUBLISH_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/str.h"
#include "schemas/events.h"

/* Texts are borrowed from the event. */
struct o2c_facts {
    enum o2c_event_type type;
    struct o2c_str event_id;
    struct o2c_str customer, account;
    struct o2c_str id;       /* of the document; where a type has none, of the event */
    int64_t revision;        /* 0: the type has none */
    struct o2c_str currency; /* empty: the type has none */
    bool has_amount;
    int64_t amount_minor; /* gross of a document, net of an order, else what it names */
};

/* False: the event is no part of a proof (a business day). */
bool o2c_facts_of(const struct o2c_event *event, struct o2c_facts *ret_facts);

#endif
