"""docs/rules/disputes.md: the cases, and what they tell receivables."""

from dataclasses import dataclass, field
from itertools import chain

from receivables import DEBIT_SIDE, Parked, want

ACTIVE = ("open", "investigating", "waiting_customer", "in_approval", "approved")
AMOUNT_MAX = 10**15
LATER = ("DisputeAssigned", "DisputeDecided", "DisputeWithdrawn")  # in the order they apply


def in_turn(events):
    """What waited, as it is applied."""
    return sorted(events, key=lambda one: (
        LATER.index(one.type) if one.type in LATER else -1, one.arrival))


@dataclass
class Case:
    raised: object
    document: object
    amount: int  # still disputed
    credited_before: int  # of its document, when the dispute was raised
    state: str = "open"
    before: str = "open"  # the state in which it was closed
    assignee: str | None = None
    resolution: str | None = None
    evidence_count: int = 0
    held: list = field(default_factory=list)  # decided while it was closed

    @property
    def active(self):
        return self.state in ACTIVE

    @property
    def order(self):
        return self.raised["dispute_id"].encode()

    def apply(self, event):
        if event.type == "DisputeEvidenceAdded":
            self.evidence_count += 1
        elif not self.active:
            if event.type == "DisputeDecided":
                self.held.append(event)
            elif event.type == "DisputeWithdrawn" and self.resolution == "paid":
                self.close("withdrawn")
        elif event.type == "DisputeAssigned":
            self.assignee = event["assignee"]
            if self.state == "open":
                self.state = "investigating"
        elif event.type == "DisputeWithdrawn":
            self.close("withdrawn")
        elif event["outcome"] == "rejected":
            self.close("charge_back")
        else:
            self.state = "approved"
            if event["outcome"] == "partly_approved":
                self.amount = min(event["amount_minor"], self.raised["amount_minor"])

    def close(self, resolution):
        self.before, self.resolution = self.state, resolution
        self.state = "withdrawn" if resolution == "withdrawn" else "closed"

    def reopen(self):
        self.state, self.resolution = self.before, None
        held, self.held = self.held, []
        for event in in_turn(held):
            self.apply(event)


@dataclass
class Cases:
    """The cases of one account."""

    books: object  # the account in receivables
    first: dict = field(default_factory=dict)
    assignments: list = field(default_factory=list)  # seen
    conflicts: list = field(default_factory=list)
    parked: str | None = None
    cases: dict = field(default_factory=dict)
    waiting: list = field(default_factory=list)  # DisputeRaised whose document is unknown
    early: dict = field(default_factory=dict)  # dispute_id -> events before its case
    credit_used: dict = field(default_factory=dict)  # id(document) -> by cases that it closed

    def take(self, event):
        if self.parked:
            return
        try:
            self.check(event)
        except Parked as why:
            self.parked = f"line {event.arrival}: {event.type}: {why}"
            return
        if event.type != "DisputeEvidenceAdded" and not self.is_new(event):
            return
        if event.type == "DisputeRaised":
            self.raise_case(event)
        elif event["dispute_id"] in self.cases:
            case = self.cases[event["dispute_id"]]
            case.apply(event)
            self.tell(case)
            self.look_at(case.document)
        else:
            self.early.setdefault(event["dispute_id"], []).append(event)

    @staticmethod
    def check(event):
        if event.type == "DisputeRaised":
            want(1 <= event["amount_minor"] <= AMOUNT_MAX, "amount_minor", event["amount_minor"])
        if event.type == "DisputeDecided" and event["outcome"] == "partly_approved":
            want(event["amount_minor"] is not None and 1 <= event["amount_minor"] <= AMOUNT_MAX,
                 "amount_minor", event["amount_minor"])

    def is_new(self, event):
        if event.type == "DisputeAssigned":
            name = event["event_id"] or event.fields
            self.assignments.append(name)
            return self.assignments.index(name) == len(self.assignments) - 1
        first = self.first.setdefault((event.type, event["dispute_id"]), event)
        if (first.content != event.content
                and event.type in ("DisputeRaised", "DisputeDecided")):
            self.conflicts.append((first, event))
        return first is event

    def document_of(self, event):
        """The one that receivables published first, of those that DisputeRaised may mean."""
        return next((document for document in self.books.documents.values()
                     if document.kind in DEBIT_SIDE and document.id == event["invoice_id"]), None)

    def raise_case(self, event):
        document = self.document_of(event)
        if document is None:
            self.waiting.append(event)
        else:
            own = self.named_credit(event["dispute_id"])
            self.open_case(event, document, max(document.told.credited - own, 0))

    def naming(self):
        """Credit notes that say which dispute they are for."""
        return [document for document in self.books.documents.values()
                if document.is_credit and document.event["dispute_id"]]

    def named_credit(self, dispute_id):
        """What those that name it come to."""
        return sum(document.gross for document in self.naming()
                   if document.event["dispute_id"] == dispute_id)

    def never_raised(self):
        """dispute_id -> the first that came of it"""
        known = {event["dispute_id"] for event in self.waiting} | set(self.cases)
        events = [*chain(*self.early.values()), *(note.event for note in self.naming())]
        return {event["dispute_id"]: event
                for event in sorted(events, key=lambda one: one.arrival, reverse=True)
                if event["dispute_id"] not in known}

    def is_named(self, case):
        return self.named_credit(case.raised["dispute_id"]) >= case.amount

    def open_case(self, event, document, credited_before):
        case = Case(event, document, event["amount_minor"], credited_before)
        self.cases[event["dispute_id"]] = case
        if not document.told.open:  # before anything that waits for it
            self.look_at(document)
        for later in in_turn(self.early.pop(event["dispute_id"], [])):
            case.apply(later)
        self.tell(case)
        self.look_at(document)

    def look_at(self, document):
        """Opens and closes what cases of it should be, by what was told of it."""
        own = sorted((case for case in self.cases.values() if case.document is document),
                     key=lambda case: case.order)
        if document.told.open:
            for case in own:
                if case.resolution == "paid":
                    case.reopen()
                    self.tell(case)
        for case in sorted(own, key=lambda case: not self.is_named(case)):
            self.close_if_settled(case)

    def close_if_settled(self, case):
        told, key = case.document.told, id(case.document)
        used = max(case.credited_before, self.credit_used.get(key, 0))
        left, raised = told.credited - used, case.raised["amount_minor"]
        credited = (case.state == "approved" or self.is_named(case)) and left >= case.amount
        ended_by_word = case.resolution in ("charge_back", "withdrawn")
        if not (case.active or ended_by_word and credited) or (told.open and not credited):
            return
        if credited:
            if min(left, self.named_credit(case.raised["dispute_id"])) >= raised:
                case.amount = raised
            self.credit_used[key] = used + case.amount
            case.close("credit_note")
        elif told.cancelled:
            case.close("credit_note")
        else:
            case.close("write_off" if told.written_off else "paid")
        self.tell(case)

    def tell(self, case):
        document = case.document
        self.books.dispute(case.raised["dispute_id"], (document.kind, document.id),
                           case.amount if case.active else None)

    def items_changed(self):
        """Something of the account's documents is not as it was."""
        for event in [one for one in self.waiting if self.document_of(one)]:
            self.waiting.remove(event)
            self.open_case(event, self.document_of(event), 0)
        for document in {id(case.document): case.document
                         for case in self.cases.values()}.values():
            self.look_at(document)
