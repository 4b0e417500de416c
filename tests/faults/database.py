"""PostgreSQL restarts, dies, loses answers, refuses; the pipeline neither loses nor doubles."""

import itertools
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

from fault_proxy import (FORWARD, FREEZE, HOLD, KILL, LOSE_REPLY, LOSE_SYNC, VANISH,
                         proxy_for)
from pipeline import CLI, end_with_parent
from stage import (LONG, PATIENCE_S, UNREACHABLE, case, expect, order, segment, standard_parts,
                   wait_for)

IN_DOUBT = 500 if LONG else 56
BACKEND_KILLS = 20 if LONG else 2
VANISHED_S, FROZEN_S = 15, 3  # pg-timeout-ms of the cases
GRACE_S = 5
LOST = r"o2c drain: PostgreSQL at 127\.0\.0\.1:{port}: .* \(waited for \d+ s\)\n"


def postmaster(stack):
    return int((stack.folder / "postgres.pid").read_text().split()[0])


def in_doubt(service):
    return {how: int(service.metric("o2c_pg_in_doubt_total", resolution=how))
            for how in ("committed", "not_committed")}


@case("answers to COMMIT are lost", "a proxy loses, in turn, the answer to a store's Sync and the "
      "Sync itself", "at least 50 commits in doubt, each resolved as it was; the same result")
def commits_in_doubt_are_resolved(theatre):
    parts = [part for number in range(max(2, IN_DOUBT // 14))
             for part in segment(f"D{number}", 12)]
    with theatre.stage(O2C_BATCH_EVENTS="2") as stage:
        proxy = proxy_for(stage.environment["O2C_PG_DSN"])
        stage.reach_postgres_by(proxy)
        try:
            stage.begin()
            faults = iter(range(1 << 30))

            def judge(unit):
                if not unit.stores or sum(proxy.faults.values()) >= IN_DOUBT:
                    return FORWARD
                return (LOSE_REPLY, LOSE_SYNC, FORWARD)[next(faults) % 3]
            proxy.judge = judge
            stage.play(parts)
            resolved = in_doubt(stage.orders)
            theatre.same_as_undisturbed(stage, parts)
        finally:
            proxy.close()
    made = proxy.faults
    expect(resolved == {"committed": made[LOSE_REPLY], "not_committed": made[LOSE_SYNC]},
           f"lost were {made}, resolved {resolved}")
    expect(sum(resolved.values()) >= 50, f"only {resolved} commits in doubt")
    return (f"{sum(resolved.values())} in doubt: {resolved['committed']} committed, "
            f"{resolved['not_committed']} not, all told apart")


@case("PostgreSQL restarts", "fast shutdown (sessions ended) and immediate shutdown (crash "
      "recovery) while events arrive", "consumers go on by themselves, nothing is parked; the "
      "same result")
def postgres_restarts(theatre):
    parts = segment("P0", 16)
    with theatre.own_stage() as stage:
        stage.begin()
        for part, how in zip(parts, (signal.SIGINT, signal.SIGQUIT)):
            stage.publish(part)
            os.kill(postmaster(stage.stack), how)
            wait_for(lambda: not stage.stack.runs(), "PostgreSQL ends")
            wait_for(lambda: not stage.orders.ready(), "the consumer is not ready any more")
            stage.stack.start("postgres")
            stage.drain()
        expect(stage.total("orders", "parked") == 0, "events were parked for it")
        stage.check()
        theatre.same_as_undisturbed(stage, parts)
    return "a fast and an immediate restart, /readyz 503 meanwhile, no process ended, 0 parked"


@case("a server process of PostgreSQL is killed", "`kill -9` of the consumer's backend just after "
      "it got the store's Sync: the whole server recovers from a crash",
      "each commit counts as what it became; the same result")
def backend_is_killed_while_committing(theatre):
    parts = [part for number in range(max(1, BACKEND_KILLS // 4))
             for part in segment(f"B{number}", 16)]
    with theatre.own_stage() as stage:
        proxy = proxy_for(stage.environment["O2C_PG_DSN"])
        stage.reach_postgres_by(proxy)
        wanted = 0

        def judge(unit):
            if not unit.stores or proxy.faults.get(KILL, 0) >= wanted:
                return FORWARD
            proxy.kill_after_s = 0.0005 * (unit.number % 5)
            return KILL
        proxy.judge = judge
        try:
            stage.begin()
            for number, part in enumerate(parts):
                wanted = (number + 1) * BACKEND_KILLS // len(parts)
                stage.publish(part)
                wait_for(lambda: proxy.faults.get(KILL, 0) >= wanted, "the backend is killed")
                stage.drain()
            resolved = in_doubt(stage.orders)
            theatre.same_as_undisturbed(stage, parts)
        finally:
            proxy.close()
    return (f"{proxy.faults[KILL]} crashes of the server; {resolved['committed']} commits in doubt "
            f"had been made, {resolved['not_committed']} not")


@case("PostgreSQL refuses for a while", "every store fails with `disk full` (53100), then it has "
      "room again", "batches are tried again, /readyz says 503, nothing is parked; the same result")
def refusals_that_pass_are_tried_again(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        stage.begin()
        stage.sql("CREATE FUNCTION orders.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;"
                  "CREATE TRIGGER disk_full BEFORE INSERT ON orders.progress"
                  " EXECUTE FUNCTION orders.disk_full();")
        stage.publish(parts[0])
        wait_for(lambda: stage.orders.words().count("will try again") >= 3, "it tries again")
        status, said = stage.orders.ask("/readyz")
        expect(status == 503 and "tried again" in said, f"/readyz answers {status} {said}")
        expect(stage.orders.ask("/livez")[0] == 200, "/livez does not answer 200")
        tries = stage.orders.words().count("will try again")
        stage.sql("DROP TRIGGER disk_full ON orders.progress")
        stage.drain()
        stage.play(parts[1:])
        stage.await_ready(stage.orders)
        expect(stage.total("orders", "parked") == 0, "events were parked for it")
        theatre.same_as_undisturbed(stage, parts)
    return f"{tries} tries, /readyz 503, 0 parked"


@case("PostgreSQL goes away with a backlog", "the connection breaks while one batch is stored and "
      "the next is loaded; none is made until records wait without room and reading pauses",
      "what waits keeps its place, no record is passed over; the same result")
def records_keep_their_place_while_postgres_is_away(theatre):
    parts = [[order("backlog", f"PO-{number}") for number in range(6)]]
    with theatre.stage(O2C_BATCH_EVENTS="1") as stage:
        proxy = proxy_for(stage.environment["O2C_PG_DSN"])
        stage.reach_postgres_by(proxy)
        proxy.judge = lambda unit: HOLD if unit.stores and not proxy.faults else FORWARD
        try:
            stage.orders.start(O2C_FAILPOINT_LOG=str(stage.hits))
            stage.begin("orders")
            stage.await_ready(stage.orders)
            stage.publish(parts[0])
            wait_for(lambda: stage.hits_of("load.before") >= 2, "the next batch is loaded")
            proxy.break_all()
            said, = wait_for(lambda: re.findall(r'reading pauses.*"waiting":(\d+)',
                                                stage.orders.words()), "reading pauses")
            waited = int(said)
            expect(waited > 0, "no record waited without room")
            proxy.refusing = False
            stage.drain()
            theatre.same_as_undisturbed(stage, parts)
        finally:
            proxy.close()
    return f"{waited} of {len(parts[0])} records waited without room, all applied in order"


def is_not_ready(service):
    status, said = service.ask("/readyz")
    expect(status == 503 and "PostgreSQL is away" in said,
           f"{service.name}: /readyz answers {status} {said}")


def nothing_is_lost(theatre, stage, cut, parts):
    """Those that were cut off work again, and all is as if they had not been."""
    for service in cut:
        stage.await_ready(service)
    expect(stage.total("orders", "parked") == 0, "events were parked for it")
    theatre.same_as_undisturbed(stage, parts)


def begin_drain(stage, dsn):
    """`o2c drain` by this way; it has asked PostgreSQL."""
    tool = subprocess.Popen([stage.build / CLI, "drain"], stdin=subprocess.DEVNULL,
                            env={**stage.environment, "O2C_PG_DSN": dsn},
                            stderr=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
    wait_for(lambda: stage.number("SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                  f" '{stage.name}' AND application_name = 'o2c'"
                                  " AND query LIKE '%consumer%'"), "o2c drain asks")
    return tool


def play_silence(theatre, fault, timeout_s, tool_ends_with):
    """From the answer to a store on nothing comes from PostgreSQL; how it was noticed."""
    parts = standard_parts(1)
    with theatre.stage() as stage:
        proxy = proxy_for(stage.environment["O2C_PG_DSN"])
        dsn = proxy.dsn(stage.environment["O2C_PG_DSN"])
        cut = (stage.orders, stage.relay)
        for service in cut:
            service.environment = {**service.environment, "O2C_PG_DSN": dsn,
                                   "O2C_PG_TIMEOUT_MS": str(1000 * timeout_s)}
        proxy.judge = lambda unit: fault if unit.stores and not proxy.faults else FORWARD
        try:
            stage.begin("orders")
            stage.publish(parts[0])
            tool = begin_drain(stage, dsn)
            stage.begin(*(name for name in stage.services if name != "orders"))
            for service in cut:
                wait_for(lambda: not service.ready(), f"{service.name} is not ready any more")
            took_s = time.monotonic() - proxy.stood_still_at
            for service in cut:
                is_not_ready(service)
            expect(took_s <= timeout_s + GRACE_S, f"noticed after {took_s:.1f} s")
            proxy.go_on()
            stage.drain()
            resolved = in_doubt(stage.orders)
            said = tool.communicate(timeout=PATIENCE_S)[1]
            expect(tool.returncode == tool_ends_with, f"o2c drain: {tool.returncode} {said}")
            expect(not said or re.fullmatch(LOST.format(port=proxy.port), said),
                   f"o2c drain: {said}")
            stage.play(parts[1:])
            nothing_is_lost(theatre, stage, cut, parts)
        finally:
            proxy.close()
    expect(resolved == {"committed": 1, "not_committed": 0}, f"resolved {resolved}")
    return f"noticed after {took_s:.1f} s, /readyz 503, 1 commit in doubt resolved, 0 parked"


@case("the way to PostgreSQL is a black hole", "packets of consumer and relay vanish (a socket "
      "filter) from a store's answer on: no reset, nothing is acknowledged; then the way is open",
      "TCP gives up after 10 s, or 10 s after it was sent something (`tcp_user_timeout`), at the "
      "latest `pg-timeout-ms` (here 15 s) does; /readyz says 503, both connect again by themselves, a "
      "waiting tool ends with 3, nothing is parked; the same result")
def packets_to_postgres_vanish(theatre):
    return play_silence(theatre, VANISH, VANISHED_S, UNREACHABLE)


@case("PostgreSQL is silent, its kernel is not", "a proxy that takes everything and answers "
      "nothing from a store's answer on, as a frozen server does; later all of it moves again",
      "the connection is given up after `pg-timeout-ms` (here 3 s) + 5 s, /readyz says 503, "
      "both connect again by themselves, nothing is parked; the same result")
def postgres_falls_silent(theatre):
    return play_silence(theatre, FREEZE, FROZEN_S, 0)


def descriptors(service):
    """{number: what is open there}"""
    return {int(link.name): os.readlink(link)
            for link in Path(f"/proc/{service.process.pid}/fd").iterdir()}


def sockets_to(port):
    """How descriptors of connections to this port are called."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if int(row[2].split(":")[1], 16) == port}


def use_up_descriptors(service, port):
    """All below the limit are in use; that of the connection to this port is not below, so that
    nothing is free where it ends.  The limit there was.
    """
    held, connections = descriptors(service), sockets_to(port)
    free = next(number for number in itertools.count() if number not in held)
    limit = min([free] + [number for number, what in held.items() if what in connections])
    expect(limit < free, f"{service.name} has no connection to port {port} below {free}")
    return set_descriptor_limit(service, limit)


def set_descriptor_limit(service, limit):
    """The limit there was."""
    before, hard = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
    return before


@case("file descriptors are used up", "consumer and relay may open no further one (`ulimit -n`); "
      "then their connections to PostgreSQL end; later they may again",
      "each says why it cannot connect, /readyz 503, goes on by itself; the same result")
def descriptors_are_used_up(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        proxy = proxy_for(stage.environment["O2C_PG_DSN"])
        stage.reach_postgres_by(proxy)
        stage.relay.environment = {**stage.environment, "O2C_PG_DSN": stage.orders.environment[
            "O2C_PG_DSN"]}
        cut = (stage.orders, stage.relay)
        try:
            stage.begin()
            stage.publish(parts[0])
            stage.drain()
            before = {service: use_up_descriptors(service, proxy.port) for service in cut}
            proxy.end_all()
            stage.publish(parts[1])
            for service in cut:
                wait_for(lambda: "Too many open files" in service.words(),
                         f"{service.name} says why it cannot connect")
                is_not_ready(service)
                expect(service.ask("/livez")[0] == 200, "/livez does not answer 200")
                set_descriptor_limit(service, before[service])
            stage.drain()
            nothing_is_lost(theatre, stage, cut, parts)
        finally:
            proxy.close()
    return "consumer and relay said `Too many open files`, /readyz 503, /livez 200, 0 parked"
