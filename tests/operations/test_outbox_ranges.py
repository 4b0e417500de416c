"""The relay drops outbox ranges that are published and old enough, and o2c verify knows it."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from fault_proxy import FORWARD, proxy_for  # noqa: E402
from pipeline_case import PipelineCase, order  # noqa: E402

RANGE = 1_000_000
ACCOUNTS = 40  # some in every partition
ROWS_AT_ONCE = 2000  # of o2c verify


class OutboxRanges(PipelineCase):
    def ranges(self):
        return [name for name, in self.rows(
            "SELECT relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'orders.outbox'::regclass ORDER BY relname")]

    def maintain(self, keep):
        self.pipeline.sql(f"SELECT relay.maintain('orders', 1, {keep})")
        return self.ranges()

    def publish_round(self, number):
        self.publish(*(order(f"{number}-{account}", f"C{account}") for account in range(ACCOUNTS)))
        self.drain()

    def count_up_to_the_next_range(self):
        """As if a million decisions had been made: the next gets the first number of range 2."""
        self.pipeline.sql(f"UPDATE orders.progress SET outbox_no = {RANGE};"
                          f"UPDATE relay.cursor SET acked_no = {RANGE} WHERE consumer = 'orders'")

    def test_what_is_published_and_old_enough_goes(self):
        self.publish_round(1)
        self.until("the relay makes ranges ahead", lambda: "outbox_3" in self.ranges())
        self.pipeline.stop()
        self.assertEqual(self.ranges(), ["outbox_1", "outbox_2", "outbox_3", "outbox_rest"])
        self.count_up_to_the_next_range()
        cursor = "WHERE consumer = 'orders' AND partition = 3"
        self.pipeline.sql(f"UPDATE relay.cursor SET acked_no = 0 {cursor}")
        self.assertIn("outbox_1", self.maintain(keep=0), "one partition's rows are not published")
        self.pipeline.sql(f"UPDATE relay.cursor SET acked_no = {RANGE} {cursor}")
        self.assertIn("outbox_1", self.maintain(keep=1), "it is not old enough")

        self.pipeline.services["outbox-relay"].environment = {
            **self.pipeline.environment, "O2C_KEEP_RECORDS": "0"}
        self.pipeline.start()
        self.pipeline.wait_ready()
        self.until("the relay drops it", lambda: "outbox_1" not in self.ranges())
        self.assertEqual(self.ranges(), ["outbox_2", "outbox_3", "outbox_4", "outbox_rest"])
        self.assertEqual(self.maintain(keep=0), self.ranges(), "a dropped range is not made again")
        self.assertEqual(self.rows("SELECT count(*) FROM orders.outbox"), [("0",)])
        self.o2c("verify")

        self.publish_round(2)
        self.assertEqual(self.rows(f"SELECT DISTINCT outbox_no > {RANGE} FROM orders.outbox"),
                         [("t",)])
        self.assertEqual(self.rows("SELECT count(*) FROM orders.outbox_rest"), [("0",)])
        self.o2c("verify")
        self.pipeline.sql(f"UPDATE orders.outbox SET stream_seq = stream_seq + 1000"
                          f" WHERE partition = 0 AND outbox_no = (SELECT max(outbox_no)"
                          f" FROM orders.outbox WHERE partition = 0)")
        self.assertIn("1 invariant is broken", self.o2c("verify", status=1))


class OneThatGoesMeanwhile(PipelineCase):
    """The relay goes on while o2c verify reads."""

    def test_it_is_missed_by_nobody(self):
        self.publish(*(order(f"O{number}") for number in range(ROWS_AT_ONCE + 10)))
        self.drain()
        self.pipeline.stop()
        dsn = self.pipeline.environment["O2C_PG_DSN"]
        proxy, dropped = proxy_for(dsn), []

        def judge(unit):
            if not dropped and any(b"outbox_no >" in text and values[1] != b"0"
                                   for text, values in unit.queries):
                dropped.append(self.pipeline.sql("DROP TABLE orders.outbox_1"))
            return FORWARD

        proxy.judge, proxy.judges_first = judge, True
        try:
            said = self.o2c("verify", "--pg-dsn", proxy.dsn(dsn))
        finally:
            proxy.close()
        self.assertEqual(len(dropped), 1, "it read no second part")
        self.assertIn("verified: ", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
