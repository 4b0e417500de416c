"""A proxy between a process of the pipeline and PostgreSQL that breaks at a chosen moment.

It reads the messages of the frontend/backend protocol and calls everything a client sends up to
one Sync a unit.  A judge, given each unit, says what happens to it:

    FORWARD      nothing
    LOSE_REPLY   the server gets all of it and answers; its answer to the Sync is dropped and
                 both connections are closed: the commit happened, the client cannot know
    LOSE_SYNC    everything but the Sync is forwarded, then both are closed: no commit
    HOLD         everything but the Sync is forwarded; the Sync waits for release()
    KILL         all of it is forwarded and the server process is killed meanwhile
    FREEZE       the server gets all of it; from its answer on nothing goes either way, on no
                 connection, until go_on(): the kernel still acknowledges what arrives
    VANISH       the same, but packets from both sides vanish: nothing is acknowledged, and
                 the connections there were stay dead

Where the proxy judges_first nothing of a unit is forwarded before the judge has seen it.
"""

import os
import signal
import struct
import threading
import time

from proxy import Ended, Link, Proxy, exactly, take_packets

FORWARD, LOSE_REPLY, LOSE_SYNC, HOLD, KILL = "forward", "lose reply", "lose sync", "hold", "kill"
FREEZE, VANISH = "freeze", "vanish"

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
FENCE = b"fence"  # the statement every store of a batch begins with


def message(connection):
    """One typed message: its letter and all of its bytes."""
    head = exactly(connection, 5)
    return head[:1], head + exactly(connection, struct.unpack(">i", head[1:])[0] - 4)


def bound_statement(data):
    """The name in a Bind message: after the letter, the length and the portal's name."""
    return data[5:].split(b"\0", 2)[1]


def bound_values(data):
    """The parameters in a Bind message; NULL is empty."""
    rest = data[5:].split(b"\0", 2)[2]
    rest = rest[2 + 2 * struct.unpack(">h", rest[:2])[0]:]  # their formats
    values, rest = struct.unpack(">h", rest[:2])[0] * [b""], rest[2:]
    for number in range(len(values)):
        size = max(0, struct.unpack(">i", rest[:4])[0])
        values[number], rest = rest[4:4 + size], rest[4 + size:]
    return values


class Unit:
    def __init__(self, number):
        self.number = number  # how many units with a fence this proxy has seen, this one included
        self.statements = []  # the names of those that are bound
        self.queries = []  # (text, values): of those without a name
        self.kept = b""  # what is not forwarded yet

    @property
    def stores(self):
        """Is it the store of a batch?"""
        return FENCE in self.statements


class PostgresLink(Link):
    def __init__(self, proxy, client):
        super().__init__(proxy, client)
        self.backend_pid = None
        self.synced = 0
        self.answered = -1  # the first ReadyForQuery ends the start-up and answers no Sync
        self.lost_from, self.lost_by = None, None  # answers from this Sync on are dropped

    def start_up(self):
        """Messages without a letter, until the one that names user and database."""
        while True:
            size, code = struct.unpack(">ii", head := exactly(self.client, 8))
            if code in (SSL_REQUEST, GSS_REQUEST):
                self.client.sendall(b"N")
                continue
            self.server.sendall(head + exactly(self.client, size - 8))
            return

    def from_client(self):
        self.start_up()
        unit = Unit(0)
        while True:
            letter, data = message(self.client)
            if letter == b"P":
                text = data[5:].split(b"\0", 2)[1]
            if letter == b"B":
                unit.statements.append(bound_statement(data))
                if not unit.statements[-1]:
                    unit.queries.append((text, bound_values(data)))
            if letter == b"S":
                self.sync(unit, data)
                unit = Unit(0)
            elif self.proxy.judges_first and letter != b"p":  # a password is of no unit
                unit.kept += data
            else:
                self.forward(self.server, data)

    def sync(self, unit, data):
        unit.number = self.proxy.count(unit)
        fault = self.proxy.judge(unit)
        if fault != FORWARD:
            self.proxy.note(fault)
        if fault == LOSE_SYNC:
            raise Ended
        if fault == HOLD:
            self.proxy.hold()
        if fault in (LOSE_REPLY, FREEZE, VANISH):
            self.lost_from, self.lost_by = self.synced, fault
        self.synced += 1
        self.forward(self.server, unit.kept + data)
        if fault == KILL:
            time.sleep(self.proxy.kill_after_s)  # how far the commit has come is left to chance
            os.kill(self.backend_pid, signal.SIGKILL)

    def from_server(self):
        while True:
            letter, data = message(self.server)
            if letter == b"K":
                self.backend_pid = struct.unpack(">i", data[5:9])[0]
            if self.lost_from is None or self.answered < self.lost_from:
                self.forward(self.client, data)
            if letter == b"Z":
                if self.lost_from is not None and self.answered == self.lost_from:
                    if self.lost_by != LOSE_REPLY:
                        self.proxy.stand_still(self.lost_by == VANISH)
                        self.proxy.moving.wait()
                    raise Ended  # it is committed; nobody will be told
                self.answered += 1


class FaultProxy(Proxy):
    LINK = PostgresLink

    def __init__(self, host, port):
        self.judge = lambda unit: FORWARD
        self.judges_first = False
        self.kill_after_s = 0
        self.faults = {}
        self.stores = 0
        self.lock = threading.Lock()
        self.holding, self.released = threading.Event(), threading.Event()
        super().__init__(host, port)

    def count(self, unit):
        with self.lock:
            self.stores += unit.stores
            return self.stores

    def note(self, fault):
        with self.lock:
            self.faults[fault] = self.faults.get(fault, 0) + 1

    def hold(self):
        self.holding.set()
        self.released.wait()

    def release(self):
        self.released.set()

    def go_on(self):
        self.moving.set()
        if self.faults.get(VANISH):
            take_packets(self.listener)

    def dsn(self, dsn):
        """The same database, through the proxy."""
        host, port = self.server_address
        return dsn.replace(f"host={host} port={port}", f"host=127.0.0.1 port={self.port}")

    def break_all(self):
        """Every connection ends, what is held is never sent, new ones are refused."""
        self.refusing = True
        self.end_all()
        self.release()
        self.moving.set()

    def close(self):
        self.release()
        super().close()


def proxy_for(dsn):
    """A proxy before the server that a connection string of the local stack names."""
    words = dict(word.split("=", 1) for word in dsn.split() if "=" in word)
    return FaultProxy(words["host"], int(words["port"]))
