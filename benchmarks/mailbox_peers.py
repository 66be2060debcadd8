"""The same work by others: a plain call, an asyncio.Queue, Pykka, nautilus_trader. Runs in any interpreter.

python benchmarks/mailbox_peers.py DESIGN COUNT        prints seconds a million messages
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

BOUND = 1_024

Design = Callable[[int], float]


class Tick(msgspec.Struct, frozen=True, gc=False):
    """The message where it need not be one of ours."""

    seq: int
    price: float


class Counter:
    def __init__(self) -> None:
        self.n = 0

    def on_tick(self, tick: Any) -> None:
        self.n += 1


def method_call(n: int) -> float:
    counter = Counter()
    handlers = {Tick: counter.on_tick}
    began = time.perf_counter()
    for k in range(n):
        tick = Tick(k, 1.5)
        handlers[type(tick)](tick)
    return took(began, counter, n)


def asyncio_queue(n: int) -> float:
    async def run() -> float:
        queue: asyncio.Queue[Tick | None] = asyncio.Queue(BOUND)
        counter = Counter()
        handlers = {Tick: counter.on_tick}

        async def actor() -> None:
            while (tick := await queue.get()) is not None:
                handlers[type(tick)](tick)

        task = asyncio.create_task(actor())
        began = time.perf_counter()
        for k in range(n):
            await queue.put(Tick(k, 1.5))
        await queue.put(None)
        await task
        return took(began, counter, n)

    return asyncio.run(run())


def took(began: float, counter: Any, n: int) -> float:
    seconds = time.perf_counter() - began
    if counter.n != n:
        raise AssertionError(f"{counter.n} of {n} messages arrived")
    return seconds * 1e6 / n


def pykka(n: int) -> float:
    import pykka as peer  # type: ignore[import-not-found]

    class Sink(peer.ThreadingActor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.counter = Counter()

        def on_receive(self, message: Any) -> Any:
            if type(message) is Tick:
                self.counter.on_tick(message)
                return None
            return self.counter

    ref = Sink.start()
    began = time.perf_counter()
    for k in range(n):
        ref.tell(Tick(k, 1.5))
    seconds = took(began, ref.ask("count"), n)
    ref.stop()
    return seconds


def nautilus(n: int) -> float:
    from nautilus_trader.common.component import LiveClock, MessageBus  # type: ignore[import-not-found]
    from nautilus_trader.model.identifiers import TraderId  # type: ignore[import-not-found]

    bus = MessageBus(trader_id=TraderId("BENCH-001"), clock=LiveClock())
    counter = Counter()
    bus.subscribe("data.quotes.SIM.X", counter.on_tick)
    began = time.perf_counter()
    for k in range(n):
        bus.publish("data.quotes.SIM.X", Tick(k, 1.5))
    return took(began, counter, n)


PEERS: dict[str, tuple[str, Design]] = {"nautilus": ("nautilus_trader", nautilus), "pykka": ("pykka", pykka)}


if __name__ == "__main__":
    print(PEERS[sys.argv[1]][1](int(sys.argv[2])))
