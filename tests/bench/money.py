"""The jobs about money: receivables and those who listen to it, an account with very many open
items, payments one at a time, and a year of business days.
"""

import json
import random
import subprocess
import time
from datetime import date, timedelta
from statistics import median

from contestants import PATIENCE_S, Hosted, Run
from measuring import (Failed, Server, Session, cpu_s, least_mb, memory_mb, reading_since,
                       wait_for)
from pipeline import CLI, Service, end_with_parent
from turns import Job, in_turn, latencies, ratios, report_of

RECEIVABLES = "consumers/receivables/o2c-receivables"
PROGRAMS = {"receivables": RECEIVABLES, "ledger": "consumers/ledger/o2c-ledger",
            "disputes": "consumers/disputes/o2c-disputes",
            "reminders": "consumers/reminders/o2c-reminders",
            "orders": "consumers/orders/o2c-orders"}  # hears of invoices
LISTENERS = [name for name in PROGRAMS if name != "receivables"]
DOCUMENTS = ["o2c.invoices", "o2c.payments"]
HEARD = Hosted("receivables", RECEIVABLES, "receivables", DOCUMENTS)
PAID = Hosted("receivables", RECEIVABLES, "receivables", ["o2c.payments"])
ISSUED, DUE, RECEIVED = date(2026, 1, 5), date(2026, 2, 4), date(2026, 2, 2)
AMOUNT = 11900
SPREAD_ACCOUNTS = 1000
TRAFFIC_ACCOUNTS = 60000  # of traffic.c
PAYMENTS_PER_S = 200
TICK_CUSTOMERS, TICK_ITEMS = 1000, 3
SOLD = (b'{"type":"Order', b'{"type":"Shipment')  # what orders and shipments listen to


# ---- events

def invoice(customer, n, due=DUE):
    return json.dumps(
        {"type": "InvoiceIssued", "occurred_at": f"{ISSUED}T08:00:00Z", "source": "bench",
         "customer_id": customer, "invoice_id": f"INV-{n:09}", "number": f"N{n:09}",
         "issue_date": str(ISSUED), "currency": "EUR", "net_minor": AMOUNT,
         "gross_minor": AMOUNT, "instalments": [{"due_date": str(due), "amount_minor": AMOUNT}],
         "lines": [{"line_no": 1, "quantity_milli": 1000, "unit_price_micro": AMOUNT * 10000,
                    "net_minor": AMOUNT}]})


def payment(customer, n):
    return json.dumps(
        {"type": "PaymentReceived", "occurred_at": f"{RECEIVED}T08:00:00Z", "source": "bench",
         "customer_id": customer, "payment_id": f"PAY-{n:09}", "received_date": str(RECEIVED),
         "amount_minor": AMOUNT, "currency": "EUR", "method": "transfer",
         "remittance": [{"invoice_id": f"INV-{n:09}", "amount_minor": AMOUNT}]})


def publish(bench, prefix, lines):
    """lines: of NDJSON, as bytes"""
    with subprocess.Popen([bench.build / CLI, "publish", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=bench.environment(prefix, bench.template_dsn()),
                          preexec_fn=end_with_parent) as publisher:
        for line in lines:
            publisher.stdin.write(line)
        publisher.stdin.close()
        said = publisher.stderr.read()
    if publisher.returncode:
        raise Failed(f"o2c publish: {said.decode(errors='replace').strip()}")


def publish_documents(bench, prefix, lines):
    publish(bench, prefix, ((line + "\n").encode() for line in lines))


def invoices_of(accounts, items):
    for n in range(items):
        yield invoice(f"ACC-{n % accounts:05}", n)


def payments_of(accounts, items):
    """In an order of its own."""
    paid = list(range(items))
    random.Random(1).shuffle(paid)
    for n in paid:
        yield payment(f"ACC-{n % accounts:05}", n)


def money_of(bench, orders):
    """What the simulator writes, without what is ordered and shipped."""
    words = [bench.build / CLI, "simulate", "--orders", str(orders), "--accounts",
             str(max(1, orders // 20)), "--repeated-percent", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE,
                          preexec_fn=end_with_parent) as simulator:
        yield from (line for line in simulator.stdout if not line.startswith(SOLD))
    if simulator.returncode:
        raise Failed(f"o2c simulate ended with {simulator.returncode}")


# ---- consumers and the relay

class Consumers:
    """Some consumers and the relay on a fresh database; the topics are filled already."""

    def __init__(self, bench, prefix, dsn, names):
        self.bench, self.prefix, self.dsn = bench, prefix, dsn
        environment = bench.service_environment(prefix, dsn)
        self.services = {name: Service(name, bench.build / PROGRAMS[name], environment,
                                       bench.log(name)) for name in names}
        self.relay = None

    def __enter__(self):
        self.relay = self.bench.relay(self.prefix, self.dsn)
        for service in self.services.values():
            service.start()
        return self

    def __exit__(self, *_):
        for service in [*self.services.values(), self.relay]:
            service.kill()

    def pids(self):
        return {name: service.process.pid for name, service in self.services.items()}

    def wait_reading(self):
        def all_read():
            for service in self.services.values():
                if not service.alive():
                    raise Failed(f"{service.name} ended:\n{service.last_words()}")
            return all(reading_since(service.log) for service in self.services.values())

        wait_for(all_read, PATIENCE_S, "every consumer reads")

    def drain(self):
        self.bench.o2c(self.prefix, self.dsn, "drain", "--timeout-s", str(PATIENCE_S))

    def verify(self):
        """Raises where anything was lost or invented."""
        self.bench.o2c(self.prefix, self.dsn, "verify")

    def idle_mb(self, seconds):
        """What each of them holds once all is done."""
        least = least_mb(self.pids().values(), seconds)
        return {name: least[pid] for name, pid in self.pids().items()}


def events_seen(session, name):
    return int(session.ask(f"SELECT coalesce(sum(n::bigint), 0) FROM {name}.position,"
                           " jsonb_each_text(next_offsets) AS t (topic, n)"))


class Money(Job):
    """Invoices, payments and disputes of the simulator through everybody who does the sums."""

    name = "money"
    about = ("invoices and payments through receivables, ledger, disputes, reminders and orders"
             " at once")

    def one(self, bench, sizes, prefix):
        publish(bench, prefix, money_of(bench, sizes.sim_orders))
        dsn = bench.fresh_database()
        with Session(dsn) as session:
            server = Server(bench.stack, session)
            with Consumers(bench, prefix, dsn, PROGRAMS) as consumers:
                consumers.wait_reading()
                consumers.drain()
                ended = time.time()
                began = min(reading_since(service.log)
                            for service in consumers.services.values())
                cpu = {name: cpu_s(pid) for name, pid in consumers.pids().items()}
                server_cpu, wal = server.spent()
                seen = {name: events_seen(session, name) for name in PROGRAMS}
                lifecycles = int(session.ask("SELECT count(*) FROM receivables.document"
                                             " WHERE kind = 'invoice' AND issued"))
                idle = consumers.idle_mb(sizes.idle_s)
                consumers.verify()
                million = sum(seen.values()) / 1e6
                figures = {"lifecycles": lifecycles, "events": sum(seen.values()),
                           "lifecycles_per_s": round(lifecycles / (ended - began), 1),
                           "postgresql_cpu_s_per_million": round(server_cpu / million, 2),
                           "wal_bytes_per_million": round(wal / million)}
                for name, pid in consumers.pids().items():
                    figures |= {
                        f"{name}_cpu_s_per_million": round(cpu[name] / seen[name] * 1e6, 2),
                        f"{name}_peak_mb": memory_mb(pid, "VmHWM"),
                        f"{name}_idle_mb": idle[name]}
        bench.drop_database(dsn)
        return figures

    def run(self, bench, sizes):
        rounds = iter(range(sizes.rounds))
        return report_of(in_turn(bench, ["everybody"], sizes.rounds, lambda _: self.one(
            bench, sizes, bench.topics(f"money-{next(rounds)}."))))


class HotAccount(Job):
    """The same number of items open at once in one account, and in a thousand."""

    name = "hot-account"
    about = "items of one account beside as many of 1,000 accounts: all of them open, then all paid"

    def backlog(self, bench, sizes, prefix, dsn, events, left):
        """Receivables does what lies on the topics; all of them are so many events by then, and
        so many items are open."""
        with Run(bench, HEARD, prefix, dsn=dsn) as run:
            samples = run.wait_stored(events)
            pid = run.pids()[0]
            found = {"seconds": samples[-1][0] - run.begun(), "cpu_s": cpu_s(pid),
                     "peak_mb": memory_mb(pid, "VmHWM"), "idle_mb": run.idle_mb(sizes.idle_s)}
            counted = run.session.ask("SELECT count(*) FROM receivables.document"
                                      " WHERE open_minor <> 0")
        if int(counted) != left:
            raise Failed(f"{self.name}: {counted} items are open, not {left}")
        return found

    def one(self, bench, sizes, prefix, accounts):
        dsn, items = bench.fresh_database(), sizes.items
        publish_documents(bench, prefix, invoices_of(accounts, items))
        issued = self.backlog(bench, sizes, prefix, dsn, items, left=items)
        publish_documents(bench, prefix, payments_of(accounts, items))
        paid = self.backlog(bench, sizes, prefix, dsn, 2 * items, left=0)
        with Consumers(bench, prefix, dsn, LISTENERS) as listeners:
            listeners.drain()
            listeners.verify()
        bench.drop_database(dsn)
        return {"events_per_s": round(2 * items / (issued["seconds"] + paid["seconds"])),
                "issued_per_s": round(items / issued["seconds"]),
                "paid_per_s": round(items / paid["seconds"]),
                "consumer_cpu_s_per_million":
                    round((issued["cpu_s"] + paid["cpu_s"]) / (2 * items) * 1e6, 2),
                "peak_mb": max(issued["peak_mb"], paid["peak_mb"]),
                "idle_mb": max(issued["idle_mb"], paid["idle_mb"])}

    def run(self, bench, sizes):
        accounts = {"hot": 1, "spread": SPREAD_ACCOUNTS}
        rounds = {name: iter(range(sizes.rounds)) for name in accounts}
        results = in_turn(bench, accounts, sizes.rounds, lambda name: self.one(
            bench, sizes, bench.topics(f"{name}-{next(rounds[name])}."), accounts[name]))
        memory = ratios(results, "hot", "spread", "peak_mb")
        return report_of(results, "events_per_s") | {
            "items": sizes.items, "memory_ratios": memory, "memory_ratio": median(memory)}


class PaymentLatency(Job):
    """From publishing a payment to reading its PaymentApplied."""

    name = "payment-latency"
    about = f"payments at {PAYMENTS_PER_S} a second: stored, and PaymentApplied on o2c.cash"

    def one(self, bench, sizes, prefix):
        count = PAYMENTS_PER_S * sizes.latency_s
        publish_documents(bench, prefix, (invoice(f"ACC-{n % TRAFFIC_ACCOUNTS:08}", n)
                                          for n in range(count)))
        with Run(bench, HEARD, prefix) as run:
            run.wait_stored(count)
            relay = bench.relay(prefix, run.dsn)
            try:
                wait_for(lambda: bench.records(prefix + "o2c.state.account") >= count,
                         PATIENCE_S, "what was decided of the invoices is published", 0.1)
                said = json.loads(bench.traffic(
                    "pace", bench.kafka, prefix + "o2c.payments", "paid", str(PAYMENTS_PER_S),
                    str(sizes.latency_s), run.dsn, PAID.positions_sql, prefix + "o2c.cash"))
            finally:
                relay.kill()
        bench.drop_database(run.dsn)
        return latencies(self.name, said)

    def run(self, bench, sizes):
        rounds = iter(range(sizes.rounds))
        return report_of(in_turn(bench, ["receivables"], sizes.rounds, lambda _: self.one(
            bench, sizes, bench.topics(f"paid-{next(rounds)}."))))


class YearOfTicks(Job):
    """Business days one after the other; each begins when the one before is over."""

    name = "year-of-ticks"
    about = f"a year of business days over {TICK_CUSTOMERS:,} customers who do not pay"

    def one(self, bench, sizes, prefix):
        publish_documents(bench, prefix, (
            invoice(f"ACC-{n % TICK_CUSTOMERS:05}", n, DUE + timedelta(days=n % sizes.tick_days))
            for n in range(TICK_CUSTOMERS * TICK_ITEMS)))
        dsn = bench.fresh_database()
        with Session(dsn) as session, Consumers(bench, prefix, dsn, PROGRAMS) as consumers:
            consumers.wait_reading()
            consumers.drain()
            began = time.monotonic()
            bench.o2c(prefix, dsn, "clock", "--from", str(ISSUED), "--to",
                      str(ISSUED + timedelta(days=sizes.tick_days - 1)))
            consumers.drain()
            seconds = time.monotonic() - began
            consumers.verify()
            reminders = int(session.ask("SELECT count(*) FROM reminders.outbox"
                                        " WHERE topic = 'o2c.reminders'"))
            pid = consumers.pids()["reminders"]
            figures = {"days": sizes.tick_days, "seconds": round(seconds, 1),
                       "ms_per_day": round(seconds * 1000 / sizes.tick_days, 1),
                       "reminder_events": reminders, "peak_mb": memory_mb(pid, "VmHWM"),
                       "idle_mb": consumers.idle_mb(sizes.idle_s)["reminders"]}
        bench.drop_database(dsn)
        return figures

    def run(self, bench, sizes):
        rounds = iter(range(sizes.rounds))
        return report_of(in_turn(bench, ["everybody"], sizes.rounds, lambda _: self.one(
            bench, sizes, bench.topics(f"ticks-{next(rounds)}."))))


MONEY_JOBS = [Money(), HotAccount(), PaymentLatency(), YearOfTicks()]
