/*
 * The receiving side of decision 6: every stream of another consumer is
 * numbered without gaps, so a repeat is dropped and a gap is an alarm.
 */
#include "consumers/host/engine.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

static struct inbound *find(const struct unit *unit, int topic, struct o2c_str source,
                            int32_t source_partition)
{
    for (struct inbound *in = unit->inbound; in; in = in->next)
        if (in->topic == topic && in->source_partition == source_partition &&
            o2c_str_eq(o2c_str_from(in->source), source))
            return in;
    return NULL;
}

static struct inbound *add(struct unit *unit, int topic, struct o2c_str source,
                           int32_t source_partition)
{
    struct inbound *in = calloc(1, sizeof *in);

    if (!in || !(in->source = strndup(source.at, source.len)))
        abort();
    in->topic = topic;
    in->source_partition = source_partition;
    in->next = unit->inbound;
    unit->inbound = in;
    return in;
}

enum inbound_verdict inbound_judge(struct unit *unit, int topic,
                                   const struct o2c_stream_headers *headers,
                                   int64_t *ret_expected)
{
    struct inbound *in = find(unit, topic, headers->source, headers->source_partition);
    int order;

    if (!in) {
        in = add(unit, topic, headers->source, headers->source_partition);
        in->incarnation = headers->incarnation;
        in->last_seq =
            headers->stream_seq - 1; /* a stream that began before this consumer */
    }
    /* UUIDv7: the bytes order incarnations by the time they were made. */
    order = memcmp(headers->incarnation.byte, in->incarnation.byte,
                   sizeof in->incarnation.byte);
    if (order < 0)
        return INBOUND_REPEAT;
    *ret_expected = order > 0 ? 1 : in->last_seq + 1;
#ifdef O2C_MUTANT_SKIP_GAP
    if (headers->stream_seq > *ret_expected)
        *ret_expected = headers->stream_seq;
#endif
#ifndef O2C_MUTANT_NO_DEDUPE
    if (headers->stream_seq < *ret_expected)
        return INBOUND_REPEAT;
#endif
    if (headers->stream_seq > *ret_expected)
        return INBOUND_GAP;
    in->incarnation = headers->incarnation;
    in->last_seq = headers->stream_seq;
    in->touched = true;
    return INBOUND_APPLY;
}

void inbound_set(struct unit *unit, int topic, struct o2c_str source,
                 int32_t source_partition, const struct o2c_uuid *incarnation,
                 int64_t last_seq)
{
    struct inbound *in = find(unit, topic, source, source_partition);

    if (!in)
        in = add(unit, topic, source, source_partition);
    in->incarnation = in->stored_incarnation = *incarnation;
    in->last_seq = in->stored_seq = last_seq;
    in->known = true;
}

/* A stream first met by a batch that was not stored is met again. */
void inbound_undo(struct unit *unit)
{
    for (struct inbound **at = &unit->inbound; *at;) {
        struct inbound *in = *at;

        if (!in->known) {
            *at = in->next;
            free(in->source);
            free(in);
            continue;
        }
        in->incarnation = in->stored_incarnation;
        in->last_seq = in->stored_seq;
        in->touched = false;
        at = &in->next;
    }
}

void inbound_keep(struct unit *unit)
{
    for (struct inbound *in = unit->inbound; in; in = in->next) {
        in->stored_incarnation = in->incarnation;
        in->stored_seq = in->last_seq;
        in->known = true;
        in->touched = false;
    }
}

void inbound_clear(struct unit *unit)
{
    struct inbound *next;

    for (struct inbound *in = unit->inbound; in; in = next) {
        next = in->next;
        free(in->source);
        free(in);
    }
    unit->inbound = NULL;
}
