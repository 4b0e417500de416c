#!/usr/bin/env python3
"""shuffle.py SEED [--copies N] [--duplicate PERCENT] [--in-order] < EVENTS.ndjson

Another order of arrival that must lead to the same state: freely permuted between accounts and,
within an account, across topics; never within one topic of an account, and never across a drain
(a {"barrier": true} line, or the begin or end of a run of customer, catalog or clock lines).

--copies N writes N differently shuffled copies whose ids (fields marked "o2c": "id" in the
schemas) end in -copy1 ... -copyN.  --duplicate repeats that share of the events at random later
places.  --in-order permutes nothing (for --copies and --duplicate alone).
"""

import argparse
import json
import random
import sys
import uuid
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"

# Types that come with later releases; the schemas win where they know the type.
TOPIC_BY_TYPE = {
    "BusinessDayStarted": "o2c.clock",
    "CompanyDefined": "o2c.catalog",
    "BankAccountDefined": "o2c.catalog",
    "ProductDefined": "o2c.catalog",
    "PriceListDefined": "o2c.catalog",
    "TaxRateDefined": "o2c.catalog",
    "PaymentTermsDefined": "o2c.catalog",
    "DunningPolicyDefined": "o2c.catalog",
    "CalendarDefined": "o2c.catalog",
}
RUN_TOPICS = ("o2c.customers", "o2c.catalog", "o2c.clock")
UNSHUFFLED = ("o2c.catalog", "o2c.clock")


def record_ids(schema, found):
    """Fills `found` with the names of marked fields of a schema, at any depth."""
    if isinstance(schema, list):
        for member in schema:
            record_ids(member, found)
    elif isinstance(schema, dict) and schema.get("type") == "record":
        for field in schema["fields"]:
            if field.get("o2c") == "id":
                found.add(field["name"])
            record_ids(field["type"], found)
    elif isinstance(schema, dict):
        record_ids(schema.get("items", schema.get("type")), found)


def read_schemas():
    """(type -> topic, type -> names of its id fields at any depth)."""
    topics, ids = dict(TOPIC_BY_TYPE), {}
    for path in sorted(SCHEMAS.glob("*/*.avsc")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        name = schema["name"]
        topics[name] = schema["namespace"].replace("_", "-")
        record_ids(schema, ids.setdefault(name, set()))
    return topics, ids


TOPICS, IDS = read_schemas()


class BadInput(Exception):
    """A line that cannot be shuffled, with its number."""


class Line:
    """One line of the file; barriers are no lines."""

    def __init__(self, given, number):
        self.given = given
        self.topic = TOPICS.get(given.get("type"))
        if self.topic is None:
            raise BadInput(f"line {number}: unknown type {given.get('type')!r}")
        self.run = self.topic if self.topic in RUN_TOPICS else "business"

    @property
    def queue(self):
        """Lines of one queue keep their order."""
        if self.topic in UNSHUFFLED:
            return (self.topic,)
        return (self.given.get("account_id") or self.given.get("customer_id"), self.topic)

    def copy(self, number):
        names = IDS.get(self.given["type"], set())
        other = Line.__new__(Line)
        other.topic, other.run = self.topic, self.run
        other.given = marked(self.given, names, f"-copy{number}")
        if "event_id" in self.given:
            other.given["event_id"] = copied_event_id(self.given["event_id"], number)
        return other


def marked(value, names, mark, is_id=False):
    """The value with the mark after every id in it; an empty text names nothing."""
    if isinstance(value, dict):
        return {name: marked(member, names, mark, name in names)
                for name, member in value.items()}
    if isinstance(value, list):
        return [marked(item, names, mark, is_id) for item in value]
    return value + mark if is_id and isinstance(value, str) and value else value


def copied_event_id(event_id, number):
    try:
        return str(uuid.uuid5(uuid.UUID(event_id), f"copy{number}"))
    except ValueError:
        return event_id


def read_segments(lines):
    """The file as a list of segments between drains; None stands for a barrier line."""
    segments = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            given = json.loads(text)
        except ValueError as fault:
            raise BadInput(f"line {number}: {fault}") from None
        if given.get("barrier") is True:
            segments.append(None)
            continue
        line = Line(given, number)
        if not segments or segments[-1] is None or segments[-1][0].run != line.run:
            segments.append([])
        segments[-1].append(line)
    return segments


def permuted(segment, chance):
    """Every interleaving of the queues is equally likely."""
    queues = {}
    for line in segment:
        queues.setdefault(line.queue, []).append(line)
    turns = [queue for queue, lines in queues.items() for _ in lines]
    chance.shuffle(turns)
    heads = {queue: iter(lines) for queue, lines in queues.items()}
    return [next(heads[queue]) for queue in turns]


def merged(copies, chance):
    """The copies' lines at once, each copy in its own order."""
    turns = [number for number, copy in enumerate(copies) for _ in copy]
    chance.shuffle(turns)
    heads = [iter(copy) for copy in copies]
    return [next(heads[number]) for number in turns]


def with_repeats(segments, percent, chance):
    """Inserts repeats, each after its original in this or a later segment of the same run."""
    lines = [(at, place, line) for at, segment in enumerate(segments)
             for place, line in enumerate(segment or ())]
    inserts = {}
    for at, place, line in chance.sample(lines, round(len(lines) * percent / 100)):
        later = [number for number in range(at, len(segments))
                 if segments[number] and segments[number][0].run == line.run]
        target = chance.choice(later)
        begin = place + 1 if target == at else 0
        inserts.setdefault(target, []).append(
            (chance.randint(begin, len(segments[target])), line))
    for target, repeats in inserts.items():
        for place, line in sorted(repeats, key=lambda repeat: repeat[0], reverse=True):
            segments[target].insert(place, line)
    return segments


def rearranged(segments, seed, copies, percent, in_order):
    """All segments in another order of arrival."""
    chances = [random.Random(f"{seed}/{number}") for number in range(max(copies, 1) + 1)]
    result = []
    for segment in segments:
        if segment is None:
            result.append(None)
            continue
        made = [[line.copy(number) for line in segment] for number in range(1, copies + 1)]
        made = made or [segment]
        if not in_order:
            made = [permuted(copy, chance) for copy, chance in zip(made, chances)]
        result.append(merged(made, chances[-1]))
    return with_repeats(result, percent, chances[-1]) if percent else result


def write(segments, out):
    for segment in segments:
        if segment is None:
            out.write('{"barrier": true}\n')
        for line in segment or ():
            out.write(json.dumps(line.given, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed")
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--duplicate", type=float, default=0, metavar="PERCENT")
    parser.add_argument("--in-order", action="store_true")
    chosen = parser.parse_args()
    try:
        segments = read_segments(sys.stdin)
    except BadInput as fault:
        print(f"shuffle: {fault}", file=sys.stderr)
        return 2
    write(rearranged(segments, chosen.seed, chosen.copies, chosen.duplicate, chosen.in_order),
          sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
