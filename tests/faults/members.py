"""Several members of one consumer: partitions that move, owners that are late, zombies."""

import signal

from confluent_kafka import Consumer

from stage import (SESSION_MS, case, expect, segment, standard_parts, wait_for)
from table_lock import TableLock

PARTITIONS = 6


def claimed(*members):
    return [member.metric("o2c_claimed_partitions") for member in members]


def shared_out(*members):
    """Every partition is claimed, and each member has some."""
    found = claimed(*members)
    return sum(found) == PARTITIONS and all(found)


def stored_by_first_owner(stage):
    """Positions that were stored before the partitions moved."""
    return stage.number("SELECT count(*) FROM orders.progress WHERE epoch = 1")


@case("a member joins while a batch is being stored", "the store waits for a lock; the second "
      "member joins; the lock goes away before the revoke's patience ends",
      "the batch in flight is stored, then the partitions move; the same result")
def revoke_waits_for_the_running_batch(theatre):
    parts = standard_parts(2)
    with theatre.stage(O2C_REVOKE_WAIT_MS="60000") as stage:
        stage.begin()
        second = stage.second_member()
        with TableLock(stage):
            before = stage.stored_batches()
            stage.publish(parts[0])
            wait_for(stage.waits_for_lock, "a store waits")
            second.start()
            wait_for(lambda: '"revoked"' in stage.orders.words(), "the group asks for partitions")
            expect(stage.stored_batches() == before, "a batch went through a locked table")
        wait_for(lambda: shared_out(stage.orders, second), "both members own partitions")
        kept = stored_by_first_owner(stage)
        expect(kept > 0, "the batch in flight was dropped although it could be stored")
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
        owned = claimed(stage.orders, second)
    return (f"{kept} partitions stored by their first owner after the revoke was asked for; then "
            f"{owned[0]:.0f} + {owned[1]:.0f} partitions")


@case("a member cannot finish its batch in time", "the store waits for a lock for longer than the "
      "revoke's patience (0.5 s) and so long that reading is paused", "the batch is cancelled, dropped and done by its new owner; "
      "the same result")
def revoke_cancels_a_batch_that_takes_too_long(theatre):
    parts = standard_parts(2)
    with theatre.stage(O2C_REVOKE_WAIT_MS="500") as stage:
        stage.begin()
        second = stage.second_member()
        with TableLock(stage):
            stage.publish(parts[0])
            # after a second of it the member pauses its partitions
            wait_for(lambda: stage.waits_for_lock(at_least_s=2.5), "a store waits for long")
            second.start()
            wait_for(lambda: '"generation":2' in stage.orders.words()
                     or '"generation":2' in second.words(), "the group goes on without the store")
        wait_for(lambda: shared_out(stage.orders, second), "both members own partitions")
        expect(stored_by_first_owner(stage) == 0, "the cancelled batch was stored after all")
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
        expect(stage.total("orders", "parked") == 0, "a cancelled batch was parked")
    return "the revoke was answered while the table was still locked; nothing parked"


@case("a zombie", "SIGSTOP just before a store, for longer than the session; another member claims "
      "the partitions and is stopped before it stores anything; SIGCONT",
      "the zombie's store is refused by the epoch alone, nothing stale is written; the same result")
def store_of_a_stopped_owner_is_refused(theatre):
    parts = standard_parts(2)
    with theatre.stage() as stage:
        stage.begin()
        stage.orders.stop()
        second = stage.second_member()
        stage.orders.start(O2C_FAILPOINTS="store.before=stop@2")
        stage.publish(parts[0])
        wait_for(stage.orders.is_stopped, "the owner stops before a store")
        second.start(O2C_FAILPOINTS="load.before=stop@1")
        wait_for(second.is_stopped, "the next owner has claimed and loads")
        before = stage.applied()
        stage.orders.send(signal.SIGCONT)
        wait_for(lambda: stage.orders.metric("o2c_fenced_commits_total") >= 1
                 or stage.applied() != before, "the zombie's store is answered")
        expect(stage.no_stale_rows(), "the zombie stored rows after another member had claimed")
        fenced = stage.orders.metric("o2c_fenced_commits_total")
        expect(fenced >= 1, "the zombie's store was not refused")
        second.send(signal.SIGCONT)
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return f"o2c_fenced_commits_total {fenced:.0f}, 0 stale rows (session {SESSION_MS} ms)"


@case("an owner is stopped while its store is under way", "SIGSTOP right after the Sync, for "
      "longer than the session; another member goes on; SIGCONT",
      "the store counts once; the same result")
def owner_stopped_after_its_sync_counts_once(theatre):
    parts = standard_parts(2)
    with theatre.stage() as stage:
        stage.begin()
        stage.orders.stop()
        second = stage.second_member()
        stage.orders.start(O2C_FAILPOINTS="store.after_sync=stop@2")
        stage.publish(parts[0])
        wait_for(stage.orders.is_stopped, "the owner stops after a Sync")
        second.start()
        stage.drain()
        batches = stage.stored_batches()
        stage.orders.send(signal.SIGCONT)
        wait_for(lambda: shared_out(stage.orders, second), "both members own partitions")
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return f"the other member drained {batches} batches; the first joined again"


@case("two processes with one instance name", "the second is started while the first works",
      "the older one ends with a fatal error and does not hang; the same result")
def older_of_two_with_one_name_ends(theatre):
    parts = standard_parts(2)
    with theatre.stage() as stage:
        stage.begin()
        stage.publish(parts[0])
        twin = stage.second_member(instance="1")
        twin.start()
        status = stage.orders.wait(30)
        expect(status == 1, f"the older process ended with status {status}")
        expect("Kafka says this process must end" in stage.orders.last_words(3),
               f"the older process does not say why: {stage.orders.last_words(3)}")
        wait_for(lambda: claimed(twin) == [PARTITIONS], "the younger has every partition")
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return "the older ended with status 1, the younger had all partitions"


@case("the topics of a partition number are not with one member", "a foreign member of the group "
      "that reads only one of the topics, as during an upgrade that adds one",
      "a partition number is opened only where all of its topics are assigned; the same result")
def partitions_assigned_in_part_are_not_opened(theatre):
    parts = standard_parts(2)
    with theatre.stage() as stage:
        stage.begin()
        stage.play(parts[:1])
        stranger = Consumer({"bootstrap.servers": stage.environment["O2C_KAFKA"],
                             "group.id": f"{stage.prefix}orders", "session.timeout.ms": SESSION_MS,
                             "partition.assignment.strategy": "range",
                             "auto.offset.reset": "latest", "enable.auto.commit": False})
        stranger.subscribe([f"{stage.prefix}o2c.shipments"])
        try:
            wait_for(lambda: stranger.poll(0.1) is None and stranger.assignment(),
                     "the stranger has partitions")
            taken = len(stranger.assignment())
            wait_for(lambda: stranger.poll(0.1) is None
                     and claimed(stage.orders) == [PARTITIONS - taken],
                     "only whole partition numbers are claimed")
            refused = stage.orders.words().count("partition not opened")
            expect(refused >= taken, f"{taken} partitions not opened, {refused} said so")
        finally:
            stranger.close()
        wait_for(lambda: claimed(stage.orders) == [PARTITIONS], "all partitions are claimed again")
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return f"{taken} of {PARTITIONS} partition numbers not opened while half of them was elsewhere"


@case("members come and go", "a second member joins and is killed, again and again, while events "
      "arrive", "progress each time; the same result")
def members_join_and_leave(theatre):
    parts = [part for number in range(3) for part in segment(f"J{number}", 16)]
    with theatre.stage(O2C_SESSION_TIMEOUT_MS="1500") as stage:
        stage.begin()
        second = stage.second_member()
        for number, part in enumerate(parts):
            if number % 2 == 0:
                second.start()
                wait_for(lambda: shared_out(stage.orders, second), "the second has partitions")
            stage.publish(part)
            if number % 2:
                second.kill()
            stage.drain()
        theatre.same_as_undisturbed(stage, parts)
        rebalances = stage.orders.metric("o2c_rebalances_total", kind="assign")
    return f"{rebalances:.0f} assignments in the member that stayed"
