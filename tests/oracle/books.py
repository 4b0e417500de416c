"""Receivables, disputes and reminders together, and the rows of their views.

An event goes through receivables, then what changed through disputes and back, then through
reminders: what the pipeline has come to once it is drained after each event.
"""

from collections import defaultdict

from disputes import Cases
from receivables import KEYS, Receivables
from reminders import Reminders, days_between

BUCKETS = ((0, "not_due"), (30, "d1_30"), (60, "d31_60"), (90, "d61_90"), (120, "d91_120"))

COLUMNS = {
    "invoice": ("invoice_id", "kind", "number", "customer_id", "order_id", "issue_date",
                "due_date", "currency", "gross_minor", "applied_minor", "credited_minor",
                "discount_minor", "written_off_minor", "open_minor", "disputed_minor", "state",
                "closed_date"),
    "payment": ("payment_id", "customer_id", "received_date", "currency", "amount_minor",
                "applied_minor", "on_account_minor", "refunded_minor", "state"),
    "cash_application": ("application_id", "payment_id", "invoice_id", "applied_minor",
                         "discount_minor", "difference_minor", "difference_reason", "rule",
                         "reversed"),
    "ledger_balance": ("account", "customer_id", "currency", "debit_minor", "credit_minor",
                       "balance_minor"),
    "journal": ("journal_id", "posting_date", "account", "customer_id", "currency",
                "debit_minor", "credit_minor"),
    "dispute": ("dispute_id", "customer_id", "invoice_id", "amount_minor", "reason_code",
                "origin", "state", "assignee", "due_date", "resolution", "kind"),
    "reminder": ("reminder_id", "customer_id", "run_date", "level", "invoice_ids",
                 "total_minor", "fee_minor", "state", "kinds"),
    "ageing": ("customer_id", "currency", *(name for _, name in BUCKETS), "d121_plus",
               "unapplied", "total"),
    "customer_statement": ("currency", "date", "kind", "reference", "debit_minor",
                           "credit_minor", "balance_minor"),
}
BY_DEFAULT = ("invoice", "payment", "cash_application", "ledger_balance", "dispute", "reminder")


def sides(amount):
    return (amount, 0) if amount >= 0 else (0, -amount)


class Books:
    def __init__(self, days_overdue=10, go_live=None):
        self.receivables = Receivables()
        self.cases = {}
        self.reminders = Reminders(days_overdue, go_live)
        self.used = False

    def take(self, event):
        self.used = True
        if event.type == "BusinessDayStarted":
            self.reminders.tick(event["business_date"], self.receivables.accounts.values())
            return
        account, cases = self.receivables.account(event.account), self.cases_of(event.account)
        if event.topic == "o2c.dispute-requests":
            cases.take(event)
        else:
            self.receivables.take(event)
            account.publish()
            cases.items_changed()
        account.publish()
        self.reminders.items_changed()

    def cases_of(self, name):
        if name not in self.cases:
            self.cases[name] = Cases(self.receivables.account(name))
        return self.cases[name]

    @property
    def accounts(self):
        return self.receivables.accounts.values()

    @property
    def conflicts(self):
        """(first, later, natural key) of each."""
        for account in self.accounts:
            for first, later in account.conflicts:
                kind, name = KEYS[later.type]
                yield first, later, (kind, later[name])
        for cases in self.cases.values():
            for first, later in cases.conflicts:
                kind = "decision" if later.type == "DisputeDecided" else "dispute"
                yield first, later, (kind, later["dispute_id"])

    def waiting(self):
        yield from self.receivables.waiting()
        yield from self.reminders.waiting(self.accounts)
        for cases in self.cases.values():
            for event in cases.waiting:
                yield ("dispute", event["dispute_id"],
                       f"OpenItemChanged {event['invoice_id']}", event)
            for name, event in cases.never_raised().items():
                yield "dispute", name, "DisputeRaised", event

    # ---- rows

    def invoice_rows(self):
        for account in self.accounts:
            for document in account.documents.values():
                taken = document.gross - document.open if document.is_credit else None
                yield (document.id, document.kind, document.event["number"],
                       document.customer, document.event["order_id"], document.issue_date,
                       document.due_date, document.currency, document.gross,
                       document.applied if taken is None else taken, document.credited,
                       document.discount, 0, document.open,
                       sum(item.disputed for item in document.items), document.state,
                       document.closed_date)

    def payment_rows(self):
        for account in self.accounts:
            for payment in account.payments.values():
                yield (payment.id, payment.customer, payment.date, payment.currency,
                       payment.amount, payment.applied, 0, 0, payment.state)

    def cash_application_rows(self):
        for account in self.accounts:
            for application in account.applications:
                if application.source.kind == "payment":
                    yield (application.id, application.source.id, application.document.id,
                           sum(part.cash for part in application.parts),
                           sum(part.discount for part in application.parts), 0, None,
                           "remittance", application.undone_on is not None)

    def journals(self):
        return (journal for account in self.accounts for journal in account.journals)

    def journal_rows(self):
        for journal in self.journals():
            for account, customer, currency, amount in journal.lines:
                yield (journal.id, journal.date, account, customer, currency, *sides(amount))

    def ledger_balance_rows(self):
        sums = defaultdict(lambda: [0, 0])
        for journal in self.journals():
            for account, customer, currency, amount in journal.lines:
                for side, part in enumerate(sides(amount)):
                    sums[account, customer, currency][side] += part
        for key, (debit, credit) in sums.items():
            yield (*key, debit, credit, debit - credit)

    def dispute_rows(self):
        for cases in self.cases.values():
            for name, case in cases.cases.items():
                yield (name, case.raised["customer_id"], case.raised["invoice_id"],
                       case.amount, case.raised["reason_code"], "customer", case.state,
                       case.assignee, None, case.resolution, case.document.kind)

    def reminder_rows(self):
        for reminder in self.reminders.issued:
            yield (reminder.id, reminder.customer, reminder.run_date, 1, reminder.invoice_ids,
                   reminder.total_minor, 0, "cancelled" if reminder.cancelled else "issued",
                   reminder.kinds)

    def ageing_rows(self, as_of):
        rows = defaultdict(lambda: dict.fromkeys(COLUMNS["ageing"][2:-1], 0))
        for account in self.accounts:
            for document in account.documents.values():
                row = rows[document.customer, document.currency]
                for item in document.items:
                    add_aged(row, open_on(item.moves, as_of), document.is_credit,
                             days_between(item.due_date, as_of))
            for payment in account.payments.values():
                row = rows[payment.customer, payment.currency]
                add_aged(row, open_on(payment.moves, as_of), True, 0)
        for (customer, currency), row in rows.items():
            if any(row.values()):
                total = sum(row.values()) - 2 * row["unapplied"]
                yield (customer, currency, *row.values(), total)

    def customer_statement_rows(self, customer, first, last):
        moves = defaultdict(list)
        for journal in self.journals():
            sums = defaultdict(int)
            for account, whose, currency, amount in journal.lines:
                if whose == customer and account in ("receivable", "unapplied"):
                    sums[currency] += amount
            for currency, amount in sums.items():
                if amount and journal.date <= last:
                    moves[currency].append((journal.date, movement_of(journal),
                                            journal.id.split(":")[1], amount))
        for currency, all_moves in moves.items():
            balance = sum(move[3] for move in all_moves if move[0] < first)
            yield (currency, first, "opening", None, None, None, balance)
            for date, kind, reference, amount in sorted(all_moves):
                if date >= first:
                    balance += amount
                    debit, credit = sides(amount)
                    yield (currency, date, kind, reference, debit or None, credit or None,
                           balance)
            yield (currency, last, "closing", None, None, None, balance)


def movement_of(journal):
    """Of an application only its discount moves a customer's balance, or another's document."""
    if any(account == "discount" for account, *_ in journal.lines):
        return "discount"
    return {"receipt": "payment", "reversal": "reversed",
            "cancellation": "cancelled"}.get(journal.posting, journal.posting)


def open_on(moves, as_of):
    return sum(by for date, by in moves if date <= as_of)


def add_aged(row, amount, is_credit, age):
    """What is below zero counts on the other side; credit is never due."""
    if is_credit == (amount >= 0):
        row["unapplied"] += abs(amount)
    else:
        row["not_due" if is_credit else bucket_of(age)] += abs(amount)


def bucket_of(age):
    return next((name for most, name in BUCKETS if age <= most), "d121_plus")
