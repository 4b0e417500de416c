"""o2c verify: each of its checks is shown to fail on a spoiled database or topic."""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from confluent_kafka import TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from pipeline_case import (  # noqa: E402
    PATIENCE_S, PipelineCase, dispatch, invoice_of_order, order)


class Verify(PipelineCase):
    """A pipeline that has seen something of everything, drained and stopped."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.publish(*(order(f"O{number}", f"C{number}") for number in range(12)))
        case.publish(order("O1", "C1"), order("O1", "C1", quantity_milli=2000))  # conflict
        case.publish(dispatch("S1", "O1", "C1"), dispatch("S2", "O2", "C2"),
                     invoice_of_order("I3", "O3", 1000, "C3"),
                     invoice_of_order("I4", None, 1000, "C4"))
        case.produce("o2c.orders", "CBAD", b"bad")
        case.publish(order("OQ", "CBAD"))
        case.produce("o2c.orders", None, b"no key", partition=0)
        case.drain()
        cls.pipeline.stop()
        case.assertRegex(case.o2c("verify"), r"verified: \d+ records accounted for, \d+ pub")

    def runTest(self):
        """For setUpClass alone."""

    def broken(self, expected):
        """verify fails, and says this and nothing else."""
        said = self.o2c("verify", status=1)
        found = [line for line in said.splitlines() if line.startswith("broken: ")]
        self.assertEqual(len(found), 1, said)
        self.assertRegex(found[0], expected)
        self.assertIn("o2c verify: 1 invariant is broken", said)

    def spoil(self, change, back, expected):
        with self.subTest(expected):
            self.pipeline.sql(change)
            try:
                self.broken(expected)
            finally:
                self.pipeline.sql(back)

    def tearDown(self):
        if not self.id().endswith("_spoiled"):
            self.o2c("verify")  # nothing of it is left

    def newest(self, schema, having="true"):
        """The condition of one newest position."""
        partition, batch = self.rows(f"SELECT partition, batch_seq FROM {schema}.position"
                                     f" WHERE batch_seq IS NOT NULL AND {having} LIMIT 1")[0]
        return f"partition = {partition} AND batch_seq = {batch}"

    def test_conservation(self):
        at = self.newest("orders")
        for total in ("applied", "repeats", "skipped", "markers"):
            self.spoil(f"UPDATE orders.progress SET {total} = {total} + 1 WHERE {at}",
                       f"UPDATE orders.progress SET {total} = {total} - 1 WHERE {at}",
                       r"orders partition \d+: \d+ records taken, but \d+ accounted for")
        self.spoil(
            "UPDATE shipments.progress SET next_offsets = jsonb_set(next_offsets,"
            " '{o2c.orders}', to_jsonb((next_offsets ->> 'o2c.orders')::bigint + 1))"
            f" WHERE {(at := self.newest('shipments'))}",
            "UPDATE shipments.progress SET next_offsets = jsonb_set(next_offsets,"
            " '{o2c.orders}', to_jsonb((next_offsets ->> 'o2c.orders')::bigint - 1))"
            f" WHERE {at}",
            r"shipments partition \d+: \d+ records taken, but \d+ accounted for")

    def test_the_recorded_order(self):
        at = self.newest("orders", "batch_seq > 1")
        partition, batch = map(int, re.findall(r"\d+", at))
        moved = f"partition = {partition} AND batch_seq = "
        self.spoil(f"UPDATE orders.progress SET batch_seq = {batch + 1} WHERE {at}",
                   f"UPDATE orders.progress SET batch_seq = {batch} WHERE {moved}{batch + 1}",
                   f"orders: partition {partition}: batch {batch - 1} of the recorded order is"
                   f" followed by {batch + 1}$")
        row = ("UPDATE orders.progress SET next_offsets = jsonb_set(next_offsets,"
               " '{o2c.orders}', to_jsonb(")
        self.spoil(f"{row}(next_offsets ->> 'o2c.orders')::bigint + 5000)) WHERE {moved}{batch - 1}",
                   f"{row}(next_offsets ->> 'o2c.orders')::bigint - 5000)) WHERE {moved}{batch - 1}",
                   rf"orders: partition {partition}: o2c.orders goes back from offset \d+ to \d+"
                   f" in batch {batch}$")

    def test_what_is_parked_or_set_aside_is_kept(self):
        self.spoil("UPDATE orders.parked SET state = 'released' WHERE state = 'queued'",
                   "UPDATE orders.parked SET state = 'queued' WHERE state = 'released'",
                   r"orders partition \d+: 2 records counted as parked, 1 rows")
        self.spoil("UPDATE orders.set_aside SET partition = 1000",
                   "UPDATE orders.set_aside SET partition = 0",
                   r"orders partition 0: 1 records counted as set aside, 0 rows")

    def test_the_outbox_equals_the_topic(self):
        partition, number = self.rows("SELECT partition, min(outbox_no) FROM orders.outbox"
                                      " WHERE topic = 'o2c.state.order' GROUP BY 1 LIMIT 1")[0]
        row = f"partition = {partition} AND outbox_no = {number}"
        self.spoil(f"UPDATE orders.outbox SET value = value || '\\x00' WHERE {row}",
                   "UPDATE orders.outbox SET value = substr(value, 1, length(value) - 1)"
                   f" WHERE {row}", "differs from the outbox of orders at stream_seq 1$")
        event_id, = self.rows(f"SELECT event_id FROM orders.outbox WHERE {row}")[0]
        self.spoil(f"UPDATE orders.outbox SET event_id = gen_random_uuid() WHERE {row}",
                   f"UPDATE orders.outbox SET event_id = '{event_id}' WHERE {row}",
                   "differs from the outbox of orders at stream_seq 1$")
        conflict = "topic = 'o2c.conflicts'"
        self.spoil(f"UPDATE orders.outbox SET partition = partition + 1000 WHERE {conflict}",
                   f"UPDATE orders.outbox SET partition = partition - 1000 WHERE {conflict}",
                   r"o2c.conflicts partition \d+ offset 0: stream_seq 1 is not in the outbox of")
        self.spoil("INSERT INTO orders.outbox (partition, outbox_no, topic, target_partition,"
                   " stream_seq, incarnation, event_id, event_type, recorded_at, cause)"
                   " SELECT partition, 999999, topic, target_partition, stream_seq + 1,"
                   " incarnation, gen_random_uuid(), event_type, recorded_at, cause"
                   f" FROM orders.outbox WHERE {conflict}",
                   "DELETE FROM orders.outbox WHERE outbox_no = 999999",
                   r"o2c.conflicts partition \d+: stream_seq 2 of orders is not published")

    def test_a_hole_is_one_finding_and_a_dropped_range_is_none(self):
        topic = "o2c.state.order"
        partition, count = self.rows("SELECT partition, count(*) FROM orders.outbox WHERE topic = "
                                     f"'{topic}' GROUP BY 1 ORDER BY 2 DESC LIMIT 1")[0]
        self.assertGreater(int(count), 1)
        self.pipeline.sql("CREATE TABLE public.kept AS SELECT * FROM orders.outbox"
                          f" WHERE partition = {partition}")
        gone = f"DELETE FROM orders.outbox WHERE partition = {partition}"
        back = f"{gone}; INSERT INTO orders.outbox SELECT * FROM public.kept"
        self.spoil(f"{gone} AND topic = '{topic}' AND outbox_no > 1", back,
                   rf"{topic} partition {partition} offset \d+: stream_seq \d+ is not in the outbox of")
        for published in ("= 1", "<= (SELECT max(outbox_no) / 2 FROM public.kept)", "> 0"):
            with self.subTest(published):
                self.pipeline.sql(f"{gone} AND outbox_no {published}")
                try:
                    self.assertIn("verified: ", self.o2c("verify"))
                finally:
                    self.pipeline.sql(back)
        self.pipeline.sql("DROP TABLE public.kept")

    def test_a_consumers_tables_add_up(self):
        self.spoil("UPDATE orders.sales_order SET content_revision = 7 WHERE order_id = 'O3'",
                   "UPDATE orders.sales_order SET content_revision = 1 WHERE order_id = 'O3'",
                   "orders: order O3 of account C3: content revision 7 is not among its rev")
        self.spoil("UPDATE orders.order_line SET returned_milli = -1 WHERE order_id = 'O3'",
                   "UPDATE orders.order_line SET returned_milli = 0 WHERE order_id = 'O3'",
                   "orders: order O3 line 1 of account C3: a quantity is negative")
        for spoilt in (0, 999):
            self.spoil(f"UPDATE orders.order_line SET invoiced_milli = {spoilt} WHERE order_id = 'O3'",
                       "UPDATE orders.order_line SET invoiced_milli = 1000 WHERE order_id = 'O3'",
                       f"order O3 line 1 of account C3: {spoilt} invoiced, its invoices say 1000")
        self.spoil("UPDATE orders.order_line SET invoiced_milli = 1 WHERE order_id = 'O5'",
                   "UPDATE orders.order_line SET invoiced_milli = 0 WHERE order_id = 'O5'",
                   "orders: order O5 line 1 of account C5: 1 invoiced, its invoices say 0")
        self.spoil("UPDATE orders.sales_order SET invoiced_minor = 7 WHERE order_id = 'O3'",
                   "UPDATE orders.sales_order SET invoiced_minor = 1000 WHERE order_id = 'O3'",
                   "orders: order O3 of account C3: 7 invoiced, its invoices in EUR say 1000")
        self.spoil("UPDATE shipments.shipment SET state = 'waiting_order' WHERE shipment_id = 'S1'",
                   "UPDATE shipments.shipment SET state = 'dispatched' WHERE shipment_id = 'S1'",
                   "shipments: shipment S1 of account C1: state waiting_order while its order is")
        self.spoil("UPDATE shipments.shipment_line SET returned_milli = -1 WHERE shipment_id = 'S1'",
                   "UPDATE shipments.shipment_line SET returned_milli = 0 WHERE shipment_id = 'S1'",
                   "shipments: shipment S1 line 1 of account C1: a quantity is negative")

    def test_consumers_agree(self):
        for spoilt in (999, 1001):
            self.spoil(f"UPDATE orders.order_line SET shipped_milli = {spoilt} WHERE order_id = 'O2'",
                       "UPDATE orders.order_line SET shipped_milli = 1000 WHERE order_id = 'O2'",
                       f"all: order O2 line 1 of account C2: {spoilt} shipped, its shipments sent 1000")
        self.spoil("UPDATE shipments.shipment_line SET line_no = 2 WHERE shipment_id = 'S2';"
                   "UPDATE orders.order_line SET shipped_milli = 0 WHERE order_id = 'O2'",
                   "UPDATE shipments.shipment_line SET line_no = 1 WHERE shipment_id = 'S2';"
                   "UPDATE orders.order_line SET shipped_milli = 1000 WHERE order_id = 'O2'",
                   "order O2 line 2 of account C2: 0 shipped, its shipments sent 1000")

    def test_orders_and_receivables_know_the_same_invoices(self):
        uncounted = ("UPDATE orders.sales_order SET invoiced_minor = 0 WHERE order_id = 'O3';"
                     "UPDATE orders.order_line SET invoiced_milli = 0 WHERE order_id = 'O3';")
        counted = ("UPDATE orders.sales_order SET invoiced_minor = 1000 WHERE order_id = 'O3';"
                   "UPDATE orders.order_line SET invoiced_milli = 1000 WHERE order_id = 'O3';")
        said = "all: invoice I3 of account C3: order O3, net 1000, cancelled f; orders have {}$"
        for column, spoilt, back, expected in (
                ("cancelled", "true", "false", "O3, 1000, t"),
                ("account_id", "'CBAD'", "'C3'", ", , "),
                ("order_id", "'O77'", "'O3'", "O77, 1000, f")):
            change = f"UPDATE orders.invoice SET {column} = {{}} WHERE invoice_id = 'I3'"
            self.spoil(uncounted + change.format(spoilt), counted + change.format(back),
                       said.format(expected))
        self.spoil("INSERT INTO orders.invoice VALUES ('C4', 'I9', 'O99', 'EUR', 5, '{}', '{}', false)",
                   "DELETE FROM orders.invoice WHERE invoice_id = 'I9'",
                   "all: invoice I9 of account C4: order , net , cancelled ; orders have O99, 5, f")

    def test_z_the_topic_is_spoiled(self):
        """Last: a record cannot be taken out of a topic again."""
        admin = AdminClient({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"]})
        topic, partition = self.rows(
            "SELECT topic, partition FROM orders.outbox WHERE topic NOT LIKE 'o2c.state.%'"
            " GROUP BY 1, 2 HAVING count(*) > 3 LIMIT 1")[0]
        gone = TopicPartition(self.topic(topic), int(partition), 2)
        admin.delete_records([gone])[gone].result(PATIENCE_S)
        self.broken(f"{topic} partition {partition}: stream_seq 1 to 2 of orders are missing")
        self.pipeline.sql(f"DELETE FROM orders.outbox WHERE topic = '{topic}' AND"
                          f" partition = {partition} AND stream_seq <= 2")
        self.assertIn("verified: ", self.o2c("verify"))
        conflict, = self.records("o2c.conflicts")
        headers = dict(conflict.headers())
        headers["stream_seq"] = b"2"
        self.produce("o2c.conflicts", conflict.key(), conflict.value(), partition=conflict.partition(),
                     headers=list(headers.items()))
        self.broken(r"o2c.conflicts partition \d+ offset 1: stream_seq 2 is not in the outbox of")
        gone = TopicPartition(self.topic("o2c.conflicts"), conflict.partition(), 2)
        admin.delete_records([gone])[gone].result(PATIENCE_S)
        self.broken(r"o2c.conflicts partition \d+: stream_seq 1 of orders is not published")
        self.assertNotIn("not drained", self.o2c("verify", status=1))
        self.publish(order("OZ", "C1"))
        self.assertRegex(self.o2c("verify", status=1), "o2c verify: 1 invariant is broken; but the"
                         r" pipeline is not drained: orders is 1 record behind on \S+o2c.orders/")

    def test_other_endings(self):
        environment = self.pipeline.environment
        for status, further, expected in (
                (3, {"O2C_PG_DSN": "host=127.0.0.1 port=1 dbname=o2c"}, "127.0.0.1"),
                (3, {"O2C_KAFKA": "127.0.0.1:1"}, "."),
                (3, {"O2C_PG_DSN": environment["O2C_PG_DSN"].replace(
                    self.pipeline.name, "postgres")}, r"was o2c migrate run\?")):
            self.pipeline.environment = environment | further
            try:
                self.assertTrue(re.search(expected, self.o2c("verify", status=status)))
            finally:
                self.pipeline.environment = environment
        self.assertIn("usage: o2c verify", self.o2c("verify", "now", status=2))
        self.assertIn("--fast", self.o2c("verify", "--fast", status=2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
