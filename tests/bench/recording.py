"""Records what a consumer sends to PostgreSQL: a connection between the two, byte for byte.
bare_replay.c sends the same again.
"""

import re
import socket
import threading

CHUNK = 1 << 16


def copy(source, target, file=None):
    with source, target:
        while data := source.recv(CHUNK):
            target.sendall(data)
            if file:
                file.write(data)


class Recorder:
    """Takes one connection; `dsn` leads to it, `file` holds what was sent over it."""

    def __init__(self, dsn, file):
        port = re.search(r"port=(\d+)", dsn)
        self.upstream = ("127.0.0.1", int(port.group(1)))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = dsn.replace(port.group(0), f"port={self.listener.getsockname()[1]}")
        self.file = file
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.listener.accept()
        self.listener.close()
        server = socket.create_connection(self.upstream)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=copy, args=(server, client), daemon=True).start()
        with self.file.open("wb") as file:
            try:
                copy(client, server, file)
            except ConnectionError:
                return  # the consumer was ended
