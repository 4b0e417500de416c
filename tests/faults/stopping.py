"""Asked to end, overloaded: what a supervisor and an operator see of it."""

import signal
import time

from stage import as_lines, case, expect, order, segment, standard_parts, wait_for
from table_lock import TableLock

STOP_S = 10
BACKLOG = 8000  # most queues and pools have their size then
MORE = 16000
GROWTH_BYTES = 800  # of the peak; 170 to 380 were seen


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


def peak_kib(service):
    for line in open(f"/proc/{service.process.pid}/status", encoding="ascii"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise OSError("no VmHWM")


def backlog(first, events):
    return as_lines(order(f"M{number % 50}", f"PO-M{number:06}")
                    for number in range(first, first + events))


@case("a backlog", f"a consumer starts with {BACKLOG} events waiting; then {MORE} more wait while "
      "it is stopped (SIGSTOP)",
      f"each of the {MORE} adds less than {GROWTH_BYTES} bytes to its peak memory")
def memory_is_bounded(theatre):
    # without the sanitizer's quarantine, which grows with every byte ever freed
    bounds = {"O2C_BATCH_EVENTS": "200", "O2C_FETCH_QUEUE_EVENTS": "1000",
              "O2C_FETCH_QUEUE_KIB": "1024", "O2C_SESSION_TIMEOUT_MS": "30000",
              "ASAN_OPTIONS": "quarantine_size_mb=1"}
    with theatre.stage(**bounds) as stage:
        stage.publish(backlog(0, BACKLOG))
        stage.begin()
        stage.drain()
        before = peak_kib(stage.orders)
        stage.orders.freeze()
        stage.publish(backlog(BACKLOG, MORE))
        stage.orders.send(signal.SIGCONT)
        stage.drain()
        after = peak_kib(stage.orders)
        stage.verify()
        applied = stage.applied()
        expect(applied == BACKLOG + MORE, f"{applied} of {BACKLOG + MORE} applied")
    growth = (after - before) * 1024 / MORE
    expect(growth < GROWTH_BYTES, f"peak {before} KiB, {after} KiB after {MORE} more events: "
           f"{growth:.0f} bytes an event")
    return (f"peak {before // 1024} MiB with {BACKLOG} events, {after // 1024} MiB with {MORE} "
            f"more: {max(growth, 0):.0f} bytes an event (sanitizers on)")
