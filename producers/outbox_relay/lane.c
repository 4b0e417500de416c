#include "producers/outbox_relay/lane.h"

#include <assert.h>

#include "runtime/base/banned.h"

/* Far below the broker's producer.id.expiration.ms, a day by default. */
static const int64_t FORGOTTEN_US = (int64_t)600 * 1000000;

static bool goes_alone(const struct lane *lane, int64_t now_us)
{
    return lane->careful || !lane->acked_us || now_us - lane->acked_us > FORGOTTEN_US;
}

bool lane_takes(const struct lane *lane, int64_t now_us)
{
    return !lane->alone && (!lane->in_flight || !goes_alone(lane, now_us));
}

void lane_sent(struct lane *lane, int64_t now_us)
{
    assert(lane_takes(lane, now_us));
    lane->alone = goes_alone(lane, now_us);
    lane->in_flight++;
}

void lane_acked(struct lane *lane, int64_t now_us)
{
    lane->acked_us = now_us;
    lane->in_flight--;
    lane->alone = false;
    if (lane->careful)
        lane->careful--;
}

bool lane_refused(struct lane *lane)
{
    bool was_alone = lane->alone;

    lane->in_flight--;
    lane->alone = false;
    if (!was_alone)
        lane->careful++;
    return was_alone;
}

void lane_begin_anew(struct lane *lane)
{
    *lane = (struct lane){.careful = lane->careful};
}
