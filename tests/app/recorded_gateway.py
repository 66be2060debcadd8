"""A gateway that replays eighteen months of two index futures, a rate and an index: seeded, on real calendars."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import numpy as np

from app.sessions import calendars
from config.loader import load_instruments
from model.instruments import Instrument
from model.sessions import Session
from model.units import PX_SCALE, px, qty
from simulation.tws.clock import LoopClock
from simulation.tws.control import Control
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from state.lake import Lake
from state.lake.manifest import Import
from state.lake.sealed import Column
from state.lake.writer import Draft, constant, write
from tests.app.kit import Said, hedgerow

ACCOUNT = "DU1000001"
FIRST, LAST = 20220103, 20230627
WEDNESDAY = int(dt.datetime(2023, 6, 28, 14, tzinfo=dt.UTC).timestamp()) * 10**9
"""In the middle of a session of both exchanges, of which nothing may be in a lake yet."""
MONTHS = (202203, 202206, 202209, 202212, 202303, 202306, 202309)
FUTURES = {"SP500": (4_000.0, 0.25), "EURO600": (450.0, 0.1)}
"""Product -> where it begins, and its tick."""


HISTORY = b"20\0"
"""How a request for bars begins in the protocol."""


class Here:
    """The gateway, its control, and what was asked of it. words: settings that every command is given."""

    def __init__(self, gateway: Gateway, words: Sequence[str]) -> None:
        self.gateway, self.control, self._words = gateway, Control(gateway), words
        self.passed: Counter[str] = Counter()
        gateway.on_passed = lambda message, client: self.passed.update([message])

    @property
    def asked(self) -> int:
        """How many pieces of the past were asked for."""
        return self.passed["ReqHistoricalData"]

    def piece_asked_for(self, nth: int) -> asyncio.Event:
        """Set once the nth request for bars from now on has come, also when it is then harmed."""
        came, numbers = asyncio.Event(), count(1)

        def hear(session: object, what: str, payload: bytes) -> None:
            if what == "in" and payload.startswith(HISTORY) and next(numbers) == nth:
                came.set()

        self.gateway.logged = hear
        return came

    async def fetch(self, *words: str | Path, account: str = ACCOUNT) -> Said:
        """`hedgerow data fetch` in front of this gateway."""
        return await asyncio.to_thread(hedgerow, *self.words(*words, account=account))

    def words(self, *words: str | Path, account: str = ACCOUNT) -> list[str | Path]:
        """What is typed for it."""
        connection = ("--account", account, "--port", str(self.gateway.port))
        settings = [part for word in self._words for part in ("--set", word)]
        return ["data", "fetch", *connection, *settings, *words]


def words(folder: Path) -> tuple[str, ...]:
    """Settings for a cache of calendars."""
    return (f"data.cache_dir={folder / 'cache'}", "logging.level=error")


@asynccontextmanager
async def recorded_gateway(
    lake: Lake, folder: Path, now_ns: int = WEDNESDAY, *, without: str = ""
) -> AsyncIterator[Here]:
    """A gateway whose market is at `now_ns` while it replays the lake. without: an instrument that it does not list."""
    table = {name: one for name, one in instruments().items() if name != without}
    house = found(
        Founding(gateway=GatewayRules(messages_per_second=1_000)), LoopClock(asyncio.get_running_loop(), now_ns), table,
        calendars(folder / "cache").sessions, lake, None, None,
    )  # fmt: skip
    gateway = Gateway(house, None)
    await gateway.listen()
    try:
        yield Here(gateway, words(folder))
    finally:
        await gateway.close()


def instruments() -> Mapping[str, Instrument]:
    return load_instruments(("futures.yaml", "europe.yaml"))


def make_lake(folder: Path) -> Lake:
    """The lake behind the gateway, without rolls: which contract is held when, is the engine's business."""
    held, table = calendars(folder / "cache"), instruments()
    drafts = []
    for seed, (name, (level, tick)) in enumerate(FUTURES.items()):
        sessions = held.sessions(table[name].calendar).between(FIRST, LAST)
        drafts.append(_bars(name, _contracts(sessions, level, tick, seed)))
    index = [(0, each, 4_000.0 + i) for i, each in enumerate(held.sessions("NYSE").between(FIRST, LAST))]
    drafts.append(_bars("SPX_INDEX", index))
    days = held.sessions("24x5").between(FIRST, LAST)
    drafts.append(_rates("EUR", days, np.random.default_rng(7)))
    write(folder / "lake", drafts, Import(fingerprint="past", source="by hand", made=(), report=()))
    return Lake(folder / "lake")


def _contracts(
    sessions: Sequence[Session], level: float, tick: float, seed: int
) -> Iterator[tuple[int, Session, float]]:
    """(month, session, close): a walk, and every contract a little above the one before it, until it expires."""
    moves = np.random.default_rng(seed).normal(0.0005, 0.01, len(sessions))
    path = level * np.exp(np.cumsum(moves))
    for i, session in enumerate(sessions):
        for month in MONTHS:
            if session.date <= month * 100 + 15:
                months_left = (month // 100 - session.date // 10_000) * 12 + month % 100 - session.date // 100 % 100
                yield month, session, round(path[i] * (1 + 0.002 * months_left) / tick) * tick


def _bars(name: str, rows: Iterator[tuple[int, Session, float]] | Sequence[tuple[int, Session, float]]) -> Draft:
    every = sorted(rows, key=lambda row: (row[1].closes_ns, row[0]))
    price = np.array([px(f"{row[2]:.2f}") for row in every], np.int64)
    columns: dict[str, Column] = {
        "contract": np.array([row[0] for row in every], np.int32),
        "session": np.array([row[1].date for row in every], np.int32),
        "at_ns": np.array([row[1].closes_ns for row in every], np.int64),
        "open": price, "high": price, "low": price, "close": price,
        "volume": np.full(len(every), qty("1000"), np.int64), "source": constant("hand", len(every)),
    }  # fmt: skip
    return Draft(kind="bars", id=name, columns=columns, source="by hand", licence="none")


def _rates(currency: str, days: Sequence[Session], random: np.random.Generator) -> Draft:
    rate = np.rint(1.05 * np.exp(np.cumsum(random.normal(0, 0.005, len(days)))) * 20_000) / 20_000
    columns: dict[str, Column] = {
        "session": np.array([each.date for each in days], np.int32),
        "at_ns": np.array([each.closes_ns for each in days], np.int64),
        "rate": np.rint(rate * PX_SCALE).astype(np.int64),
    }
    return Draft(kind="fx", id=currency, columns=columns, source="by hand", licence="none")
