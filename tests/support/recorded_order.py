"""The order in which a consumer folded what it read, as it recorded it: each row of `fold_order` says
how far a batch went in each topic of a partition; inside a batch the records come topic by topic,
as the consumer lists them, then by offset.
"""

import json

from published_events import decode, schemas_by_id
from topic_records import headers_of, records_of

# As their descriptors list them.
TOPICS = {"receivables": ("o2c.invoices", "o2c.payments", "o2c.disputes"),
          "disputes": ("o2c.cash", "o2c.dispute-requests"),
          "reminders": ("o2c.clock", "o2c.cash")}
OF_CONSUMERS = ("o2c.disputes", "o2c.cash")  # may hold a record twice; the host drops it by number


def batches(run, consumer):
    """(partition, topic, offset of the first record, offset behind the last) of each stretch that
    was folded at once, in the order of each partition; run(sql) gives lines.
    """
    lines = run(f"SELECT topic, partition, next_offset FROM {consumer}.first_offset").splitlines()
    stands = {(topic, partition): int(offset)
              for topic, partition, offset in (line.split("|") for line in lines)}
    for line in run(f"SELECT partition, next_offsets FROM {consumer}.fold_order"
                    " ORDER BY partition, batch_seq").splitlines():
        partition, offsets = line.split("|")
        for topic in TOPICS[consumer]:
            begin = stands[topic, partition]
            end = json.loads(offsets).get(topic, begin)
            if end > begin:
                yield int(partition), topic, begin, end
            stands[topic, partition] = end


class Inputs:
    """What was published to the topics of a pipeline, decoded."""

    def __init__(self, pipeline):
        self.pipeline, self.schemas, self.topics = pipeline, schemas_by_id(), {}

    def of_topic(self, topic):
        """{(partition, offset): {"type": ..., field: value}}"""
        if topic not in self.topics:
            self.topics[topic] = {
                (message.partition(), message.offset()): self.decoded(message)
                for message in records_of(self.pipeline.environment["O2C_KAFKA"],
                                          self.pipeline.prefix + topic)}
        return self.topics[topic]

    def decoded(self, message):
        kind = headers_of(message)["ce_type"].rpartition(".")[2]
        return {"type": kind, **decode(message.value(), self.schemas)}

    def in_recorded_order(self, consumer):
        """{partition: [event]} of the records of its topics."""
        folded, told, taken = {}, set(), 0
        for partition, topic, begin, end in batches(self.pipeline.sql, consumer):
            records = self.of_topic(topic)
            for offset in range(begin, end):
                event = records[partition, offset]
                if topic not in OF_CONSUMERS or event["event_id"] not in told:
                    folded.setdefault(partition, []).append(event)
                told.add(event["event_id"])
            taken += end - begin
        published = sum(len(self.of_topic(topic)) for topic in TOPICS[consumer])
        if taken != published:
            raise ValueError(f"{consumer} recorded {taken} of {published} records")
        return folded
