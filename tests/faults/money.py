"""Events of money: what receivables, ledger, disputes and reminders work on."""

from datetime import date, timedelta

GROUP = 4  # accounts that fare alike
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK")  # a letter each: more than one batch takes
LONG_OVERDUE, NOT_DUE = "2026-04-01", "2036-04-01"
FIRST_DAY = date(2026, 5, 1)


def of(account, event_type, **fields):
    return {"type": event_type, "source": "faults", "occurred_at": "2026-03-02T10:00:00Z",
            "customer_id": account, **fields}


def invoice(account, number, due, currency="EUR", minor=10000):
    return of(account, "InvoiceIssued", invoice_id=f"I-{account}-{number}",
              number=f"R-{account}-{number}", issue_date="2026-03-02", currency=currency,
              net_minor=minor, gross_minor=minor,
              lines=[{"line_no": 1, "quantity_milli": 1000, "unit_price_micro": 10000 * minor,
                      "net_minor": minor}],
              instalments=[{"due_date": due, "amount_minor": minor}])


def payment(account, number, minor):
    """Of an invoice by its id."""
    return of(account, "PaymentReceived", payment_id=f"P-{account}-{number}-{minor}",
              received_date="2026-03-20", amount_minor=minor, currency="EUR", method="transfer",
              remittance=[{"invoice_id": f"I-{account}-{number}", "amount_minor": minor}])


def raised(account, number):
    return of(account, "DisputeRaised", dispute_id=f"D-{account}-{number}",
              invoice_id=f"I-{account}-{number}", amount_minor=2500, reason_code="damaged",
              raised_by="customer")


def decided(account, number, outcome):
    return of(account, "DisputeDecided", dispute_id=f"D-{account}-{number}", outcome=outcome,
              decided_by="clerk-7", note="looked into")


def business_day(number):
    day = FIRST_DAY + timedelta(days=number)
    return {"type": "BusinessDayStarted", "source": "faults",
            "occurred_at": f"{day}T00:00:00Z", "business_date": str(day)}


def money_segment(number):
    """[invoices, what becomes of them, what becomes of that], the number-th of its run.

    In the middle one all four consumers have work: some accounts pay, others dispute, those that
    do neither get reminders at a business day.  With a drained pipeline between the three there
    is one right result, as no account has events on two topics in one of them.
    """
    payers, disputers, debtors = ([f"M{number}-{kind}{one}" for one in range(GROUP)]
                                  for kind in ("pays", "disputes", "owes"))
    invoices = [invoice(account, one, NOT_DUE) for account in payers + disputers
                for one in range(2)]
    invoices += [invoice(account, one, LONG_OVERDUE, currency) for account in debtors
                 for one, currency in enumerate(CURRENCIES)]
    middle = [payment(account, one, minor) for account in payers
              for one, minor in ((0, 10000), (1, 3000), (1, 8000))]
    middle.append(middle[0])  # a repeat
    middle += [raised(account, one) for account in disputers for one in range(2)]
    middle.append(business_day(number))
    after = [decided(account, one, outcome) for account in disputers
             for one, outcome in enumerate(("approved", "rejected"))]
    after += [payment(account, 0, 10000) for account in debtors]
    return [invoices, middle, after]
