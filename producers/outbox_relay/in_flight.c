#include "producers/outbox_relay/in_flight.h"

#include <assert.h>
#include <string.h>

#include "runtime/base/banned.h"

static uint64_t *word(struct in_flight *in_flight, int64_t no)
{
    return &in_flight->acked[no % IN_FLIGHT_MAX / 64];
}

static uint64_t bit(int64_t no)
{
    return (uint64_t)1 << (no % 64);
}

void in_flight_start(struct in_flight *in_flight, int64_t acked_no)
{
    memset(in_flight, 0, sizeof *in_flight);
    in_flight->sent_no = in_flight->acked_no = acked_no;
}

int64_t in_flight_room(const struct in_flight *in_flight)
{
    return IN_FLIGHT_MAX - (in_flight->sent_no - in_flight->acked_no);
}

void in_flight_sent(struct in_flight *in_flight, int64_t no)
{
    assert(no == in_flight->sent_no + 1 && in_flight_room(in_flight) > 0);
    in_flight->sent_no = no;
    *word(in_flight, no) &= ~bit(no);
}

bool in_flight_acked(struct in_flight *in_flight, int64_t no)
{
    int64_t before = in_flight->acked_no;

    if (no <= in_flight->acked_no || no > in_flight->sent_no)
        return false;
    *word(in_flight, no) |= bit(no);
#ifdef O2C_MUTANT_CURSOR_BEFORE_ACK
    in_flight->acked_no = in_flight->sent_no;
#endif
    while (in_flight->acked_no < in_flight->sent_no &&
           *word(in_flight, in_flight->acked_no + 1) & bit(in_flight->acked_no + 1))
        in_flight->acked_no++;
    return in_flight->acked_no > before;
}

void in_flight_rewind(struct in_flight *in_flight)
{
    in_flight_start(in_flight, in_flight->acked_no);
}
