"""A simulated gateway in a process of its own, which notes when prices leave it and when requests arrive.

All times are of the machine's one monotonic clock, nanoseconds. A price is noted one turn of the gateway's loop before
its bytes are written, a request as its frame is cut from what the socket had: what lies between is never shown smaller
than it was.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from engine.host import run_live
from simulation.tws.broker import BrokerRules
from simulation.tws.clock import LoopClock
from simulation.tws.codec import CodecError, decode_request, fields_of
from simulation.tws.control import Control
from simulation.tws.gateway import Gateway
from simulation.tws.requests import CancelOrder, PlaceOrder
from simulation.tws.service.house import GatewayRules
from simulation.tws.session import Session
from simulation.tws.world import Founding, found
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY, make_lake, sessions

ACCOUNT, OPENING = "DU1000001", "10000000"
BID, ASK = "1", "2"
CENTS_BELOW, CENTS_ABOVE, SPAN = 9_000, 10_002, 400
"""Bids walk from 90 to 94 and back, asks from 100.02 to 104.02, a cent a tick: no two at once are alike."""
VERSION = 178


class Place(msgspec.Struct):
    """Where the gateway is, and the moment at which its market began."""

    port: int
    began_ns: int


class Stamp(msgspec.Struct):
    """what: tick, order, what-if or cancel.  cents: of the price or the limit.  order_id: 0 for a tick."""

    at_ns: int
    what: str
    cents: int
    order_id: int = 0


class FarGateway:
    """The other end, as its own process has it."""

    def __init__(self, pipe: Connection, lake: Path, messages_per_s: int) -> None:
        rules = GatewayRules(messages_per_second=messages_per_s)
        many = BrokerRules(most_working=1_000)
        founding = Founding(gateway=rules, broker=many, accounts={ACCOUNT: {"USD": OPENING}})
        self._pipe, self._clock = pipe, LoopClock(asyncio.get_running_loop(), WEDNESDAY)
        self._gateway = Gateway(found(founding, self._clock, INSTRUMENTS, sessions, make_lake(lake)))
        self._control = Control(self._gateway)
        self._noted: list[tuple[int, bool, bytes]] = []
        self._walks = {BID: 0, ASK: 0}
        self._gateway.logged = self._note

    def _note(self, session: Session, what: str, payload: bytes) -> None:
        if (what == "out" and payload[:2] == b"1\0") or (what == "in" and payload[:2] in (b"3\0", b"4\0")):
            self._noted.append((time.monotonic_ns(), what == "in", payload))

    async def serve(self) -> None:
        """Do what the pipe asks until it ends."""
        port = await self._gateway.listen()
        self._price()
        self._pipe.send(Place(port, round(self._clock.began_s * 1e9)))
        while what := await asyncio.to_thread(self._heard):
            if what[0] == "play":
                await self._play(*what[1:])
            self._pipe.send(self._told())
        await self._gateway.close()

    def _heard(self) -> tuple[Any, ...] | None:
        try:
            heard: tuple[Any, ...] = self._pipe.recv()
            return heard
        except EOFError:
            return None

    async def _play(self, side: str, ticks: int, rate: float) -> None:
        """Move one side's price so often, at about even moments; late ticks are not made up for."""
        draw, loop = random.Random(11), asyncio.get_running_loop()
        for _ in range(ticks):
            due_s = loop.time() + draw.uniform(0.8, 1.2) / rate
            await asyncio.sleep(due_s - loop.time())
            self._walks[side] += 1
            self._price()
        await asyncio.sleep(1.0)  # what is on its way may still come

    def _price(self) -> None:
        bid, ask = (SPAN - abs(self._walks[side] % (2 * SPAN) - SPAN) for side in (BID, ASK))
        self._control.set_price("ABC", bid=(CENTS_BELOW + bid) / 100, ask=(CENTS_ABOVE + ask) / 100)

    def _told(self) -> list[Stamp]:
        noted, self._noted = self._noted, []
        return [stamp for each in noted if (stamp := _stamp(*each)) is not None]


def _stamp(at_ns: int, request: bool, payload: bytes) -> Stamp | None:
    if not request:
        _, _, _, _, price, *_ = fields_of(payload)
        return Stamp(at_ns, "tick", round(float(price) * 100))
    try:
        asked = decode_request(fields_of(payload), VERSION)
    except CodecError:
        return None
    if isinstance(asked, CancelOrder):
        return Stamp(at_ns, "cancel", 0, asked.order_id)
    if not isinstance(asked, PlaceOrder):
        return None
    return Stamp(
        at_ns, "what-if" if asked.order.what_if else "order", round((asked.order.limit or 0.0) * 100), asked.order_id
    )


def waits(stamps: Iterable[Stamp]) -> tuple[list[int], int]:
    """Nanoseconds from each price to the order that names it, and how many prices no order ever named."""
    prices: deque[Stamp] = deque()
    took, lost = [], 0
    for stamp in stamps:
        if stamp.what == "tick":
            prices.append(stamp)
        elif stamp.what == "order" and any(each.cents == stamp.cents for each in prices):
            while (price := prices.popleft()).cents != stamp.cents:
                lost += 1
            took.append(stamp.at_ns - price.at_ns)
    return took, lost + len(prices)


class Far:
    """The other end, as seen from here."""

    def __init__(self, pipe: Connection, place: Place) -> None:
        self._pipe, self.port, self.began_ns = pipe, place.port, place.began_ns

    async def play(self, side: str, ticks: int, rate: float) -> list[Stamp]:
        """Let a side's price move; everything that was noted since the last answer."""
        return await self._ask("play", side, ticks, rate)

    async def stamps(self) -> list[Stamp]:
        return await self._ask("stamps")

    async def _ask(self, *what: object) -> list[Stamp]:
        self._pipe.send(what)
        stamps: list[Stamp] = await asyncio.to_thread(self._pipe.recv)  # uvloop would make the pipe a non-blocking one
        return stamps


def _process(pipe: Connection, lake: Path, messages_per_s: int) -> None:
    async def main() -> None:
        await FarGateway(pipe, lake, messages_per_s).serve()

    run_live(main())


@contextmanager
def far_gateway(folder: Path, messages_per_s: int) -> Iterator[Far]:
    """A gateway's process, ended at the end. folder: for its prices."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_process, args=(theirs, folder / "lake", messages_per_s), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Far(ours, ours.recv())
    finally:
        ours.close()
        process.join(10.0)
        process.kill()
