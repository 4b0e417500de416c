"""Reads the views of schema o2c in the form of the contract: JSON values, sorted rows."""

import json
import re
import subprocess

# The contract's order; views that it does not name come after, by name.
CONTRACT = ["customer", "order_status", "order_line", "shipment", "invoice", "payment",
            "cash_application", "bank_statement", "bank_entry", "reminder", "invoice_line",
            "credit_note", "debit_note", "discrepancy", "contract", "promise", "notification",
            "customer_change", "reconciliation", "journal", "kpi", "forecast", "flow",
            "dispute", "credit", "ledger_balance", "consumer_progress"]
NOT_BY_DEFAULT = ("consumer_progress",)
ROLE = "o2c_reader"

VIEW = re.compile(r"(?:o2c\.)?([a-z_][a-z0-9_]*)(?:\(([^()]*)\))?\Z")
TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?\+00:00\Z")


class UnknownView(Exception):
    """It cannot be the name of a view or function."""


def parse_views(text):
    """"order_status,ageing(2013-01-31)" as [(name as asked, SQL after FROM)]."""
    chosen = []
    for word in re.findall(r"[^,()]+(?:\([^()]*\))?|[()]", text):
        found = VIEW.match(word.strip())
        if not found:
            raise UnknownView(f"{word.strip()!r} is no name of a view")
        name, arguments = found.groups()
        source = f"o2c.{name}"
        if arguments is not None:
            words = [word.strip().strip("'") for word in arguments.split(",")]
            source += "(" + ", ".join(quoted(word) for word in words) + ")"
        chosen.append((word.strip().removeprefix("o2c."), source))
    return chosen


def quoted(word):
    return "'" + word.replace("'", "''") + "'"


def all_views(run):
    names = run("SELECT viewname FROM pg_views WHERE schemaname = 'o2c' ORDER BY 1").split()
    names.sort(key=lambda name: CONTRACT.index(name) if name in CONTRACT else len(CONTRACT))
    return [(name, f"o2c.{name}") for name in names if name not in NOT_BY_DEFAULT]


def script(views):
    yield "\\set ON_ERROR_STOP on\nSET TimeZone = 'UTC';\n"
    yield "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    yield f"SET LOCAL ROLE {ROLE};\n"
    for name, source in views:
        yield f"\\echo view {name}\nSELECT * FROM {source} \\gdesc\n"
        yield f"\\echo rows\nCOPY (SELECT row_to_json(r) FROM {source} r) TO STDOUT;\n"
    yield "COMMIT;\n"


def json_line(line):
    """COPY's text form of a JSON value: only backslashes are doubled, JSON has escaped the rest."""
    return json.loads(line.replace("\\\\", "\\"))


def contract_value(value, kind):
    if isinstance(value, str) and kind.startswith("timestamp"):
        found = TIMESTAMP.match(value)
        if found:
            moment, fraction = found.groups()
            return moment + ("." + fraction.ljust(6, "0") if fraction else "") + "Z"
    return value


def sort_key(row):
    """Columns left to right, C collation, nulls last."""
    return [(value is None, value.encode() if isinstance(value, str) else
             json.dumps(value) if isinstance(value, (list, dict)) else value)
            for value in row.values()]


def parse_output(text):
    views, kinds, at_rows = {}, {}, False
    rows = []
    for line in text.splitlines():
        if line.startswith("view ") and (not at_rows or not line.startswith("{")):
            rows = views[line.removeprefix("view ")] = []
            kinds, at_rows = {}, False
        elif line == "rows" and not at_rows:
            at_rows = True
        elif at_rows:
            given = json_line(line)
            rows.append({name: contract_value(given[name], kind)
                         for name, kind in kinds.items()})
        else:
            name, _, kind = line.partition("|")
            kinds[name] = kind
    for rows in views.values():
        rows.sort(key=sort_key)
    return views


def read_views(dsn, views):
    """{view: [row]} of one moment; views as parse_views gives them."""
    done = subprocess.run(["psql", "-XAtq", dsn], input="".join(script(views)), text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    return parse_output(done.stdout)


def as_text(views):
    """One row a line, so that a difference is a line."""
    parts = []
    for name, rows in views.items():
        body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f" {json.dumps(name)}: " + (f"[\n  {body}\n ]" if rows else "[]"))
    return "{\n" + ",\n".join(parts) + "\n}"
