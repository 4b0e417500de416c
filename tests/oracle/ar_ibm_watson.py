#!/usr/bin/env python3
"""ar_ibm_watson.py FOLDER [--views V,V | --check VIEWS.json | --events | --summary]

What the views must show of the IBM Watson accounts-receivable sample, computed from its CSV file
alone with the rules of a bookkeeper: an invoice is owed from its date until it is settled, in
full and by one payment; where it is disputed, from the day after the invoice until it is settled;
a customer is reminded of what is undisputed and owed ten days after its due date, on that day.
Each day begins with its tick, then come its invoices, disputes and payments.

Prints {"view": [rows]} as tests/scenario does, without --views ageing at twelve month ends too.
--check compares such an output with it.  --events prints the sample as events with its ticks,
--summary the figures a person would add up.  Exit 0; 1 differences; 2 bad input.
"""

import argparse
import csv
import json
import re
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

CURRENCY = "USD"
FIRST_TICK, LAST_TICK = date(2012, 1, 1), date(2014, 1, 31)
DAYS_OVERDUE = 10
MONTH_ENDS = [date(2013, month + 1, 1) - timedelta(1) for month in range(1, 12)] + [
    date(2013, 12, 31)]
EDGES = (0, 30, 60, 90, 120)
BUCKETS = ("not_due", "d1_30", "d31_60", "d61_90", "d91_120", "d121_plus")
VIEWS = ("invoice", "payment", "cash_application", "ledger_balance", "dispute", "reminder")


def day_of(text):
    month, day, year = map(int, text.split("/"))
    return date(year, month, day)


class Invoice:
    """One row of the file."""

    def __init__(self, row):
        self.customer, self.number = row["customerID"], row["invoiceNumber"]
        self.issued, self.due = day_of(row["InvoiceDate"]), day_of(row["DueDate"])
        self.settled = day_of(row["SettledDate"])
        self.minor = int(Decimal(row["InvoiceAmount"]) * 100)
        self.disputed = row["Disputed"] == "Yes"

    @property
    def reminded(self):
        """The day of its reminder, or None: the tick comes before the day's payments."""
        day = self.due + timedelta(DAYS_OVERDUE)
        owed_then = day <= self.settled and FIRST_TICK <= day <= LAST_TICK
        return day if owed_then and not self.disputed else None

    def is_owed(self, day):
        return self.issued <= day < self.settled


def read(folder):
    (path,) = Path(folder).glob("*Accounts-Receivable.csv")
    with open(path, newline="", encoding="utf-8") as text:
        invoices = [Invoice(row) for row in csv.DictReader(text)]
    for invoice in invoices:
        if invoice.disputed and not invoice.issued + timedelta(1) < invoice.settled:
            raise ValueError(f"invoice {invoice.number}: settled before it was disputed")
    return sorted(invoices, key=lambda invoice: invoice.number.encode())


# ---- rows

def invoice_rows(invoices):
    return [{"invoice_id": one.number, "kind": "invoice", "number": one.number,
             "customer_id": one.customer, "order_id": None, "issue_date": str(one.issued),
             "due_date": str(one.due), "currency": CURRENCY, "gross_minor": one.minor,
             "applied_minor": one.minor, "credited_minor": 0, "discount_minor": 0,
             "written_off_minor": 0, "open_minor": 0, "disputed_minor": 0, "state": "paid",
             "closed_date": str(one.settled)} for one in invoices]


def payment_rows(invoices):
    return [{"payment_id": f"P-{one.number}", "customer_id": one.customer,
             "received_date": str(one.settled), "currency": CURRENCY,
             "amount_minor": one.minor, "applied_minor": one.minor, "on_account_minor": 0,
             "refunded_minor": 0, "state": "applied"} for one in invoices]


def cash_application_rows(invoices):
    return [{"application_id": f"P-{one.number}/1", "payment_id": f"P-{one.number}",
             "invoice_id": one.number, "applied_minor": one.minor, "discount_minor": 0,
             "difference_minor": 0, "difference_reason": None, "rule": "remittance",
             "reversed": False} for one in invoices]


def dispute_rows(invoices):
    return [{"dispute_id": f"D-{one.number}", "customer_id": one.customer,
             "invoice_id": one.number, "amount_minor": one.minor, "reason_code": "01",
             "origin": "customer", "state": "withdrawn", "assignee": None, "due_date": None,
             "resolution": "withdrawn"} for one in invoices if one.disputed]


def ledger_balance_rows(invoices):
    totals = Counter()
    for one in invoices:
        totals[one.customer] += one.minor
    sides = (("bank", 1, 0), ("receivable", 1, 1), ("revenue", 0, 1), ("unapplied", 1, 1))
    return [{"account": account, "customer_id": customer, "currency": CURRENCY,
             "debit_minor": debit * total, "credit_minor": credit * total,
             "balance_minor": (debit - credit) * total}
            for account, debit, credit in sides for customer, total in sorted(totals.items())]


def reminder_rows(invoices):
    letters = defaultdict(list)
    for one in invoices:
        if one.reminded:
            letters[one.customer, one.reminded].append(one)
    return [{"reminder_id": f"{customer}/{CURRENCY}/{day}", "customer_id": customer,
             "run_date": str(day), "level": 1,
             "invoice_ids": [one.number for one in sorted(
                 items, key=lambda one: (one.due, one.number.encode()))],
             "total_minor": sum(one.minor for one in items), "fee_minor": 0,
             "state": "cancelled"}
            for (customer, day), items in sorted(letters.items())]


def ageing_rows(invoices, as_of):
    owed = defaultdict(lambda: dict.fromkeys(BUCKETS, 0))
    for one in invoices:
        if one.is_owed(as_of):
            age = (as_of - one.due).days
            owed[one.customer][BUCKETS[sum(age > edge for edge in EDGES)]] += one.minor
    return [{"customer_id": customer, "currency": CURRENCY, **row, "unapplied": 0,
             "total": sum(row.values())} for customer, row in sorted(owed.items())]


def view_of(invoices, name):
    found = re.fullmatch(r"ageing\((\d{4}-\d{2}-\d{2})\)", name)
    if found:
        return ageing_rows(invoices, date.fromisoformat(found[1]))
    if name not in VIEWS:
        raise ValueError(f"unknown view {name}")
    return globals()[f"{name}_rows"](invoices)


def default_views():
    return [*VIEWS, *(f"ageing({day})" for day in MONTH_ENDS)]


# ---- the sample as events

def event(kind, customer, day, **fields):
    return {"type": kind, "source": "ar-sample", "occurred_at": f"{day}T00:00:00Z",
            "customer_id": customer, **fields}


def events_of(one):
    """((day, place in it), event) of one invoice."""
    common = {"currency": CURRENCY}
    line = {"line_no": 1, "quantity_milli": 1000, "unit_price_micro": one.minor * 10_000,
            "net_minor": one.minor}
    yield (one.issued, 1), event(
        "InvoiceIssued", one.customer, one.issued, invoice_id=one.number, number=one.number,
        issue_date=str(one.issued), lines=[line], net_minor=one.minor, gross_minor=one.minor,
        instalments=[{"due_date": str(one.due), "amount_minor": one.minor}], **common)
    if one.disputed:
        raised = one.issued + timedelta(1)
        yield (raised, 2), event("DisputeRaised", one.customer, raised,
                                 dispute_id=f"D-{one.number}", invoice_id=one.number,
                                 amount_minor=one.minor, reason_code="01",
                                 raised_by="customer")
        yield (one.settled, 2), event("DisputeWithdrawn", one.customer, one.settled,
                                      dispute_id=f"D-{one.number}")
    yield (one.settled, 3), event(
        "PaymentReceived", one.customer, one.settled, payment_id=f"P-{one.number}",
        received_date=str(one.settled), amount_minor=one.minor, method="transfer",
        remittance=[{"invoice_id": one.number, "amount_minor": one.minor}], **common)


def all_events(invoices):
    told = [pair for one in invoices for pair in events_of(one)]
    days = (LAST_TICK - FIRST_TICK).days + 1
    for day in (FIRST_TICK + timedelta(number) for number in range(days)):
        told.append(((day, 0), {"type": "BusinessDayStarted", "source": "ar-sample",
                                "occurred_at": f"{day}T00:00:00Z",
                                "business_date": str(day)}))
    return [given for _, given in sorted(told, key=lambda pair: pair[0])]


# ---- figures

def money(minor):
    return f"{minor // 100:,}.{minor % 100:02d}"


def summary(invoices):
    lines = [f"{len(invoices):,} invoices of {len({one.customer for one in invoices})} "
             f"customers, {money(sum(one.minor for one in invoices))} {CURRENCY}, "
             f"{sum(one.disputed for one in invoices)} disputed",
             f"{sum(one.reminded is not None for one in invoices)} items reminded of in "
             f"{len(reminder_rows(invoices))} letters"]
    for day in MONTH_ENDS:
        rows = ageing_rows(invoices, day)
        sums = [sum(row[name] for row in rows) for name in (*BUCKETS, "total")]
        lines.append(f"{day}  {len(rows):3d} customers owe {money(sums[-1]):>9}: " + ", ".join(
            f"{name} {money(amount)}" for name, amount in zip(BUCKETS, sums) if amount))
    return "\n".join(lines)


def print_check(invoices, actual):
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from compare import differences
    names = [name for name in default_views() if name in actual] + [
        name for name in actual if name.startswith("ageing(") and name not in default_views()]
    expected = {name: view_of(invoices, name) for name in names}
    found = list(differences(expected, actual, {}, None))
    for text in found[:20]:
        print(text)
    rows = sum(map(len, expected.values()))
    verdict = f"{len(found)} differences" if found else "as in the file"
    print(f"{len(names)} views, {rows:,} rows: {verdict}")
    return 1 if found or not names else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--views", type=lambda text: text.replace("o2c.", "").split(","))
    what.add_argument("--check", metavar="VIEWS.json")
    what.add_argument("--events", action="store_true")
    what.add_argument("--summary", action="store_true")
    chosen = parser.parse_args()
    try:
        invoices = read(chosen.folder)
        if chosen.events:
            for given in all_events(invoices):
                print(json.dumps(given))
        elif chosen.summary:
            print(summary(invoices))
        elif chosen.check:
            with open(chosen.check, encoding="utf-8") as text:
                return print_check(invoices, json.load(text))
        else:
            print(json.dumps({name: view_of(invoices, name)
                              for name in chosen.views or default_views()}))
    except (OSError, ValueError, KeyError) as fault:
        print(f"ar_ibm_watson: {fault!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
