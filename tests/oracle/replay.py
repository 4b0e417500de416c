"""What the money consumers come to when each folds its own inputs in a given order: receivables
what disputes told it, disputes and reminders what receivables told them.  books.py instead passes
every change on before the next event.
"""

from books import Books
from disputes import ACTIVE, Cases
from ndjson import Event, event_of
from receivables import Account, Document, Item, Told
from reminders import Reminders


def replayed(receivables, disputes, reminders):
    """Books, of {partition: [{"type": ..., field: value}]} for each consumer."""
    books, disputes_told = Books(), {}
    for given in in_turn(receivables):
        if given["type"].startswith("Dispute"):
            take_dispute(books.receivables, disputes_told, given)
        else:
            books.receivables.take(event_of(given, 0))
    books.cases = cases_of(in_turn(disputes))
    books.reminders.issued = [reminder for inputs in reminders.values()
                              for reminder in reminders_of(inputs)]
    return books


def in_turn(inputs):
    """Partitions have no account in common: any order of them will do."""
    return (given for events in inputs.values() for given in events)


def account_id_of(given):
    return given.get("account_id") or given["customer_id"]


def take_dispute(receivables, told, given):
    """told: (account, dispute_id) -> (document, amount), kept while a case is closed."""
    account, kind = receivables.account(account_id_of(given)), given["type"]
    name = given["dispute_id"]
    if kind == "DisputeOpened":
        document = (given.get("kind") or "invoice", given["invoice_id"])
        told[account.id, name] = (document, given["amount_minor"])
    elif kind == "DisputeStateChanged" and given["amount_minor"] is not None:
        told[account.id, name] = (told[account.id, name][0], given["amount_minor"])
    document, amount = told[account.id, name]
    active = kind != "DisputeClosed" and given.get("state", "open") in ACTIVE
    account.dispute(name, document, amount if active else None)


class OpenItems:
    """The accounts as OpenItemChanged tells of them."""

    def __init__(self):
        self.accounts = {}

    def account(self, name):
        return self.accounts.setdefault(name, Account(name))

    def take(self, given):
        """The account that is not as it was; None where it is about something else."""
        if given["type"] != "OpenItemChanged":
            return None
        account = self.account(account_id_of(given))
        key, number = (given["kind"], given["document_id"]), given["instalment_no"]
        if key not in account.documents:
            event = Event("OpenItemChanged", given, 0)
            account.documents[key] = Document(given["kind"], event, given["document_id"], [])
        document = account.documents[key]
        item = next((item for item in document.items if item.number == number), None)
        if item is None:
            item = Item(number, given["due_date"], given["amount_minor"])
            document.items.append(item)
        item.open, item.disputed = given["open_minor"], given["disputed_minor"]
        left = given["document_open_minor"]
        document.told = Told(item.open if left is None else left,
                             given["document_credited_minor"] or 0,
                             given["state"] == "cancelled", given["state"] == "written_off")
        return account


def cases_of(inputs):
    items, cases = OpenItems(), {}
    for number, given in enumerate(inputs):
        name = account_id_of(given)
        of_account = cases.setdefault(name, Cases(items.account(name)))
        if given["type"].startswith("Dispute"):
            of_account.take(event_of(given, number))
        elif items.take(given):
            of_account.items_changed()
    return cases


def reminders_of(inputs):
    """Of one partition: each has business days of its own."""
    items, reminders = OpenItems(), Reminders()
    for given in inputs:
        if given["type"] == "BusinessDayStarted":
            reminders.tick(given["business_date"], items.accounts.values())
        elif items.take(given):
            reminders.items_changed()
    return reminders.issued
