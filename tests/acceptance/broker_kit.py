"""A program on an account behind the simulated gateway, both on one virtual loop: a week takes seconds."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import facts
from app.broker import BrokerProcess, broker
from app.sessions import calendars
from config.loader import Configuration, load
from engine.clock import LiveClock
from engine.ports import Row
from model.units import NS_PER_SECOND, Cash, Qty, qty
from simulation.stage import VirtualLoop
from simulation.tws.clock import LoopClock
from simulation.tws.control import Control
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from state.journal import journal_rows
from state.lake import Lake
from state.lake.lake import Bars, FxSeries
from state.lake.manifest import DataSet

ACCOUNT, CAPITAL = "DU1000001", "20000000"
PORT = 4002
STEPS = 1_440
"""Ticks to a day's bar: one a minute."""


def at_ns(text: str) -> int:
    """Nanoseconds of an ISO moment in UTC."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * NS_PER_SECOND


class CutLake(Lake):
    """A lake as it was when its last session had come: what followed is for the broker to tell.

    The days of rolls are a calendar, known in advance: the record has no prices of a contract that it has left.
    """

    def __init__(self, path: Path, last: int) -> None:
        super().__init__(path)
        self._last = last

    def data_set(self, kind: str, name: str) -> DataSet:
        import msgspec

        whole = super().data_set(kind, name)
        return msgspec.structs.replace(whole, last_session=min(whole.last_session, self._last))

    def bars(self, product: str, first: int = 0, last: int = 99_999_999) -> Bars:
        return super().bars(product, first, min(last, self._last))

    def fx(self, currency: str, first: int = 0, last: int = 99_999_999) -> FxSeries:
        return super().fx(currency, first, min(last, self._last))


class Rehearsal:
    """A gateway over the whole record, and engines in front of it that know the record up to a session."""

    def __init__(
        self, places: tuple[str, ...], begins: str, known: int, state: Path, seed: int = 0, more: tuple[str, ...] = ()
    ) -> None:  # fmt: skip
        self.loop = VirtualLoop(now_ns=at_ns(begins), seed=seed)
        self.configuration = self._load((*places, *more))
        self.lake_dir, self.known, self.state = Path(self.configuration.settings.data.lake_dir), known, state
        self.rows: list[Row] = []
        self.gateway: Gateway
        self.control: Control
        self.process: BrokerProcess

    @staticmethod
    def _load(places: tuple[str, ...]) -> Configuration:
        return load("ib_paper", environment={}, overrides=(
            *places, "venue.kind=ib", f"venue.account={ACCOUNT}", f"venue.port={PORT}", "engine.auto_trade=true",
            "engine.cycle_day=next", 'engine.cycle_time_utc="14:00"', "execution.max_quote_age_s=120",
        ))  # fmt: skip

    def run(self, script: Callable[[Rehearsal], Awaitable[None]]) -> None:
        """Play a script beside gateway and engine; what the engine dies of is raised."""
        self.loop.run_until_complete(self._play(script))
        assert self.loop.complaints == []

    async def _play(self, script: Callable[[Rehearsal], Awaitable[None]]) -> None:
        await self.open_gateway()
        await script(self)
        await self.gateway.close()

    async def open_gateway(self, now: str = "") -> None:
        loop: Any = self.loop
        settings = self.configuration.settings
        rules = GatewayRules(account_s=180.0)  # the broker's own interval
        founding = Founding(accounts={ACCOUNT: {"USD": CAPITAL}}, steps=STEPS, gateway=rules)
        house = found(
            founding, LoopClock(loop, self.loop.now_ns), self.configuration.instruments,
            calendars(Path(settings.data.cache_dir)).sessions, Lake(self.lake_dir),
        )  # fmt: skip
        self.gateway = Gateway(house)
        await self.gateway.listen("127.0.0.1", PORT)
        self.control = Control(self.gateway)

    def start(self) -> asyncio.Task[None]:
        """One life of the engine."""
        wanted = replace(
            broker(self.configuration, self.state, None).wanted, lake=CutLake(self.lake_dir, self.known),
            on_row=self.rows.append, control=False, at_live_pace=False, log_level="error",
        )  # fmt: skip
        clock = LiveClock(lambda: self.loop.now_ns, lambda: self.loop.now_ns)
        self.process = BrokerProcess(wanted, clock)
        return asyncio.ensure_future(self.process.run())

    async def until(self, moment: str) -> None:
        await asyncio.sleep((at_ns(moment) - self.loop.now_ns) / NS_PER_SECOND)

    def journal(self) -> list[Row]:
        """Every row that is on disk, of all lives."""
        return list(journal_rows(self.state / "journal", events=facts.events()))

    # -- what both sides have

    def ours(self) -> tuple[dict[str, Qty], dict[str, Cash]]:
        """Positions by contract and cash by currency in the engine's books."""
        books = self.process.kernel.actor("portfolio").books
        held = {name: each.quantity for name, each in books.positions.items() if each.quantity}
        return held, {name: amount for name, amount in books.cash.items() if amount}

    def theirs(self) -> tuple[dict[str, Qty], dict[str, Cash]]:
        """The same at the broker, as its own exchange has it: what accounts are told is rounded to cents."""
        house = self.gateway.house
        held: dict[str, Qty] = {}
        for each in self.control.dump().positions:
            if each.quantity:
                held[house.catalogue.instrument(each.contract.con_id).id] = qty(str(each.quantity))
        money = house.broker.books[ACCOUNT].exchange.account.cash
        return held, {name: amount for name, amount in money.items() if amount}

    async def crash(self, life: asyncio.Task[None]) -> None:
        """End a life without a word."""
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)

    async def at_rest(self) -> None:
        """Until the books are the broker's; fails when they do not come to be so within an hour of the market."""
        for _ in range(60):
            if self.ours() == self.theirs():
                return
            await asyncio.sleep(60.0)
        raise AssertionError(f"ours {self.ours()}, theirs {self.theirs()}")
