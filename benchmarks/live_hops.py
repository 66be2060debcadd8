"""From a quote on a socket to an order on a socket: four actors in a live host, with and without a durable journal.

    python -m benchmarks.live_hops [--rates 1000,5000,10000] [--seconds 10] [--journal none,sqlite] [--dir FOLDER]

Quotes come over TCP from a process of its own, at random moments of a given mean rate; every quote makes an order, the
worst case. Times begin with data_received: `engine` ends when the venue's port is given the order, `wire` when the
socket has its bytes. `queue-tasks` is the same work as one asyncio task and one Queue an actor, for the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from engine.actor import Actor
from engine.clock import LiveClock
from engine.effects import Effects, Journal, Ref, Tell, ToPort, Yields
from engine.host import Host, run_live
from engine.kernel import Kernel
from engine.message import Event, Message, Told
from engine.ports import Outside
from engine.supervise import Branch, Child
from state.journal import AsyncSqliteJournal

RECORD = struct.Struct("<QQdd")  # number, when it was due, bid, ask
now = time.perf_counter_ns
WAKES_NS = 80_000
"""How long before its time a sleeper is woken: a kernel may be some 60 us late."""


class Unrefused(Message, frozen=True, gc=False):
    """Every quote must make an order, however late: nothing is refused or conflated."""

    bound: ClassVar[int] = 1 << 17


class Quote(Unrefused, frozen=True, gc=False):
    seq: int
    bid: float
    ask: float


class Mid(Unrefused, frozen=True, gc=False):
    seq: int
    mid: float
    bid: float
    ask: float


class Intent(Unrefused, frozen=True, gc=False):
    seq: int
    buy: bool
    price: float


class Approved(Unrefused, frozen=True, gc=False):
    intent: Intent


class Order(Message, frozen=True, gc=False):
    id: str
    seq: int
    buy: bool
    price: float


class Planned(Event, frozen=True, gc=False):
    order: Order


class MarketData(Actor):
    def __init__(self) -> None:
        self.to = Ref[Mid]("strategy")

    def on_quote(self, quote: Quote) -> Effects:
        return (Tell(self.to, Mid(quote.seq, (quote.bid + quote.ask) * 0.5, quote.bid, quote.ask)),)


class Strategy(Actor):
    def __init__(self) -> None:
        self.to = Ref[Intent]("risk")
        self.average: float | None = None

    def on_mid(self, mid: Mid) -> Effects:
        average = mid.mid if self.average is None else self.average + 0.1 * (mid.mid - self.average)
        self.average = average
        buy = mid.mid > average
        return (Tell(self.to, Intent(mid.seq, buy, mid.bid if buy else mid.ask)),)


class Risk(Actor):
    def __init__(self) -> None:
        self.to = Ref[Approved]("orders")

    def on_intent(self, intent: Intent) -> Effects:
        return (Tell(self.to, Approved(intent)),) if intent.price > 0 else None


class Orders(Actor):
    """durable: whether the intent must be on disk before it leaves."""

    def __init__(self, durable: bool) -> None:
        self.durable = durable

    def on_approved(self, approved: Approved) -> Yields:
        intent = approved.intent
        order = Order(f"HR-{intent.seq}", intent.seq, intent.buy, intent.price)
        if self.durable:
            yield Journal(Planned(order))
        yield ToPort("venue", order)


class Wire:
    """Two connected sockets: orders go in, what comes out is read and forgotten. Notes when each order was written."""

    name = "venue"

    def __init__(self, count: int) -> None:
        self.entered, self.handed, self.written = ([0] * count for _ in range(3))
        self.left = count
        self.done = asyncio.Event()
        self.encode = msgspec.msgpack.Encoder().encode

    async def connect(self) -> None:
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        await loop.create_connection(asyncio.Protocol, sock=theirs)
        self.transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)

    def deliver(self, message: Message, cause: int) -> Told:
        assert isinstance(message, Order)
        self.handed[message.seq] = now()
        self.transport.write(self.encode(message))
        self.written[message.seq] = now()
        self.left -= 1
        if not self.left:
            self.done.set()
        return Told.OK


class Feed(asyncio.Protocol):
    def __init__(self, tell: Callable[[Message], object], entered: list[int]) -> None:
        self.tell, self.entered, self.rest = tell, entered, b""

    def data_received(self, data: bytes) -> None:
        at = now()
        data = self.rest + data
        whole = len(data) - len(data) % RECORD.size
        for seq, _, bid, ask in RECORD.iter_unpack(data[:whole]):
            self.entered[seq] = at
            self.tell(Quote(seq, bid, ask))
        self.rest = data[whole:]


class QuotePort:
    """The feed as a port of the host."""

    name = "feed"

    def __init__(self, tell: Callable[[Message], object], entered: list[int], started: Callable[[int], None]) -> None:
        self.tell, self.entered, self.started = tell, entered, started

    def deliver(self, message: Message, cause: int) -> Told:
        return Told.FULL

    async def run(self, outside: Outside) -> None:
        async with await serve(self.tell, self.entered) as server:
            self.started(server.sockets[0].getsockname()[1])
            await asyncio.Event().wait()


async def serve(tell: Callable[[Message], object], entered: list[int]) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: Feed(tell, entered), "127.0.0.1", 0)


async def through_the_kernel(rate: float, seconds: float, journal: Any) -> Wire:
    wire = Wire(int(rate * seconds))
    await wire.connect()
    kernel = Kernel(clock=LiveClock(), journal=journal)
    durable = journal is not None
    children = Child("market", MarketData), Child("strategy", Strategy), Child("risk", Risk)
    kernel.host(Branch("root", (*children, Child("orders", lambda: Orders(durable)))))
    load: list[subprocess.Popen[bytes]] = []
    feed = QuotePort(kernel.inlet("market"), wire.entered, lambda port: load.append(sender(port, rate, seconds)))
    host = Host(kernel, ports=[wire, feed])
    task = asyncio.create_task(host.run())
    await finished(wire, seconds, task)
    host.request_stop()
    await task
    if kernel.dead_letters.total:
        raise AssertionError(f"{kernel.dead_letters.total} messages were lost")
    load[0].wait()
    return wire


async def through_queues(rate: float, seconds: float, _: Any) -> Wire:
    """The same four handlers, each with a task and an asyncio.Queue of its own."""
    wire = Wire(int(rate * seconds))
    await wire.connect()
    actors: dict[str, Actor] = {"market": MarketData(), "strategy": Strategy(), "risk": Risk(), "orders": Orders(False)}
    queues: dict[str, asyncio.Queue[Message]] = {name: asyncio.Queue() for name in actors}

    async def run(name: str) -> None:
        actor, queue = actors[name], queues[name]
        handlers = {kind: getattr(actor, method) for kind, method in actor.handlers.items()}
        while True:
            message = await queue.get()
            for effect in handlers[type(message)](message) or ():
                if isinstance(effect, Tell):
                    queues[effect.to.name].put_nowait(effect.message)
                else:
                    wire.deliver(effect.message, 0)

    tasks = [asyncio.create_task(run(name)) for name in actors]
    async with await serve(queues["market"].put_nowait, wire.entered) as server:
        load = sender(server.sockets[0].getsockname()[1], rate, seconds)
        await finished(wire, seconds, *tasks)
        server.close()
    for task in tasks:
        task.cancel()
    load.wait()
    return wire


async def finished(wire: Wire, seconds: float, *tasks: asyncio.Task[None]) -> None:
    """Wait for the last order, or raise what ended a task before it."""
    last = asyncio.create_task(wire.done.wait())
    async with asyncio.timeout(4 * seconds + 20):
        await asyncio.wait([last, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            await task


def sender(port: int, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "--send-to", str(port), "--rates", str(rate),
                             "--seconds", str(seconds)], cwd=Path(__file__).parent.parent)  # fmt: skip


def send(port: int, rate: float, seconds: float) -> None:
    """The load process. It sleeps until shortly before each moment and spins only then; when late, it sends at once.

    Spinning all the time would keep a core from the engine and its journal's thread, which a broker's machine does not.
    """
    draw = random.Random(11)
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    time.sleep(0.2)
    due, mid = float(now()), 100.0
    for seq in range(int(rate * seconds)):
        due += draw.expovariate(rate) * 1e9
        mid += draw.choice((-0.01, 0.0, 0.01))
        ahead = due - now()
        if ahead > WAKES_NS:
            time.sleep((ahead - WAKES_NS) / 1e9)
        while now() < due:
            continue
        connection.sendall(RECORD.pack(seq, int(due), mid - 0.01, mid + 0.01))
    connection.close()


def percentiles(began: list[int], ended: list[int]) -> dict[str, float]:
    """Microseconds, the first twentieth left out."""
    skip = len(began) // 20
    waits = sorted(end - begin for begin, end in zip(began[skip:], ended[skip:], strict=True))
    return {f"p{q:g}": waits[min(len(waits) - 1, int(len(waits) * q / 100))] / 1e3 for q in (50, 99, 99.9)}


@contextlib.contextmanager
def folder(where: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=where or None) as name:
        yield Path(name)


async def with_journal(rate: float, seconds: float, where: Path) -> Wire:
    journal = AsyncSqliteJournal(where)
    try:
        return await through_the_kernel(rate, seconds, journal)
    finally:
        await journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="1000,5000,10000")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--journal", default="none,sqlite", help="none, sqlite (WAL, synchronous=FULL), or both")
    parser.add_argument("--dir", default="", help="a folder on the disk to measure")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--send-to", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",")]
    if options.send_to:
        send(options.send_to, rates[0], options.seconds)
        return
    figures = []
    for rate in rates:
        with folder(options.dir) as where:
            runs = {"kernel": through_the_kernel(rate, options.seconds, None)} if "none" in options.journal else {}
            if "sqlite" in options.journal:
                runs["kernel, durable"] = with_journal(rate, options.seconds, where)
            runs["queue-tasks"] = through_queues(rate, options.seconds, None)
            for name, run in runs.items():
                wire = run_live(run)
                for end, ended in (("engine", wire.handed), ("wire", wire.written)):
                    got = percentiles(wire.entered, ended)
                    figures.append({"design": name, "rate": rate, "to": end, "us": got})
                    shown = "".join(f"{q:>8} {us:>9.1f}" for q, us in got.items())
                    print(f"{name:<18}{rate:>8.0f}/s {end:<7}{shown}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
