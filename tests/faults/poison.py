"""Records that can never be applied, in every form: none stops its partition, none is lost."""

import copy
import io
import json
import struct
import uuid
from datetime import datetime, timezone

import fastavro
from confluent_kafka import Producer

from local_stack import ROOT
from stage import case, expect, wait_for

SCHEMAS = ROOT / "schemas"
PLACED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
CANDIDATES = 120  # accounts, so that every partition has many
BLOCKED_S = 1


def newest_schema(full_name):
    """(number, schema) of the version that is written today: the last in ids.json."""
    lines = json.loads((SCHEMAS / "ids.json").read_text())
    line = [line for line in lines if line["name"] == full_name][-1]
    return line["id"], json.loads((SCHEMAS / line["file"]).read_text())


ORDER_ID, ORDER_SCHEMA = newest_schema("o2c.orders.OrderPlaced")


def order_event(account, order_id, **changed):
    event_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{account}/{order_id}")
    return {"event_id": str(event_id), "occurred_at": PLACED_AT, "source": "poison",
            "customer_id": account, "account_id": None, "order_id": order_id, "revision": 1,
            "placed_at": PLACED_AT, "currency": "EUR", "invoice_policy": "on_shipment",
            "ship_policy": "on_order",
            "lines": [{"line_no": 1, "sku": "ROPE", "quantity_milli": 2500,
                       "unit_price_micro": 4200000}], **changed}


def written(event, schema=None):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(schema or ORDER_SCHEMA)),
                               event)
    return out.getvalue()


def framed(avro, schema_id=ORDER_ID, magic=0):
    return struct.pack(">BI", magic, schema_id) + avro


def schema_with(field, field_type):
    """The schema with another type for one field: what a writer with a fault would send."""
    changed = copy.deepcopy(ORDER_SCHEMA)
    next(one for one in changed["fields"] if one["name"] == field)["type"] = field_type
    return changed


def more_symbols():
    policy = next(one for one in ORDER_SCHEMA["fields"] if one["name"] == "invoice_policy")
    return {**policy["type"], "default": policy["type"]["symbols"][0],
            "symbols": policy["type"]["symbols"] + [f"on_{number}" for number in range(40)]}


def values_that_cannot_be_applied(account):
    """{form: value of the record}; each is to be parked."""
    good = written(order_event(account, "PILL"))
    huge = [{"line_no": 1, "sku": "ROPE", "quantity_milli": (1 << 63) - 1,
             "unit_price_micro": (1 << 63) - 1}]
    return {
        "bad magic": framed(good, magic=1),
        "unknown schema": framed(good, schema_id=4000000),
        "truncated Avro": framed(good[:-7]),
        "bytes behind the Avro": framed(good + b"more"),
        "enum overflow": framed(written(order_event(account, "PILL", invoice_policy="on_39"),
                                        schema_with("invoice_policy", more_symbols()))),
        "array bomb": framed(written(order_event(account, "PILL", lines=1 << 40),
                                     schema_with("lines", "long"))),
        "0 bytes": b"",
        "null": None,
        "bad UTF-8": framed(written(order_event(account, b"\xff\xfe\x80"),
                                    schema_with("order_id", "bytes"))),
        "money beyond 64 bits": framed(written(order_event(account, "PILL", lines=huge))),
    }


class Upstream:
    def __init__(self, stage):
        self.topic = f"{stage.prefix}o2c.orders"
        self.producer = Producer({"bootstrap.servers": stage.environment["O2C_KAFKA"],
                                  "partitioner": "murmur2_random", "enable.idempotence": True})
        self.sent = 0

    def send(self, key, value, partition=-1):
        """(partition, offset) where the record is."""
        placed = []
        self.producer.produce(self.topic, key=key, value=value, partition=partition,
                              on_delivery=lambda error, record: placed.append((error, record)))
        self.producer.flush(30)
        error, record = placed[0]
        expect(error is None, f"not published: {error}")
        self.sent += 1
        return record.partition(), record.offset()

    def order(self, account, order_id):
        return self.send(account, framed(written(order_event(account, order_id))))


def accounts_by_partition(stage, upstream):
    """Where keys hash to, learned by placing one order for each."""
    found = [[] for _ in range(stage.partitions)]
    for number in range(CANDIDATES):
        account = f"poison-{number}"
        found[upstream.order(account, f"PO-{number}-1")[0]].append(account)
    return found


def seconds_until_stored(stage, partition, offset):
    """From its append to the topic until its batch was stored, by the clocks of the two."""
    text = stage.sql(
        "SELECT extract(epoch FROM min(stored_at)) FROM orders.progress"
        f" WHERE partition = {partition} AND (next_offsets ->> 'o2c.orders')::bigint > {offset}")
    return float(text)


def first_orders(stage, upstream):
    """The partition with most accounts, its accounts, and those of another one."""
    stage.begin()
    by_partition = accounts_by_partition(stage, upstream)
    stage.drain()
    partition = max(range(stage.partitions), key=lambda number: len(by_partition[number]))
    return partition, by_partition[partition], by_partition[(partition + 1) % stage.partitions]


def take_all(upstream, partition, accounts, strangers):
    """Each pill with a good order of another account right behind it; how each good one fared."""
    good_account, *pill_accounts = accounts
    behind, forms = [], {}
    for form, account in zip(values_that_cannot_be_applied(""), pill_accounts):
        value = values_that_cannot_be_applied(account)[form]
        forms[form] = (account, value, upstream.send(account, value)[1])
        behind.append((form, upstream.order(good_account, f"PO-behind-{form}")))
    aside = {
        "no-key": (None, partition),
        "wrong-partition": (strangers[0], partition),
        "key-mismatch": (pill_accounts[-1], -1),
    }
    for reason, (key, chosen) in aside.items():
        upstream.send(key, framed(written(order_event(strangers[1], "PILL"))), chosen)
        behind.append((reason, upstream.order(good_account, f"PO-behind-{reason}")))
    return forms, list(aside), behind


@case("poison in every form", "bad magic, unknown schema, truncated or trailing bytes, unknown enum "
      "symbol, array of 2^40, 0 bytes, null, bad UTF-8, money beyond 64 bits; no key, wrong "
      "partition, foreign key: each with a good order of another account behind it on the same "
      "partition", "every good order goes through; each pill is parked or set aside with its bytes; "
      "produced = applied + repeats + parked + set aside")
def poison_does_not_stop_its_partition(theatre):
    with theatre.stage() as stage:
        upstream = Upstream(stage)
        partition, accounts, strangers = first_orders(stage, upstream)
        forms, aside, behind = take_all(upstream, partition, accounts, strangers)
        stage.drain()
        queued = [upstream.order(account, f"PO-queued-{account}")
                  for account, _, _ in forms.values()]
        stage.drain()
        stage.verify()
        parked_as_sent(stage, forms)
        expect(stage.number("SELECT count(*) FROM orders.parked WHERE state = 'queued'")
               == len(queued), "later events of parked accounts are not queued behind")
        reasons = stage.sql("SELECT reason FROM orders.set_aside ORDER BY 1").split()
        expect(reasons == sorted(aside), f"set aside are {reasons}")
        applied = {order_id for order_id in stage.sql(
            "SELECT order_id FROM o2c.order_status WHERE order_id LIKE 'PO-behind-%'").splitlines()}
        expect(applied == {f"PO-behind-{form}" for form, _ in behind},
               f"behind the pills only {sorted(applied)} were applied")
        totals = {name: stage.total("orders", name)
                  for name in ("applied", "repeats", "skipped", "parked", "set_aside")}
        expect(sum(totals.values()) == upstream.sent, f"{upstream.sent} sent, counted {totals}")
    return (f"{upstream.sent} sent = " + " + ".join(f"{count} {name}"
                                                    for name, count in totals.items() if count)
            + f"; {len(behind)} good orders behind {len(behind)} pills")


def parked_as_sent(stage, forms):
    for form, (account, value, offset) in forms.items():
        kept = stage.sql("SELECT coalesce(encode(value, 'hex'), 'null') FROM orders.parked"
                         f" WHERE account_id = '{account}' AND record_offset = {offset}"
                         " AND state = 'parked'").strip()
        wanted = "null" if value is None else value.hex()
        expect(kept == wanted, f"{form}: parked is {kept or 'nothing'}, sent was {wanted}")


@case("a pill under load", "the same pills, each timed against an order behind it",
      "no pill holds up its partition for a second longer than an order alone takes")
def poison_is_passed_within_a_second(theatre):
    with theatre.stage() as stage:
        upstream = Upstream(stage)
        _, accounts, _ = first_orders(stage, upstream)
        waits = []
        for form, value in values_that_cannot_be_applied(accounts[1]).items():
            alone = timed(stage, upstream, accounts[0], f"PO-before-{form}")
            upstream.send(accounts[1], value)
            waits.append((timed(stage, upstream, accounts[0], f"PO-behind-{form}") - alone, form))
        worst, form = max(waits)
        expect(worst < BLOCKED_S, f"{form} held its partition up for {worst:.2f} s")
    return f"{len(waits)} pills, the slowest ({form}) cost {max(worst, 0) * 1000:.0f} ms"


def timed(stage, upstream, account, order_id):
    """Seconds from sending an order until the consumer has stored it."""
    begun = stage.sql("SELECT extract(epoch FROM clock_timestamp())")
    partition, offset = upstream.order(account, order_id)
    wait_for(lambda: stage.number(
        "SELECT max((next_offsets ->> 'o2c.orders')::bigint) FROM orders.position"
        f" WHERE partition = {partition}") > offset, f"{order_id} is stored")
    return seconds_until_stored(stage, partition, offset) - float(begun)
