"""A gateway on a real socket over the hand-written week, and clients of an unmodified library."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ib_async import IB, Contract, Forex, Future, Option, Stock, Ticker, Trade

from simulation.tws.broker import Stories
from simulation.tws.clock import HandClock
from simulation.tws.codec import Framer, fields_of
from simulation.tws.control import Control
from simulation.tws.faults import FaultPlan
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from state.lake import Lake
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY, sessions

ACCOUNT = "DU1000001"
PATIENCE_S = 10.0
"""How long a test waits for what must come; nothing is measured by it."""

ABC = Stock("ABC", "SMART", "USD")
XYZ = Stock("XYZ", "SMART", "USD")
PENCE = Stock("IUKD", "SMART", "GBP", primaryExchange="LSEETF")
ES = Future("ES", "201909", "CME", currency="USD")
EUR = Forex("EURUSD")
CALL_24, CALL_25, CALL_26 = (Option("VXX", "20190719", strike, "C", "SMART") for strike in (24, 25, 26))


class Heard:
    """Errors that a client heard: (request id, code, text)."""

    def __init__(self, ib: IB) -> None:
        self.all: list[tuple[int, int, str]] = []
        ib.errorEvent += self._hear

    def _hear(self, req_id: int, code: int, text: str, contract: object) -> None:
        self.all.append((req_id, code, text))

    @property
    def codes(self) -> list[int]:
        return [code for _, code, _ in self.all]


class Desk:
    """A gateway, its clock and its control, and the clients that a test connects."""

    def __init__(self, gateway: Gateway, clock: HandClock) -> None:
        self.gateway, self.clock = gateway, clock
        self.control = Control(gateway)
        self.ibs: list[IB] = []
        self.heard: dict[int, Heard] = {}
        self._stirred = asyncio.Event()

    def client(self, newest: int = 178) -> IB:
        """A client that has not connected yet."""
        ib = IB()
        ib.client.MaxClientVersion = newest
        self.ibs.append(ib)
        for event in (ib.updateEvent, ib.disconnectedEvent, ib.errorEvent):
            event += self._stir
        return ib

    async def connect(self, client_id: int = 1, *, newest: int = 178, **how: Any) -> IB:
        """A client that has connected and synchronised."""
        ib = self.client(newest)
        self.heard[client_id] = Heard(ib)
        how.setdefault("timeout", PATIENCE_S)
        await ib.connectAsync("127.0.0.1", self.gateway.port, clientId=client_id, **how)
        return ib

    async def contract(self, ib: IB, contract: Contract) -> Contract:
        """The one contract that is meant."""
        (found,) = await ib.qualifyContractsAsync(contract)
        assert isinstance(found, Contract)
        return found

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for what a client hears next until something is so; fails when it does not become so."""
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self._stirred.clear()
                await self._stirred.wait()

    async def error(self, code: int, client_id: int = 1) -> tuple[int, int, str]:
        """The first error of a code that a client hears."""
        heard = self.heard[client_id]
        await self.until(lambda: code in heard.codes)
        return next(each for each in heard.all if each[1] == code)

    async def silence(self, ib: IB) -> None:
        """Everything that has been said to a client by now has come."""
        await ib.reqCurrentTimeAsync()

    def price(self, contract: Contract | str, bid: float, ask: float, **more: Any) -> None:
        """Set a market, prices as the client reads them."""
        self.control.set_price(contract if isinstance(contract, str) else contract.conId, bid=bid, ask=ask, **more)

    async def quoted(self, ticker: Ticker) -> Ticker:
        """A ticker that has a bid."""
        await self.until(lambda: ticker.bid == ticker.bid)
        return ticker

    async def status(self, trade: Trade, status: str) -> Trade:
        """A trade once it has a status."""
        await self.until(lambda: trade.orderStatus.status == status)
        return trade

    def _stir(self, *anything: object) -> None:
        self._stirred.set()


@asynccontextmanager
async def desk(
    lake: Lake,
    *,
    options: Path | None = None,
    now_ns: int = WEDNESDAY,
    plan: FaultPlan | None = None,
    stories: Stories | None = None,
    **founding: Any,
) -> AsyncIterator[Desk]:
    """A gateway at a moment of the week; everything is closed in the end."""
    founding.setdefault("gateway", GatewayRules(messages_per_second=100_000))  # the clients' time stands still
    clock = HandClock(now_ns)
    house = found(Founding(**founding), clock, INSTRUMENTS, sessions, lake, options, stories)
    gateway = Gateway(house, plan)
    await gateway.listen()
    made = Desk(gateway, clock)
    try:
        yield made
    finally:
        for ib in made.ibs:
            ib.disconnect()
        await gateway.close()


class Raw:
    """A client that is nothing but a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._framer = Framer()
        self._kept: list[list[str]] = []

    @classmethod
    async def open(cls, here: Desk, versions: str = "v157..178") -> Raw:
        made = cls(*await asyncio.open_connection("127.0.0.1", here.gateway.port))
        made.writer.write(b"API\0")
        made.frame(versions)
        return made

    def frame(self, text: str) -> None:
        """Send one frame."""
        payload = text.encode()
        self.writer.write(struct.pack(">I", len(payload)) + payload)

    def say(self, *fields: object) -> None:
        self.frame("".join(f"{field}\0" for field in fields))

    async def next(self) -> list[str]:
        """The next frame's fields; nothing once the connection has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._kept:
                data = await self.reader.read(65_536)
                if not data:
                    return []
                self._kept += [fields_of(payload) for payload in self._framer.feed(data)]
        return self._kept.pop(0)

    async def end(self) -> None:
        """Read until the connection ends."""
        while await self.next():
            continue
        self.writer.close()
