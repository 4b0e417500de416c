"""Events that the pipeline published, decoded from its outboxes (o2c verify proves that the
topics hold the same).  An Avro reader of its own, from the .avsc files: it shares nothing with
the generated decoders.
"""

import json
from datetime import date, datetime, timedelta, timezone

from local_stack import ROOT

SCHEMAS = ROOT / "schemas"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# What tests/scenario shows beside the views when asked for it, by full name (ce_type).
SHOWN_AS = {"conflict_found": "o2c.conflicts.ConflictFound"}


class Reader:
    def __init__(self, data):
        self.data, self.at, self.named = data, 0, {}

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self):
        shift = coded = 0
        while True:
            byte, = self.take(1)
            coded |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return (coded >> 1) ^ -(coded & 1)

    def blocks(self, item):
        values = []
        while count := self.number():
            if count < 0:
                count = -count
                self.number()  # size in bytes
            values += [self.value(item) for _ in range(count)]
        return values

    def record(self, schema):
        return {field["name"]: self.value(field["type"]) for field in schema["fields"]}

    def value(self, schema):
        if isinstance(schema, list):
            return self.value(schema[self.number()])
        if isinstance(schema, dict) and "name" in schema:
            self.named[schema["name"]] = schema
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in self.named and not isinstance(schema, dict):
            return self.value(self.named[kind])
        read = {
            "null": lambda: None,
            "boolean": lambda: self.take(1) == b"\1",
            "int": lambda: moment(self.number(), schema),
            "long": lambda: moment(self.number(), schema),
            "string": lambda: self.take(self.number()).decode(),
            "enum": lambda: schema["symbols"][self.number()],
            "array": lambda: self.blocks(schema["items"]),
            "record": lambda: self.record(schema),
        }[kind]
        return read()


def moment(number, schema):
    """A number, or the text of the date or timestamp that it stands for."""
    logical = schema.get("logicalType") if isinstance(schema, dict) else None
    if logical == "date":
        return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
    if logical == "timestamp-micros":
        text = (EPOCH + timedelta(microseconds=number)).isoformat()
        return text.replace("+00:00", "Z")
    return number


def schemas_by_id():
    listed = json.loads((SCHEMAS / "ids.json").read_text())
    return {one["id"]: json.loads((SCHEMAS / one["file"]).read_text()) for one in listed}


def decode(value, schemas):
    """A record's value in Confluent framing."""
    if value[:1] != b"\0":
        raise ValueError("no Confluent framing")
    return Reader(value[5:]).value(schemas[int.from_bytes(value[1:5], "big")])


def published(run, event_type):
    """Every event of a type that a consumer has decided to publish; run(sql) gives lines."""
    schemas, events = schemas_by_id(), []
    for schema in run("SELECT quote_ident(schema) FROM o2c.consumer ORDER BY 1").split():
        lines = run(f"SELECT encode(value, 'hex') FROM {schema}.outbox WHERE value IS NOT NULL"
                    f" AND event_type = '{event_type}' ORDER BY partition, outbox_no")
        events += [decode(bytes.fromhex(line), schemas) for line in lines.split()]
    return events
