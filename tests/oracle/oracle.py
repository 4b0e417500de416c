#!/usr/bin/env python3
"""oracle.py [--views V,V] EVENTS.ndjson - what the reading views must show after these events.

Written from docs/rules, never from the consumers.  Prints {"view": [rows]} as
tests/scenario does; ageing(2013-01-31) and customer_statement(C,FROM,TO) count as views.
Exit 0; 2 usage or bad input.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from books import Books  # noqa: E402
from ndjson import BadInput, read_events  # noqa: E402
from rules import Facts  # noqa: E402
from views import as_text, default_views, parse_view, views_of  # noqa: E402

ORDER_TOPICS = ("o2c.orders", "o2c.shipments")


def fold(lines, **settings):
    """settings: those of Books."""
    facts = Facts()
    facts.books = Books(**settings)
    for event in read_events(lines):
        if event.topic in ORDER_TOPICS:
            facts.add(event)
        else:
            if event.topic == "o2c.invoices":
                facts.add_invoice(event)
            facts.books.take(event)
    return facts


def view_names(text):
    names = re.findall(r"[^,()\s]+(?:\([^()]*\))?", text)
    for name in names:
        try:
            parse_view(name)
        except ValueError as fault:
            raise argparse.ArgumentTypeError(str(fault)) from None
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=view_names)
    parser.add_argument("--days-overdue", type=int, default=10,
                        help="setting reminders.days_overdue")
    parser.add_argument("--go-live", metavar="DATE", help="setting reminders.go_live")
    parser.add_argument("events", help="NDJSON file, or - for standard input")
    chosen = parser.parse_args()
    settings = {"days_overdue": chosen.days_overdue, "go_live": chosen.go_live}
    try:
        if chosen.events == "-":
            facts = fold(sys.stdin, **settings)
        else:
            with open(chosen.events, encoding="utf-8") as lines:
                facts = fold(lines, **settings)
    except (BadInput, OSError) as fault:
        print(f"oracle: {fault}", file=sys.stderr)
        return 2
    sys.stdout.write(as_text(views_of(facts, chosen.views or default_views(facts))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
