"""Lines of an events file as another system's export has them: documents, cash, customers."""

import json


def invoice(number, customer_id, amount, date="2026-01-02", **fields):
    return {"type": "InvoiceIssued", "occurred_at": f"{date}T00:00:00Z", "source": "ledger",
            "customer_id": customer_id, "invoice_id": number, "number": number,
            "issue_date": date, "currency": "EUR",
            "lines": [{"line_no": 1, "quantity_milli": 1000, "unit_price_micro": amount * 10_000,
                       "net_minor": amount}],
            "net_minor": amount, "gross_minor": amount,
            "instalments": [{"due_date": date, "amount_minor": amount}], **fields}


def debit_note(number, customer_id, amount, **fields):
    made = invoice(number, customer_id, amount, **fields)
    made["type"], made["debit_note_id"] = "DebitNoteIssued", made.pop("invoice_id")
    made["reason_code"] = "freight"
    return made


def credit_note(number, customer_id, amount):
    made = debit_note(number, customer_id, amount)
    made["type"], made["credit_note_id"] = "CreditNoteIssued", made.pop("debit_note_id")
    del made["instalments"]
    return made


def payment(number, customer_id, amount, date="2026-01-20"):
    return {"type": "PaymentReceived", "occurred_at": f"{date}T00:00:00Z", "source": "ledger",
            "customer_id": customer_id, "payment_id": number, "received_date": date,
            "amount_minor": amount, "currency": "EUR", "method": "transfer"}


def dispute(number, invoice_id, customer_id, amount):
    return {"type": "DisputeRaised", "occurred_at": "2026-01-21T00:00:00Z", "source": "ledger",
            "customer_id": customer_id, "dispute_id": number, "invoice_id": invoice_id,
            "amount_minor": amount, "reason_code": "01", "raised_by": "customer"}


def partly_approved(number, customer_id, amount):
    return {"type": "DisputeDecided", "occurred_at": "2026-01-22T00:00:00Z", "source": "ledger",
            "customer_id": customer_id, "dispute_id": number, "outcome": "partly_approved",
            "amount_minor": amount, "decided_by": "clerk", "note": "seen"}


def customer(name):
    return {"type": "CustomerRegistered", "occurred_at": "2026-01-01T00:00:00Z",
            "source": "ledger", "customer_id": name, "revision": 1, "name": name,
            "billing_address": {"line1": "1", "city": "X", "country": "DE"},
            "currency": "EUR", "payment_terms": "NET30"}


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def items_map(source="ledger"):
    """A mapping of items.csv: kind, customer, id, date, amount."""
    return {
        "map": 1, "source": source,
        "files": {"items": "items.csv"},
        "rows": [{"from": "items", "events": [
            {"type": "InvoiceIssued", "when": [{"column": "kind", "equals": "invoice"}],
             "fields": {
                 "customer_id": "customer", "invoice_id": "id", "number": "id",
                 "issue_date": "date", "currency": {"constant": "EUR"},
                 "lines": {"list": [{"record": {
                     "line_no": {"constant": 1}, "quantity_milli": {"constant": 1000},
                     "unit_price_micro": "amount", "net_minor": "amount"}}]},
                 "net_minor": "amount", "gross_minor": "amount",
                 "instalments": {"list": [{"record": {"due_date": "date",
                                                      "amount_minor": "amount"}}]}}},
            {"type": "PaymentReceived", "when": [{"column": "kind", "equals": "payment"}],
             "fields": {
                 "customer_id": "customer", "payment_id": "id", "received_date": "date",
                 "amount_minor": "amount", "currency": {"constant": "EUR"},
                 "method": {"constant": "transfer"}}}]}]}
