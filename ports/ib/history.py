"""Download daily and minute history into the lake, under the broker's pacing, resumable piece by piece."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from model.instruments import Instrument, product_of
from model.sessions import Sessions
from ports.ib.cash_watch import CashWatch
from ports.ib.codes import Action, rule_of
from ports.ib.contracts import Pins
from ports.ib.deaf import Deaf
from ports.ib.errors import RequestRefused
from ports.ib.history_pace import DAILY, MINUTE, HistoryPace, PaceLimits
from ports.ib.history_parts import Piece, Rows, Shelf, pieces, rows_of
from ports.ib.qualify import Qualifier
from ports.ib.session import Session
from ports.ib.settings import IBSettings

TRADES, MIDPOINT = "TRADES", "MIDPOINT"
ANSWER_S = 120.0
TRIES = 4
CLIENT_OFFSET = 1
"""A download has a client id of its own: it must not take the engine's."""


class HistoryWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to download. size: `1 day` or `1 min`.  first, last: both included."""

    instrument: str
    first: dt.date
    last: dt.date
    size: str = DAILY


class HistoryFetched(msgspec.Struct, frozen=True):
    """What became of one wish. rows: in the lake under `name` afterwards.  failed: why it is not complete, or empty."""

    name: str
    rows: int
    asked: int
    kept: int
    failed: str = ""


class HistoryFetch:
    """Fetches into the lake at `root`. Minute bars of a product are a series of their own, `PRODUCT_1min`.

    What has come is kept beside the lake: called again, it asks only for pieces that are missing or may have grown.
    say: told of progress, one line each.
    """

    def __init__(
        self, settings: IBSettings, *, instruments: Mapping[str, Instrument], sessions: Mapping[str, Sessions],
        root: Path, now_ns: Callable[[], int], limits: PaceLimits | None = None, say: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self._settings = msgspec.structs.replace(settings, client_id=settings.client_id + CLIENT_OFFSET)
        self._instruments, self._sessions = instruments, sessions
        self._shelf, self._now_ns, self._say = Shelf(root), now_ns, say
        self._pace = HistoryPace(limits)

    async def run(self, wanted: Sequence[HistoryWanted]) -> list[HistoryFetched]:
        """Raises NotOpened, IdInUse and LinkLost; what was fetched until then is kept."""
        session = Session(self._settings, Deaf(), CashWatch(0.0), now_ns=self._now_ns)
        try:
            await session.open()
            pins = Pins(self._instruments[each] for each in dict.fromkeys(one.instrument for one in wanted))
            reasons: dict[str, str] = {}
            await Qualifier(pins, {}, reasons.__setitem__).once_a_day(session, 0, self._now_ns())
            return [await self._fetch(session, pins, each, reasons) for each in wanted]
        finally:
            session.close("the download is over")

    async def _fetch(
        self, session: Session, pins: Pins, wanted: HistoryWanted, reasons: Mapping[str, str]
    ) -> HistoryFetched:
        instrument = self._instruments[wanted.instrument]
        name = product_of(instrument.id) + ("_1min" if wanted.size == MINUTE else "")
        if pins.known(instrument.id) is None:
            return HistoryFetched(name, 0, 0, 0, reasons.get(instrument.id, "it has no contract"))
        rows, asked, kept, failed = Rows(), 0, 0, ""
        for piece in pieces(wanted.size, wanted.first, wanted.last):
            if self._shelf.has(instrument.id, piece):
                rows.add(self._shelf.rows(instrument.id, piece))
                kept += 1
                continue
            try:
                bars = await self._piece(session, pins, instrument, piece)
            except RequestRefused as error:
                failed = str(error)
                break
            asked += 1
            found = rows_of(bars, piece.size, instrument, self._sessions[instrument.calendar])
            rows.add(found)
            if dt.datetime.fromtimestamp(self._now_ns() / 1e9, dt.UTC).date() > piece.before:
                self._shelf.keep(instrument.id, piece, found)
            self._say(f"{instrument.id} {piece.size}: {len(found)} bars before {piece.before}")
        total = self._shelf.put_into_lake(name, rows, instrument.calendar) if len(rows) else 0
        return HistoryFetched(name, total, asked, kept, failed)

    async def _piece(self, session: Session, pins: Pins, instrument: Instrument, piece: Piece) -> list[Any]:
        """The bars of one request; none when the gateway says that there are none. Raises RequestRefused for good."""
        from ports.ib.forms import contract_form

        contract = contract_form(pins.tradeable(instrument.id).query)
        what = MIDPOINT if contract.secType == "CASH" else TRADES
        line, request = (contract.conId, what), (contract.conId, what, piece)
        loop, last = asyncio.get_running_loop(), RequestRefused(162, "it was not tried")
        for _ in range(TRIES):
            await asyncio.sleep(self._pace.wait_s(loop.time(), line, request))
            self._pace.asked(loop.time(), line, request)
            req_id = session.questions.new_id()
            try:
                return await session.questions.ask(
                    req_id,
                    lambda req_id=req_id: session.client.reqHistoricalData(  # type: ignore[misc]
                        req_id, contract, piece.end, piece.duration, piece.size, what, True, 2, False, []
                    ),
                    ANSWER_S,
                )
            except RequestRefused as error:
                last = error
                if rule_of(error.number).action is not Action.HISTORY:
                    raise
                if "no data" in error.text.lower():
                    return []
                if "pacing" not in error.text.lower():
                    raise
                self._pace.objected(loop.time())
        raise last
