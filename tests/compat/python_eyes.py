"""Independent eyes on our bytes: fastavro, and confluent-kafka's Avro serializers with a
schema registry of a few lines on the loopback address.

Run by ctest: python_eyes.py EYES SCHEMAS   (EYES is the program of eyes.c)
Exit code 77 (skipped) where the packages of tests/requirements.txt are missing, unless the
environment variable CI is set.
"""
import collections
import datetime
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest
import uuid

try:
    import fastavro
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry import (topic_record_subject_name_strategy,
                                                 topic_subject_name_strategy)
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError as missing:
    print(f"skipped: {missing}: pip install -r tests/requirements.txt")
    sys.exit(1 if os.environ.get("CI") else 77)

EYES, SCHEMAS = sys.argv[1], pathlib.Path(sys.argv[2])
IDS = json.loads((SCHEMAS / "ids.json").read_text())
TEXTS = {line["id"]: (SCHEMAS / line["file"]).read_text() for line in IDS}
PARSED = {number: fastavro.parse_schema(json.loads(text)) for number, text in TEXTS.items()}
CURRENT = {line["name"]: line["id"] for line in IDS}  # the last line of a name counts
NAMESPACE = uuid.UUID("5f2e1c86-0b5d-4a33-9e47-6dc113f08a72")


def run(command, lines=()):
    text = "".join(line + "\n" for line in lines)
    result = subprocess.run([EYES, *command], input=text, capture_output=True, text=True,
                            encoding="utf-8", timeout=120, check=True)
    return result.stdout.split("\n")[:-1]


@functools.cache
def written_by_us():
    return run(["write", "4711"])


def ours():
    """(schema id, framed bytes, JSON) of random events of every type."""
    for line in written_by_us():
        text, said = line.split("\t")
        record = bytes.fromhex(text)
        yield int.from_bytes(record[1:5], "big"), record, json.loads(said)


def plain(value):
    """What Avro readers return, as our JSON says it."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        text = value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat()
        return text + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def without_type(said):
    return {name: value for name, value in said.items() if name != "type"}


def encode(number, value):
    out = io.BytesIO()
    out.write(b"\0" + number.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, PARSED[number], value)
    return out.getvalue()


def decode(number, record):
    body = io.BytesIO(record[5:])
    value = fastavro.schemaless_reader(body, PARSED[number])
    assert body.read() == b"", "bytes are left over"
    return value


class Fastavro(unittest.TestCase):
    def test_it_reads_what_we_write(self):
        seen = set()
        for number, record, said in ours():
            self.assertEqual(plain(decode(number, record)), without_type(said))
            seen.add(number)
        self.assertEqual(seen, set(CURRENT.values()))

    def test_we_read_what_it_writes(self):
        written = [(encode(number, decode(number, record)), said)
                   for number, record, said in ours()]
        read = run(["read"], [record.hex() for record, _ in written])
        self.assertEqual([json.loads(line) for line in read], [said for _, said in written])

    def test_we_read_what_it_writes_with_the_first_version(self):
        old = next(line["id"] for line in IDS if line["name"] == "o2c.orders.OrderPlaced")
        orders = [(decode(number, record), said) for number, record, said in ours()
                  if said["type"] == "OrderPlaced"]
        read = run(["read"], [encode(old, value).hex() for value, _ in orders])
        for line, (_, said) in zip(read, orders, strict=True):
            said.pop("sales_channel", None)
            self.assertEqual(json.loads(line), said)

    def test_it_computes_the_fingerprints_of_ids_json(self):
        """fastavro prints the 8 bytes little-endian, ids.json the number."""
        for line in IDS:
            form = fastavro.schema.to_parsing_canonical_form(json.loads(TEXTS[line["id"]]))
            found = fastavro.schema.fingerprint(form, "CRC-64-AVRO")
            self.assertEqual(line["fingerprint"], bytes.fromhex(found)[::-1].hex())

    def test_it_finds_older_versions_readable(self):
        events = collections.defaultdict(list)
        for number, record, _ in ours():
            events[number].append(decode(number, record))
        for line in IDS:
            current = CURRENT[line["name"]]
            for value in events[current]:
                body = io.BytesIO(encode(line["id"], value)[5:])
                fastavro.schemaless_reader(body, PARSED[line["id"]], PARSED[current])


class Registry(http.server.BaseHTTPRequestHandler):
    """The few requests that the serializers make, answered from ids.json."""

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if not self.path.startswith("/schemas/ids/"):
            self.send_error(404)
            return
        number = int(self.path.split("/schemas/ids/")[1].split("?")[0])
        self.answer({"schema": TEXTS[number], "schemaType": "AVRO"})

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = fastavro.schema.fullname(json.loads(sent["schema"]))
        subject = self.path.split("/subjects/")[1].split("?")[0].split("/")[0]
        self.answer({"id": CURRENT[name], "version": 1, "subject": subject,
                     "schema": sent["schema"], "schemaType": "AVRO"})

    def log_message(self, *_):
        pass


class Confluent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.client = SchemaRegistryClient(
            {"url": f"http://127.0.0.1:{cls.server.server_port}"})

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def test_its_deserializer_reads_what_we_write(self):
        reader = AvroDeserializer(self.client, conf={
            "subject.name.strategy": topic_subject_name_strategy})
        for _, record, said in ours():
            context = SerializationContext("o2c.any", MessageField.VALUE)
            self.assertEqual(plain(reader(record, context)), without_type(said))

    def test_we_read_what_its_serializer_writes(self):
        settings = {"auto.register.schemas": False, "use.latest.version": False,
                    "subject.name.strategy": topic_record_subject_name_strategy}
        writers, written, expected = {}, [], []
        for number, record, said in ours():
            if number not in writers:
                writers[number] = AvroSerializer(self.client, Schema(TEXTS[number], "AVRO"),
                                                 conf=settings)
            context = SerializationContext("o2c.any", MessageField.VALUE)
            written.append(writers[number](decode(number, record), context))
            expected.append(said)
        read = run(["read"], [record.hex() for record in written])
        self.assertEqual([json.loads(line) for line in read], expected)


class Ids(unittest.TestCase):
    def test_an_id_left_out_is_the_uuid5_of_type_and_canonical_json(self):
        lines, expected = [], []
        for _, _, said in ours():
            if "event_id" not in said:
                continue
            del said["event_id"]
            kind = said.pop("type")
            text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest = hashlib.sha1(NAMESPACE.bytes + kind.encode() + b"\0" + text.encode())
            expected.append(str(uuid.UUID(bytes=digest.digest()[:16], version=5)))
            lines.append(json.dumps({**said, "type": kind}))
        self.assertEqual(run(["publish"], lines), expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
