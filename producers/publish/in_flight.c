#include "producers/publish/in_flight.h"

#include <assert.h>
#include <stdlib.h>

#include "runtime/base/banned.h"

bool o2c_in_flight_init(struct o2c_in_flight *flight, size_t max_count, size_t max_bytes)
{
    *flight = (struct o2c_in_flight){.parcel_cap = max_count, .byte_cap = max_bytes};
    flight->parcels = calloc(max_count, sizeof(*flight->parcels));
    flight->bytes = malloc(max_bytes);
    if (flight->parcels && flight->bytes)
        return true;
    o2c_in_flight_clear(flight);
    return false;
}

void o2c_in_flight_clear(struct o2c_in_flight *flight)
{
    free(flight->parcels);
    free(flight->bytes);
    *flight = (struct o2c_in_flight){.parcels = NULL};
}

struct o2c_parcel *o2c_in_flight_at(struct o2c_in_flight *flight, size_t i)
{
    assert(i < flight->count);
    return &flight->parcels[(flight->first + i) % flight->parcel_cap];
}

/*
 * Where `len` bytes in one piece fit: behind the newest, or at the start of
 * the ring.  One byte always stays free, so that full and empty differ.
 */
static bool find_room(struct o2c_in_flight *flight, size_t len, size_t *ret_at)
{
    if (!flight->count) {
        *ret_at = 0;
        return len < flight->byte_cap;
    }
    size_t from = o2c_in_flight_at(flight, 0)->begins;
    size_t to = o2c_in_flight_at(flight, flight->count - 1)->ends;
    size_t end = to >= from ? flight->byte_cap : from;
    if (end - to > len)
        *ret_at = to;
    else if (to >= from && from > len)
        *ret_at = 0;
    else
        return false;
    return true;
}

struct o2c_parcel *o2c_in_flight_push(struct o2c_in_flight *flight,
                                      const struct o2c_outgoing *outgoing)
{
    size_t at, len = o2c_outgoing_bytes(outgoing);
    if (flight->count == flight->parcel_cap || !find_room(flight, len, &at))
        return NULL;
    flight->count++;
    flight->not_acked++;
    struct o2c_parcel *parcel = o2c_in_flight_at(flight, flight->count - 1);
    *parcel = (struct o2c_parcel){.outgoing = *outgoing, .begins = at, .ends = at + len};
    o2c_outgoing_move(&parcel->outgoing, flight->bytes + at);
    return parcel;
}

void o2c_in_flight_unpush(struct o2c_in_flight *flight)
{
    assert(flight->count && !o2c_in_flight_at(flight, flight->count - 1)->acked);
    flight->count--;
    flight->not_acked--;
}

void o2c_in_flight_ack(struct o2c_in_flight *flight, struct o2c_parcel *parcel)
{
    assert(!parcel->acked);
    parcel->acked = true;
    flight->not_acked--;
    while (flight->count && flight->parcels[flight->first].acked) {
        flight->acked_line = flight->parcels[flight->first].outgoing.line;
        flight->first = (flight->first + 1) % flight->parcel_cap;
        flight->count--;
    }
}
