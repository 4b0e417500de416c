"""Short ways to write events in the tests of the oracle."""

import json

from oracle import fold
from views import ORDER_COLUMNS, views_of

# Of tests/scenarios: the order of arrival decides what these come to.
ORDER_DECIDES = {"conflict", "money-conflict", "invoice-cancelled", "cancelled-twice",
                 "number-used-again", "dispute-approved", "two-payments-one-invoice",
                 "dispute-and-payment", "number-cancelled-waits", "refund-refused",
                 "parked-holds-reminder", "dispute-credited-in-part", "dispute-debit-note",
                 "dispute-closed-stays", "dispute-credited-before-invoice",
                 "dispute-paid-then-cancelled"}
# Of these, what is set otherwise than by default.
SETTINGS = {"go-live-date": {"go_live": "2026-04-13"}}

PLACED_AT = "2026-03-02T09:00:00Z"


def line(line_no, quantity_milli, price="10", sku=None):
    """An order line; the price is in major units as text, None where unknown."""
    made = {"line_no": line_no, "sku": sku or f"SKU-{line_no}",
            "quantity_milli": quantity_milli}
    if price is not None:
        whole, _, fraction = price.partition(".")
        made["unit_price_micro"] = int(whole + fraction.ljust(6, "0"))
    return made


def event(kind, **fields):
    return {"type": kind, "occurred_at": PLACED_AT, "source": "test", "customer_id": "C1",
            **fields}


def content(kind, revision, lines, **fields):
    return event(kind, **{"order_id": "O1", "revision": revision, "placed_at": PLACED_AT,
                          "currency": "EUR", "invoice_policy": "on_shipment",
                          "ship_policy": "on_order", "lines": lines, **fields})


def placed(*lines, **fields):
    return content("OrderPlaced", 1, list(lines), **fields)


def amended(revision, *lines, **fields):
    return content("OrderAmended", revision, list(lines), **fields)


def cancelled(revision, *line_nos, **fields):
    named = {"line_nos": list(line_nos)} if line_nos else {}
    return event("OrderCancelled", **{"order_id": "O1", "revision": revision,
                                      "reason": "not needed", **named, **fields})


def shipped_line(line_no, quantity_milli, sku=None):
    return {"line_no": line_no, "sku": sku or f"SKU-{line_no}",
            "quantity_milli": quantity_milli}


def dispatched(shipment_id, *lines, **fields):
    return event("ShipmentDispatched", **{
        "shipment_id": shipment_id, "order_id": "O1", "dispatched_at": "2026-03-03T08:00:00Z",
        "lines": [shipped_line(*given) for given in lines], **fields})


def delivered(shipment_id, **fields):
    return event("ShipmentDelivered", **{
        "shipment_id": shipment_id, "order_id": "O1", "delivered_at": "2026-03-04T08:00:00Z",
        **fields})


def returned(return_id, shipment_id, *lines, **fields):
    return event("ShipmentReturned", **{
        "return_id": return_id, "shipment_id": shipment_id, "order_id": "O1",
        "returned_at": "2026-03-09T08:00:00Z", "reason_code": "damaged",
        "lines": [{"line_no": line_no, "quantity_milli": milli} for line_no, milli in lines],
        **fields})


def billed(line_no, quantity_milli):
    """An invoice line of an order line."""
    return {"line_no": 1, "order_line_no": line_no, "quantity_milli": quantity_milli,
            "unit_price_micro": 1, "net_minor": 0}


def invoiced(invoice_id, net_minor, *lines, **fields):
    """Of the order by its lines; without lines known by its total."""
    total = {"line_no": 1, "quantity_milli": 1000, "unit_price_micro": 1, "net_minor": net_minor}
    return event("InvoiceIssued", **{
        "invoice_id": invoice_id, "number": invoice_id, "order_id": "O1", "currency": "EUR",
        "issue_date": "2026-03-05", "lines": [billed(*given) for given in lines] or [total],
        "net_minor": net_minor, "gross_minor": net_minor,
        "instalments": [{"due_date": "2026-04-04", "amount_minor": net_minor}], **fields})


def void(invoice_id, **fields):
    return event("InvoiceCancelled", invoice_id=invoice_id, reason="wrong", **fields)


def views(*events):
    facts = fold(json.dumps(given) for given in events)
    return views_of(facts, [*ORDER_COLUMNS, "waiting", "conflict_found"])


def order(*events):
    """The one order_status row of these events."""
    rows = views(*events)["order_status"]
    assert len(rows) == 1, rows
    return rows[0]


def states(*events):
    row = order(*events)
    return row["state"], row["shipment_state"], row["invoice_state"]


def lines(*events):
    """line_no -> (ordered, shipped, returned, cancelled)."""
    return {row["line_no"]: (row["ordered_milli"], row["shipped_milli"],
                             row["returned_milli"], row["cancelled_milli"])
            for row in views(*events)["order_line"]}


def billing(*events):
    """(invoice_state, invoiced, not invoiced, since) and line_no -> invoiced quantity."""
    shown = views(*events)
    [row] = shown["order_status"]
    return ((row["invoice_state"], row["invoiced_minor"], row["not_invoiced_minor"],
             row["not_invoiced_since"]),
            {row["line_no"]: row["invoiced_milli"] for row in shown["order_line"]})


def shipments(*events):
    """shipment_id -> state."""
    return {row["shipment_id"]: row["state"] for row in views(*events)["shipment"]}


def waiting(*events):
    return [(row["kind"], row["document"], row["waits_for"])
            for row in views(*events)["waiting"]]


def conflicts(*events):
    return [(row["topic"], row["natural_key"], row["fields"])
            for row in views(*events)["conflict_found"]]
