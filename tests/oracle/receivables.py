"""docs/rules/receivables.md: open items, payments, what settles what, and the journals.

Unlike the orders and shipments of rules.py this is folded event by event: two sources that
claim one document, and what a cancellation gives back, depend on the order of arrival.
Dates are texts "YYYY-MM-DD", which compare as dates do.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby

MAX_AMOUNT = 10 ** 15
KIND_BY_TYPE = {"InvoiceIssued": "invoice", "DebitNoteIssued": "debit_note",
                "CreditNoteIssued": "credit_note"}
KEYS = {"InvoiceIssued": ("invoice", "invoice_id"),
        "DebitNoteIssued": ("debit_note", "debit_note_id"),
        "CreditNoteIssued": ("credit_note", "credit_note_id"),
        "InvoiceCancelled": ("cancellation", "invoice_id"),
        "PaymentReceived": ("payment", "payment_id"),
        "PaymentReversed": ("reversal", "payment_id")}
DEBIT_SIDE = ("invoice", "debit_note")


class Parked(Exception):
    """The event can never be applied; says field and value."""


@dataclass
class Item:
    """An instalment, and how it moved: (date, by how much)."""

    number: int
    due_date: str
    amount: int
    open: int = 0
    disputed: int = 0
    moves: list = field(default_factory=list)

    def move(self, date, by):
        self.open += by
        self.moves.append((date, by))


@dataclass(frozen=True)
class Told:
    """What OpenItemChanged said last of a whole document."""

    open: int
    credited: int
    cancelled: bool
    written_off: bool = False


@dataclass
class Document:
    kind: str
    event: object
    id: str
    items: list
    applied: int = 0
    credited: int = 0
    discount: int = 0
    cancelled_on: str | None = None
    parts: list = field(default_factory=list)  # that took something off it, or drew on it
    application_count: int = 0  # of a credit note
    lines: list = field(default_factory=list)  # that claim it
    told: Told | None = None
    told_items: list = field(default_factory=list)

    @property
    def customer(self):
        return self.event["customer_id"]

    @property
    def currency(self):
        return self.event["currency"]

    @property
    def issue_date(self):
        return self.event["issue_date"]

    @property
    def date(self):
        """As a source: what its lines are sorted by."""
        return self.issue_date

    @property
    def gross(self):
        return self.event["gross_minor"]

    @property
    def open(self):
        return sum(item.open for item in self.items)

    left = open  # a credit note's credit not yet used

    def draw(self, date, by):
        """Uses (or gives back) credit of a credit note."""
        self.items[0].move(date, -by)

    reversed_on = None

    @property
    def is_credit(self):
        return self.kind == "credit_note"

    def by_due_date(self):
        return sorted(self.items, key=lambda item: (item.due_date, item.number))

    @property
    def state(self):
        if self.cancelled_on:
            return "cancelled"
        if self.open == 0:
            return "paid"
        return "part_paid" if self.open < self.gross else "open"

    @property
    def closed_date(self):
        if self.cancelled_on or self.open:
            return self.cancelled_on
        return max([self.issue_date, *(part.effective for part in self.parts)]
                   if self.gross else [self.issue_date])

    @property
    def due_date(self):
        dates = [item.due_date for item in self.items if item.open]
        return min(dates) if dates else max(item.due_date for item in self.items)


@dataclass
class Payment:
    event: object
    id: str
    left: int = 0  # not used by its lines; of a reversed payment: had it not been reversed
    reversed_on: str | None = None
    parts: list = field(default_factory=list)
    moves: list = field(default_factory=list)  # of its unapplied cash: (date, by how much)
    application_count: int = 0
    kind = "payment"

    @property
    def customer(self):
        return self.event["customer_id"]

    @property
    def currency(self):
        return self.event["currency"]

    @property
    def date(self):
        return self.event["received_date"]

    @property
    def amount(self):
        return self.event["amount_minor"]

    @property
    def unapplied(self):
        return 0 if self.reversed_on else self.left

    @property
    def applied(self):
        return 0 if self.reversed_on else self.amount - self.left

    def draw(self, date, by):
        self.left -= by
        self.moves.append((date, -by))

    @property
    def state(self):
        if self.reversed_on:
            return "reversed"
        if self.unapplied == 0:
            return "applied"
        return "part_applied" if self.applied else "unapplied"


@dataclass
class Line:
    """A claim of a source on a document, named by id or number."""

    source: object
    number: int
    invoice_id: str | None
    document_number: str | None
    amount: int
    discount: int = 0
    applied: int = 0
    document: object = None
    closed: bool = False

    @property
    def order(self):
        source = self.source
        return (source.date, source.kind, source.id.encode(), self.number)

    @property
    def wants(self):
        return (not self.closed and self.applied < self.amount)

    @property
    def waits_for(self):
        if self.invoice_id is not None:
            return f"InvoiceIssued {self.invoice_id}"
        return f"InvoiceIssued, number {self.document_number}"

    def names(self, document):
        if self.invoice_id is not None:
            return document.id == self.invoice_id
        return document.event["number"] == self.document_number and self.can_meet(document)

    def can_meet(self, document):
        """Currencies never meet, and neither do companies."""
        return all(self.source.event[name] == document.event[name]
                   for name in ("currency", "company_id"))


@dataclass
class Part:
    """What one line took off one document, and off which instalments."""

    application: object
    line: object
    cash: int
    discount: int
    effective: str
    slices: list

    @property
    def source(self):
        return self.application.source

    @property
    def document(self):
        return self.application.document

    @property
    def live(self):
        return self.application.undone_on is None


@dataclass
class Application:
    """What one event applies of one line to one document; undone as a whole."""

    id: str
    source: object
    document: object
    parts: list = field(default_factory=list)
    undone_on: str | None = None

    @property
    def effective(self):
        return self.parts[0].effective


@dataclass
class Journal:
    id: str
    date: str
    posting: str
    lines: list  # (ledger account, customer, currency, debit less credit)


@dataclass
class Account:
    """One account's books."""

    id: str
    first: dict = field(default_factory=dict)
    conflicts: list = field(default_factory=list)  # (first, later)
    parked: str | None = None
    parked_event: object = None
    documents: dict = field(default_factory=dict)  # (kind, id)
    payments: dict = field(default_factory=dict)
    waiting_lines: list = field(default_factory=list)  # by id, of documents not arrived
    number_lines: list = field(default_factory=list)  # claims on any document of the number
    cancellations: dict = field(default_factory=dict)  # that wait, by invoice_id
    reversals: dict = field(default_factory=dict)  # that wait, by payment_id
    disputes: dict = field(default_factory=dict)  # dispute_id -> ((kind, id), amount)
    applications: list = field(default_factory=list)
    journals: list = field(default_factory=list)
    arrival: dict = field(default_factory=dict)  # applications of this event, by both their ends
    undone: list = field(default_factory=list)  # applications undone by this event

    def find(self, line):
        """The document a line names, or None while it has not arrived."""
        if line.invoice_id is not None:
            return self.named(line.invoice_id)
        candidates = [document for document in self.documents.values()
                      if document.kind in DEBIT_SIDE and line.names(document)
                      and not document.cancelled_on]
        return min(candidates, default=None, key=lambda document: (
            document.open == 0, document.issue_date, document.kind, document.id.encode()))

    def named(self, invoice_id):
        return (self.documents.get(("invoice", invoice_id))
                or self.documents.get(("debit_note", invoice_id)))

    # ---- applying and undoing

    def application_of(self, line, document):
        ends = id(line), id(document)
        if ends not in self.arrival:
            source = line.source
            source.application_count += 1
            mark = "credit_note/" if source.kind == "credit_note" else ""
            application = Application(f"{mark}{source.id}/{source.application_count}", source,
                                      document)
            self.arrival[ends] = application
            self.applications.append(application)
        return self.arrival[ends]

    def take_off(self, document, amount, date):
        """Fills instalments by due date; what it took of each."""
        slices = []
        for item in document.by_due_date():
            taken = min(amount, item.open)
            if taken:
                item.move(date, -taken)
                slices.append((item, taken))
                amount -= taken
        return slices

    @staticmethod
    def bind(line, document):
        if line.document is not document:
            line.document = document
            document.lines.append(line)

    def apply(self, line, document):
        source = line.source
        if line.invoice_id is not None:
            self.bind(line, document)
        if document.cancelled_on or not line.can_meet(document):
            line.closed = True
        if not line.wants:
            return
        cash = min(line.amount - line.applied, source.left, document.open)
        if cash <= 0:
            return
        discount, until = 0, document.event["discount_until"]
        if (source.kind == "payment" and cash == line.amount - line.applied
                and until and source.date <= until):
            granted = (document.event["discount_minor"] or 0) - document.discount
            discount = max(0, min(line.discount, granted, document.open - cash))
        self.bind(line, document)
        effective = max(source.date, document.issue_date)
        part = Part(self.application_of(line, document), line, cash, discount, effective,
                    self.take_off(document, cash + discount, effective))
        part.application.parts.append(part)
        for side in (source, document):
            side.parts.append(part)
        source.draw(effective, cash)
        line.applied += cash
        self.count(part, 1)

    def settle(self, document, lines):
        """Applies lines to a document, source by source: what a reversed payment applies is
        undone after its last line."""
        ordered = sorted(lines, key=lambda line: line.order)
        for _, own in groupby(ordered, key=lambda line: line.order[:3]):
            own = list(own)
            source = own[0].source
            made = len(source.parts)
            for line in own:
                self.apply(line, document)
            if source.reversed_on:
                self.undo(source.parts[made:], source.reversed_on, keep_left=True)

    @staticmethod
    def count(part, sign):
        document = part.document
        if part.source.kind == "payment":
            document.applied += sign * part.cash
        else:
            document.credited += sign * part.cash
        document.discount += sign * part.discount

    def undo(self, parts, date, keep_left=False):
        """Opens again what these parts closed.  keep_left: the source is a reversed payment,
        whose cash does not come back."""
        for part in parts:
            on = max(date, part.effective)
            if part.live:
                part.application.undone_on = on
                self.undone.append(part.application)
            for item, taken in part.slices:
                item.move(on, taken)
            part.source.draw(on, -part.cash)
            if keep_left:
                part.source.left -= part.cash
            else:
                part.line.applied -= part.cash
            self.count(part, -1)

    # ---- journals

    def post(self, journal_id, date, posting, lines):
        sums = defaultdict(int)
        for account, customer, currency, amount in lines:
            sums[account, customer, currency] += amount
        kept = [(*key, amount) for key, amount in sums.items() if amount]
        if kept:
            assert sum(line[3] for line in kept) == 0, journal_id
            self.journals.append(Journal(journal_id, date, posting, kept))

    def close_arrival(self):
        """Posts what this event applied and undid."""
        for application in self.arrival.values():
            self.post_application(application, "", application.effective, 1)
        for application in self.undone:
            self.post_application(application, ":undone", application.undone_on, -1)
        self.arrival, self.undone = {}, []

    def post_application(self, application, mark, date, sign):
        lines = [line for part in application.parts for line in part_lines(part, sign)]
        kind = "credit_application" if application.source.kind == "credit_note" else "application"
        self.post(f"{kind}:{application.id}{mark}", date,
                  "undone" if mark else "application", lines)

    def post_document(self, document, journal_id, date, posting, sign):
        event, side = document.event, [document.customer, document.currency]
        if event["opening"]:
            other = [("opening", *side, -sign * document.gross)]
        else:
            other = [("revenue", *side, -sign * event["net_minor"]),
                     ("output_tax", *side, -sign * event["tax_minor"])]
        self.post(journal_id, date, posting,
                  [("receivable", *side, sign * document.gross), *other])

    # ---- what arrives

    def on_document(self, event):
        kind = KIND_BY_TYPE[event.type]
        number = event[KEYS[event.type][1]]
        given = ([{"due_date": event["issue_date"], "amount_minor": event["gross_minor"]}]
                 if kind == "credit_note" else event["instalments"])
        items = [Item(no, one["due_date"], one["amount_minor"])
                 for no, one in enumerate(given, 1)]
        document = Document(kind, event, number, items)
        for item in items:
            item.move(event["issue_date"], item.amount)
        self.documents[kind, number] = document
        self.post_document(document, f"{kind}:{number}:issue", event["issue_date"], kind,
                           -1 if document.is_credit else 1)
        if document.is_credit:
            self.on_lines([Line(document, 1, event["invoice_id"], None, document.gross)]
                          if event["invoice_id"] else [])
            return
        if kind == "invoice" and number in self.cancellations:
            self.cancel(document, self.cancellations.pop(number))
        met = [line for line in self.waiting_lines if line.names(document)]
        self.waiting_lines = [line for line in self.waiting_lines if line not in met]
        note = self.documents.get(("debit_note", number)) if kind == "invoice" else None
        met += [line for line in note.lines if line.wants and line.invoice_id == number
                ] if note else []
        if not document.cancelled_on:
            met += self.by_number(document)
        self.settle(document, met)

    def on_lines(self, lines):
        for line in lines:
            if line.amount <= 0:
                continue
            document = self.find(line)
            if line.invoice_id is None:
                self.number_lines.append(line)
            elif document is None:
                self.waiting_lines.append(line)
            while document:
                before = line.applied
                self.apply(line, document)
                if line.invoice_id is not None or line.applied == before or not line.wants:
                    break
                document = self.find(line)

    def by_number(self, document):
        """Lines that claim it by its number and are not complete."""
        return [line for line in self.number_lines if line.wants and line.names(document)]

    def on_payment(self, event):
        payment = Payment(event, event["payment_id"])
        payment.draw(payment.date, -payment.amount)
        self.payments[payment.id] = payment
        self.post_receipt(payment, "receipt", payment.date, 1)
        lines = [Line(payment, number, one.get("invoice_id") or None, one.get("number"),
                      one["amount_minor"], one.get("discount_minor") or 0)
                 for number, one in enumerate(event["remittance"] or [], 1)]
        self.on_lines(lines)
        if payment.id in self.reversals:
            self.close_arrival()
            self.reverse(payment, self.reversals.pop(payment.id))

    def post_receipt(self, payment, posting, date, sign):
        side = [payment.customer, payment.currency]
        self.post(f"payment:{payment.id}:{posting}", date, posting,
                  [("opening" if payment.event["opening"] else "bank", *side,
                    sign * payment.amount), ("unapplied", *side, -sign * payment.amount)])

    def on_reversal(self, event):
        payment = self.payments.get(event["payment_id"])
        if payment:
            self.reverse(payment, event)
        else:
            self.reversals[event["payment_id"]] = event

    def reverse(self, payment, event):
        parts = [part for part in payment.parts if part.live]
        payment.reversed_on = event["reversed_date"]
        self.undo(parts, payment.reversed_on, keep_left=True)
        payment.moves.append((payment.reversed_on, -payment.amount))
        self.post_receipt(payment, "reversal", payment.reversed_on, -1)
        reopened = {(part.document.kind, part.document.id.encode()): part.document
                    for part in parts}
        for _, document in sorted(reopened.items()):
            by_id = [line for line in document.lines
                     if line.invoice_id is not None and line.document is document]
            self.settle(document, [line for line in [*by_id, *self.by_number(document)]
                                   if line.wants and not line.source.reversed_on])

    def on_cancellation(self, event):
        document = self.documents.get(("invoice", event["invoice_id"]))
        if document:
            self.cancel(document, event)
        else:
            self.cancellations[event["invoice_id"]] = event

    def cancel(self, document, event):
        day = event["cancelled_date"]
        self.undo([part for part in document.parts if part.live], day)
        document.cancelled_on = max(day, document.issue_date)
        self.take_off(document, document.open, document.cancelled_on)
        self.post_document(document, f"invoice:{document.id}:cancellation",
                           document.cancelled_on, "cancellation", -1)
        for line in document.lines:
            if line.invoice_id is None:
                line.document = None
            else:
                line.closed = True

    # ---- disputes

    def dispute(self, dispute_id, key, amount):
        """key: kind and id of its document; amount None: not active any more."""
        self.disputes.pop(dispute_id, None)
        if amount is not None:
            self.disputes[dispute_id] = (key, amount)
        self.spread_disputes()

    def spread_disputes(self):
        left = defaultdict(int)
        for key, amount in self.disputes.values():
            left[key] += amount
        for key, document in self.documents.items():
            for item in document.by_due_date():
                item.disputed = min(left[key], item.open)
                left[key] -= item.disputed

    # ---- what is published

    def publish(self):
        """Tells of the documents that are not as they were."""
        for document in self.documents.values():
            cancelled = document.cancelled_on is not None
            items = [(item.open, item.disputed, document.credited, cancelled)
                     for item in document.items]
            if document.told_items != items:
                document.told_items = items
                document.told = Told(document.open, document.credited, cancelled)

    # ---- the laws

    def check(self):
        """receivable control = open debit - open credit; unapplied control = unapplied."""
        control, items = defaultdict(int), defaultdict(int)
        for journal in self.journals:
            for account, customer, currency, amount in journal.lines:
                if account in ("receivable", "unapplied"):
                    control[account, customer, currency] += amount
        for document in self.documents.values():
            sign = -1 if document.is_credit else 1
            items["receivable", document.customer, document.currency] += sign * document.open
            assert document.open >= 0
        for payment in self.payments.values():
            items["unapplied", payment.customer, payment.currency] -= payment.unapplied
            assert payment.left >= 0
        for key in control.keys() | items.keys():
            assert control[key] == items[key], (key, control[key], items[key])


def part_lines(part, sign):
    """The journal lines of a part: debit positive."""
    source, document = part.source, part.document
    theirs, currency = document.customer, document.currency
    if source.kind == "payment":
        return [("unapplied", source.customer, currency, sign * part.cash),
                ("discount", theirs, currency, sign * part.discount),
                ("receivable", theirs, currency, -sign * (part.cash + part.discount))]
    return [("receivable", source.customer, currency, sign * part.cash),
            ("receivable", theirs, currency, -sign * part.cash)]


# ---- what is parked

def want(condition, name, value):
    if not condition:
        raise Parked(f"{name}: {value!r}")


def check_amount(name, amount):
    want(0 <= amount <= MAX_AMOUNT, name, amount)


def check_document(event):
    for name in (KEYS[event.type][1], "number"):
        want(event[name], name, event[name])
    gross = event["gross_minor"]
    check_amount("gross_minor", gross)
    for name in ("net_minor", "tax_minor"):
        want(abs(event[name]) <= MAX_AMOUNT, name, event[name])
    want(gross == event["net_minor"] + event["tax_minor"], "gross_minor", gross)
    if event.type == "CreditNoteIssued":
        return
    want(event["instalments"], "instalments", event["instalments"])
    for one in event["instalments"]:
        check_amount("instalments.amount_minor", one["amount_minor"])
    want(sum(one["amount_minor"] for one in event["instalments"]) == gross, "instalments",
         event["instalments"])
    check_amount("discount_minor", event["discount_minor"] or 0)


def check_payment(event):
    want(event["payment_id"], "payment_id", event["payment_id"])
    check_amount("amount_minor", event["amount_minor"])
    want(event["amount_minor"] > 0, "amount_minor", 0)
    for line in event["remittance"] or []:
        want(abs(line["amount_minor"]) <= MAX_AMOUNT, "remittance.amount_minor", line)
        check_amount("remittance.discount_minor", line.get("discount_minor") or 0)
        want(line.get("invoice_id") or line.get("number"), "remittance", line)


def refuse_refund(event):
    raise Parked(f"refund_id: {event['refund_id']!r}: there is no rule for refunds yet")


CHECKS = {"PaymentReceived": check_payment, "RefundPaid": refuse_refund, "InvoiceIssued": check_document,
          "DebitNoteIssued": check_document, "CreditNoteIssued": check_document}
HANDLERS = {"PaymentReceived": Account.on_payment, "PaymentReversed": Account.on_reversal,
            "InvoiceIssued": Account.on_document, "DebitNoteIssued": Account.on_document,
            "CreditNoteIssued": Account.on_document,
            "InvoiceCancelled": Account.on_cancellation}


class Receivables:
    """All accounts."""

    def __init__(self):
        self.accounts = {}

    def account(self, name):
        if name not in self.accounts:
            self.accounts[name] = Account(name)
        return self.accounts[name]

    def take(self, event):
        """Applies an invoice or payment event; the account, or None where nothing happened."""
        account = self.account(event.account)
        if account.parked:
            return None
        try:
            CHECKS.get(event.type, lambda _: None)(event)
        except Parked as why:
            account.parked = f"line {event.arrival}: {event.type}: {why}"
            account.parked_event = event
            return None
        kind, name = KEYS[event.type]
        first = account.first.setdefault((kind, event[name]), event)
        if first is not event:
            if first.content != event.content:
                account.conflicts.append((first, event))
            return None
        HANDLERS[event.type](account, event)
        account.close_arrival()
        account.spread_disputes()
        account.check()
        return account

    def waiting(self):
        """(kind, document, what it waits for, first event)."""
        for account in self.accounts.values():
            unmet = [*account.waiting_lines, *(
                line for line in account.number_lines
                if line.wants and not account.find(line))]
            for line in unmet:
                if not line.source.reversed_on:
                    yield line.source.kind, line.source.id, line.waits_for, line.source.event
            for name, event in account.cancellations.items():
                yield "cancellation", name, "InvoiceIssued", event
            for name, event in account.reversals.items():
                yield "reversal", name, "PaymentReceived", event
