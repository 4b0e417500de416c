"""Where a scenario drains: see the contract of tests/scenario."""

import json

from shuffle import RUN_TOPICS, TOPICS

BARRIER = '{"barrier": true}\n'


class BadInput(Exception):
    """A line that is no event, with its number."""


def parse(text, number):
    try:
        given = json.loads(text)
    except ValueError as fault:
        raise BadInput(f"line {number}: {fault}") from None
    if not isinstance(given, dict):
        raise BadInput(f"line {number}: not an object")
    return given


def segments(lines, in_order):
    """Yields lists of lines; between them everything drains.

    A drain stands at every barrier line, before and after runs of customer, catalog and clock
    lines, and, where the file is published in order, before a line whose account already has a
    line on another topic since the last drain: then a plain run is deterministic.
    """
    segment, run, seen = [], None, {}

    def cut():
        nonlocal segment, seen
        done, segment, seen = segment, [], {}
        return [done] if done else []

    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        given = parse(text, number)
        if given.get("barrier") is True:
            yield from cut()
            continue
        topic = TOPICS.get(given.get("type"))
        account = given.get("account_id") or given.get("customer_id")
        its_run = topic if topic in RUN_TOPICS else None
        if its_run != run or (in_order and seen.get(account, topic) != topic):
            yield from cut()
        run = its_run
        seen[account] = topic
        segment.append(text if text.endswith("\n") else text + "\n")
    yield from cut()
