"""A unittest case with a pipeline of its own on the stack of TEST_STACK or deploy/run-local, or on
one that is started for it: for tests of what operators do and see.
"""

import json
import time
import unittest

from confluent_kafka import Producer
from local_stack import running_stack, throw_away_stack
from pipeline import Pipeline, find_build
from topic_records import records_of

ASK_EVERY_S = 0.05
PATIENCE_S = 60


def order(order_id, customer_id="C1", quantity_milli=1000, **fields):
    """A line of an events file: an order of one line."""
    return json.dumps({
        "type": "OrderPlaced", "occurred_at": "2026-03-02T09:00:00Z", "source": "test",
        "customer_id": customer_id, "order_id": order_id, "revision": 1,
        "placed_at": "2026-03-02T09:00:00Z", "currency": "EUR",
        "invoice_policy": "on_shipment", "ship_policy": "on_order",
        "lines": [{"line_no": 1, "sku": "SKU-1", "quantity_milli": quantity_milli,
                   "unit_price_micro": 10_000_000}], **fields}) + "\n"


def dispatch(shipment_id, order_id, customer_id="C1"):
    return json.dumps({
        "type": "ShipmentDispatched", "occurred_at": "2026-03-03T09:00:00Z", "source": "test",
        "customer_id": customer_id, "order_id": order_id, "shipment_id": shipment_id,
        "dispatched_at": "2026-03-03T09:00:00Z",
        "lines": [{"line_no": 1, "sku": "SKU-1", "quantity_milli": 1000}]}) + "\n"


def invoice_of_order(invoice_id, order_id, quantity_milli, customer_id="C1", **fields):
    """Of its line 1, at the price of order()."""
    net_minor = quantity_milli
    return json.dumps({
        "type": "InvoiceIssued", "occurred_at": "2026-03-04T09:00:00Z", "source": "test",
        "customer_id": customer_id, "order_id": order_id, "invoice_id": invoice_id,
        "number": invoice_id, "issue_date": "2026-03-04", "currency": "EUR",
        "lines": [{"line_no": 1, "order_line_no": 1, "quantity_milli": quantity_milli,
                   "unit_price_micro": 10_000_000, "net_minor": net_minor}],
        "net_minor": net_minor, "gross_minor": net_minor,
        "instalments": [{"due_date": "2026-04-03", "amount_minor": net_minor}], **fields}) + "\n"


def invoice(invoice_id, account, gross_minor):
    return json.dumps({
        "type": "InvoiceIssued", "source": "test", "customer_id": account,
        "invoice_id": invoice_id, "number": invoice_id, "issue_date": "2026-03-02",
        "currency": "EUR", "net_minor": gross_minor, "gross_minor": gross_minor,
        "lines": [{"line_no": 1, "quantity_milli": 1000, "net_minor": gross_minor,
                   "unit_price_micro": gross_minor * 10_000}],
        "instalments": [{"due_date": "2026-04-01", "amount_minor": gross_minor}]}) + "\n"


class PipelineCase(unittest.TestCase):
    """One pipeline for all tests of a class; each uses accounts of its own."""

    RUNNING = True  # the consumers and the relay
    PIPELINE = Pipeline

    @classmethod
    def setUpClass(cls):
        cls.own_stack = None
        stack = running_stack()
        if stack is None:
            stack = cls.own_stack = throw_away_stack("operations")
        cls.pipeline = cls.PIPELINE(stack, find_build())
        cls.addClassCleanup(cls.end)
        cls.pipeline.create()
        if cls.RUNNING:
            cls.pipeline.start()
            cls.pipeline.wait_ready()

    @classmethod
    def end(cls):
        try:
            if cls.RUNNING:
                cls.pipeline.stop()
        finally:
            cls.pipeline.remove()
            if cls.own_stack:
                cls.own_stack.remove()

    def o2c(self, *words, status=0, **options):
        """Runs the tool; what it printed. The exit status must be the one given."""
        done = self.pipeline.o2c(*words, **options)
        self.assertEqual(done.returncode, status, f"o2c {' '.join(words)}\n{done.stdout}"
                                                  f"{done.stderr}")
        return done.stdout if status == 0 else done.stdout + done.stderr

    def publish(self, *lines):
        self.o2c("publish", "-", input="".join(lines))

    def drain(self):
        self.o2c("drain", "--timeout-s", str(PATIENCE_S))

    def rows(self, sql):
        """[(column, ...)] as text."""
        return [tuple(line.split("|")) for line in self.pipeline.sql(sql).splitlines()]

    def until(self, what, found, pipeline=None):
        """Asks found() until it gives something true; that. No process ends by itself meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := found()):
            if time.monotonic() > deadline:
                self.fail(f"not within {PATIENCE_S} s: {what}")
            (pipeline or self.pipeline).check()
            time.sleep(ASK_EVERY_S)
        return answer

    # ---- Kafka, with a client that is not ours

    def topic(self, name):
        return self.pipeline.prefix + name

    def produce(self, topic, key, value, headers=None, partition=None, **settings):
        """One record, by confluent-kafka; partition None: as murmur2 says."""
        producer = Producer({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"],
                             "partitioner": "murmur2_random", **settings})
        problems, where = [], []
        def delivered(problem, message):
            problems.append(problem)
            where.append((message.partition(), message.offset()))
        further = {} if partition is None else {"partition": partition}
        producer.produce(self.topic(topic), key=key, value=value, headers=headers,
                         on_delivery=delivered, **further)
        producer.flush(PATIENCE_S)
        self.assertEqual(problems, [None])
        return where[0]

    def records(self, topic):
        """Every record of a topic, in the order of each partition."""
        return records_of(self.pipeline.environment["O2C_KAFKA"], self.topic(topic))
