"""o2c parked: what cannot be applied, and what a person does about it."""

import json
import os
import pwd
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pipeline_case import PipelineCase, dispatch, invoice, order  # noqa: E402
from topic_records import headers_of  # noqa: E402

WHY = ("--reason", "the test says so")


class Parked(PipelineCase):
    def parked(self, account):
        return self.rows("SELECT state, event_type, topic FROM orders.parked"
                         f" WHERE account_id = '{account}' ORDER BY parked_no")

    def announced(self, account):
        """What stands about an account in o2c.parked.orders, in order."""
        return [message for message in self.records("o2c.parked.orders")
                if message.key() == account.encode()]

    def notices(self, account):
        """state/left of each: what stands after it of the account."""
        told = [headers_of(one) for one in self.announced(account)]
        return [f"{said['o2c_parked']}/{said['o2c_parked_left']}" for said in told]

    def break_order(self, order_id):
        """PostgreSQL refuses this order, as with a schema that is not up to date."""
        self.pipeline.sql("ALTER TABLE orders.sales_order ADD CONSTRAINT broken"
                          f" CHECK (order_id <> '{order_id}')")

    def mend(self):
        self.pipeline.sql("ALTER TABLE orders.sales_order DROP CONSTRAINT broken")

    def orders_of(self, account):
        return [name for name, in self.rows(
            f"SELECT order_id FROM o2c.order_status WHERE account_id = '{account}' ORDER BY 1")]

    def test_later_events_of_the_account_queue_and_others_go_on(self):
        self.break_order("Q-BAD")
        self.publish(order("Q1", "CQ"))
        self.drain()
        self.publish(order("Q-BAD", "CQ"), order("Q2", "CQ"), order("Q3", "COTHER"))
        self.drain()
        self.publish(dispatch("SQ", "Q1", "CQ"))
        self.drain()
        self.assertEqual(self.parked("CQ"), [
            ("parked", "OrderPlaced", "o2c.orders"), ("queued", "OrderPlaced", "o2c.orders"),
            ("queued", "ShipmentDispatched", "o2c.shipments")])
        self.assertEqual(self.orders_of("CQ"), ["Q1"])
        self.assertEqual(self.orders_of("COTHER"), ["Q3"])
        # for this consumer only
        self.assertEqual(self.rows("SELECT state FROM o2c.shipment WHERE shipment_id = 'SQ'"),
                         [("dispatched",)])
        listed = self.o2c("parked", "list")
        self.assertRegex(listed, r"(?m)^orders +CQ +3  \d{4}-\d\d-\d\dT\S+Z  o2c.orders +\d+ +\d+  "
                                 r".*violates check constraint")
        heads, *lines = listed.splitlines()
        for line in lines:  # whatever stands in the columns before
            self.assertEqual(line[heads.index("topic") - 3:heads.index("topic") + 4], "Z  o2c.")
            self.assertEqual(line[heads.index("reason") - 3:heads.index("reason")].strip(),
                             line[:heads.index("reason")].split()[-1][-1])
        rows = [json.loads(line) for line in self.o2c("parked", "list", "--json").splitlines()]
        first, = [row for row in rows if row["account_id"] == "CQ"]
        self.assertRegex(first.pop("parked_since"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(first.pop("reason"), "violates check constraint")
        partition, offset = self.rows("SELECT partition, record_offset FROM orders.parked WHERE"
                                      " account_id = 'CQ' AND state = 'parked'")[0]
        self.assertEqual(first, {"row": "parked", "consumer": "orders", "account_id": "CQ",
                                 "records": 3, "topic": "o2c.orders",
                                 "partition": int(partition), "record_offset": int(offset)})
        self.assertEqual(self.rows("SELECT consumer, state FROM o2c.parked WHERE"
                                   " account_id = 'CQ' ORDER BY topic, state"),
                         [("orders", "parked"), ("orders", "queued"), ("orders", "queued")])
        self.assertEqual(self.rows("SELECT sum(parked) FROM o2c.consumer_progress WHERE"
                                   " consumer = 'orders'"), [("3",)])
        shown = self.o2c("parked", "show", "orders", "CQ")
        self.assertIn("violates check constraint", shown)
        events = [json.loads(line) for line in shown.splitlines() if line.startswith("    {")]
        self.assertEqual([event["type"] for event in events],
                         ["OrderPlaced", "OrderPlaced", "ShipmentDispatched"])
        self.assertEqual(events[0]["order_id"], "Q-BAD")
        # only the first is published
        message, = self.announced("CQ")
        headers = headers_of(message)
        self.assertEqual((headers["o2c_parked"], headers["o2c_parked_left"]), ("parked", "1"))
        self.assertEqual(headers["__connect.errors.topic"], "o2c.orders")
        self.assertEqual(headers["__connect.errors.partition"], str(message.partition()))
        self.assertIn("violates check", headers["__connect.errors.exception.message"])
        value, offset = self.rows("SELECT encode(value, 'hex'), record_offset FROM orders.parked"
                                  " WHERE account_id = 'CQ' AND state = 'parked'")[0]
        self.assertEqual(message.value().hex(), value)
        self.assertEqual(headers["__connect.errors.offset"], offset)

        # still broken: the release says so, and nothing else is published
        self.assertIn("parked again", self.o2c("parked", "release", "orders", "CQ", *WHY,
                                               status=1))
        self.assertEqual([state for state, *_ in self.parked("CQ")],
                         ["parked", "queued", "queued"])
        self.mend()
        self.assertEqual(self.o2c("parked", "release", "orders", "CQ", *WHY), "released\n")
        self.drain()
        self.assertEqual(self.orders_of("CQ"), ["Q-BAD", "Q1", "Q2"])
        self.assertEqual({state for state, *_ in self.parked("CQ")}, {"released"})
        self.assertEqual(self.notices("CQ"), ["parked/1", "released/2", "released/0"])
        self.assertEqual([one.value() for one in self.announced("CQ")[1:]], [None, None])
        self.assertEqual(self.rows("SELECT action, actor, reason, outcome FROM orders.parked_order"
                                   " WHERE account_id = 'CQ' ORDER BY order_no")[1],
                         ("release", pwd.getpwuid(os.getuid()).pw_name, WHY[1], "released"))
        self.o2c("verify")

    def test_a_release_applies_the_records_in_the_order_in_which_they_came(self):
        self.publish(order("R1", "CR"), order("R2", "CR"))
        self.drain()
        self.break_order("R-BAD")
        lines = [order("R-BAD", "CR"), dispatch("SR1", "R1", "CR"),
                 order("R3", "CR"), dispatch("SR2", "R2", "CR")]
        for line in lines:  # each arrives before the next is published
            self.publish(line)
            self.drain()
        self.mend()
        self.o2c("parked", "release", "orders", "CR", *WHY)
        self.drain()
        parked = [f"{topic}/{partition}/{offset}" for topic, partition, offset in self.rows(
            "SELECT topic, partition, record_offset FROM orders.parked"
            " WHERE account_id = 'CR' ORDER BY parked_no")]
        applied = [cause.split("#")[0] for cause, in self.rows(
            "SELECT cause FROM orders.outbox WHERE topic = 'o2c.state.order'"
            " AND key IN ('R-BAD', 'R1', 'R2', 'R3') AND subject <> ''"
            " ORDER BY outbox_no")]
        self.assertEqual(applied[-4:], parked)

    def test_an_unreadable_record_is_parked_and_discarded(self):
        self.produce("o2c.orders", "CU", b"\0\0\0\0\7garbage")
        self.publish(order("U1", "CU"))
        self.drain()
        self.assertEqual(self.parked("CU"), [("parked", "", "o2c.orders"),
                                             ("queued", "OrderPlaced", "o2c.orders")])
        self.assertIn("(12 bytes, not readable as an event)",
                      self.o2c("parked", "show", "orders", "CU"))
        self.assertIn("parked again", self.o2c("parked", "release", "orders", "CU", *WHY,
                                               status=1))
        self.assertEqual(self.o2c("parked", "discard", "orders", "CU", *WHY, "--actor", "anna"),
                         "discarded\n")
        self.assertEqual(self.rows("SELECT actor FROM orders.parked_order WHERE account_id = 'CU'"
                                   " AND action = 'discard'"), [("anna",)])
        self.drain()
        self.assertEqual([state for state, *_ in self.parked("CU")], ["discarded", "released"])
        self.assertEqual(self.orders_of("CU"), ["U1"])
        self.assertEqual(self.notices("CU"), ["parked/1", "discarded/1", "released/0"])
        self.assertEqual(self.announced("CU")[0].value(), b"\0\0\0\0\7garbage")
        self.o2c("parked", "discard", "shipments", "CU", *WHY)
        self.drain()
        self.o2c("verify")

    def test_what_follows_a_released_one_may_be_parked_in_its_turn(self):
        self.publish(order("T1", "CT", quantity_milli=0), order("T2", "CT"),
                     order("T3", "CT", quantity_milli=0), order("T4", "CT"))
        self.drain()
        self.assertIn("parked again: lines[0].quantity_milli: 0 is not between",
                      self.o2c("parked", "discard", "orders", "CT", *WHY, status=1))
        self.drain()
        self.assertEqual([state for state, *_ in self.parked("CT")],
                         ["discarded", "released", "parked", "queued"])
        self.assertEqual(self.notices("CT"), ["parked/1", "discarded/3", "parked/2"])
        self.o2c("parked", "discard", "orders", "CT", *WHY)
        self.assertEqual(self.orders_of("CT"), ["T2", "T4"])
        self.drain()
        self.assertEqual(self.notices("CT")[3:], ["discarded/1", "released/0"])
        self.o2c("verify")

    def test_a_record_for_another_partition_is_published_again_where_it_belongs(self):
        self.publish(order("W1", "CW"))
        self.drain()
        first, = [one for one in self.records("o2c.orders") if one.key() == b"CW"]
        value = first.value().replace(b"W1", b"W2")
        wrong = (first.partition() + 1) % self.pipeline.partitions
        partition, offset = self.produce("o2c.orders", "CW", value, partition=wrong,
                                         headers=[("ce_id", b"abc"), ("empty", None)])
        self.publish(order("W3", "CW"))  # nothing queues behind it
        self.drain()
        self.assertEqual(self.orders_of("CW"), ["W1", "W3"])
        where = ("o2c.orders", str(partition), str(offset))
        self.assertRegex(self.o2c("parked", "list"), r"(?m)^orders +wrong-partition +\S+Z  +" +
                         " +".join(where) + "  .*partitioner=murmur2_random")
        row, = [one for one in map(json.loads, self.o2c("parked", "list", "--json").splitlines())
                if one["row"] == "set_aside" and one["consumer"] == "orders"]
        self.assertEqual((row["kind"], row["topic"], row["partition"], row["record_offset"]),
                         ("wrong-partition", "o2c.orders", partition, offset))
        self.assertEqual(self.rows("SELECT consumer, reason FROM o2c.set_aside WHERE"
                                   f" record_offset = {offset} AND partition = {partition}"
                                   " AND consumer IN ('orders', 'shipments') ORDER BY 1"),
                         [("orders", "wrong-partition"), ("shipments", "wrong-partition")])
        self.assertEqual(self.o2c("parked", "republish", "orders", *where, *WHY),
                         "published again to the partition of its key\n")
        self.drain()
        self.assertEqual(self.orders_of("CW"), ["W1", "W2", "W3"])
        again, = [one for one in self.records("o2c.orders")
                  if one.value() == value and one.partition() == first.partition()]
        self.assertEqual(again.headers(), [("ce_id", b"abc"), ("empty", None)])
        for consumer in ("orders", "shipments"):  # once for all who read the topic
            self.assertIn("still to be published", self.o2c("parked", "republish", consumer,
                                                            *where, *WHY, status=1))
        self.o2c("verify")

    def test_a_record_without_a_value_is_published_again_without_one(self):
        self.publish(order("N1", "CN"))
        right = [one for one in self.records("o2c.orders") if one.key() == b"CN"][0].partition()
        where = self.produce("o2c.orders", "CN", None,
                             partition=(right + 1) % self.pipeline.partitions)
        self.drain()
        self.o2c("parked", "republish", "orders", "o2c.orders", *map(str, where), *WHY)
        self.drain()
        self.assertEqual([one.value() for one in self.records("o2c.orders")
                          if one.key() == b"CN" and one.partition() == right][1:], [None])
        self.assertRegex(self.o2c("parked", "show", "orders", "CN"), r"\n    \(no value\)\n")
        for consumer in ("orders", "shipments"):
            self.o2c("parked", "discard", consumer, "CN", *WHY)
        self.drain()
        self.o2c("verify")

    def test_what_has_no_usable_key_is_set_aside_alone(self):
        partition, offset = self.produce("o2c.orders", None, b"x", partition=2)
        other = self.produce("o2c.orders", "CK-OTHER", self.value_of("CK"))
        self.drain()
        self.assertEqual(self.rows("SELECT reason FROM orders.set_aside WHERE (partition,"
                                   f" record_offset) IN (({partition}, {offset}), {other})"
                                   " AND topic = 'o2c.orders' ORDER BY 1"),
                         [("key-mismatch",), ("no-key",)])
        self.assertIn("set aside for its partition", self.o2c(
            "parked", "republish", "orders", "o2c.orders", str(partition), str(offset), *WHY,
            status=1))
        self.o2c("verify")

    def value_of(self, account):
        self.publish(order("K1", account))
        return [one for one in self.records("o2c.orders")
                if one.key() == account.encode()][0].value()

    def test_more_than_one_batch_of_parked_records_is_released_by_one_order(self):
        self.produce("o2c.orders", "CM", b"bad")
        self.publish(*(order(f"M{number}", "CM") for number in range(1500)))
        self.drain()
        self.assertEqual(len(self.parked("CM")), 1501)
        self.assertEqual(self.o2c("parked", "discard", "orders", "CM", "--wait-s", "60", *WHY),
                         "discarded\n")
        self.drain()
        self.assertEqual(len(self.orders_of("CM")), 1500)
        self.assertEqual(self.notices("CM"), ["parked/1", "discarded/1500", "released/0"])

    def test_a_consumer_killed_meanwhile_loses_and_doubles_nothing(self):
        self.break_order("X-BAD")
        self.publish(order("X-BAD", "CX"), order("X1", "CX"))
        self.drain()
        self.mend()
        consumer = self.pipeline.services["orders"]
        consumer.kill()
        self.assertIn("not done yet", self.o2c("parked", "release", "orders", "CX",
                                               "--wait-s", "0", *WHY, status=4))
        consumer.start(O2C_FAILPOINTS="store.after_sync=kill")
        self.until("killed at its first store", lambda: not consumer.alive())
        consumer.start()
        self.until("released", lambda: self.orders_of("CX") == ["X-BAD", "X1"])
        self.drain()
        self.assertEqual(self.notices("CX"), ["parked/1", "released/1", "released/0"])
        self.o2c("verify")


def payment(payment_id, account, amount_minor, *lines):
    return json.dumps({
        "type": "PaymentReceived", "source": "test", "customer_id": account,
        "payment_id": payment_id, "received_date": "2026-04-08", "currency": "EUR",
        "amount_minor": amount_minor, "method": "transfer",
        "remittance": list(lines)}) + "\n"


def pays(invoice_id, amount_minor):
    return {"invoice_id": invoice_id, "amount_minor": amount_minor}


class Held(PipelineCase):
    """What is parked in receivables holds the letters of its account, and of no other."""

    def day(self, date):
        self.o2c("clock", "--from", date)
        self.drain()

    def letters(self):
        return self.rows("SELECT customer_id, run_date, array_to_string(invoice_ids, ' '), state"
                         "  FROM o2c.reminder ORDER BY 2, 1")

    def waiting(self):
        return self.rows("SELECT kind, document, waits_for FROM o2c.waiting"
                         " WHERE since > now() - interval '1 hour' ORDER BY 2")

    def test_letters_are_held_until_nothing_of_the_account_is_parked(self):
        self.publish(*(invoice(f"I-{account}{number}", account, 1000)
                       for account in ("CD", "CO", "CR") for number in (1, 2)))
        self.drain()
        # CR: PostgreSQL refuses a payment, a second one queues. CD: one that can never work.
        self.pipeline.sql("ALTER TABLE receivables.payment ADD CONSTRAINT broken"
                          " CHECK (payment_id <> 'P-CR1')")
        self.publish(payment("P-CR1", "CR", 1000, pays("I-CR1", 1000)),
                     payment("P-CR2", "CR", 400, pays("I-CR2", 400)),
                     payment("P-CD1", "CD", 1000, {"amount_minor": 1000}),
                     payment("P-CD2", "CD", 1000, pays("I-CD2", 1000)))
        self.drain()
        self.assertEqual(self.waiting(), [])  # held, but nothing is due yet
        self.day("2026-04-11")
        of_co = ("CO", "2026-04-11", "I-CO1 I-CO2", "issued")
        held = [("reminder", f"{account}/EUR", "what is parked in receivables")
                for account in ("CD", "CR")]
        self.assertEqual(self.letters(), [of_co])
        self.assertEqual(self.waiting(), held)
        self.o2c("verify")

        # a release that fails and another process change nothing
        self.assertIn("parked again", self.o2c("parked", "release", "receivables", "CR", *WHY,
                                               status=1))
        self.pipeline.services["reminders"].kill()
        self.pipeline.services["reminders"].start()
        self.day("2026-04-12")
        self.assertEqual(self.letters(), [of_co])
        self.assertEqual(self.waiting(), held)

        self.pipeline.sql("ALTER TABLE receivables.payment DROP CONSTRAINT broken")
        self.o2c("parked", "release", "receivables", "CR", *WHY)
        self.o2c("parked", "discard", "receivables", "CD", *WHY)
        self.drain()
        self.assertEqual(self.letters(), [of_co])
        self.assertEqual(self.waiting(), [])
        self.day("2026-04-13")
        self.assertEqual(self.letters(), [of_co, ("CD", "2026-04-13", "I-CD1", "issued"),
                                          ("CR", "2026-04-13", "I-CR2", "issued")])
        self.day("2026-04-14")
        self.assertEqual(len(self.letters()), 3)
        self.o2c("verify")


class Words(PipelineCase):
    """What is wrong with the command line is said by name."""

    RUNNING = False

    def refused(self, *words):
        return self.o2c("parked", *words, status=2)

    def test_wrong_words(self):
        where = ("orders", "o2c.orders", "1", "2")
        self.assertIn('"lst" is none of list, show, release', self.refused("lst"))
        self.assertIn("usage: o2c parked show CONSUMER ACCOUNT", self.refused("show", "orders"))
        said = self.refused("list", "orders")
        self.assertIn('"orders" is a word too many\n', said)
        self.assertIn("usage: o2c parked list [--json]\n", said)
        self.assertIn("--json goes with list", self.refused("show", "orders", "C1", "--json"))
        self.assertIn("republish CONSUMER TOPIC PARTITION OFFSET --reason",
                      self.refused("republish", *where[:3]))
        self.assertIn("--reason is missing", self.refused("release", "orders", "C1"))
        self.assertIn("--reason is missing", self.refused("republish", *where))
        self.assertIn("--reason is missing", self.refused("release", "orders", "C1", "--reason", " "))
        self.assertIn('no consumer "ordres"', self.refused("release", "ordres", "C1", *WHY))
        self.assertIn('partition "one" is no whole number',
                      self.refused("republish", "orders", "o2c.orders", "one", "2", *WHY))
        self.assertIn('offset "-2" is no whole number',
                      self.refused("republish", "orders", "o2c.orders", "1", "-2", *WHY))
        self.assertIn("usage: o2c parked", self.refused())

    def test_who_and_why_are_said_with_the_act(self):
        environment = self.pipeline.environment
        config = self.pipeline.logs / "o2c.conf"
        for name in ("reason", "actor"):
            config.write_text(f"{name} = of another act\n")
            for further in ({f"O2C_{name.upper()}": "of another act"}, {"O2C_CONFIG": str(config)}):
                self.pipeline.environment = environment | further
                try:
                    self.assertIn(f"--{name} is given on the command line alone",
                                  self.refused("release", "orders", "C1", *WHY))
                finally:
                    self.pipeline.environment = environment

    def test_z_many_that_are_set_aside_are_counted(self):
        self.pipeline.sql("INSERT INTO orders.set_aside (partition, topic, record_offset, reason,"
                          " detail, recorded_at) SELECT 0, 'o2c.orders', n, 'no-key', 'none', now()"
                          " FROM generate_series(1, 103) n")
        lines = self.o2c("parked", "list").splitlines()
        self.assertEqual((len(lines), lines[-1]),
                         (102, "and 3 more of orders: --json shows all"))
        self.assertEqual(len(self.o2c("parked", "list", "--json").splitlines()), 103)

    def test_nothing_is_parked(self):
        self.assertEqual(self.o2c("parked", "list"), "nothing is parked or set aside\n")
        self.assertEqual(self.o2c("parked", "list", "--json"), "")
        self.assertIn('nothing of account "C1"', self.o2c("parked", "show", "orders", "C1"))
        self.assertIn('nothing of account "C1" is parked in orders',
                      self.o2c("parked", "discard", "orders", "C1", *WHY, status=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
