"""All records of a topic, read with a client that is not ours."""

from confluent_kafka import Consumer, TopicPartition
from kafka_topics import KafkaFailed

PATIENCE_S = 60


def records_of(address, topic):
    """Every record of a topic, in the order of each partition."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reads-everything",
                         "enable.auto.commit": False})
    found = []
    try:
        count = len(consumer.list_topics(topic, PATIENCE_S).topics[topic].partitions)
        ends = {number: consumer.get_watermark_offsets(TopicPartition(topic, number),
                                                       PATIENCE_S)[1]
                for number in range(count)}
        consumer.assign([TopicPartition(topic, number, 0) for number in range(count)])
        while len(found) < sum(ends.values()):
            message = consumer.poll(PATIENCE_S)
            if message is None or message.error():
                raise KafkaFailed(f"{topic} could not be read to its end")
            found.append(message)
    finally:
        consumer.close()
    return found


def headers_of(message):
    return {name: value.decode() for name, value in message.headers() or []}
