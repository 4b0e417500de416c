"""docs/rules/reminders.md: what a tick makes of overdue items."""

from dataclasses import dataclass, field
from datetime import date

from receivables import DEBIT_SIDE

DAYS_OVERDUE = 10


def days_between(early, late):
    return (date.fromisoformat(late) - date.fromisoformat(early)).days


@dataclass
class Reminder:
    customer: str
    currency: str
    run_date: str
    items: list  # (document, item, open then)
    cancelled: bool = False

    @property
    def id(self):
        return f"{self.customer}/{self.currency}/{self.run_date}"

    @property
    def invoice_ids(self):
        return [document.id for document, _, _ in self.items]

    @property
    def kinds(self):
        return [document.kind for document, _, _ in self.items]

    @property
    def total_minor(self):
        return sum(amount for _, _, amount in self.items)


@dataclass
class Reminders:
    days_overdue: int = DAYS_OVERDUE
    go_live: str | None = None
    last_tick: str = ""
    issued: list = field(default_factory=list)
    named: set = field(default_factory=set)
    put_off: dict = field(default_factory=dict)  # account -> last tick while it was parked

    def tick(self, day, books):
        """A business day begins; books: all accounts of receivables."""
        if day <= self.last_tick:
            return
        self.last_tick = day
        if self.go_live and day < self.go_live:
            return
        self.put_off |= {account.id: day for account in books if account.parked}
        due = self.due([account for account in books if not account.parked], day)
        for (_, customer, currency), items in sorted(due.items()):
            items.sort(key=lambda one: (one[1].due_date, one[0].kind, one[0].id.encode(),
                                        one[1].number))
            self.named.update(id(item) for _, item in items)
            self.issued.append(Reminder(customer, currency, day, [
                (document, item, item.open) for document, item in items]))

    def due(self, books, day):
        """(account, customer, currency) -> [(document, item)]"""
        due = {}
        for account in books:
            for document in account.documents.values():
                for item in document.items:
                    if self.is_due(document, item, day):
                        key = (account.id, document.customer, document.currency)
                        due.setdefault(key, []).append((document, item))
        return due

    def waiting(self, books):
        for account in books:
            if account.id in self.put_off:
                for _, customer, currency in self.due([account], self.put_off[account.id]):
                    yield ("reminder", f"{customer}/{currency}",
                           "what is parked in receivables", account.parked_event)

    def is_due(self, document, item, day):
        return (document.kind in DEBIT_SIDE and is_wanted(document) and is_open(item)
                and id(item) not in self.named
                and days_between(item.due_date, day) >= self.days_overdue)

    def items_changed(self):
        for reminder in self.issued:
            if not any(is_open(item) for _, item, _ in reminder.items):
                reminder.cancelled = True


def is_open(item):
    return item.open > 0 and item.disputed == 0


def is_wanted(document):
    wanted = document.event["remind"]
    return not document.event["opening"] if wanted is None else wanted
