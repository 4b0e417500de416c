"""docs/rules/disputes.md: the cases, and what they tell receivables."""

from dataclasses import dataclass, field

from receivables import Parked, want

ACTIVE = ("open", "investigating", "waiting_customer", "in_approval", "approved")
LATER = ("DisputeAssigned", "DisputeDecided", "DisputeWithdrawn")  # in the order they apply


@dataclass
class Case:
    raised: object
    state: str = "open"
    amount: int = 0  # still disputed
    assignee: str | None = None
    resolution: str | None = None
    evidence_count: int = 0

    @property
    def active(self):
        return self.state in ACTIVE and self.resolution is None


@dataclass
class Cases:
    """The cases of one account."""

    books: object  # the account in receivables
    first: dict = field(default_factory=dict)
    conflicts: list = field(default_factory=list)
    parked: str | None = None
    cases: dict = field(default_factory=dict)
    waiting: list = field(default_factory=list)  # DisputeRaised whose invoice is unknown
    early: dict = field(default_factory=dict)  # dispute_id -> events before DisputeRaised

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
            self.change(self.cases[event["dispute_id"]], event)
        else:
            self.early.setdefault(event["dispute_id"], []).append(event)

    def check(self, event):
        if event.type == "DisputeRaised":
            want(event["amount_minor"] > 0, "amount_minor", event["amount_minor"])
        if event.type == "DisputeDecided" and event["outcome"] == "partly_approved":
            want(event["amount_minor"] is not None and event["amount_minor"] > 0,
                 "amount_minor", event["amount_minor"])
            raised = self.first.get(("DisputeRaised", event["dispute_id"]))
            if raised:
                want(event["amount_minor"] <= raised["amount_minor"], "amount_minor",
                     event["amount_minor"])

    def is_new(self, event):
        key = (event.type, event["dispute_id"])
        first = self.first.setdefault(key, event)
        if first is event:
            return True
        if first.content != event.content:
            if event.type == "DisputeAssigned":
                self.first[key] = event
                return True
            if event.type in ("DisputeRaised", "DisputeDecided"):
                self.conflicts.append((first, event))
        return False

    def raise_case(self, event):
        document = self.books.named(event["invoice_id"])
        if document is None:
            self.waiting.append(event)
            return
        case = Case(event, amount=event["amount_minor"])
        self.cases[event["dispute_id"]] = case
        if document.open == 0:
            self.close(case, "closed", "paid")
        self.tell(case)
        early = self.early.pop(event["dispute_id"], [])
        for later in sorted(early, key=lambda one: (
                LATER.index(one.type) if one.type in LATER else -1, one.arrival)):
            self.change(case, later)

    def change(self, case, event):
        if not case.active:
            return
        if event.type == "DisputeEvidenceAdded":
            case.evidence_count += 1
        elif event.type == "DisputeAssigned":
            case.assignee = event["assignee"]
            if case.state == "open":
                case.state = "investigating"
        elif event.type == "DisputeWithdrawn":
            self.close(case, "withdrawn", "withdrawn")
        elif event["outcome"] == "rejected":
            self.close(case, "closed", "charge_back")
        else:
            case.state = "approved"
            if event["outcome"] == "partly_approved":
                case.amount = event["amount_minor"]
        self.tell(case)

    @staticmethod
    def close(case, state, resolution):
        case.state, case.resolution = state, resolution

    def tell(self, case):
        event = case.raised
        self.books.dispute(event["dispute_id"], event["invoice_id"],
                           case.amount if case.active else None)

    def items_changed(self):
        """Something of the account's documents is not as it was."""
        for event in [one for one in self.waiting if self.books.named(one["invoice_id"])]:
            self.waiting.remove(event)
            self.raise_case(event)
        for case in self.cases.values():
            document = self.books.named(case.raised["invoice_id"])
            if case.active and document.open == 0:
                self.close(case, "closed",
                           "credit_note" if case.state == "approved" else "paid")
                self.tell(case)
