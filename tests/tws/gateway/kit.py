"""A gateway on a real socket over the hand-written week, and clients of an unmodified library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from ib_async import IB, Contract, Forex, Future, Stock

from simulation.tws.broker import Stories
from simulation.tws.clock import HandClock
from simulation.tws.control import Control
from simulation.tws.faults import FaultPlan
from simulation.tws.gateway import Gateway
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


class Desk:
    """A gateway, its clock and its control, and the clients that a test connects."""

    def __init__(self, gateway: Gateway, clock: HandClock) -> None:
        self.gateway, self.clock = gateway, clock
        self.control = Control(gateway)
        self.ibs: list[IB] = []

    async def connect(self, client_id: int = 1, **how: Any) -> IB:
        """A client that has connected and synchronised."""
        ib = IB()
        self.ibs.append(ib)
        how.setdefault("timeout", PATIENCE_S)
        await ib.connectAsync("127.0.0.1", self.gateway.port, clientId=client_id, **how)
        return ib

    async def contract(self, ib: IB, contract: Contract) -> Contract:
        """The one contract that is meant."""
        (found,) = await ib.qualifyContractsAsync(contract)
        assert isinstance(found, Contract)
        return found

    def price(self, contract: Contract | str, bid: float, ask: float, **more: Any) -> None:
        """Set a market, prices as the client reads them."""
        self.control.set_price(contract if isinstance(contract, str) else contract.conId, bid=bid, ask=ask, **more)


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


async def until(true: Callable[[], object], what: str = "") -> None:
    """Let the loop turn until something is so; fails when it does not become so."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0)


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

    async def code(self, code: int) -> tuple[int, int, str]:
        """The first error of a code, once it has come."""
        await until(lambda: code in self.codes, f"error {code}")
        return next(each for each in self.all if each[1] == code)


replace = msgspec.structs.replace
