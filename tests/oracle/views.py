"""The reading views as tests/scenario prints them: rows, their order, the JSON."""

import json
import re

import books
from ndjson import text_of
from rules import Conflict, natural_key, orders_of, shipments_of, waiting_orders

ORDER_COLUMNS = {
    "order_status": ("order_id", "customer_id", "revision", "state", "shipment_state",
                     "invoice_state", "hold_reasons", "currency", "net_minor", "gross_minor",
                     "placed_at", "invoiced_minor", "not_invoiced_minor",
                     "not_invoiced_since"),
    "order_line": ("order_id", "line_no", "sku", "ordered_milli", "shipped_milli",
                   "returned_milli", "cancelled_milli", "invoiced_milli", "unit_price_micro"),
    "shipment": ("shipment_id", "order_id", "customer_id", "state", "dispatched_at",
                 "delivered_at"),
}
COLUMNS = {
    **ORDER_COLUMNS,
    **books.COLUMNS,
    "waiting": ("kind", "document", "waits_for", "since"),
    "conflict_found": ("topic", "customer_id", "event_type", "natural_key", "fields"),
}


def order_status_rows(facts):
    for order in orders_of(facts):
        yield (order.order_id, order.content["customer_id"], order.revision, order.state,
               order.shipment_state, order.invoice_state, [], order.content["currency"],
               order.net_minor, None, text_of(order.content["placed_at"]),
               order.invoiced_minor, order.not_invoiced[0], moment(order.not_invoiced[1]))


def order_line_rows(facts):
    for order in orders_of(facts):
        for line in order.lines:
            yield (order.order_id, line.line_no, line.sku, line.ordered_milli,
                   line.shipped_milli, line.returned_milli, line.cancelled_milli,
                   line.invoiced_milli, line.unit_price_micro)


def moment(micros):
    return None if micros is None else text_of(micros)


def moment_of(event, name):
    return text_of(event[name]) if event else None


def shipment_rows(facts):
    for shipment in shipments_of(facts):
        yield (shipment.shipment_id, shipment.witness["order_id"],
               shipment.witness["customer_id"], shipment.state,
               moment_of(shipment.dispatch, "dispatched_at"),
               moment_of(shipment.delivery, "delivered_at"))


def since(event):
    """Stands for the time of arrival, which a file does not tell."""
    return text_of(event["occurred_at"] or 0)


def waiting_rows(facts):
    for (_, order_id), event in waiting_orders(facts):
        yield ("order", order_id, "OrderPlaced", since(event))
    for shipment in shipments_of(facts):
        if shipment.waits_for:
            first = min(shipment.events, key=lambda event: event.arrival)
            yield ("shipment", shipment.shipment_id, shipment.waits_for, since(first))
    for kind, document, waits_for, event in facts.books.waiting():
        yield (kind, document, waits_for, since(event))


def conflict_rows(facts):
    for conflict in facts.conflicts:
        later = conflict.later
        yield (later.topic, later["customer_id"], later.type,
               "/".join(str(part) for part in natural_key(later)), conflict.fields)
    for first, later, key in facts.books.conflicts:
        yield (later.topic, later["customer_id"], later.type, "/".join(key),
               Conflict(first, later).fields)


ROWS = {
    "order_status": order_status_rows,
    "order_line": order_line_rows,
    "shipment": shipment_rows,
    "waiting": waiting_rows,
    "conflict_found": conflict_rows,
}

VIEW = re.compile(r"(?:o2c\.)?([a-z_]+)(?:\(([^()]*)\))?")
ARGUMENTS = {"ageing": 1, "customer_statement": 3}


def parse_view(text):
    """("ageing", ["2013-01-31"]) of "ageing(2013-01-31)"; ValueError where there is none."""
    found = VIEW.fullmatch(text.strip())
    name = found and found[1]
    given = [word.strip() for word in found[2].split(",")] if found and found[2] else []
    if name not in COLUMNS or len(given) != ARGUMENTS.get(name, 0):
        raise ValueError(f"unknown view {text.strip()}")
    return name, given


def rows_of(facts, name, given):
    if name in ROWS:
        return ROWS[name](facts)
    return getattr(facts.books, f"{name}_rows")(*given)


def default_views(facts):
    """Those that the events are about; of orders and shipments where they are about nothing."""
    orders = ORDER_COLUMNS if facts.first or not facts.books.used else ()
    money = books.BY_DEFAULT if facts.books.used else ()
    return [*orders, *money, "waiting", "conflict_found"]


def sort_key(row):
    """Columns left to right, C collation, nulls last."""
    return [(value is None, value.encode() if isinstance(value, str) else value)
            for value in row]


def views_of(facts, names):
    """Of views by name, functions with their arguments: ageing(2013-01-31)."""
    views = {}
    for text in names:
        name, given = parse_view(text)
        views[text.removeprefix("o2c.")] = [
            dict(zip(COLUMNS[name], row))
            for row in sorted(rows_of(facts, name, given), key=sort_key)]
    return views


def as_text(views):
    """One row a line, so that a difference is a line."""
    parts = []
    for name, rows in views.items():
        body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f" {json.dumps(name)}: [\n  {body}\n ]" if rows
                     else f" {json.dumps(name)}: []")
    return "{\n" + ",\n".join(parts) + "\n}\n"
