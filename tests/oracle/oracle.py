#!/usr/bin/env python3
"""oracle.py [--views V,V] EVENTS.ndjson - what the reading views must show after these events.

Written from docs/rules/orders.md, never from the consumers.  Prints {"view": [rows]} as
tests/scenario does.  Exit 0; 2 usage or bad input.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ndjson import BadInput, read_events  # noqa: E402
from rules import Facts  # noqa: E402
from views import COLUMNS, as_text, views_of  # noqa: E402


def fold(lines):
    facts = Facts()
    for event in read_events(lines):
        facts.add(event)
    return facts


def view_names(text):
    names = [name.strip().removeprefix("o2c.") for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown view {', '.join(unknown)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=view_names, default=list(COLUMNS))
    parser.add_argument("events", help="NDJSON file, or - for standard input")
    chosen = parser.parse_args()
    try:
        if chosen.events == "-":
            facts = fold(sys.stdin)
        else:
            with open(chosen.events, encoding="utf-8") as lines:
                facts = fold(lines)
    except (BadInput, OSError) as fault:
        print(f"oracle: {fault}", file=sys.stderr)
        return 2
    sys.stdout.write(as_text(views_of(facts, chosen.views)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
