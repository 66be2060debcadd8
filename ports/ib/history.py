"""Download daily and minute history into the lake, under the broker's pacing, resumable piece by piece."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from model.instruments import Instrument, product_of
from model.rolls import Roll
from model.sessions import Sessions
from model.units import NS_PER_SECOND
from ports.ib.account_guard import check_accounts
from ports.ib.bars import bars_of
from ports.ib.cash_watch import CashWatch
from ports.ib.contracts import Pin
from ports.ib.deaf import Deaf
from ports.ib.errors import LinkLost, NotPinned, RequestRefused, Unanswered
from ports.ib.history_lake import Larder
from ports.ib.history_pace import DAILY, MINUTE, HistoryPace, PaceLimits
from ports.ib.history_parts import Piece, Rows, Shelf, pieces, rows_of
from ports.ib.past import past_pin
from ports.ib.rates import QUOTED_IN_DOLLARS
from ports.ib.session import Session
from ports.ib.settings import IBSettings

CLIENT_OFFSET = 1
"""A download has a client id of its own: it must not take the engine's."""

T = TypeVar("T")


class HistoryWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to download. instrument: of a future, one contract.  size: `1 day` or `1 min`.  first, last: both included.
    rate_of: put the daily closes of this pair among the rates, as dollars for one unit of the currency, and not among
    the bars."""

    instrument: Instrument
    first: dt.date
    last: dt.date
    size: str = DAILY
    rate_of: str = ""

    @property
    def series(self) -> tuple[str, str]:
        """Kind and name of the series in the lake."""
        if self.rate_of:
            return "fx", self.rate_of
        return "bars", product_of(self.instrument.id) + ("_1min" if self.size == MINUTE else "")


class HistoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything to download, in order. rolls: of the futures among it, by product; they go into the lake with it."""

    wanted: Sequence[HistoryWanted]
    rolls: Mapping[str, Sequence[Roll]] = {}


class HistoryFetched(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wish.

    kind, name: its series in the lake, which has `rows` afterwards.  asked: pieces that were asked for.  kept: pieces
    that were there from an earlier download.  failed: why it is not complete, or empty.
    """

    instrument: str
    kind: str
    name: str
    rows: int = 0
    asked: int = 0
    kept: int = 0
    failed: str = ""


class HistoryFetch:
    """Fetches into the lake at `root`. Minute bars of a product are a series of their own, `PRODUCT_1min`.

    What has come is kept beside the lake: called again, it asks only for pieces that are missing or may have grown.
    sessions: those of a calendar.  now_ns: this machine's clock; what the time is in the market only the gateway says.
    say: told of progress, one line each.
    """

    def __init__(
        self, settings: IBSettings, *, sessions: Callable[[str], Sessions], root: Path, now_ns: Callable[[], int],
        limits: PaceLimits | None = None, say: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self._settings = msgspec.structs.replace(settings, client_id=settings.client_id + CLIENT_OFFSET)
        self._sessions = sessions
        self._shelf, self._larder = Shelf(root), Larder(root)
        self._now_ns, self._say = now_ns, say
        self._pace = HistoryPace(limits)

    async def run(self, planned: Callable[[int], HistoryPlan]) -> list[HistoryFetched]:
        """Download what is planned; `planned` is told the gateway's time in ns, once there is a session.

        Raises NotOpened, IdInUse, WrongAccount and LinkLost, and what `planned` raises; what came until then is kept.
        """
        session = Session(self._settings, Deaf(), CashWatch(0.0), now_ns=self._now_ns)
        try:
            await session.open()
            return await _while_open(session, self._download(session, planned))
        finally:
            session.close("the download is over")

    async def _download(self, session: Session, planned: Callable[[int], HistoryPlan]) -> list[HistoryFetched]:
        check_accounts(self._settings, session.accounts)
        now_ns = await session.server_time_ns()
        plan = planned(now_ns)
        self._announce(plan, now_ns)
        pins: dict[str, Pin] = {}
        return [await self._fetch(_Wish(each, session, now_ns, pins), plan.rolls) for each in plan.wanted]

    def _announce(self, plan: HistoryPlan, now_ns: int) -> None:
        missing = sum(
            not self._shelf.has(each.instrument.id, piece)
            for each in plan.wanted
            for piece in pieces(each.size, each.first, each.last)
        )
        minutes = max(0, missing - 1) // self._pace.limits.in_ten_minutes * 10
        at = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, dt.UTC)
        slow = f", which the broker's pace makes at least {minutes:,} minutes" if minutes else ""
        self._say(f"the gateway's time is {at:%Y-%m-%d %H:%M} UTC; {missing:,} pieces are missing{slow}")

    async def _fetch(self, wish: _Wish, rolls: Mapping[str, Sequence[Roll]]) -> HistoryFetched:
        wanted, instrument = wish.wanted, wish.wanted.instrument
        kind, name = wanted.series
        failed, total = self._larder.stranger(kind, name), 0
        if not failed:
            failed = await self._take(wish)
        if len(wish.rows):
            if wanted.rate_of:
                inverse = wanted.rate_of not in QUOTED_IN_DOLLARS
                total = self._larder.put_rates(name, wish.rows, instrument.calendar, inverse=inverse)
            else:
                product = product_of(instrument.id)
                total = self._larder.put_bars(name, wish.rows, instrument.calendar, product, rolls.get(product, ()))
        elif not failed and self._traded(wish):
            failed = f"the gateway has nothing of it from {wanted.first} to {wanted.last}"
        if failed:
            self._say(f"{instrument.id}: {failed}")
        return HistoryFetched(
            instrument=instrument.id, kind=kind, name=name, rows=total, asked=wish.asked, kept=wish.kept, failed=failed
        )

    async def _take(self, wish: _Wish) -> str:
        """Bring every piece of a wish; why it is not complete, or nothing. Raises LinkLost."""
        wanted, instrument = wish.wanted, wish.wanted.instrument
        sessions = self._sessions(instrument.calendar)
        for piece in pieces(wanted.size, wanted.first, wanted.last):
            if self._shelf.has(instrument.id, piece):
                wish.add(self._shelf.rows(instrument.id, piece))
                wish.kept += 1
                continue
            try:
                bars = await self._piece(wish, piece)
            except (RequestRefused, NotPinned, Unanswered) as error:
                return str(error)
            wish.asked += 1
            found = rows_of(bars, piece.size, instrument, sessions, wish.now_ns)
            wish.add(found)
            if piece.over(wish.today):
                self._shelf.keep(instrument.id, piece, found)
            self._say(f"{instrument.id} {piece.size}: {len(found)} bars before {piece.before}")
        return ""

    async def _piece(self, wish: _Wish, piece: Piece) -> list[Any]:
        """The bars of one request; none when the gateway says that there are none. What is not answered is asked for
        once more. Raises RequestRefused, NotPinned and Unanswered for good, and LinkLost."""
        session, name = wish.session, wish.wanted.instrument.id
        asked = partial(
            bars_of, session, self._pace, await wish.pin(), size=piece.size, duration=piece.duration,
            end=piece.end(wish.today), slow=lambda: self._say(f"{name}: too fast for the gateway; waiting"),
        )  # fmt: skip
        try:
            return await asked()
        except Unanswered:
            return await asked()

    def _traded(self, wish: _Wish) -> bool:
        """Whether a session of the span has closed, so that a bar of it must be known."""
        held = self._sessions(wish.wanted.instrument.calendar).between(wish.first, wish.last)
        return any(each.closes_ns <= wish.now_ns for each in held)


class _Wish:
    """One wish while it is fulfilled: what came for it, and whom to ask. pins: contracts found in this session."""

    def __init__(self, wanted: HistoryWanted, session: Session, now_ns: int, pins: dict[str, Pin]) -> None:
        self.wanted, self.now_ns = wanted, now_ns
        self.today = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, dt.UTC).date()
        self.rows, self.asked, self.kept = Rows(), 0, 0
        self.session, self._pins = session, pins
        self.first, self.last = (int(f"{each:%Y%m%d}") for each in (wanted.first, wanted.last))

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        """Those of the sessions that are wanted."""
        self.rows.add(row for row in rows if self.first <= row[1] <= self.last)

    async def pin(self) -> Pin:
        """The contract at the broker, asked for once a session. Raises as `past_pin` does."""
        instrument = self.wanted.instrument
        if instrument.id not in self._pins:
            self._pins[instrument.id] = await past_pin(self.session, instrument)
        return self._pins[instrument.id]


async def _while_open(session: Session, work: Coroutine[Any, Any, T]) -> T:
    """What the work comes to. Raises LinkLost when the session ends before it: nobody would answer any more."""
    task = asyncio.ensure_future(work)
    either: set[asyncio.Future[Any]] = {task, session.over}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise LinkLost(session.over.result())
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
