"""docs/events.md from schemas/: every topic and event with its fields, and an example of each in
JSON.  Read from the .avsc files, topics.json and ids.json; whether the examples are what
o2c publish accepts is checked by it (see reference).
"""

import json
from collections import defaultdict
from pathlib import Path

HEAD = ("event_id", "occurred_at", "source", "company_id", "customer_id", "account_id")
KEYS = {"account": "the account (`account_id`, or else `customer_id`)",
        "entity": "the id of the document", "code": "the code", "none": "none",
        "bank_account": "the bank account"}
PLACEMENTS = {"hash": "murmur2 of the key modulo the partition count",
              "every_partition": "one copy in every partition",
              "source_partition": "the partition number of what caused it"}
KINDS = {"facts": "for ever", "state": "the newest record of each key (compacted)"}
LOGICAL = {"uuid": "UUID", "date": "date", "timestamp-micros": "moment"}
PLAIN = {"string": "text", "long": "whole number", "int": "whole number (32 bits)",
         "boolean": "true or false"}

# What examples say where a field's name is known; others follow their type.
NAMED = {"currency": "EUR", "order_id": "O-17", "customer_id": "C-1", "account_id": "C-1",
         "shipment_id": "S-5", "return_id": "R-2", "contract_id": "K-3", "source": "shop",
         "line_no": 1, "revision": 1, "sku": "ROPE", "quantity_milli": 2500,
         "unit_price_micro": 4200000, "country": "DE", "city": "Hamburg", "name": "Anna Berg",
         "line1": "Kai 1", "approved_by": "m.weber", "reason": "agreed by telephone",
         "company_id": "main", "payment_terms": "NET30", "invoice_id": "I-9"}
BY_TYPE = {"string": "text", "long": 1, "int": 1, "boolean": True, "UUID":
           "0f8fad5b-d9cb-469f-a165-70867728950e", "date": "2026-01-31",
           "moment": "2026-01-31T10:00:00Z"}

HEADING = """# Topics and events

Every topic and every event of the contract, from the schemas that the programs are built from
(`schemas/*/*.avsc`, `topics.json`, `ids.json`). Written by `tests/docs/reference --write`.

How to publish them: [publishing.md](publishing.md). What the consumers make of them:
[rules/](rules/). On the wire: the schema's id framed as Confluent does (a 0 byte, the id in four
bytes, big endian), then Avro; CloudEvents headers `ce_id`, `ce_type`, `ce_source`, `ce_time`,
`ce_subject`. The JSON here is that of files and of `o2c publish`, the examples say what must be
said and no more, and `o2c publish --check` accepts every one of them.

Units stand in the names: `_minor` whole minor units of the currency (cents), `_micro` millionths
of the major unit, `_milli` thousandths of a quantity, `_ppm` parts per million. A moment is
`"2026-01-31T10:00:00Z"` in JSON and microseconds since 1970 in Avro, a date `"2026-01-31"` and
days since 1970. *optional* fields may be left out; so may those with a default. **personal** marks
personal data, which never stands in keys, headers, logs or error texts.

Events that no consumer reads yet can be published: they are checked and kept on their topic, and
nothing comes of them until a consumer has a route for them. Those that the pipeline publishes
itself are for whoever listens.
"""


class Schemas:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.topics = self.read("topics.json")
        self.versions = defaultdict(list)  # full name -> lines of ids.json, oldest first
        for line in self.read("ids.json"):
            self.versions[line["name"]].append(line)

    def read(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def events_of(self, topic):
        """The schema of each event of a topic that is written today."""
        space = "o2c." + topic["name"].removeprefix("o2c.").replace("-", "_").replace(".", "_")
        for full, lines in sorted(self.versions.items()):
            if full.rsplit(".", 1)[0] == space:
                yield self.read(lines[-1]["file"]), lines


class Names:
    """Named types of one file, which may be used again by name."""

    def __init__(self):
        self.known = {}

    def resolve(self, avro):
        """(type without null and names, whether null is allowed)"""
        optional = isinstance(avro, list)
        if optional:
            avro = avro[1]
        if isinstance(avro, dict) and avro["type"] in ("record", "enum"):
            self.known[avro["name"]] = avro
        if isinstance(avro, str) and avro not in PLAIN:
            avro = self.known[avro.rsplit(".", 1)[-1]]
        return avro, optional


def kind(avro):
    if isinstance(avro, str):
        return avro
    return LOGICAL.get(avro.get("logicalType"), avro["type"])


def type_words(avro):
    name = kind(avro)
    if name == "enum":
        return " / ".join(f"`{symbol}`" for symbol in avro["symbols"])
    return {"record": "record", "array": "list"}.get(name) or PLAIN.get(name, name)


def further(field, optional):
    words = []
    if optional:
        words.append("*optional*")
    elif "default" in field:
        words.append(f"default `{json.dumps(field['default'])}`")
    if field.get("pii"):
        words.append("**personal**")
    return ", ".join(words)


def field_rows(record, names, path=""):
    for field in record["fields"]:
        avro, optional = names.resolve(field["type"])
        items = avro
        name = path + field["name"]
        words = type_words(avro)
        if kind(avro) == "array":
            items, _ = names.resolve(avro["items"])
            name += "[]"
            words = f"list of {'records' if kind(items) == 'record' else type_words(items)}"
        yield field, f"| `{name}` | {words} | {further(field, optional)} | {field['doc']} |"
        if kind(items) == "record":
            for _, row in field_rows(items, names, name + "."):
                yield None, row


def example_value(field, avro, names):
    name = kind(avro)
    if name == "record":
        return example_record(avro, names)
    if name == "array":
        items, _ = names.resolve(avro["items"])
        return [example_value({"name": field["name"].removesuffix("s")}, items, names)]
    if name == "enum":
        return avro["symbols"][0]
    return NAMED.get(field["name"], BY_TYPE[name])


def example_record(record, names):
    """What must be said, and no more."""
    said = {}
    for field in record["fields"]:
        avro, optional = names.resolve(field["type"])
        if not optional and "default" not in field and field["name"] != "event_id":
            said[field["name"]] = example_value(field, avro, names)
    return said


def example(schema):
    said = example_record(schema, Names())
    if schema.get("o2c", {}).get("occurred_at") != "required":
        said.pop("occurred_at", None)
    if "revision" in {field["name"] for field in schema["fields"]}:
        said.setdefault("revision", 1)
    return json.dumps({"type": schema["name"], **said}, ensure_ascii=False)


def has_head(schema):
    return schema["fields"][0]["name"] == "event_id"


def version_words(lines):
    *older, present = lines
    words = f"schema id {present['id']}, version {present['version']}"
    if older:
        words += "; read as well: " + ", ".join(
            f"version {line['version']} (id {line['id']})" for line in older)
    return words


def event_text(schema, lines, common, not_for_upstream, readers):
    text = f"### {schema['name']}\n\n{schema['doc']} ({version_words(lines)})\n\n"
    if has_head(schema):
        text += f"Read by: {', '.join(readers.get(schema['name'], ['no consumer yet']))}.\n\n"
    text += "| field | type | | meaning |\n|---|---|---|---|\n"
    text += "".join(row + "\n" for field, row in field_rows(schema, Names())
                    if not (field and common.get(field["name"]) == field))
    if schema["name"] in not_for_upstream:
        text += "\nPublished by the pipeline itself; `o2c publish` refuses it.\n"
    elif has_head(schema):
        text += f"\n```json\n{example(schema)}\n```\n"
    return text + "\n"


def common_fields(schemas):
    """The fields that events begin with, in the words that most of them use."""
    counts = defaultdict(int)
    fields = {}
    for topic in schemas.topics["topics"]:
        for schema, _ in schemas.events_of(topic):
            for field in schema["fields"] if has_head(schema) else ():
                if field["name"] in HEAD:
                    text = json.dumps(field, sort_keys=True)
                    counts[text] += 1
                    fields[text] = field
    common = {}
    for text in sorted(counts, key=lambda text: (counts[text], text)):
        common[fields[text]["name"]] = fields[text]
    return {name: common[name] for name in HEAD}


def topic_text(schemas, topic, common, not_for_upstream, readers):
    text = f"## {topic['name']}\n\n{topic['doc'][0].upper()}{topic['doc'][1:]}.\n\n"
    text += f"- key: {KEYS[topic['key']]}\n- partition: {PLACEMENTS[topic['placement']]}\n"
    text += f"- kept: {KINDS[topic['kind']]}\n"
    events = list(schemas.events_of(topic))
    if not events:
        text += ("- value: the bytes of the record as it arrived, whatever they are; none when it "
                 "has left\n- headers: `o2c_parked` (parked, released, discarded), "
                 "`o2c_parked_left` (records of the account that are parked then), "
                 "Kafka Connect's `__connect.errors.*`\n")
    return text + "\n" + "".join(event_text(schema, lines, common, not_for_upstream, readers)
                                 for schema, lines in events)


def examples(folder):
    """(name, line of JSON) of every event that is one; state records are none."""
    schemas = Schemas(folder)
    return [(schema["name"], example(schema)) for topic in schemas.topics["topics"]
            for schema, _ in schemas.events_of(topic) if has_head(schema)]


def overview(schemas, readers):
    text = "| topic | events | read by no consumer yet |\n|---|---|---|\n"
    for topic in schemas.topics["topics"]:
        name = topic["name"]
        anchor = name.replace(".", "")
        links = [(schema["name"] in readers or not has_head(schema),
                  f"[{schema['name']}](#{schema['name'].lower()})")
                 for schema, _ in schemas.events_of(topic)]
        read, unread = (", ".join(link for known, link in links if known == wanted)
                        for wanted in (True, False))
        text += f"| [{name}](#{anchor}) | {read} | {unread} |\n"
    return text


def events_page(folder, not_for_upstream, readers):
    schemas = Schemas(folder)
    common = common_fields(schemas)
    text = HEADING + "\n" + overview(schemas, readers)
    text += "\n## Every event begins with\n\n| field | type | | meaning |\n|---|---|---|---|\n"
    text += "".join(row + "\n" for _, row in field_rows({"fields": list(common.values())},
                                                       Names()))
    text += """
An absent `event_id` is derived from the type and what is given, so that the same line published
again is the same event. An absent `occurred_at` is taken from the event where it names a moment.
The tables below leave these fields out where they mean what they mean here.

"""
    for topic in schemas.topics["topics"]:
        text += topic_text(schemas, topic, common, not_for_upstream, readers)
    return text.rstrip("\n") + "\n"
