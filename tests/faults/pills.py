"""Records that can never be applied, in every form that we know of, and what becomes of each."""

import copy
import io
import json
import struct
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timezone

import fastavro

from local_stack import ROOT

SCHEMAS = ROOT / "schemas"
PLACED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
ORDERS, INVOICES, NOTICES = "o2c.orders", "o2c.invoices", "o2c.parked.receivables"
INCARNATION = "0f0e0d0c-0b0a-4908-8706-050403020100"
LONGEST_KEY = 512


def newest_schema(full_name):
    """(number, schema) of the version that is written today: the last in ids.json."""
    lines = json.loads((SCHEMAS / "ids.json").read_text())
    line = [line for line in lines if line["name"] == full_name][-1]
    return line["id"], json.loads((SCHEMAS / line["file"]).read_text())


ORDER_ID, ORDER_SCHEMA = newest_schema("o2c.orders.OrderPlaced")
INVOICE_ID, INVOICE_SCHEMA = newest_schema("o2c.invoices.InvoiceIssued")
EVIDENCE_ID, EVIDENCE_SCHEMA = newest_schema("o2c.dispute_requests.DisputeEvidenceAdded")


def written(event, schema=None):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(schema or ORDER_SCHEMA)),
                               event)
    return out.getvalue()


def framed(avro, schema_id=ORDER_ID):
    return struct.pack(">BI", 0, schema_id) + avro


# ---- records that can be applied

def head(account, name):
    return {"event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{account}/{name}")),
            "occurred_at": PLACED_AT, "source": "poison", "customer_id": account}


def order_event(account, changed):
    return {**head(account, changed["order_id"]), "revision": 1,
            "placed_at": PLACED_AT, "currency": "EUR", "invoice_policy": "on_shipment",
            "ship_policy": "on_order",
            "lines": [{"line_no": 1, "sku": "ROPE", "quantity_milli": 2500,
                       "unit_price_micro": 4200000}], **changed}


def order(account, order_id):
    return framed(written(order_event(account, {"order_id": order_id})))


def invoice(account, invoice_id):
    day = date(2026, 3, 2)
    event = {**head(account, invoice_id), "invoice_id": invoice_id, "number": invoice_id,
             "issue_date": day, "currency": "EUR", "net_minor": 5000, "gross_minor": 5000,
             "lines": [{"line_no": 1, "quantity_milli": 1000, "unit_price_micro": 50000000,
                        "net_minor": 5000}],
             "instalments": [{"due_date": day, "amount_minor": 5000}]}
    return framed(written(event, INVOICE_SCHEMA), INVOICE_ID)


def evidence(account, number):
    event = {**head(account, f"evidence {number}"), "dispute_id": "none", "evidence": ["photo"]}
    return framed(written(event, EVIDENCE_SCHEMA), EVIDENCE_ID)


# ---- records that cannot

@dataclass
class Pill:
    form: str
    account: str  # of which nothing else is poison
    becomes: dict  # {consumer: ("parked" or "set_aside", words of the reason)}
    value: bytes | None
    key: bytes | None
    headers: list = field(default_factory=list)
    topic: str = ORDERS


def schema_with(name, field_type):
    """The schema with another type for one field: what a writer with a fault would send."""
    changed = copy.deepcopy(ORDER_SCHEMA)
    next(one for one in changed["fields"] if one["name"] == name)["type"] = field_type
    return changed


def more_symbols():
    policy = next(one for one in ORDER_SCHEMA["fields"] if one["name"] == "invoice_policy")
    return {**policy["type"], "default": policy["type"]["symbols"][0],
            "symbols": policy["type"]["symbols"] + [f"on_{number}" for number in range(40)]}


def prices_as_doubles():
    lines = copy.deepcopy(next(one for one in ORDER_SCHEMA["fields"] if one["name"] == "lines"))
    price = next(one for one in lines["type"]["items"]["fields"]
                 if one["name"] == "unit_price_micro")
    price["type"] = ["null", "double"]
    return lines["type"]


def line(quantity_milli, unit_price_micro):
    return [{"line_no": 1, "sku": "ROPE", "quantity_milli": quantity_milli,
             "unit_price_micro": unit_price_micro}]


def changed_order(account, name, content, field_type=None):
    schema = schema_with(name, field_type) if field_type else ORDER_SCHEMA
    return framed(written(order_event(account, {"order_id": "PILL", name: content}), schema))


LARGEST = 10 ** 14  # as quantity and as price: their product takes more than 64 bits

# {form: (value of the record of an account, words of the reason)}: the bytes are no order
UNREADABLE = {
    "bad magic": (lambda account: b"\1" + order(account, "PILL")[1:],
                  "first byte 1 is not the 0 of Confluent framing"),
    "unknown schema id": (
        lambda account: framed(order(account, "PILL")[5:], schema_id=4000000),
        "schema id 4000000 is not known here"),
    "truncated Avro": (lambda account: order(account, "PILL")[:-7], "OrderPlaced: field lines"),
    "bytes behind the Avro": (lambda account: order(account, "PILL") + b"more",
                              "4 bytes follow its last field"),
    "enum overflow": (
        lambda account: changed_order(account, "invoice_policy", "on_39", more_symbols()),
        "field invoice_policy"),
    "array bomb": (lambda account: changed_order(account, "lines", 1 << 40, "long"),
                   "field lines"),
    "0 bytes": (lambda account: b"", "0 bytes are no framed Avro record"),
    "null": (lambda account: None, "the record has no value"),
    "bad UTF-8": (lambda account: changed_order(account, "order_id", b"\xff\xfe\x80", "bytes"),
                  "field order_id"),
    "NaN for a price": (lambda account: changed_order(
        account, "lines", line(1000, float("nan")), prices_as_doubles()), "OrderPlaced"),
}

# {form: (headers, words of the reason)}: they say half of which stream a record belongs to
BAD_HEADERS = {
    "half of a stream's headers": ([("source", b"orders")], "header incarnation is missing"),
    "a stream header twice": ([("source", b"orders"), ("source", b"orders")],
                              "header source is there twice"),
    "a stream number of 0": (
        [("source", b"orders"), ("incarnation", INCARNATION.encode()),
         ("source_partition", b"0"), ("stream_seq", b"0"), ("o2c_cause", b"none")],
        "header stream_seq is malformed"),
}

# {form: (key of the record, reason)}: nobody can say whose record it is
BAD_KEYS = {
    "no key": (lambda account: None, "no-key"),
    "empty key": (lambda account: b"", "no-key"),
    "key that is no UTF-8": (lambda account: account.encode() + b"\xff", "no-key"),
    "key too long": (lambda account: account.encode().ljust(LONGEST_KEY + 1, b"x"), "no-key"),
}


def parked_by(*consumers):
    return lambda reason: {consumer: ("parked", reason) for consumer in consumers}


def set_aside_by(*consumers):
    return lambda reason: {consumer: ("set_aside", reason) for consumer in consumers}


def every_pill(accounts, strangers):
    """One of each form, each of an account of its own: those of the partition that it is sent to,
    and where the form wants it those of another one."""
    own, other = iter(accounts), iter(strangers)
    fate = parked_by("orders", "shipments")
    for form, (value, reason) in UNREADABLE.items():
        account = next(own)
        yield Pill(form, account, fate(reason), value(account), account.encode())
    account = next(own)
    yield Pill("money beyond 64 bits", account, parked_by("orders")("the amount does not fit"),
               changed_order(account, "lines", line(LARGEST, LARGEST)), account.encode())
    for form, (headers, reason) in BAD_HEADERS.items():
        account = next(own)
        yield Pill(form, account, parked_by("orders", "receivables")(reason),
                   invoice(account, "PILL"), account.encode(), headers, INVOICES)
    account = next(own)
    yield Pill("notice without headers", account,
               parked_by("reminders")("the record has no headers"), b"", account.encode(),
               topic=NOTICES)
    fate = set_aside_by("orders", "shipments")
    for form, (key, reason) in BAD_KEYS.items():
        account = next(own)
        yield Pill(form, account, fate(reason), order(account, "PILL"), key(account))
    account = next(other)
    yield Pill("wrong partition", account, fate("wrong-partition"), order(account, "PILL"),
               account.encode())
    account = next(own)
    yield Pill("key of another account", account, fate("key-mismatch"),
               order(next(other), "PILL"), account.encode())
