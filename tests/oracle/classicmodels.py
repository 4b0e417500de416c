#!/usr/bin/env python3
"""classicmodels.py FOLDER [--views V,V] [--check VIEWS.json]

What the views must show of the Classic Models sample, computed from its CSV files alone:
orders.csv, orderdetails.csv, customers.csv and payments.csv, read with the rules of the company
and not with those of the pipeline.  An order is placed on its orderDate, all of it is shipped on
its shippedDate where it has one, and it is cancelled where its status says so.  A payment names
no invoice, so it is the customer's and stays unapplied.

Prints {"view": [rows]} as tests/scenario does.  --check compares such an output with it, in
total and for each customer, and prints one summary.  Exit 0; 1 differences; 2 bad input.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from compare import differences

CURRENCY = "USD"
SHOWN = ("orders", "lines", "net", "states", "shipment_states")


class Order:
    """One row of orders.csv with its rows of orderdetails.csv."""

    def __init__(self, row, details):
        self.number = row["orderNumber"]
        self.customer = row["customerNumber"]
        self.placed = row["orderDate"]
        self.shipped = row["shippedDate"]
        self.cancelled = row["status"] == "Cancelled"
        self.details = sorted(details, key=lambda detail: int(detail["orderLineNumber"]))

    @property
    def net(self):
        return sum(Decimal(detail["priceEach"]) * int(detail["quantityOrdered"])
                   for detail in self.details)

    @property
    def shipment_state(self):
        if self.shipped:
            return "shipped"
        return "none" if self.cancelled else "waiting"

    @property
    def state(self):
        if self.shipped:
            return "processing"
        return "cancelled" if self.cancelled else "received"


def read(folder, name):
    with open(Path(folder, name), newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def read_orders(folder):
    details = defaultdict(list)
    for row in read(folder, "orderdetails.csv"):
        details[row["orderNumber"]].append(row)
    customers = {row["customerNumber"] for row in read(folder, "customers.csv")}
    orders = [Order(row, details[row["orderNumber"]]) for row in read(folder, "orders.csv")]
    strangers = [order.number for order in orders if order.customer not in customers]
    if strangers:
        raise ValueError(f"orders of unknown customers: {', '.join(strangers)}")
    return sorted(orders, key=lambda order: order.number.encode())


def midnight(date):
    return f"{date}T00:00:00Z" if date else None


def status_row(order):
    return {"order_id": order.number, "customer_id": order.customer,
            "revision": 2 if order.cancelled else 1, "state": order.state,
            "shipment_state": order.shipment_state,
            "invoice_state": "none" if order.shipment_state == "none" else "pending",
            "hold_reasons": [], "currency": CURRENCY, "net_minor": int(order.net * 100),
            "gross_minor": None, "placed_at": midnight(order.placed)}


def line_row(order, detail):
    ordered = int(detail["quantityOrdered"]) * 1000
    return {"order_id": order.number, "line_no": int(detail["orderLineNumber"]),
            "sku": detail["productCode"], "ordered_milli": ordered,
            "shipped_milli": ordered if order.shipped else 0, "returned_milli": 0,
            "cancelled_milli": ordered if order.cancelled and not order.shipped else 0,
            "invoiced_milli": 0,
            "unit_price_micro": int(Decimal(detail["priceEach"]) * 1_000_000)}


def shipment_row(order):
    return {"shipment_id": order.number, "order_id": order.number,
            "customer_id": order.customer, "state": "dispatched",
            "dispatched_at": midnight(order.shipped), "delivered_at": None}


def payment_rows(payments):
    rows = [{"payment_id": row["checkNumber"], "customer_id": row["customerNumber"],
             "received_date": row["paymentDate"], "currency": CURRENCY,
             "amount_minor": int(Decimal(row["amount"]) * 100), "applied_minor": 0,
             "state": "unapplied"} for row in payments]
    return sorted(rows, key=lambda row: row["payment_id"].encode())


def ledger_balance_rows(payments):
    totals = Counter()
    for row in payment_rows(payments):
        totals[row["customer_id"]] += row["amount_minor"]
    return [{"account": account, "customer_id": customer, "currency": CURRENCY,
             "balance_minor": sign * total}
            for account, sign in (("bank", 1), ("unapplied", -1))
            for customer, total in sorted(totals.items())]


def views_of(orders, payments):
    return {"order_status": [status_row(order) for order in orders],
            "order_line": [line_row(order, detail)
                           for order in orders for detail in order.details],
            "shipment": [shipment_row(order) for order in orders if order.shipped],
            "payment": payment_rows(payments),
            "ledger_balance": ledger_balance_rows(payments)}


def money(minor):
    return f"{minor // 100:,}.{minor % 100:02d}"


def summary(status, line_counts):
    """What is compared: of these order_status rows, everything a person would add up."""
    return dict(zip(SHOWN, (
        len(status), sum(line_counts[row["order_id"]] for row in status),
        money(sum(row["net_minor"] or 0 for row in status)),
        dict(sorted(Counter(row["state"] for row in status).items())),
        dict(sorted(Counter(row["shipment_state"] for row in status).items())))))


def by_customer(views):
    """None -> summary of all, customer_id -> summary of theirs."""
    line_counts = Counter(row["order_id"] for row in views["order_line"])
    groups = defaultdict(list)
    for row in views["order_status"]:
        groups[row["customer_id"]].append(row)
    summaries = {customer: summary(rows, line_counts) for customer, rows in groups.items()}
    summaries[None] = summary(views["order_status"], line_counts)
    return summaries


def line_differences(expected, actual):
    """Quantities and prices of every line; further columns and rows are the total's concern."""
    def keyed(views):
        return {(row["order_id"], row["line_no"]): row for row in views["order_line"]}

    there = keyed(actual)
    for key, row in keyed(expected).items():
        other = there.get(key, {})
        wrong = [name for name in row if other.get(name) != row[name]]
        if wrong:
            yield f"order {key[0]} line {key[1]}: {', '.join(wrong)} differ"


def day_of(moment):
    return moment and moment[:10]


def dates_and_goods_moved(views):
    """order_id -> what the files say of an order besides amounts; times of day are the
    mapping's choice, and so are the numbers of shipments."""
    found = {row["order_id"]: {"placed": day_of(row["placed_at"]), "revision": row["revision"],
                               "invoice_state": row["invoice_state"], "shipments": []}
             for row in views["order_status"]}
    for row in views["shipment"]:
        of = found.setdefault(row["order_id"], {"shipments": []})
        of["shipments"].append((row["customer_id"], row["state"], day_of(row["dispatched_at"])))
    return found


def order_differences(expected, actual):
    wanted, shown = dates_and_goods_moved(expected), dates_and_goods_moved(actual)
    for order in sorted(wanted.keys() | shown.keys()):
        sides = [of.get(order, {}) for of in (wanted, shown)]
        for name in sorted(sides[0].keys() | sides[1].keys()):
            if sides[0].get(name) != sides[1].get(name):
                yield f"order {order}: {name} {sides[1].get(name)}, expected {sides[0].get(name)}"


def check(expected, actual):
    """The differences as sentences."""
    wanted, shown = by_customer(expected), by_customer(actual)
    for customer in sorted(wanted.keys() | shown.keys(), key=lambda name: name or ""):
        who = f"customer {customer}" if customer else "in total"
        for name in SHOWN:
            sides = [of.get(customer, {}).get(name) for of in (wanted, shown)]
            if sides[0] != sides[1]:
                yield f"{who}: {name} {sides[1]}, expected {sides[0]}"
    yield from line_differences(expected, actual)
    yield from order_differences(expected, actual)
    yield from differences({name: expected[name] for name in ("payment", "ledger_balance")},
                           actual, {}, None)


def print_check(expected, actual):
    found = list(check(expected, actual))
    for text in found[:20]:
        print(text)
    total = by_customer(actual)[None]
    verdict = f"{len(found)} differences" if found else "as in the files"
    paid = money(sum(row["amount_minor"] for row in actual["payment"]))
    states = ", ".join(f"{count} {state}" for state, count in total["shipment_states"].items())
    print(f"{total['orders']} orders, {total['lines']:,} lines, net {total['net']}, {states}, "
          f"{len(by_customer(expected)) - 1} customers, {len(actual['payment'])} payments of "
          f"{paid}: {verdict}")
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--views", type=lambda text: text.replace("o2c.", "").split(","))
    parser.add_argument("--check", metavar="VIEWS.json")
    chosen = parser.parse_args()
    try:
        expected = views_of(read_orders(chosen.folder), read(chosen.folder, "payments.csv"))
        if chosen.check:
            with open(chosen.check, encoding="utf-8") as text:
                return print_check(expected, json.load(text))
        shown = {name: expected[name] for name in chosen.views or expected}
    except (OSError, ValueError, KeyError) as fault:
        print(f"classicmodels: {fault!r}", file=sys.stderr)
        return 2
    json.dump(shown, sys.stdout, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
