"""Who does a job: a consumer in its host, or a bare loop. Each run has a database of its own."""

import time

from measuring import (Failed, Server, Session, cpu_s, least_mb, memory_mb, reading_since,
                       wait_for)
from pipeline import Service
from recording import Recorder

ASK_EVERY_S = 0.02
PATIENCE_S = 900


class Contestant:
    """How its processes are started, and how PostgreSQL shows what it has stored."""

    def __init__(self, name, stored_sql, positions_sql, table=None):
        self.name, self.stored_sql, self.positions_sql = name, stored_sql, positions_sql
        self.table = table  # what it fills, to be compared

    def services(self, bench, prefix, dsn, members):
        raise NotImplementedError


class Hosted(Contestant):
    def __init__(self, name, program, schema, topics, table=None, settings=None):
        offsets = " + ".join(f"coalesce((p.next_offsets ->> '{topic}')::bigint, 0)"
                             for topic in topics)
        super().__init__(name, f"SELECT coalesce(sum({offsets}), 0) FROM {schema}.position p",
                         f"SELECT p.partition, {offsets} FROM {schema}.position p", table)
        self.program, self.settings = program, settings or {}

    def services(self, bench, prefix, dsn, members):
        return [Service(f"{self.name}-{n}", bench.build / self.program,
                        bench.service_environment(prefix, dsn) | self.settings
                        | {"O2C_INSTANCE": str(n + 1)},
                        bench.log(f"{self.name}-{n}"))
                for n in range(members)]


class Bare(Contestant):
    """Partitions are dealt out to its members once and for all."""

    def __init__(self, name, program, topic, table):
        super().__init__(name, "SELECT coalesce(sum(next_offset), 0) FROM bare.next_offset",
                         "SELECT partition, next_offset FROM bare.next_offset", table)
        self.program, self.topic = program, topic

    def services(self, bench, prefix, dsn, members):
        return [Service(f"{self.name}-{n}", bench.build / self.program,
                        bench.environment(prefix, dsn), bench.log(f"{self.name}-{n}"),
                        [bench.kafka, prefix + self.topic, dsn,
                         *map(str, range(n, bench.partitions, members))])
                for n in range(members)]


class Replay(Contestant):
    """What a hosted consumer took and sent, taken and sent again with nothing in between."""

    def __init__(self, hosted, program, recording, topics):
        super().__init__("replay", hosted.stored_sql, hosted.positions_sql, hosted.table)
        self.program, self.recording, self.topics = program, recording, topics

    def services(self, bench, prefix, dsn, members):
        return [Service(self.name, bench.build / self.program, bench.environment(prefix, dsn),
                        bench.log(self.name),
                        [bench.kafka, dsn, self.recording, str(bench.partitions),
                         *(prefix + topic for topic in self.topics)])]


def record(bench, hosted, prefix, events):
    """What the consumer sends to PostgreSQL for everything on the topics, as a file."""
    run = Run(bench, hosted, prefix)
    recorder = Recorder(run.dsn, bench.logs / f"{prefix}recording")
    run.services[0].environment["O2C_PG_DSN"] = recorder.dsn
    with run:
        run.wait_stored(events)
        run.services[0].stop()
    bench.drop_database(run.dsn)
    return recorder.file


class Run:
    """The processes of one contestant on a database, a fresh one where none is given."""

    def __init__(self, bench, contestant, prefix, members=1, dsn=None):
        self.bench, self.contestant, self.members = bench, contestant, members
        self.dsn = dsn or bench.fresh_database()
        self.services = contestant.services(bench, prefix, self.dsn, members)

    def __enter__(self):
        self.session = Session(self.dsn)
        for service in self.services:
            service.start()
        return self

    def __exit__(self, *_):
        for service in self.services:
            service.kill()
        self.session.__exit__()

    def check(self):
        for service in self.services:
            if not service.alive():
                raise Failed(f"{service.name} ended:\n{service.last_words()}")

    def stored(self):
        self.check()
        return int(self.session.ask(self.contestant.stored_sql))

    def wait_stored(self, events):
        """[(moment, events stored)] until there are so many."""
        samples = []

        def done():
            count = self.stored()
            samples.append((time.time(), count))
            return count >= events

        wait_for(done, PATIENCE_S, f"{self.contestant.name} stores {events} events", ASK_EVERY_S)
        return samples

    def wait_reading(self):
        def all_read():
            self.check()
            return all(reading_since(service.log) for service in self.services)

        wait_for(all_read, PATIENCE_S, f"{self.contestant.name} reads")

    def begun(self):
        """When the last of its members began to read; one that all others were too fast for
        has read nothing."""
        moments = [reading_since(service.log) for service in self.services]
        return max(moment for moment in moments if moment is not None)

    def pids(self):
        return [service.process.pid for service in self.services]

    def idle_mb(self, seconds):
        """What the largest of its members holds once all is done."""
        return max(least_mb(self.pids(), seconds).values())

    def contents(self):
        """How many rows, and a hash that does not depend on their order."""
        return self.session.ask(f"SELECT count(*), bit_xor(hashtextextended(t::text, 0))"
                                f" FROM {self.contestant.table} t")


def race(bench, contestant, prefix, events, members, idle_s):
    """One run over everything that lies on the topics; what it took."""
    run = Run(bench, contestant, prefix, members)
    with Session(run.dsn) as session:
        server = Server(bench.stack, session)
        with run:
            samples = run.wait_stored(events)
            consumer_cpu = sum(map(cpu_s, run.pids()))
            server_cpu, wal = server.spent()
            begun = run.begun()
            before = max([count for moment, count in samples if moment <= begun], default=0)
            million = events / 1e6
            figures = {
                "events_per_s": round((events - before) / (samples[-1][0] - begun)),
                "consumer_cpu_s_per_million": round(consumer_cpu / million, 2),
                "postgresql_cpu_s_per_million": round(server_cpu / million, 2),
                "wal_bytes_per_million": round(wal / million),
                "peak_mb": max(memory_mb(pid, "VmHWM") for pid in run.pids()),
                "idle_mb": run.idle_mb(idle_s),
            }
            if contestant.table:
                figures["contents"] = run.contents()
    bench.drop_database(run.dsn)
    return figures
