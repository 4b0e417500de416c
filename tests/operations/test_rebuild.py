"""o2c rebuild: a second database, folded from the topics in the order that the first one recorded,
has the same rows and the same outbox, although everything is there at once.
"""

import json
import random
import re
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pipeline import Pipeline, PipelineFailed  # noqa: E402
from pipeline_case import (  # noqa: E402
    PATIENCE_S, PipelineCase, dispatch, invoice, order)

CONSUMERS = ("orders", "shipments", "receivables", "ledger", "disputes", "reminders")
# Who works when, and where Kafka ended then; the order itself is compared as fold_order.
OF_THE_PROCESS = ("claim", "outbound", "replay", "progress", "packed_order")
TIMES = ("parked_at", "left_at", "set_aside_at", "done_at", "fixed_at")
WHY = ("--reason", "a test", "--actor", "tester")
SEED = 20261127
BATCHES = 620  # of 200 each two stretches are packed, and the newest stay


class Rebuilt(Pipeline):
    """Consumers on a database of their own that read the topics of another pipeline; no relay."""

    def __init__(self, original, name):
        super().__init__(original.stack, original.build, f"{original.name}_{name}")
        self.prefix = original.prefix
        self.environment["O2C_TOPIC_PREFIX"] = original.prefix
        for service in self.services.values():
            service.environment = {**self.environment, "O2C_GROUP_SUFFIX": "." + name}
        del self.services["outbox-relay"]

    def create(self):
        self.create_database()

    def remove(self):
        """The topics are the original's."""
        self.kill()
        self.sql_of_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


def payment(payment_id, account, amount_minor, invoice_id):
    return json.dumps({
        "type": "PaymentReceived", "source": "test", "customer_id": account,
        "payment_id": payment_id, "received_date": "2026-04-08", "currency": "EUR",
        "amount_minor": amount_minor, "method": "transfer",
        "remittance": [{"invoice_id": invoice_id, "amount_minor": amount_minor}]}) + "\n"


def dispute(dispute_id, account, invoice_id, amount_minor):
    return json.dumps({
        "type": "DisputeRaised", "source": "test", "occurred_at": "2026-04-08T10:00:00Z",
        "customer_id": account, "dispute_id": dispute_id, "invoice_id": invoice_id,
        "amount_minor": amount_minor, "reason_code": "damaged", "raised_by": "customer"}) + "\n"


def contended(account):
    """Two payments that name one invoice, and a dispute of it on the day of a payment."""
    return [invoice(f"I-{account}", account, 10000), invoice(f"J-{account}", account, 4000),
            payment(f"P-{account}", account, 8000, f"I-{account}"),
            payment(f"Q-{account}", account, 7000, f"I-{account}"),
            dispute(f"D-{account}", account, f"J-{account}", 2500),
            payment(f"R-{account}", account, 4000, f"J-{account}"),
            order(f"O-{account}", account), dispatch(f"S-{account}", f"O-{account}", account),
            invoice(f"K-{account}", account, 900)]


class RebuildCase(PipelineCase):
    """The consumers of the class's pipeline are started by its tests."""

    RUNNING = False

    def rebuilt(self, name):
        again = Rebuilt(self.pipeline, name)
        self.addCleanup(again.remove)
        again.create()
        return again

    def follow(self, again, status=0):
        done = again.o2c("rebuild", "--from", self.pipeline.environment["O2C_PG_DSN"])
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def fold(self, again):
        again.start()
        again.wait_ready(PATIENCE_S)
        again.stop()

    def verified(self, again, status=0):
        done = again.o2c("verify")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def merge(self, again, consumer):
        """All of the order becomes one batch of each partition: what would be folded without it."""
        again.sql(f"DELETE FROM {consumer}.replay r WHERE batch_seq < (SELECT max(batch_seq)"
                  f" FROM {consumer}.replay o WHERE o.partition = r.partition)")
        again.sql(f"UPDATE {consumer}.replay SET batch_seq = 1")

    def tables(self, pipeline):
        """{table: [row]}: all that consumers keep, but for times and who works."""
        columns = {}
        for schema, table, column in (line.split("|") for line in pipeline.sql(
                "SELECT table_schema, table_name, column_name FROM information_schema.columns"
                " JOIN information_schema.tables USING (table_schema, table_name)"
                f" WHERE table_schema IN {CONSUMERS} AND table_type = 'BASE TABLE'"
                " ORDER BY 1, 2, ordinal_position").splitlines()):
            if (table not in OF_THE_PROCESS and column not in TIMES
                    and not table.startswith("outbox_")):  # parts of one
                columns.setdefault(f"{schema}.{table}", []).append(column)
        queries = {table: ", ".join(names) for table, names in columns.items()}
        queries |= {f"{schema}.fold_order": "*" for schema in CONSUMERS}
        queries |= {f"{schema}.position": "partition, batch_seq, last_hashes, stream_seqs, outbox_no,"
                    " applied, repeats, skipped, parked, unparked, set_aside, markers, tick_emitted"
                    for schema in CONSUMERS}
        return {table: pipeline.sql(f"SELECT t FROM (SELECT {names} FROM {table}) t"
                                    " ORDER BY t::text").splitlines()
                for table, names in queries.items()}

    def assert_same(self, again):
        first, second = self.tables(self.pipeline), self.tables(again)
        self.assertEqual(first.keys(), second.keys())
        for table, rows in first.items():
            self.assertEqual(rows, second[table], table)
        return first


class Rebuild(RebuildCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.pipeline.kill)
        cls.chance, cls.parked_accounts = random.Random(SEED), 0
        case = cls()
        for consumer in CONSUMERS:
            cls.pipeline.services[consumer].environment = {
                **cls.pipeline.environment, "O2C_BATCH_EVENTS": str(cls.chance.randint(1, 4))}
        cls.pipeline.start()
        cls.pipeline.wait_ready()
        case.live()
        case.drain()
        cls.pipeline.stop()
        case.o2c("verify")

    parked_accounts = 0

    def runTest(self):
        """For setUpClass alone."""

    def live(self):
        """Days pass, the events of each account arrive mixed, and processes are killed."""
        lines = [line for number in range(14) for line in contended(f"C{number}")]
        self.chance.shuffle(lines)
        for day in ("2026-04-07", "2026-04-11", "2026-04-18", "2026-04-19"):
            while lines and self.chance.random() < 0.9:
                count = self.chance.randint(1, 9)
                self.publish(*lines[:count])
                del lines[:count]
                if self.chance.random() < 0.2:
                    self.restart(self.chance.choice(CONSUMERS))
            self.o2c("clock", "--from", day)
            self.restart("reminders")
            self.park()
        self.publish(*lines)

    def park(self):
        """What can never be applied, what queues behind it, and what a person does about it."""
        type(self).parked_accounts += 1
        account = f"X{self.parked_accounts}"
        self.produce("o2c.orders", account, b"no event")
        self.produce("o2c.orders", None, b"no key", partition=self.parked_accounts % 6)
        self.publish(*(order(f"O{number}-{account}", account) for number in range(2)))
        if self.parked_accounts == 1:
            return  # stays so
        for consumer in ("orders", "shipments"):
            self.until("it is parked", lambda: self.rows(
                f"SELECT 1 FROM {consumer}.parked WHERE account_id = '{account}' AND"  # noqa: B023
                " state = 'queued' HAVING count(*) = 2"))
        self.o2c("parked", "release", "orders", account, *WHY, status=1)  # parked again
        for consumer in ("orders", "shipments"):
            self.o2c("parked", "discard", consumer, account, *WHY)

    def restart(self, consumer):
        self.pipeline.services[consumer].kill()
        self.pipeline.services[consumer].start()

    # ---- tests

    def kill_each(self, again):
        """When its first batch is sent."""
        for consumer in again.services.values():
            consumer.start(O2C_FAILPOINTS="store.after_sync=kill")
        for consumer in again.services.values():
            self.assertEqual(consumer.wait(PATIENCE_S), -signal.SIGKILL, consumer.last_words())

    def lose_connections(self, again, times):
        """Of all consumers, while they fold."""
        for _ in range(times):
            self.until("all are connected", lambda: again.sql(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                f" AND application_name LIKE '%-1' HAVING count(*) = {len(again.services)}"), again)
            ended = again.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname"
                              " = current_database() AND application_name LIKE '%-1'").split()
            self.assertEqual(ended, ["t"] * len(again.services))

    def go_on(self, *lines):
        """The original lives for a while."""
        self.pipeline.start()
        self.pipeline.wait_ready()
        self.publish(*lines)
        self.drain()
        self.pipeline.stop()

    def test_the_same_rows_and_the_same_outbox(self):
        again = self.rebuilt("same")
        said = self.follow(again)
        self.assertRegex(said, r"(?m)^receivables: \d\d+ batches of 6 partitions to be folded$")
        orders = int(self.pipeline.sql("SELECT count(*) FROM orders.parked_order"))
        self.assertGreater(orders, 1)
        self.assertRegex(said, rf"(?m)^orders: .* folded, with {orders} releases or discards$")
        self.kill_each(again)
        again.start()
        self.lose_connections(again, 5)
        again.wait_ready(PATIENCE_S)
        again.stop()
        tables = self.assert_same(again)
        for table in ("orders.outbox", "receivables.outbox", "reminders.outbox", "disputes.outbox",
                      "ledger.fold_order", "receivables.movement", "orders.parked_order",
                      "shipments.parked", "orders.set_aside"):
            self.assertTrue(tables[table], table)
        self.assertTrue(again.sql("SELECT 1 FROM reminders.fold_order WHERE cursor_item IS NOT NULL"),
                        "no tick was cut into batches")
        self.assertIn("verified: ", self.verified(again))

        self.go_on(*contended("LATER"))
        self.assertIn("the database is older than the topics", self.refused_start(again))
        self.assertRegex(self.follow(again),  # of this account, and of nobody's orders
                         r"(?m)^receivables: (1 batch|[2-9] batches) of 1 partition to be folded$")
        self.fold(again)
        self.assert_same(again)
        self.assertIn("verified: ", self.verified(again))
        self.assertEqual(self.follow(again), "".join(
            f"{consumer}: nothing to be folded\n" for consumer in sorted(CONSUMERS)))

    def refused_start(self, again):
        consumer = again.services["receivables"]
        consumer.start()
        self.assertEqual(consumer.wait(PATIENCE_S), 1)
        return consumer.last_words()

    def departs(self, again):
        """Receivables stop where a batch is not as recorded. Where its number is not kept any more,
        the outbox differs from the topics, or is behind them, which stops it at the end.
        """
        receivables = again.services["receivables"]
        receivables.start()
        self.assertEqual(receivables.wait(PATIENCE_S), 1)
        self.assertRegex(receivables.last_words(), "a rebuild departs from what was recorded .*"
                         r"partition \d batch \d+: the last number of the outbox is \d+, recorded was")
        again.sql("UPDATE receivables.replay SET outbox_no = NULL")
        again.start()
        try:
            again.wait_ready(PATIENCE_S)
        except PipelineFailed as fault:
            self.assertIn("the database is older than the topics", str(fault))
        again.kill()
        self.assertRegex(self.verified(again, status=1),
                         r"(differs from|is not in) the outbox of receivables")

    def test_one_consumer_is_compared_alone(self):
        again = self.rebuilt("alone")
        self.follow(again)
        again.services = {"receivables": again.services["receivables"]}
        self.fold(again)
        batches = {consumer: again.sql(f"SELECT count(*) FROM {consumer}.replay").strip()
                   for consumer in CONSUMERS if consumer != "receivables"}
        self.assertEqual(self.verified(again, status=1).splitlines(), [
            f"broken: {consumer}: of {count} recorded batches 0 are folded; start it until it is ready"
            for consumer, count in sorted(batches.items())] + ["o2c verify: 5 invariants are broken"])
        again.sql("UPDATE receivables.outbox SET value = 'x' WHERE outbox_no = 1")
        self.assertIn("differs from the outbox of receivables", self.verified(again, status=1))

    def test_without_the_order_other_things_are_decided(self):
        again = self.rebuilt("merged")
        self.follow(again)
        self.merge(again, "receivables")
        self.departs(again)

    def swapped(self, again):
        """Two batches of receivables, one of invoices and one of payments, change places."""
        return again.sql("""
            WITH step AS (
                SELECT partition, batch_seq, next_offsets, key AS topic,
                       value::bigint - coalesce((lag(next_offsets) OVER w ->> key)::bigint, 0) AS step
                  FROM receivables.replay, jsonb_each_text(next_offsets)
                WINDOW w AS (PARTITION BY partition, key ORDER BY batch_seq)
            ), pair AS (
                SELECT a.partition, a.batch_seq, a.step, b.step AS payments
                  FROM step a
                  JOIN step b ON b.partition = a.partition AND b.batch_seq = a.batch_seq + 1
                 WHERE a.topic = 'o2c.invoices' AND b.topic = 'o2c.payments' AND b.step > 0
                   AND a.step > 0 AND a.step = (SELECT sum(step) FROM step s WHERE
                       (s.partition, s.batch_seq) = (a.partition, a.batch_seq))
            )
            UPDATE receivables.replay r
               SET next_offsets = next_offsets || jsonb_build_object(
                       'o2c.invoices', (next_offsets ->> 'o2c.invoices')::bigint - pair.step,
                       'o2c.payments', (next_offsets ->> 'o2c.payments')::bigint + payments)
              FROM pair
             WHERE (r.partition, r.batch_seq) = (pair.partition, pair.batch_seq)
            RETURNING r.partition""").splitlines()

    def test_an_order_that_was_meddled_with_is_noticed(self):
        again = self.rebuilt("meddled")
        self.follow(again)
        self.assertTrue(self.swapped(again))
        self.departs(again)

    def first(self, again, consumer, condition, of="cursor_date"):
        """(partition, batch_seq) of the first row of the order ahead for which that is so."""
        return again.sql(
            f"SELECT partition, batch_seq FROM (SELECT *, lag({of}) OVER (PARTITION BY partition"
            f" ORDER BY batch_seq) AS before FROM {consumer}.replay) r WHERE ({condition})"
            f" AND batch_seq > coalesce((SELECT max(p.batch_seq) FROM {consumer}.progress p"
            " WHERE p.partition = r.partition), 0) ORDER BY 1, 2 LIMIT 1").strip().split("|")

    def stops(self, again, consumer, change, said, condition="true", of="cursor_date"):
        """What was changed of a row is told when its turn comes, and nothing of it is stored."""
        partition, batch = self.first(again, consumer, condition, of)
        here = f"partition = {partition} AND batch_seq = {batch}"
        again.sql(f"CREATE TABLE kept AS SELECT * FROM {consumer}.replay WHERE {here}")
        again.sql(change.format(here=here))
        service = again.services[consumer]
        service.start()
        self.assertEqual(service.wait(PATIENCE_S), 1, change)
        self.assertRegex(service.last_words(), f"partition {partition} batch {batch}: {said}")
        self.assertEqual(again.sql(f"SELECT count(*) FROM {consumer}.progress WHERE {here}").strip(), "0")
        again.sql(f"DELETE FROM {consumer}.replay WHERE {here};"
                  f"INSERT INTO {consumer}.replay SELECT * FROM kept; DROP TABLE kept")

    def test_each_part_of_a_row_is_compared(self):
        again = self.rebuilt("changed")
        self.follow(again)
        change = "UPDATE reminders.replay SET {} WHERE {{here}}"
        self.stops(again, "reminders", "DELETE FROM reminders.replay WHERE {here}",
                   "the order goes back, or has a gap", "batch_seq > 1")
        self.stops(again, "reminders", change.format("outbox_no = outbox_no + 1"),
                   r"the last number of the outbox is \d+, recorded was", "outbox_no > 0")
        self.stops(again, "reminders", change.format("parked = parked + 1"),
                   r"parked is 0, recorded was 1")
        self.stops(again, "reminders", change.format("business_date = business_date + 1"),
                   "the business day .* recorded was", "business_date IS NOT NULL")
        self.stops(again, "reminders", change.format("cursor_item = 'nobody''s'"),
                   "the tick ends at another item", "cursor_item IS NOT NULL")
        self.stops(again, "orders", "DELETE FROM orders.parked_order",
                   "nothing was read, and no release or discard was ordered",
                   "next_offsets = before", "next_offsets")

    def test_what_cannot_be_followed_is_refused(self):
        again, third = self.rebuilt("spoilt"), self.rebuilt("third")
        self.assertIn("--from is missing", third.o2c("rebuild").stderr)
        self.follow(again)
        self.fold(again)
        self.pipeline, original = again, self.pipeline
        try:
            self.pipeline.sql("DELETE FROM orders.progress WHERE batch_seq = 2")
            self.assertRegex(self.follow(third, status=1),
                             r"orders partition \d batch 1: the order before it is not recorded, or has a gap")
            self.assertEqual(third.sql("SELECT count(*) FROM disputes.replay").strip(), "0")
        finally:
            self.pipeline = original
        self.follow(third)
        third.sql("UPDATE orders.claim SET incarnation = gen_random_uuid()")
        self.assertRegex(self.follow(third, status=1),
                         r"orders partition \d: was claimed before by a consumer that follows no original")
        again.sql("UPDATE orders.replay SET parked = parked + 1 WHERE batch_seq = 2")
        self.assertIn("was taken over before in another order", self.follow(again, status=1))

    def test_z_the_rebuilt_one_takes_over(self):
        again = self.rebuilt("heir")
        self.follow(again)
        for service in again.services.values():  # hardly anything is read ahead
            service.environment["O2C_BATCH_BYTES"] = "65536"
        self.fold(again)
        heir = Pipeline(self.pipeline.stack, self.pipeline.build, self.pipeline.name)
        heir.environment["O2C_PG_DSN"] = again.environment["O2C_PG_DSN"]
        self.addCleanup(heir.kill)
        published = len(self.records("o2c.cash"))
        heir.start()
        heir.wait_ready()
        heir.must("drain")
        self.assertEqual(len(self.records("o2c.cash")), published)  # none of it once more
        heir.o2c("publish", "-", input="".join(contended("HEIR")))
        heir.must("drain")
        heir.stop()
        self.assertGreater(len(self.records("o2c.cash")), published)
        self.assertIn("verified: ", heir.must("verify"))
        self.assertIn("has gone on by itself", self.follow(again, status=1))


class Packed(RebuildCase):
    def test_an_order_that_is_packed_is_followed_to_its_end(self):
        self.addCleanup(self.pipeline.kill)
        orders = self.pipeline.services["orders"]
        orders.environment = {**self.pipeline.environment, "O2C_BATCH_EVENTS": "1"}
        self.publish(*(order(f"O-{number}", "PACKED") for number in range(BATCHES)))
        self.pipeline.start()
        self.pipeline.wait_ready()
        self.drain()
        self.until("two stretches are packed", lambda: self.rows(
            "SELECT 1 FROM orders.packed_order HAVING count(*) = 2"))
        self.pipeline.stop()
        again = self.rebuilt("packed")
        self.assertIn(f"orders: {BATCHES} batches of 1 partition to be folded\n", self.follow(again))
        self.fold(again)
        self.assert_same(again)
        self.assertIn("verified: ", self.verified(again))


class BatchBytes(RebuildCase):
    """All that orders folded becomes one batch, of an original with other batch-bytes."""

    SMALLEST = "65536"

    def setUp(self):
        self.addCleanup(self.pipeline.kill)
        self.pipeline.start()
        self.pipeline.wait_ready()

    def as_one(self, name):
        again = self.rebuilt(name)
        self.follow(again)
        self.merge(again, "orders")
        again.sql("UPDATE orders.replay SET outbox_no = NULL")
        again.services = {"orders": again.services["orders"]}
        return again

    def folds(self, again):
        self.fold(again)
        self.assertEqual(again.sql("SELECT max(batch_seq) FROM orders.fold_order").strip(), "1")

    def lacks_bytes(self, again):
        """And goes on where it has them."""
        orders = again.services["orders"]
        orders.start(O2C_BATCH_BYTES=self.SMALLEST)
        self.assertEqual(orders.wait(PATIENCE_S), 1)
        self.assertRegex(orders.last_words(), r"the recorded order cannot be followed .*partition \d batch"
                         r" 1: it needs more than batch-bytes, 65536; give what the original had")
        self.assertEqual(again.sql("SELECT count(*) FROM orders.progress WHERE partition = "
                                   + re.search(r"partition (\d)", orders.last_words())[1]).strip(), "0")
        self.folds(again)


class Read(BatchBytes):
    def delivery(self, number):
        """Nothing to orders, and more than the smallest batch-bytes."""
        return json.dumps({
            "type": "ShipmentDelivered", "source": "test", "occurred_at": "2026-03-05T09:00:00Z",
            "customer_id": "LARGE", "order_id": "O", "shipment_id": f"S{number}",
            "delivered_at": "2026-03-05T09:00:00Z", "proof": "x" * 80_000}) + "\n"

    def test_the_record_that_went_beyond_them_need_not_be_the_last(self):
        """Invoices are taken behind shipments. Other partitions come first: all of it is there then."""
        self.publish(*(order(f"O{number}", f"C{number}") for number in range(9)),
                     invoice("I", "LARGE", 100), self.delivery(1))
        self.drain()
        again = self.as_one("fits")
        again.services["orders"].environment["O2C_BATCH_BYTES"] = self.SMALLEST
        self.folds(again)

        self.publish(self.delivery(2), self.delivery(3))
        self.drain()
        self.lacks_bytes(self.as_one("larger"))


class Folded(BatchBytes):
    def test_what_is_folded_needs_them_too(self):
        one = json.loads(order("O1"))
        one["lines"] = [one["lines"][0] | {"line_no": number} for number in range(1, 201)]
        self.publish(json.dumps(one) + "\n", json.dumps(one | {"order_id": "O2"}) + "\n")
        self.drain()
        self.lacks_bytes(self.as_one("rows"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
