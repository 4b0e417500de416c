"""The fact rules of docs/rules/orders.md as functions of a set of events.

Everything is derived at the end from the set of first arrivals per natural
key: nothing here depends on the order in which they came, which is what the
rules promise.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from money import line_net_minor
from ndjson import FIELDS

CONTENT_TYPES = ("OrderPlaced", "OrderAmended")


def natural_key(event):
    """The key within the account that tells whether two events state the same fact."""
    if event.topic == "o2c.orders":
        return (event["order_id"], event["revision"])
    if event.type == "ShipmentReturned":
        return ("returned", event["return_id"])
    return (event.type.removeprefix("Shipment").lower(), event["shipment_id"])


@dataclass
class Conflict:
    """A later arrival that contradicts the first one of its key."""

    first: object
    later: object

    @property
    def fields(self):
        """Names in which they differ; events of two types are not compared by field."""
        if self.first.type != self.later.type:
            return ["type"]
        before, now = self.first.content, self.later.content
        return [name for name in FIELDS[self.later.type]
                if before.get(name) != now.get(name)]


@dataclass
class Facts:
    """What the events of a file state once repeats and conflicts are set apart."""

    first: dict = field(default_factory=dict)
    conflicts: list = field(default_factory=list)
    announced: set = field(default_factory=set)  # orders of which any content ever arrived
    invoices: dict = field(default_factory=dict)  # (account, id) -> first that names an order
    void: set = field(default_factory=set)  # (account, id) of invoices cancelled
    repeats: int = 0
    books: object = None  # what books.py makes of the money events

    def add(self, event):
        if event.type in CONTENT_TYPES:
            self.announced.add((event.account, event["order_id"]))
        key = (event.topic, event.account, natural_key(event))
        first = self.first.setdefault(key, event)
        if first is event:
            return
        if first.type == event.type and first.content == event.content:
            self.repeats += 1
        else:
            self.conflicts.append(Conflict(first, event))

    def add_invoice(self, event):
        """What orders make of o2c.invoices; contradictions are the books' to report."""
        key = (event.account, event["invoice_id"])
        if event.type == "InvoiceCancelled":
            self.void.add(key)
        elif event.type == "InvoiceIssued" and event["order_id"]:
            self.invoices.setdefault(key, event)

    def invoices_by_order(self):
        """(account, order_id) -> its invoices that are not cancelled."""
        groups = defaultdict(list)
        for key, event in self.invoices.items():
            if key not in self.void:
                groups[event.account, event["order_id"]].append(event)
        return groups

    def grouped(self, name, *types):
        """Events of these types by (account, field), oldest arrival first."""
        groups = defaultdict(list)
        for event in self.first.values():
            if event.type in types:
                groups[event.account, event[name]].append(event)
        return groups


def sum_lines(events):
    """line_no -> quantity over the lines of all these events."""
    sums = defaultdict(int)
    for event in events:
        for line in event["lines"]:
            sums[line["line_no"]] += line["quantity_milli"]
    return sums


def by_lines(invoice):
    """[(order line, quantity)] that an invoice states; empty: it counts by its amount."""
    return [(line["order_line_no"], line["quantity_milli"]) for line in invoice["lines"]
            if "order_line_no" in line]


def invoiced_quantities(invoices):
    """line_no -> quantity over all of them, those left out that come to nothing."""
    sums = defaultdict(int)
    for invoice in invoices:
        for line_no, milli in by_lines(invoice):
            sums[line_no] += milli
    return {line_no: milli for line_no, milli in sums.items() if milli}


def first_dispatches(dispatches):
    """line_no -> when something was first dispatched on it."""
    first = {}
    for event in sorted(dispatches, key=lambda event: event["dispatched_at"]):
        for line in event["lines"]:
            first.setdefault(line["line_no"], event["dispatched_at"])
    return first


def shipped_skus(dispatches):
    """line_no -> skus that anything was shipped as."""
    skus = defaultdict(list)
    for event in sorted(dispatches, key=lambda event: event["shipment_id"].encode()):
        for line in event["lines"]:
            skus[line["line_no"]].append((line["sku"], line["quantity_milli"]))
    return skus


@dataclass
class Line:
    line_no: int
    sku: str | None = None
    ordered_milli: int = 0
    shipped_milli: int = 0
    returned_milli: int = 0
    cancelled_milli: int = 0
    invoiced_milli: int = 0
    first_dispatched_at: int | None = None
    unit_price_micro: int | None = None
    in_content: bool = False
    foreign_sku: bool = False

    @property
    def open_milli(self):
        return self.ordered_milli - self.cancelled_milli - self.shipped_milli

    @property
    def missing_milli(self):
        wanted = max(self.ordered_milli - self.cancelled_milli, self.shipped_milli)
        return max(0, wanted - self.returned_milli - max(0, self.invoiced_milli))

    @property
    def not_invoiced_milli(self):
        return max(0, self.shipped_milli - self.returned_milli - max(0, self.invoiced_milli))


@dataclass
class Order:
    account: str
    order_id: str
    content: object
    revision: int
    lines: list
    invoices: list

    @property
    def nothing_shipped(self):
        return all(line.shipped_milli == 0 for line in self.lines)

    @property
    def net_minor(self):
        nets = []
        for line in self.content["lines"]:
            if line.get("unit_price_micro") is None:
                return None
            nets.append(line_net_minor(line["quantity_milli"], line["unit_price_micro"],
                                       self.content["currency"]))
        return sum(nets)

    @property
    def shipment_state(self):
        if any(line.shipped_milli and (not line.in_content or line.foreign_sku)
               for line in self.lines):
            return "exception"
        left = sum(line.ordered_milli - line.cancelled_milli for line in self.lines)
        if self.nothing_shipped:
            return "none" if left == 0 else "waiting"
        return "shipped" if all(line.open_milli <= 0 for line in self.lines) else "part_shipped"

    def net_of(self, invoices):
        return sum(event["net_minor"] for event in invoices
                   if event["currency"] == self.content["currency"])

    @property
    def invoiced_minor(self):
        return self.net_of(self.invoices)

    @property
    def lump_sum_minor(self):
        return self.net_of(event for event in self.invoices if not by_lines(event))

    @property
    def something_invoiced(self):
        return self.lump_sum_minor > 0 or any(line.invoiced_milli > 0 for line in self.lines)

    def left_of(self, name):
        """(worth that the lump sum leaves, covered) of a quantity of all lines."""
        worth, known = 0, True
        for line in self.lines:
            milli = getattr(line, name)
            if milli and line.unit_price_micro is None:
                known = False
            elif milli:
                worth += line_net_minor(milli, line.unit_price_micro, self.content["currency"])
        left = max(0, worth - max(0, self.lump_sum_minor))
        return left, known and not left

    @property
    def invoice_state(self):
        if not self.something_invoiced:
            return "none" if self.shipment_state == "none" else "pending"
        return "awaiting_payment" if self.left_of("missing_milli")[1] else "part_invoiced"

    @property
    def not_invoiced(self):
        """(amount, since when) of what has left and is not billed."""
        left, covered = self.left_of("not_invoiced_milli")
        if covered:
            return 0, None
        return left, min(line.first_dispatched_at for line in self.lines
                         if line.not_invoiced_milli)

    @property
    def state(self):
        if not self.nothing_shipped:
            return "processing"
        wholly_cancelled = all(line.cancelled_milli == line.ordered_milli
                               for line in self.lines)
        ordered = sum(line.ordered_milli for line in self.lines)
        if ordered > 0 and wholly_cancelled:
            return "cancelled"
        return "processing" if self.something_invoiced else "received"


def line_cancelled(cancellations, line_no):
    return any(event["line_nos"] is None or line_no in event["line_nos"]
               for event in cancellations)


def make_line(line_no, wanted, cancelled, shipped, returned, skus):
    line = Line(line_no, shipped_milli=shipped[line_no], returned_milli=returned[line_no])
    shipped_as = skus.get(line_no, [])
    if wanted is None:
        line.sku = min((sku for sku, _ in shipped_as), key=str.encode, default=None)
        return line
    line.in_content = True
    line.sku = wanted["sku"]
    line.ordered_milli = wanted["quantity_milli"]
    line.unit_price_micro = wanted.get("unit_price_micro")
    line.foreign_sku = any(sku != line.sku and milli for sku, milli in shipped_as)
    if cancelled:
        line.cancelled_milli = max(0, line.ordered_milli - line.shipped_milli)
    return line


def make_order(account, order_id, contents, cancellations, dispatches, returns, invoices):
    content = max(contents, key=lambda event: event["revision"])
    counting = [event for event in cancellations if event["revision"] > content["revision"]]
    shipped, returned = sum_lines(dispatches), sum_lines(returns)
    skus = shipped_skus(dispatches)
    invoiced = invoiced_quantities(invoices)
    first = first_dispatches(dispatches)
    wanted = {line["line_no"]: line for line in content["lines"]}
    lines = [make_line(line_no, wanted.get(line_no), line_cancelled(counting, line_no),
                       shipped, returned, skus)
             for line_no in sorted(wanted.keys() | shipped.keys() | returned.keys()
                                   | invoiced.keys())]
    for line in lines:
        line.invoiced_milli = invoiced.get(line.line_no, 0)
        line.first_dispatched_at = first.get(line.line_no)
    revision = max(event["revision"] for event in [content, *counting])
    return Order(account, order_id, content, revision, lines, invoices)


def orders_of(facts):
    """Every order that has content."""
    contents = facts.grouped("order_id", *CONTENT_TYPES)
    cancellations = facts.grouped("order_id", "OrderCancelled")
    dispatches = facts.grouped("order_id", "ShipmentDispatched")
    returns = facts.grouped("order_id", "ShipmentReturned")
    invoices = facts.invoices_by_order()
    return [make_order(*key, contents[key], cancellations.get(key, []),
                       dispatches.get(key, []), returns.get(key, []), invoices.get(key, []))
            for key in contents]


def waiting_orders(facts):
    """((account, order_id), first event that waited) of orders without content."""
    contents = facts.grouped("order_id", *CONTENT_TYPES)
    early = facts.grouped("order_id", "OrderCancelled", "ShipmentDispatched",
                          "ShipmentReturned")
    return [(key, events[0]) for key, events in early.items() if key not in contents]


@dataclass
class Shipment:
    account: str
    shipment_id: str
    dispatch: object
    delivery: object
    returns: list
    order_known: bool = False

    @property
    def witness(self):
        """The event that says whose shipment this is and of which order."""
        return (self.dispatch or self.delivery
                or min(self.returns, key=lambda event: event["return_id"].encode()))

    @property
    def events(self):
        return [event for event in (self.dispatch, self.delivery, *self.returns) if event]

    @property
    def state(self):
        if not self.order_known:
            return "waiting_order"
        refused = set((self.delivery and self.delivery["refused_lines"]) or ())
        returned = sum_lines(self.returns)
        came_back = bool(refused) or any(milli > 0 for milli in returned.values())
        if came_back and self.dispatch and all(
                line_no in refused or returned[line_no] >= milli
                for line_no, milli in sum_lines([self.dispatch]).items()):
            return "returned"
        if came_back:
            return "part_returned"
        return "delivered" if self.delivery else "dispatched"

    @property
    def waits_for(self):
        if not self.order_known:
            return "OrderPlaced"
        return None if self.dispatch else "ShipmentDispatched"


def shipments_of(facts):
    dispatches = facts.grouped("shipment_id", "ShipmentDispatched")
    deliveries = facts.grouped("shipment_id", "ShipmentDelivered")
    returns = facts.grouped("shipment_id", "ShipmentReturned")
    shipments = []
    for key in sorted(dispatches.keys() | deliveries.keys() | returns.keys()):
        shipment = Shipment(*key, dispatches.get(key, [None])[0],
                            deliveries.get(key, [None])[0], returns.get(key, []))
        shipment.order_known = (shipment.account,
                                shipment.witness["order_id"]) in facts.announced
        shipments.append(shipment)
    return shipments
