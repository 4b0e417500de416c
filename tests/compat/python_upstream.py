"""An upstream system in Python: publishes orders to o2c with confluent-kafka and fastavro.

    python_upstream.py BOOTSTRAP SCHEMAS_FOLDER [PARTITIONER]

What matters, and what the test of this file checks:
  - the key is the account (account_id, or customer_id where that is absent);
  - the partitioner is murmur2_random: librdkafka's own default places keys elsewhere, and
    o2c sets such records aside;
  - acks=all and idempotence, so that retries neither lose, repeat nor reorder;
  - the value is a 0 byte, the schema's number in ids.json (4 bytes, big endian), then Avro;
  - the CloudEvents headers, without personal data;
  - an event_id made from what the event says, so that sending it again is a repeat.
Exit code 77 where the packages of tests/requirements.txt are missing, unless CI is set.
"""
import io
import json
import os
import pathlib
import struct
import sys
import uuid

try:
    import fastavro
    from confluent_kafka import Producer
except ImportError as missing:
    print(f"skipped: {missing}: pip install -r tests/requirements.txt")
    sys.exit(1 if os.environ.get("CI") else 77)

BOOTSTRAP, SCHEMAS = sys.argv[1], pathlib.Path(sys.argv[2])
PARTITIONER = sys.argv[3] if len(sys.argv) > 3 else "murmur2_random"
SOURCE = "python-shop"
PLACED_AT_US = 1769853600000000  # 2026-01-31T10:00:00Z


def newest_schema(full_name):
    """(number, parsed schema) of the version that is written today: the last in ids.json."""
    lines = json.loads((SCHEMAS / "ids.json").read_text())
    line = [line for line in lines if line["name"] == full_name][-1]
    schema = json.loads((SCHEMAS / line["file"]).read_text())
    return line["id"], fastavro.parse_schema(schema)


def framed(schema_id, schema, event):
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(out, schema, event)
    return out.getvalue()


def order(number):
    return {
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"shop.example/orders/{number}/1")),
        "occurred_at": PLACED_AT_US,
        "source": SOURCE,
        "customer_id": f"customer-{number}",
        "account_id": None,
        "order_id": f"order-{number}",
        "revision": 1,
        "placed_at": PLACED_AT_US,
        "currency": "EUR",
        "invoice_policy": "on_shipment",
        "ship_policy": "on_order",
        "lines": [{"line_no": 1, "sku": "ROPE", "quantity_milli": 2500,
                   "unit_price_micro": 4200000}],
    }


def send(producer, key, value, headers, on_delivery):
    """Waits while as much is in flight as the client allows."""
    while True:
        try:
            producer.produce("o2c.orders", key=key, value=value, headers=headers,
                             on_delivery=on_delivery)
            producer.poll(0)  # delivery reports are taken here
            return
        except BufferError:
            producer.poll(0.5)


def main():
    schema_id, schema = newest_schema("o2c.orders.OrderPlaced")
    failed = []
    producer = Producer({
        "bootstrap.servers": BOOTSTRAP,
        "client.id": SOURCE,
        "partitioner": PARTITIONER,
        "enable.idempotence": True,
        "acks": "all",
        "delivery.timeout.ms": 0,  # never give a record up: its successors would overtake it
    })
    for number in range(20):
        event = order(number)
        account = event["account_id"] or event["customer_id"]
        headers = {
            "ce_specversion": "1.0",
            "ce_id": event["event_id"],
            "ce_type": "OrderPlaced",
            "ce_source": SOURCE,
            "ce_time": "2026-01-31T10:00:00Z",
            "ce_subject": account,
            "content-type": "application/avro",
        }
        send(producer, account, framed(schema_id, schema, event), headers,
             lambda err, _: err and failed.append(str(err)))
    left = producer.flush(30)
    if failed or left:
        print(f"{left} not acknowledged, failed: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
