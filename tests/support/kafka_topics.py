"""Deletes topics: the two requests of Kafka's protocol that takes, with nothing but a socket."""

import socket
import struct
import time

METADATA, DELETE_TOPICS = (3, 1), (20, 1)  # API key and version
PATIENCE_S = 30
ASK_EVERY_S = 0.02


class KafkaFailed(Exception):
    """The broker does not answer, or says no."""


def text(value):
    coded = value.encode()
    return struct.pack(">h", len(coded)) + coded


def array(values):
    return struct.pack(">i", len(values)) + b"".join(map(text, values))


class Answer:
    """Reads the fields of a response in order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, shape):
        found, = struct.unpack_from(">" + shape, self.data, self.at)
        self.at += struct.calcsize(shape)
        return found

    def text(self):
        size = self.number("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()


def exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise KafkaFailed("the broker closed the connection")
        data += part
    return data


def ask(connection, api, body):
    request = struct.pack(">hhi", *api, 1) + text("o2c-tests") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    size, = struct.unpack(">i", exactly(connection, 4))
    answer = Answer(exactly(connection, size))
    answer.number("i")  # correlation id
    return answer


def topic_names(connection):
    answer = ask(connection, METADATA, struct.pack(">i", -1))
    for _ in range(answer.number("i")):
        answer.number("i"), answer.text(), answer.number("i"), answer.text()
    answer.number("i")
    for _ in range(answer.number("i")):
        answer.number("h")
        yield answer.text()
        answer.number("b")
        for _ in range(answer.number("i")):
            answer.number("h"), answer.number("i"), answer.number("i")
            for _ in range(2):
                for _ in range(answer.number("i")):
                    answer.number("i")


def topics_with(connection, prefix):
    return [name for name in topic_names(connection) if name.startswith(prefix)]


def await_gone(connection, prefix):
    """The controller confirms a deletion before the broker has forgotten the topics."""
    deadline = time.monotonic() + PATIENCE_S
    while left := topics_with(connection, prefix):
        if time.monotonic() > deadline:
            raise KafkaFailed(f"{', '.join(left)}: deleted, but still there")
        time.sleep(ASK_EVERY_S)


def delete_topics(address, prefix):
    """Deletes every topic whose name begins with the prefix; returns their names. The broker knows
    none of them any more then.
    """
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
            names = topics_with(connection, prefix)
            answer = ask(connection, DELETE_TOPICS,
                         array(names) + struct.pack(">i", PATIENCE_S * 1000))
            for _ in range(answer.number("i")):
                name, error = answer.text(), answer.number("h")
                if error:
                    raise KafkaFailed(f"{name} was not deleted: Kafka error {error}")
            await_gone(connection, prefix)
            return names
    except OSError as fault:
        raise KafkaFailed(f"{address}: {fault}") from None
