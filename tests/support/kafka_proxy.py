"""A proxy between processes of the pipeline and the broker, whose way can be cut and opened again.

In what the broker answers its own port becomes that of the proxy, so that clients come back here
for all they do.  A cut loses packets; when the way is open again, TCP sends them again.
"""

import struct

from proxy import Link, Proxy, drop_packets, exactly, take_packets

PRODUCE = 0  # the number of the request


class KafkaLink(Link):
    def frame(self, side):
        size = exactly(side, 4)
        return size + exactly(side, struct.unpack(">i", size)[0])

    def from_client(self):
        while True:
            frame = self.frame(self.client)
            if struct.unpack(">h", frame[4:6])[0] == PRODUCE:
                self.proxy.before_produce()
            self.server.sendall(frame)

    def from_server(self):
        while True:
            self.forward(self.client, self.frame(self.server).replace(*self.proxy.renamed))


class KafkaProxy(Proxy):
    LINK = KafkaLink

    def __init__(self, bootstrap):
        host, port = bootstrap.split(":")
        super().__init__(host, int(port))
        self.renamed = [host.encode() + struct.pack(">i", number)
                        for number in (int(port), self.port)]
        self.before_produce = lambda: None
        self.cut = []  # sockets

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def lose_all(self):
        """Nothing comes through, either way."""
        self.stand_still(False)
        self.lose([link.client for link in self.links])

    def lose_requests(self):
        """What clients send is lost; what the broker sends comes."""
        self.lose([link.client for link in self.links])

    def lose(self, sides):
        self.cut = [self.listener, *sides]
        for side in self.cut:
            drop_packets(side)

    def go_on(self):
        for side in self.cut:
            take_packets(side)
        self.moving.set()
