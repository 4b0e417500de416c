"""A proxy between processes of the pipeline and a server, whose way can be cut.

A link is one client's connection and the one made for it.  What the proxies of PostgreSQL and of
Kafka share: fault_proxy.py, kafka_proxy.py.
"""

import ctypes
import fcntl
import socket
import struct
import termios
import threading
import time

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h
ACCEPT_NOTHING = struct.pack("=HBBI", 0x06, 0, 0, 0)  # the BPF program `ret #0`


class Ended(Exception):
    """One side has closed its connection."""


def exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise Ended
        data += part
    return data


def drop_packets(side):
    """What comes to this socket, or to a listening one, is lost before TCP sees it."""
    program = ctypes.create_string_buffer(ACCEPT_NOTHING, len(ACCEPT_NOTHING))
    side.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("@HP", 1, ctypes.addressof(program)))


def take_packets(side):
    """Again."""
    side.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def unacknowledged(side):
    """How many bytes sent from here the other kernel has not taken."""
    if side.fileno() < 0:
        return 0
    return struct.unpack("i", fcntl.ioctl(side, termios.TIOCOUTQ, bytes(4)))[0]


class Link:
    """Subclasses say what passes: from_client() and from_server(), each on a thread of its own."""

    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = socket.create_connection(proxy.server_address)
        for side in (self.client, self.server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ended = threading.Event()

    def end(self):
        self.ended.set()
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other thread was first

    def run(self, body):
        try:
            body()
        except (Ended, OSError):
            pass  # a side that closes is what proxies are for
        self.end()

    def forward(self, side, data):
        """When everything moves."""
        while True:
            self.proxy.moving.wait()
            with self.proxy.turn:
                if self.proxy.moving.is_set():
                    side.sendall(data)
                    return


class Proxy:
    LINK = Link

    def __init__(self, host, port):
        self.server_address = (host, port)
        self.refusing = False  # closes new connections at once
        self.moving, self.turn = threading.Event(), threading.Lock()
        self.moving.set()
        self.stood_still_at = None
        self.links = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            self.moving.wait()
            if self.refusing:
                client.close()
                continue
            try:
                link = self.LINK(self, client)
            except OSError:
                client.close()  # the server is away: so is the proxy's other side
                continue
            self.links.append(link)
            for body in (link.from_client, link.from_server):
                threading.Thread(target=link.run, args=(body,), daemon=True).start()

    def ends(self):
        return [side for link in self.links for side in (link.client, link.server)]

    def stand_still(self, vanish):
        """Nothing goes either way, on no connection; vanish: and nothing is acknowledged."""
        with self.turn:
            self.moving.clear()
            if vanish:
                self.lose_packets(self.ends())
            self.stood_still_at = time.monotonic()

    def lose_packets(self, ends):
        while any(map(unacknowledged, ends)):
            pass  # or it would be sent again and again, and the other side seem alive
        for side in (self.listener, *ends):
            drop_packets(side)

    def end_all(self):
        for link in self.links:
            link.end()

    def close(self):
        self.refusing = True
        self.end_all()
        self.moving.set()
        self.listener.close()
