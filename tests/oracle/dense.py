#!/usr/bin/env python3
"""dense.py SEED [--accounts N] [--steps N] - short, crowded histories as NDJSON, with barriers.

Each account gets a few documents, payments and notes that claim one another in every way the
rules know: by id and number, too early, too much, twice, in another currency, with discounts,
reversals and cancellations.  One event of every account, then a barrier: what is
decided by order of arrival is decided by the order of the file.
"""

import argparse
import json
import random

DAYS = [f"2026-01-{day:02d}" for day in range(1, 29)]
DOCUMENTS = ("I1", "I2", "I3", "I4")


class Account:
    """Draws the events of one account."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")
        self.number, self.counts = number, {}

    def event(self, kind, **fields):
        customer = {"customer_id": f"C{self.number}"}
        if self.random.random() < 0.15:
            customer = {"customer_id": f"C{self.number}-2", "account_id": f"C{self.number}"}
        day = self.random.choice(DAYS)
        return {"type": kind, "source": "dense", "occurred_at": f"{day}T10:00:00Z", **customer,
                **{name: value for name, value in fields.items() if value is not None}}

    def name(self, series):
        """The next of a series; sometimes one that was used before."""
        count = self.counts[series] = self.counts.get(series, 0) + 1
        return self.id(f"{series}{count if self.random.random() < 0.93 else max(1, count - 1)}")

    def id(self, name):
        return f"{self.number}-{name}"

    def document(self):
        return self.id(self.random.choice(DOCUMENTS))

    def day(self):
        return self.random.choice(DAYS)

    def currency(self):
        return self.random.choice(("EUR",) * 9 + ("USD",))

    def amount(self):
        return self.random.choice((100, 250, 1000, 999, 5, 4000))

    def money(self, gross):
        tax = self.random.choice((0, gross // 6))
        return {"net_minor": gross - tax, "tax_minor": tax, "gross_minor": gross,
                "currency": self.currency(),
                "lines": [{"line_no": 1, "quantity_milli": 1000,
                           "unit_price_micro": (gross - tax) * 10_000,
                           "net_minor": gross - tax}]}

    def instalments(self, gross):
        days = self.random.sample(DAYS, self.random.choice((1, 1, 2, 3)))
        parts = [gross // len(days)] * len(days)
        parts[0] += gross - sum(parts)
        return [{"due_date": day, "amount_minor": part} for day, part in zip(days, parts)]

    def invoice(self):
        gross = self.random.choice((0, 100, 1000, 1000, 4000, 999))
        granted = self.random.random() < 0.3
        return self.event(
            "InvoiceIssued", invoice_id=self.name("I"),
            number=self.random.choice(("N1", "N2")), issue_date=self.day(),
            instalments=self.instalments(gross), opening=self.random.random() < 0.1 or None,
            discount_minor=gross // 50 if granted else None,
            discount_until=self.day() if granted else None, **self.money(gross))

    def debit_note(self):
        gross = self.amount()
        return self.event("DebitNoteIssued", debit_note_id=self.random.choice((self.id("I3"), self.name("D"))),
                          number=self.random.choice(("N1", "N3")), issue_date=self.day(),
                          reason_code="price", instalments=self.instalments(gross),
                          **self.money(gross))

    def credit_note(self):
        return self.event("CreditNoteIssued", number="K", issue_date=self.day(),
                          credit_note_id=self.name("K"),
                          reason_code="return",
                          invoice_id=self.random.choice((None, "", *[self.document()] * 2)),
                          **self.money(self.amount()))

    def claim(self):
        amount = self.amount()
        named = ({"invoice_id": self.random.choice((*[self.document()] * 4, self.id("D1")))}
                 if self.random.random() < 0.7 else
                 {"number": self.random.choice(("N1", "N2", "N3")),
                  **self.random.choice(({}, {"invoice_id": ""}))})
        discount = self.random.random() < 0.3
        return {**named, "amount_minor": self.random.choice((amount, amount, amount, 0, -5)),
                **({"discount_minor": amount // 50} if discount else {})}

    def payment(self):
        claims = [self.claim() for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
        return self.event("PaymentReceived", received_date=self.day(),
                          payment_id=self.random.choice((self.name("P"),) * 9 + (self.id("K1"),)),
                          amount_minor=self.amount() + self.amount(), currency=self.currency(),
                          method="transfer", opening=self.random.random() < 0.1 or None,
                          remittance=claims or None)

    def reversal(self):
        return self.event("PaymentReversed", reason="nsf",
                          reversed_date=self.day().replace("-01-", "-02-"),
                          payment_id=self.id(self.random.choice(("P1", "P2", "P3"))))

    def cancellation(self):
        return self.event("InvoiceCancelled", reason="wrong",
                          invoice_id=self.document(),
                          cancelled_date=self.random.choice((None, self.day())))

    def history(self, steps):
        kinds = (self.invoice,) * 6 + (self.payment,) * 6 + (self.credit_note,) * 2 + (
            self.debit_note, self.reversal, self.reversal, self.cancellation)
        return [self.random.choice(kinds)() for _ in range(steps)]


def events(seed, accounts, steps):
    """Lists of events: one of each account; between the lists stands a barrier."""
    return list(zip(*(Account(seed, number).history(steps) for number in range(accounts))))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed")
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--steps", type=int, default=12)
    chosen = parser.parse_args()
    for row in events(chosen.seed, chosen.accounts, chosen.steps):
        for given in row:
            print(json.dumps(given))
        print(json.dumps({"barrier": True}))


if __name__ == "__main__":
    main()
