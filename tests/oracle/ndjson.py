"""Reads NDJSON event files (the publishing form) as the oracle needs them.

An event is kept as the fields it was given plus its place in the file, which
stands for the order of arrival.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def fields_by_type():
    """type -> names of its fields, in the order of its schema."""
    schemas = [(path, json.loads(path.read_text("utf-8"))) for path in SCHEMAS.glob("*/*.avsc")]
    return {schema["name"]: [field["name"] for field in schema["fields"]]
            for path, schema in schemas if path.stem == schema["name"]}  # and no old version


FIELDS = fields_by_type()

TOPIC_BY_TYPE = {
    "OrderPlaced": "o2c.orders",
    "OrderAmended": "o2c.orders",
    "OrderCancelled": "o2c.orders",
    "ShipmentDispatched": "o2c.shipments",
    "ShipmentDelivered": "o2c.shipments",
    "ShipmentReturned": "o2c.shipments",
    "InvoiceIssued": "o2c.invoices",
    "InvoiceCancelled": "o2c.invoices",
    "CreditNoteIssued": "o2c.invoices",
    "DebitNoteIssued": "o2c.invoices",
    "PaymentReceived": "o2c.payments",
    "PaymentReversed": "o2c.payments",
    "RefundPaid": "o2c.payments",
    "DisputeRaised": "o2c.dispute-requests",
    "DisputeEvidenceAdded": "o2c.dispute-requests",
    "DisputeAssigned": "o2c.dispute-requests",
    "DisputeDecided": "o2c.dispute-requests",
    "DisputeWithdrawn": "o2c.dispute-requests",
    "BusinessDayStarted": "o2c.clock",
}

REQUIRED = {
    "OrderPlaced": ("customer_id", "order_id", "placed_at", "currency", "invoice_policy",
                    "ship_policy", "lines"),
    "OrderAmended": ("customer_id", "order_id", "revision", "placed_at", "currency",
                     "invoice_policy", "ship_policy", "lines"),
    "OrderCancelled": ("customer_id", "order_id", "revision", "reason"),
    "ShipmentDispatched": ("customer_id", "shipment_id", "order_id", "dispatched_at", "lines"),
    "ShipmentDelivered": ("customer_id", "shipment_id", "order_id", "delivered_at"),
    "ShipmentReturned": ("customer_id", "return_id", "shipment_id", "order_id", "returned_at",
                         "reason_code", "lines"),
    "InvoiceIssued": ("customer_id", "invoice_id", "number", "issue_date", "currency", "lines",
                      "net_minor", "gross_minor", "instalments"),
    "InvoiceCancelled": ("customer_id", "invoice_id", "reason", "occurred_at"),
    "CreditNoteIssued": ("customer_id", "credit_note_id", "number", "reason_code", "issue_date",
                         "currency", "lines", "net_minor", "gross_minor"),
    "DebitNoteIssued": ("customer_id", "debit_note_id", "number", "reason_code", "issue_date",
                        "currency", "lines", "net_minor", "gross_minor"),
    "PaymentReceived": ("customer_id", "payment_id", "received_date", "amount_minor",
                        "currency", "method"),
    "PaymentReversed": ("customer_id", "payment_id", "reversed_date", "reason"),
    "RefundPaid": ("customer_id", "refund_id", "amount_minor", "paid_date"),
    "DisputeRaised": ("customer_id", "dispute_id", "invoice_id", "amount_minor", "reason_code",
                      "raised_by"),
    "DisputeEvidenceAdded": ("customer_id", "dispute_id", "evidence", "occurred_at"),
    "DisputeAssigned": ("customer_id", "dispute_id", "assignee", "occurred_at"),
    "DisputeDecided": ("customer_id", "dispute_id", "outcome", "decided_by", "note"),
    "DisputeWithdrawn": ("customer_id", "dispute_id"),
    "BusinessDayStarted": ("business_date",),
}

DEFAULTS = {"company_id": "main"}
DOCUMENT_DEFAULTS = {"origin": "external", "taxes": [], "tax_minor": 0, "opening": False}
DEFAULTS_BY_TYPE = {
    "OrderPlaced": {"revision": 1},
    "InvoiceIssued": DOCUMENT_DEFAULTS,
    "CreditNoteIssued": DOCUMENT_DEFAULTS,
    "DebitNoteIssued": {**DOCUMENT_DEFAULTS, "instalments": []},
    "PaymentReceived": {"opening": False},
}

# What tells two publications of one fact apart, but is no part of the fact.
NO_CONTENT = ("event_id", "occurred_at", "source")

TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:Z|\+00:00)")


class BadInput(Exception):
    """A line that no publisher would accept, with where it stands."""


def micros_of(text):
    """ISO 8601 UTC to microseconds since 1970."""
    found = TIMESTAMP.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no UTC timestamp")
    whole = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00") - EPOCH
    return whole // timedelta(microseconds=1) + int((found[3] or "").ljust(6, "0"))


def text_of(micros):
    """Microseconds since 1970 as the views show them."""
    moment = EPOCH + timedelta(microseconds=micros)
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def date_of(micros):
    """The UTC day of microseconds since 1970, as "YYYY-MM-DD"."""
    return text_of(micros)[:10]


@dataclass(frozen=True)
class Event:
    """One line: its type, its fields with defaults filled in, and where it arrived."""

    type: str
    fields: dict
    arrival: int

    def __getitem__(self, name):
        return self.fields.get(name)

    @property
    def topic(self):
        return TOPIC_BY_TYPE[self.type]

    @property
    def account(self):
        return self.fields.get("account_id") or self.fields["customer_id"]

    @property
    def content(self):
        return {name: value for name, value in self.fields.items() if name not in NO_CONTENT}


def present(value):
    """The value without absent (null) members, at every depth."""
    if isinstance(value, dict):
        return {name: present(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [present(item) for item in value]
    return value


def event_of(given, arrival):
    """The event that a parsed line describes; None for a type the oracle does not fold."""
    kind = given.get("type")
    if not isinstance(kind, str):
        raise BadInput(f"line {arrival}: no type")
    if kind not in TOPIC_BY_TYPE:
        return None
    fields = dict(DEFAULTS, **DEFAULTS_BY_TYPE.get(kind, {}))
    fields.update((name, value) for name, value in present(given).items() if name != "type")
    missing = [name for name in REQUIRED[kind] if name not in fields]
    if missing:
        raise BadInput(f"line {arrival}: {kind} without {', '.join(missing)}")
    try:
        for name in fields:
            if name.endswith("_at"):
                fields[name] = micros_of(fields[name])
    except (TypeError, ValueError) as fault:
        raise BadInput(f"line {arrival}: {name}: {fault}") from None
    if kind == "InvoiceCancelled":  # its date decides, given or not
        fields.setdefault("cancelled_date", date_of(fields["occurred_at"]))
    return Event(kind, fields, arrival)


def read_events(lines):
    """The events of a file in order of arrival; barriers and blank lines left out."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except ValueError as fault:
            raise BadInput(f"line {number}: {fault}") from None
        if not isinstance(given, dict):
            raise BadInput(f"line {number}: no JSON object")
        if given.get("barrier") is True:
            continue
        event = event_of(given, number)
        if event:
            yield event
