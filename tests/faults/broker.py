"""The Kafka broker restarts, dies, stops answering."""

import os
import signal
import time

from stage import LONG, SESSION_MS, case, expect, segment, wait_for

# The broker takes a late request of a static member for one of a stranger with its name.
FENCED = "Kafka says this process must end"
HANG_S = 45 if LONG else 2 * SESSION_MS / 1000


def broker(stack):
    return int((stack.folder / "kafka.pid").read_text().split()[0])


def supervised(stage):
    """Says whether all is drained; members that the broker fenced are started anew meanwhile."""
    restarted = []

    def drained():
        restarted.extend(stage.restart_ended(FENCED))
        return stage.o2c("drain", "--timeout-s", "1").returncode == 0
    return drained, restarted


@case("the broker restarts", "a clean stop and a `kill -9`, each while consumers, relay and "
      "follower have work", "all go on, a member that the broker fences ends and is started anew; "
      "nothing lost or doubled: the same result")
def broker_restarts(theatre):
    parts = segment("Q0", 16)
    ends = []
    with theatre.own_stage() as stage:
        stage.begin()
        drained, restarted = supervised(stage)
        for part, end in zip(parts, (stage.stack.stop, stage.stack.kill)):
            stage.publish(part)
            end("kafka")
            stage.stack.start("kafka")
            ends.append(end.__name__)
            wait_for(drained, "everything goes on")
        stage.check()
        expect(stage.total("orders", "parked") == 0, "events were parked for it")
        theatre.same_as_undisturbed(stage, parts)
    return (f"broker ended by {' and '.join(ends)}; {len(restarted)} members fenced and started "
            "anew, 0 parked")


@case("the broker does not answer", "SIGSTOP of the broker while the relay has records on their "
      "way, for two sessions; SIGCONT", "producers send again what was not acknowledged, members "
      "join again, one that the broker fences ends and is started anew; the same result")
def broker_hangs(theatre):
    parts = segment("H0", 24)
    with theatre.own_stage() as stage:
        stage.begin("outbox-relay")
        stage.publish(parts[0])
        wait_for(lambda: stage.applied() >= len({event["order_id"] for event in parts[0]}),
                 "decisions wait for the relay")
        stage.relay.start(O2C_FAILPOINT_LOG=str(stage.hits))
        wait_for(lambda: stage.hits_of("relay.before_produce"), "the relay publishes")
        pid = broker(stage.stack)
        os.kill(pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            wait_for(lambda: time.monotonic() - begun > HANG_S, "two sessions", 2 * HANG_S)
        finally:
            os.kill(pid, signal.SIGCONT)
        drained, restarted = supervised(stage)
        wait_for(drained, "everything goes on")
        for part in parts[1:]:
            stage.publish(part)
            wait_for(drained, "everything goes on")
        theatre.same_as_undisturbed(stage, parts)
        repeats = stage.total("follower", "repeats")
    return (f"hung for {HANG_S:.0f} s; {len(restarted)} members fenced and started anew; "
            f"{repeats} repeats dropped by the receiver")
