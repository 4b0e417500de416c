"""Asked to end, overloaded: what a supervisor and an operator see of it."""

import signal
import time

from stage import TableLock, as_lines, case, expect, order, segment, standard_parts, wait_for

STOP_S = 10
BACKLOG = 6000


@case("SIGTERM under load", "every process is asked to end while a backlog is being worked off, "
      "and started again", "each ends with status 0 within 10 s; the same result")
def sigterm_drains_in_time(theatre):
    parts = segment("T0", 48)
    slowest = 0
    with theatre.stage() as stage:
        stage.begin()
        for part in parts:
            before = stage.stored_batches()
            stage.publish(part)
            wait_for(lambda: stage.stored_batches() > before, "the backlog is being worked off")
            for service in stage.services.values():
                begun = time.monotonic()
                status = service.stop(STOP_S + 5)
                took = time.monotonic() - begun
                slowest = max(slowest, took)
                expect(status == 0 and took <= STOP_S,
                       f"{service.name} ended with {status} after {took:.1f} s")
            stage.begin()
            stage.drain()
        theatre.same_as_undisturbed(stage, parts)
    return f"{2 * len(stage.services)} stops with status 0, the slowest took {slowest:.1f} s"


@case("a second SIGTERM", "the first cannot be followed because a store waits for a lock",
      "the second ends the process at once, with status 1; the same result")
def second_signal_ends_at_once(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        stage.begin()
        with TableLock(stage):
            stage.publish(parts[0])
            wait_for(stage.waits_for_lock, "a store waits")
            stage.orders.send(signal.SIGTERM)
            wait_for(lambda: '"stopping"' in stage.orders.words(), "it is stopping")
            expect(stage.orders.alive(), "it did not wait for its store")
            begun = time.monotonic()
            status = stage.orders.stop()
            took = time.monotonic() - begun
            expect(status == 1 and "second signal" in stage.orders.last_words(),
                   f"it ended with {status}: {stage.orders.last_words()}")
        stage.orders.start()
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return f"ended {took * 1000:.0f} ms after the second signal"


def peak_mib(service):
    for line in open(f"/proc/{service.process.pid}/status", encoding="ascii"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise OSError("no VmHWM")


def backlog_peak(theatre, events):
    """Peak memory of a consumer that finds so many events when it starts, MiB."""
    lines = as_lines(order(f"M{number % 50}", f"PO-M{number}") for number in range(events))
    # without the sanitizer's quarantine, which grows with every byte ever freed
    bounds = {"O2C_BATCH_EVENTS": "200", "O2C_FETCH_QUEUE_EVENTS": "1000",
              "O2C_FETCH_QUEUE_KIB": "1024", "ASAN_OPTIONS": "quarantine_size_mb=1"}
    with theatre.stage(**bounds) as stage:
        stage.publish(lines)
        stage.begin()
        stage.drain()
        stage.verify()
        expect(stage.applied() == events, f"{stage.applied()} of {events} applied")
        return peak_mib(stage.orders)


@case("a backlog", f"a consumer starts with {BACKLOG} events waiting, and with a tenth of them",
      "its memory does not grow with the backlog")
def memory_is_bounded(theatre):
    small, large = backlog_peak(theatre, BACKLOG // 10), backlog_peak(theatre, BACKLOG)
    expect(large < small * 1.5, f"peak {small} MiB with a tenth, {large} MiB with all")
    return f"peak {small} MiB with {BACKLOG // 10} events, {large} MiB with {BACKLOG} (sanitizers on)"
