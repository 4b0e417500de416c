"""docs/faults.md: the table of what was broken, what had to hold and what was measured."""

from local_stack import ROOT

PAGE = ROOT / "docs" / "faults.md"

HEAD = """# What happens when something breaks

Every row is a case of `tests/faults/run`, played against a real Kafka broker and a real
PostgreSQL with the programs as they are shipped (built with sanitizers and failpoints). This
page is written by `tests/faults/run --write`; the figures are those of the last run of each case,
on a machine of two cores that was busy with other things.

"The same result" means: every reading view, every decision in the outboxes in its order, and
what a consumer behind the topic counted are equal to those of a run in which nothing was broken,
and `o2c verify` finds every record accounted for once and every outbox equal to its topic.

To play one: `tests/faults/run CASE`; against another build: `--build DIR`; all of them:
`tests/run -- -L faults`. With `TEST_LONG=1` the random ones run hundreds of times.

| | fault | how | what must hold | measured | case |
|---|---|---|---|---|---|
"""


def begin_of(case):
    return f" | {case.fault} | {case.how} | {case.invariant} | "


def end_of(case):
    return f" | `{case.name}` |"


def write(results):
    rows = [f"| {'holds' if holds else '**broken**'}{begin_of(case)}"
            f"{said.splitlines()[0].replace('|', '/')}{end_of(case)}\n"
            for case, holds, said in results]
    PAGE.write_text(HEAD + "".join(rows))


def absent(cases):
    """The names of those that the page does not have as they are now."""
    lines = PAGE.read_text().splitlines()
    return [case.name for case in cases
            if not any(begin_of(case) in line and line.endswith(end_of(case)) for line in lines)]
