"""One pipeline of its own on a running stack: a fresh database, fresh topics, every consumer and
the relay.  Used by tests/scenario and by tests that stop, kill and watch processes.
"""

import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from kafka_topics import KafkaFailed, delete_topics
from local_stack import ROOT, StackFailed, psql

SERVICES = ROOT / "deploy" / "local" / "services"
CLI = "producers/cli/o2c"
PARTITIONS = 6
READY_S = 30
STOP_S = 15
ANSWER_S = 10
ASK_EVERY_S = 0.02
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class PipelineFailed(Exception):
    """A process of the pipeline did not do what it must."""


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def find_build(folder=None):
    """The named build, else that of TEST_BUILD, else of run-local, else of tests/run."""
    for chosen in (folder, os.environ.get("TEST_BUILD"), ROOT / "build/release",
                   ROOT / "build/test"):
        if chosen and (Path(chosen) / CLI).exists():
            return Path(chosen).resolve()
    return None


def service_table():
    """[(name, program in the build folder)]"""
    lines = SERVICES.read_text().splitlines()
    return [tuple(line.split()) for line in lines if line.strip() and line[0] != "#"]


def clean_environment():
    """The caller's settings must not reach the pipeline."""
    return {name: value for name, value in os.environ.items() if not name.startswith("O2C_")}


def stands_still(task):
    """A thread or process, by SIGSTOP."""
    return Path(task, "stat").read_text().rpartition(") ")[2].startswith("T")


def freeze(pid):
    """SIGSTOP, until it stands still: the thread that is given the signal stops the others, which
    go on until it has had a processor."""
    os.kill(pid, signal.SIGSTOP)
    while not all(map(stands_still, Path(f"/proc/{pid}/task").iterdir())):
        pass


def reserved_port():
    """A socket that holds a port of its own: while it is open nobody else is given the port, and
    whoever listens with SO_REUSEADDR, as our services do, may take it."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder


class Service:
    """One process of the pipeline; may be killed and started again as often as you like."""

    def __init__(self, name, program, environment, log, arguments=()):
        self.name, self.program, self.log = name, program, log
        self.arguments = arguments
        self.environment = environment
        self.process = None
        self.port = None
        self.address = None

    def start(self, **further):
        """further: additional variables, such as O2C_FAILPOINTS"""
        self.release_port()
        self.port = reserved_port()
        self.address = "127.0.0.1:%d" % self.port.getsockname()[1]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.program, *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**self.environment, "O2C_MANAGEMENT": self.address, **further},
                preexec_fn=end_with_parent, start_new_session=True)

    def release_port(self):
        if self.port is not None:
            self.port.close()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def ask(self, path):
        """What the management port answers: (status, text); (0, why) where it does not."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=ANSWER_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except (OSError, urllib.error.URLError) as fault:
            return 0, str(fault)

    def ready(self):
        return self.ask("/readyz")[0] == 200

    def metric(self, name, **labels):
        """The sum of the series that have these labels; 0 where there is none."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        total = 0
        for line in self.ask("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            found, _, rest = series.partition("{")
            if found == name and wanted <= set(rest.rstrip("}").split(",")):
                total += float(value)
        return total

    def is_stopped(self):
        """By SIGSTOP."""
        return stands_still(f"/proc/{self.process.pid}")

    def freeze(self):
        freeze(self.process.pid)

    def send(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill(self):
        """As a failing machine would end it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.release_port()

    def stop(self, patience_s=STOP_S):
        """Asks it to end; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait(patience_s)

    def wait(self, patience_s=STOP_S):
        try:
            status = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise PipelineFailed(f"{self.name} did not end within {patience_s} s") from None
        self.release_port()
        return status

    def words(self):
        """All it has said, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_words(self, lines=5):
        return "\n".join(self.words().splitlines()[-lines:])


class Pipeline:
    def __init__(self, stack, build, name=None, partitions=PARTITIONS):
        self.stack, self.build, self.partitions = stack, Path(build), partitions
        self.name = name or "scenario_" + secrets.token_hex(4)
        self.prefix = self.name.replace("_", "-") + "."
        self.logs = Path(tempfile.mkdtemp(prefix=self.name + "-"))
        self.environment = clean_environment() | {
            "O2C_KAFKA": stack.settings()["O2C_KAFKA"],
            "O2C_PG_DSN": stack.dsn(self.name),
            "O2C_TOPIC_PREFIX": self.prefix,
        }
        self.services = {
            name: Service(name, self.build / program, self.environment,
                          self.logs / f"{name}.log")
            for name, program in service_table()}

    def member(self, name, instance, **settings):
        """One more process of a service's group; not started, and not among the services."""
        first = self.services[name]
        return Service(f"{name}-{instance}", first.program,
                       {**first.environment, "O2C_INSTANCE": instance, **settings},
                       self.logs / f"{name}-{instance}.log")

    def o2c(self, *words, **options):
        """Runs the command line tool; a subprocess.CompletedProcess with text."""
        return subprocess.run([self.build / CLI, *words], env=self.environment, text=True,
                              capture_output=True, check=False, preexec_fn=end_with_parent,
                              **({} if "input" in options else {"stdin": subprocess.DEVNULL}), **options)

    def must(self, *words):
        done = self.o2c(*words)
        if done.returncode:
            raise PipelineFailed(f"o2c {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def create(self):
        """Database and topics."""
        self.create_database()
        self.must("topics", "create", "--partitions", str(self.partitions))

    def create_database(self):
        """A migrated one. On the stack of tests/run it is the copy of one: half of what a small
        scenario asks of PostgreSQL is its migrations."""
        if os.environ.get("TEST_STACK"):
            self.sql_of_server(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.migrated()}"')
        else:
            self.sql_of_server(f'CREATE DATABASE "{self.name}"')
            self.must("migrate")

    def migrated(self):
        """The database that is copied: made by the first who asks, for each build of o2c."""
        program = os.stat(self.build / CLI)
        name = f"migrated_{program.st_ino}_{program.st_mtime_ns}"
        with open(self.stack.folder / "migrated.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.sql_of_server(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                half = name + "_half"
                self.sql_of_server(f'DROP DATABASE IF EXISTS "{half}"')
                self.sql_of_server(f'CREATE DATABASE "{half}"')
                self.must("migrate", "--pg-dsn", self.stack.dsn(half))
                self.sql_of_server(f'ALTER DATABASE "{half}" RENAME TO "{name}"')
        return name

    def sql_of_server(self, text):
        return psql(self.stack.dsn("postgres"), text)

    def start(self):
        for service in self.services.values():
            service.start()

    def wait_ready(self, patience_s=READY_S):
        deadline = time.monotonic() + patience_s
        waiting = list(self.services.values())
        while waiting:
            waiting = [service for service in waiting if not service.ready()]
            self.check()
            if waiting and time.monotonic() > deadline:
                raise PipelineFailed(f"{waiting[0].name} does not get ready:\n"
                                     f"{waiting[0].last_words()}")
            time.sleep(ASK_EVERY_S)

    def check(self):
        """Raises where a process has ended by itself."""
        for service in self.services.values():
            if service.process is not None and not service.alive():
                raise PipelineFailed(f"{service.name} ended with status "
                                     f"{service.process.returncode}:\n{service.last_words()}")

    def sql(self, text):
        return psql(self.environment["O2C_PG_DSN"], text)

    def stop(self):
        """Ends every process in order; raises where one did not end as it should."""
        living = [service for service in self.services.values() if service.alive()]
        for service in living:
            service.send(signal.SIGTERM)
        for service in living:
            if service.wait():
                raise PipelineFailed(f"{service.name} stopped with status "
                                     f"{service.process.returncode}:\n{service.last_words(30)}")

    def kill(self):
        for service in self.services.values():
            service.kill()

    def remove(self):
        """Processes, database and topics, as far as they are there; the logs."""
        self.kill()
        try:
            self.sql_of_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            delete_topics(self.environment["O2C_KAFKA"], self.prefix)
        except (StackFailed, KafkaFailed):
            if self.stack.runs():
                raise
        shutil.rmtree(self.logs, ignore_errors=True)
