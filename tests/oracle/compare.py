#!/usr/bin/env python3
"""compare.py EXPECTED.json ACTUAL.json [--arrival FILE] [--views V,V] [--copies N]

Compares two outputs of tests/scenario or of the oracle.  Views and columns of EXPECTED must be
in ACTUAL; further ones there are allowed.  Columns named in the arrival file (numbers, ids made
on the way, times of arrival, owners) are compared for shape and uniqueness only; of those with
"except" all but what that expression finds is compared.  With --copies N, ACTUAL holds N copies
made by shuffle.py: each of them is compared.  Without EXPECTED (one file and --copies) all copies
are compared with the first.  A view whose rows name no copy is not compared; it is named on
standard error.

Exit 0 equal; 1 differences, the first of them printed; 2 usage or bad input.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

ARRIVAL = Path(__file__).parent / "arrival_columns.json"
COPY_MARK = re.compile(r"-copy(\d+)(?!\d)")  # what shuffle.py appends to ids

SHAPES = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "timestamp": lambda value: isinstance(value, str) and re.fullmatch(
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", value),
    "date": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value),
    "uuid": lambda value: isinstance(value, str) and re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value),
}


def columns_of(rows):
    return list(rows[0]) if rows else []


def fixed_part(row, columns):
    """What must be equal of a row, as something to count."""
    return tuple(json.dumps(row.get(column, "(no such column)")) for column in columns)


def named(row, columns, count=2):
    return " ".join(f"{column}={json.dumps(row.get(column), ensure_ascii=False)}"
                    for column in columns[:count])


def left_over(rows, columns, other):
    """Rows of which `other` (a count of fixed parts) has no partner."""
    budget = Counter(other)
    lonely = []
    for row in rows:
        part = fixed_part(row, columns)
        if budget[part] > 0:
            budget[part] -= 1
        else:
            lonely.append(row)
    return lonely


def row_differences(view, missing, surplus, columns):
    """Pairs rows that name the same thing and says where they differ."""
    candidates = defaultdict(list)
    for row in surplus:
        candidates[fixed_part(row, columns[:1])].append(row)
    for row in missing:
        same = candidates[fixed_part(row, columns[:1])]
        if not same:
            yield f"{view}: missing {named(row, columns, len(columns))}"
            continue
        partner = best_partner(row, same, columns)
        same.remove(partner)
        for column in columns:
            if fixed_part(row, [column]) != fixed_part(partner, [column]):
                yield (f"{view}: {named(row, columns)}: {column} is "
                       f"{fixed_part(partner, [column])[0]}, expected "
                       f"{fixed_part(row, [column])[0]}")
    for same in candidates.values():
        for row in same:
            yield f"{view}: surplus {named(row, columns, len(columns))}"


def best_partner(row, candidates, columns):
    """The candidate that agrees in most columns."""
    return max(candidates, key=lambda other: sum(
        fixed_part(row, [column]) == fixed_part(other, [column]) for column in columns))


def without_numbers(rows, rules):
    """The rows without what "except" finds in their columns."""
    found = [(column, re.compile(rule["except"])) for column, rule in rules.items()
             if "except" in rule]
    return [{**row, **{column: left_out.sub("*", row[column]) for column, left_out in found
                       if row.get(column) is not None}} for row in rows]


def arrival_differences(view, rules, rows, side):
    for column, rule in rules.items():
        values = [row[column] for row in rows if row.get(column) is not None]
        for value in values:
            if not SHAPES[rule["shape"]](value):
                yield f"{view}: {column} {json.dumps(value)} {side} is no {rule['shape']}"
        if rule.get("unique"):
            for value, times in Counter(map(json.dumps, values)).items():
                if times > 1:
                    yield f"{view}: {column} {value} {side} stands {times} times"


def view_differences(view, expected, actual, arrival):
    expected, actual = (without_numbers(rows, arrival) for rows in (expected, actual))
    arrival = {column: rule for column, rule in arrival.items() if "except" not in rule}
    present = columns_of(expected)
    columns = [column for column in present if column not in arrival]
    missing = left_over(expected, columns, Counter(fixed_part(row, columns) for row in actual))
    surplus = left_over(actual, columns, Counter(fixed_part(row, columns) for row in expected))
    yield from row_differences(view, missing, surplus, columns or columns_of(actual))
    for side, rows in (("in EXPECTED", expected), ("in ACTUAL", actual)):
        yield from arrival_differences(view, arrival, rows, side)
    for column in present:
        nulls = [sum(row.get(column) is None for row in rows) for rows in (expected, actual)]
        if column in arrival and nulls[0] != nulls[1]:
            yield f"{view}: {column} is null in {nulls[1]} rows, expected {nulls[0]}"


def differences(expected, actual, arrival, views):
    for view in views or expected:
        if view not in expected or view not in actual:
            where = "EXPECTED" if view not in expected else "ACTUAL"
            yield f"{view}: no such view in {where}"
            continue
        yield from view_differences(view, expected[view], actual[view], arrival.get(view, {}))


def without_mark(value):
    if isinstance(value, str):
        return COPY_MARK.sub("", value)
    return [without_mark(item) for item in value] if isinstance(value, list) else value


def of_all_copies(output):
    """The views whose rows name no copy: they add up what all copies have, as flow does."""
    return [view for view, rows in output.items()
            if rows and not any(COPY_MARK.search(json.dumps(row)) for row in rows)]


def split_copies(output, count):
    """The output of each copy under the ids of the original, but for views of all copies."""
    views = {view: rows for view, rows in output.items() if view not in of_all_copies(output)}
    copies = [{view: [] for view in views} for _ in range(count)]
    for view, rows in views.items():
        for row in rows:
            marks = {int(number) for number in COPY_MARK.findall(json.dumps(row))}
            if len(marks) != 1 or not 1 <= min(marks) <= count:
                raise ValueError(f"{view}: {json.dumps(row)} belongs to no single copy")
            copies[marks.pop() - 1][view].append(
                {column: without_mark(value) for column, value in row.items()})
    return copies


def pairs(outputs, count):
    """(name, expected, actual) of what there is to compare."""
    if count == 0:
        return [("", *outputs)]
    copies = split_copies(outputs[-1], count)
    expected = outputs[0] if len(outputs) == 2 else copies[0]
    return [(f"copy {number}: ", expected, copy) for number, copy in enumerate(copies, 1)]


def load(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def report(found, limit):
    for line in found[:limit]:
        print(line)
    if len(found) > limit:
        print(f"... and {len(found) - limit} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", nargs="+", metavar="FILE")
    parser.add_argument("--arrival", default=ARRIVAL)
    parser.add_argument("--views", type=lambda text: text.replace("o2c.", "").split(","))
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--limit", type=int, default=20, help="differences printed")
    chosen = parser.parse_args()
    if len(chosen.outputs) != 2 and not (len(chosen.outputs) == 1 and chosen.copies > 1):
        parser.error("two files, or one with --copies")
    try:
        arrival = load(chosen.arrival)
        outputs = [load(path) for path in chosen.outputs]
        compared = pairs(outputs, chosen.copies)
    except (OSError, ValueError) as fault:
        print(f"compare: {fault}", file=sys.stderr)
        return 2
    found = [name + line for name, expected, actual in compared
             for line in differences(expected, actual, arrival, chosen.views)]
    report(found, chosen.limit)
    left_out = of_all_copies(outputs[-1]) if chosen.copies else []
    if left_out:
        print(f"not compared: {', '.join(left_out)}, of all copies together", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
