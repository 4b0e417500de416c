"""Short ways to write the money events in the tests of the oracle."""

import json

from cases import event
from oracle import fold
from views import views_of


def amounts(gross, tax=0):
    return {"net_minor": gross - tax, "tax_minor": tax, "gross_minor": gross,
            "lines": [{"line_no": 1, "quantity_milli": 1000,
                       "unit_price_micro": (gross - tax) * 10_000, "net_minor": gross - tax}]}


def invoice(name, gross, *, issued="2026-01-01", due=None, tax=0, **fields):
    """due: a date, or (date, amount) pairs; 30 days by default."""
    pairs = due if isinstance(due, list) else [(due or "2026-01-31", gross)]
    return event("InvoiceIssued", **{
        "invoice_id": name, "number": f"N-{name}", "issue_date": issued, "currency": "EUR",
        "instalments": [{"due_date": day, "amount_minor": amount} for day, amount in pairs],
        **amounts(gross, tax), **fields})


def debit_note(name, gross, **fields):
    made = invoice(name, gross, **fields)
    del made["invoice_id"]
    return {**made, "type": "DebitNoteIssued", "debit_note_id": name, "reason_code": "price"}


def credit_note(name, gross, invoice_id=None, *, issued="2026-01-10", tax=0, **fields):
    return event("CreditNoteIssued", **{
        "credit_note_id": name, "number": f"C-{name}", "invoice_id": invoice_id,
        "reason_code": "returned", "issue_date": issued, "currency": "EUR",
        **amounts(gross, tax), **fields})


def payment(name, amount, *claims, received="2026-01-20", **fields):
    """claims: (invoice_id, amount) or (invoice_id, amount, discount)."""
    lines = [dict(zip(("invoice_id", "amount_minor", "discount_minor"), claim))
             for claim in claims]
    return event("PaymentReceived", **{
        "payment_id": name, "received_date": received, "amount_minor": amount,
        "currency": "EUR", "method": "transfer", "remittance": lines or None, **fields})


def payment_reversed(name, on="2026-01-25", **fields):
    return event("PaymentReversed", **{"payment_id": name, "reversed_date": on,
                                       "reason": "nsf", **fields})


def invoice_cancelled(name, on="2026-01-15", **fields):
    return event("InvoiceCancelled", **{"invoice_id": name, "reason": "wrong",
                                        "occurred_at": f"{on}T12:00:00Z", **fields})


def raised(name, invoice_id, amount, **fields):
    return event("DisputeRaised", **{"dispute_id": name, "invoice_id": invoice_id,
                                     "amount_minor": amount, "reason_code": "01",
                                     "raised_by": "Ann", **fields})


def assigned(name, assignee, **fields):
    return event("DisputeAssigned", dispute_id=name, assignee=assignee, **fields)


def decided(name, outcome, amount=None, **fields):
    return event("DisputeDecided", dispute_id=name, outcome=outcome, amount_minor=amount,
                 decided_by="Bob", note="seen", **fields)


def withdrawn(name, **fields):
    return event("DisputeWithdrawn", dispute_id=name, **fields)


def tick(day):
    return {"type": "BusinessDayStarted", "business_date": day, "source": "clock",
            "occurred_at": f"{day}T00:00:00Z"}


def books(*events, **settings):
    """All of the money views of these events, functions by their name with arguments."""
    facts = fold((json.dumps(given) for given in events), **settings)
    return lambda name: views_of(facts, [name])[name]


def picked(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


def documents(*events):
    """id -> (open, state, closed_date)."""
    return {row["invoice_id"]: (row["open_minor"], row["state"], row["closed_date"])
            for row in books(*events)("invoice")}


def payments(*events):
    """id -> (applied, state)."""
    return {row["payment_id"]: (row["applied_minor"], row["state"])
            for row in books(*events)("payment")}


def balances(*events):
    """ledger account -> balance, of the customer C1 in EUR; those that are not 0."""
    return {row["account"]: row["balance_minor"] for row in books(*events)("ledger_balance")
            if row["customer_id"] == "C1" and row["currency"] == "EUR" and row["balance_minor"]}
