"""Market data as it should be: what is traded streams, the rest takes turns, and every line must show life.

The wanted state is kept here and not at the gateway: after a loss it is asked for again and verified by a first tick.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from engine.message import Message
from model.market import Quote
from model.units import QTY_SCALE, Px, Qty
from ports.ib.codes import Action, Rule
from ports.ib.contracts import Pin, Pins
from ports.ib.errors import IBError
from ports.ib.heard import Complaint
from ports.ib.pacer import Lane
from ports.ib.session import Session
from ports.ib.settings import IBSettings
from ports.ib.wire_numbers import known, px_in

BID, ASK = (1, 66), (2, 67)
BID_SIZE, ASK_SIZE = (0, 69), (3, 70)
LIVE, DELAYED = 1, 3
RESERVED = 5
"""Lines of the budget that stay free for rotating snapshots and for what a person looks at."""
TURN_S = 11.0
"""A snapshot of market data lasts this long at most."""


class Line(msgspec.Struct, gc=False):
    """One subscription. asked_s: when, in loop time.  alive: a tick has come since.  kind: of the data, 1 is live."""

    instrument: str
    pin: Pin
    asked_s: float
    streaming: bool
    alive: bool = False
    kind: int = LIVE
    bid: Px = 0
    ask: Px = 0
    bid_size: Qty = 0
    ask_size: Qty = 0


class Subscriptions:
    """streamed come first and in this order, as far as lines reach; the rest and `rotated` are looked at by turns.

    tell: a quote leaves.  refused: contracts of which the account has no data; they are not asked again this session.
    """

    def __init__(
        self, settings: IBSettings, pins: Pins, streamed: Iterable[str], rotated: Iterable[str],
        tell: Callable[[Message], None], now_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self._settings, self._pins, self._tell, self._now_ns = settings, pins, tell, now_ns
        self._streamed, self._others = list(dict.fromkeys(streamed)), list(dict.fromkeys(rotated))
        self._rotated: deque[str] = deque()
        self._lines: dict[int, Line] = {}
        self._budget = max(0, settings.data_lines - RESERVED)
        self._session: Session | None = None
        self._due = asyncio.Event()
        self.refused: dict[str, str] = {}

    def want(self, streamed: Iterable[str], rotated: Iterable[str] = ()) -> None:
        """A new wish; what is not in it any more is given up at the next turn."""
        self._streamed, self._others = list(dict.fromkeys(streamed)), list(dict.fromkeys(rotated))
        self._due.set()

    @property
    def streaming(self) -> list[str]:
        return [line.instrument for line in self._lines.values() if line.streaming]

    @property
    def silent(self) -> list[str]:
        """Instruments whose subscription has shown no tick yet."""
        return [line.instrument for line in self._lines.values() if line.streaming and not line.alive]

    # -- the session's side

    def lost(self) -> None:
        """The session is over, and every line with it."""
        self._lines.clear()
        self._session = None
        self.refused.clear()

    def back(self, *, anew: bool) -> None:
        """The upstream link is back: ask for everything anew, or see whether ticks flow."""
        if anew:
            self._lines.clear()
        now_s = asyncio.get_running_loop().time()
        for line in self._lines.values():
            line.alive, line.asked_s = False, now_s
        self._due.set()

    async def keep(self, session: Session) -> None:
        """Bring the gateway's subscriptions to what is wanted, for as long as the session lasts."""
        self._session = session
        kind = DELAYED if self._settings.delayed else LIVE
        session.send(Lane.QUERY, lambda: session.client.reqMarketDataType(kind), _ignore)
        while True:
            self._stream(session)
            await self._turn(session)
            try:
                async with asyncio.timeout(self._settings.patience.first_tick_s):
                    await self._due.wait()
            except TimeoutError:
                self._revive(session)
            self._due.clear()

    def _stream(self, session: Session) -> None:
        known = [each for each in self._streamed if each not in self.refused and self._pins.known(each) is not None]
        wanted, beyond = known[: self._budget], known[self._budget :]
        turns = [*beyond, *(each for each in self._others if each not in self._streamed)]
        if set(turns) != set(self._rotated):
            self._rotated = deque(turns)
        have = {line.instrument: req_id for req_id, line in self._lines.items() if line.streaming}
        for instrument, req_id in have.items():
            if instrument not in wanted:
                self._drop(session, req_id)
        for instrument in wanted:
            if instrument not in have:
                self._ask(session, instrument, streaming=True)

    def _revive(self, session: Session) -> None:
        """A subscription without a first tick was lost: ask once more. A closed market has none, and costs nothing."""
        now_s, patience_s = asyncio.get_running_loop().time(), self._settings.patience.first_tick_s
        for req_id, line in list(self._lines.items()):
            if line.streaming and not line.alive and now_s - line.asked_s >= patience_s:
                self._drop(session, req_id)
                self._ask(session, line.instrument, streaming=True)

    async def _turn(self, session: Session) -> None:
        """One of those that take turns: a snapshot, then it goes to the end of the queue."""
        for _ in range(min(RESERVED, len(self._rotated))):
            instrument = self._rotated[0]
            self._rotated.rotate(-1)
            if instrument in self.refused or self._pins.known(instrument) is None:
                continue
            req_id = self._new(session, instrument, streaming=False)
            send = partial(session.client.reqMktData, req_id, self._contract(instrument), "", True, False, [])
            try:
                await session.questions.ask(req_id, send, TURN_S)
            except IBError as error:
                self.refused[instrument] = str(error)
            finally:
                self._lines.pop(req_id, None)

    def _ask(self, session: Session, instrument: str, *, streaming: bool) -> None:
        req_id = self._new(session, instrument, streaming=streaming)
        contract = self._contract(instrument)
        session.send(Lane.QUERY, lambda: session.client.reqMktData(req_id, contract, "", False, False, []), _ignore)

    def _contract(self, instrument: str) -> object:
        from ports.ib.forms import contract_form

        pin = self._pins.known(instrument)
        assert pin is not None
        return contract_form(pin.query)

    def _new(self, session: Session, instrument: str, *, streaming: bool) -> int:
        req_id, pin = session.questions.new_id(), self._pins.known(instrument)
        assert pin is not None
        self._lines[req_id] = Line(instrument, pin, asyncio.get_running_loop().time(), streaming)
        return req_id

    def _drop(self, session: Session, req_id: int) -> None:
        self._lines.pop(req_id, None)
        session.send(Lane.QUERY, lambda: session.client.cancelMktData(req_id), _ignore)

    # -- what is heard

    def on_price(self, req_id: int, kind: int, price: float, size: float) -> None:
        line = self._lines.get(req_id)
        if line is None or kind not in (*BID, *ASK):
            return
        line.alive = True
        there = known(price) and price != -1 and size > 0
        value = px_in(price, line.pin.magnifier) if there else 0
        amount = int(size) * QTY_SCALE if there else 0
        if kind in BID:
            line.bid, line.bid_size = value, amount
        else:
            line.ask, line.ask_size = value, amount
        self._say(line)

    def on_size(self, req_id: int, kind: int, size: float) -> None:
        line = self._lines.get(req_id)
        if line is None or kind not in (*BID_SIZE, *ASK_SIZE):
            return
        line.alive = True
        amount = int(size) * QTY_SCALE
        if kind in BID_SIZE and line.bid_size != amount and line.bid:
            line.bid_size = amount
        elif kind in ASK_SIZE and line.ask_size != amount and line.ask:
            line.ask_size = amount
        else:
            return
        self._say(line)

    def on_data_kind(self, req_id: int, kind: int) -> None:
        line = self._lines.get(req_id)
        if line is not None:
            line.kind = kind

    def on_complaint(self, complaint: Complaint, rule: Rule) -> None:
        """A word about a line of ours, or about all of them."""
        line = self._lines.get(complaint.about)
        if rule.action is Action.FEWER_LINES:
            self._budget = max(0, self._budget - 1)
            self._lines.pop(complaint.about, None)
        elif line is not None and rule.action in (Action.DATA_REFUSED, Action.REQUEST_FAILED):
            self.refused[line.instrument] = f"{complaint.code}: {complaint.text}"
            self._lines.pop(complaint.about, None)
        elif line is not None and rule.action is Action.DATA_DELAYED:
            line.kind = DELAYED
        elif rule.action is Action.DATA_AGAIN:
            self._lines.pop(complaint.about, None)
            self._due.set()

    def _say(self, line: Line) -> None:
        """Delayed quotes are told only where they may lead to orders; a quote says nothing of its own age."""
        if line.kind != LIVE and not self._settings.delayed:
            return
        if line.bid or line.ask:
            self._tell(Quote(line.instrument, line.bid, line.ask, line.bid_size, line.ask_size, self._now_ns()))


def _ignore(reason: str) -> None:
    """A question that never left is asked again with the next session."""
