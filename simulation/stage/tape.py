"""The market on the stage: a quote of every contract each minute, a bar of each at midnight, engine or no engine."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from engine.message import Message
from model.market import BarClosed, Quote, SessionClosed
from simulation.exchange import Exchange
from simulation.stage.world import QUOTE_EVERY_NS, SIZE, TICK, Prices, opens_ns, session_of

Tell = Callable[[str, Message], None]


class Tape:
    """A source for the driver. What it says the venue hears first, and the engine if there is one.

    day: the day that runs now; its bars come at its end.  spoil, spoil_bar: what a fault makes of a quote or a bar on
    its way to the engine; None and the empty tuple drop it.  size: what is displayed on either side.
    last: the bars told last.
    """

    def __init__(self, exchange: Exchange, prices: Prices, tell: Tell, begins_ns: int) -> None:
        self.prices = prices
        self.day = 0
        self.spoil: Callable[[Quote], Quote | None] = lambda quote: quote
        self.spoil_bar: Callable[[BarClosed], tuple[BarClosed, ...]] = lambda bar: (bar,)
        self.size = SIZE
        self._exchange = exchange
        self._tell = tell
        self._quote_ns = begins_ns + QUOTE_EVERY_NS
        self._closed: SessionClosed | None = None
        self.last: list[BarClosed] = []

    def next_ns(self) -> int | None:
        return min(self._quote_ns, opens_ns(self.day + 1))

    def fire(self, now_ns: int) -> None:
        if now_ns >= opens_ns(self.day + 1):
            self.day += 1
            self.close(now_ns)
        if now_ns >= self._quote_ns:
            self._quote_ns += QUOTE_EVERY_NS
            self.prices.step()
            self.quote(now_ns)

    def quote(self, now_ns: int) -> None:
        """A quote of every contract, a tick either side of its mid."""
        for name, mid in self.prices.mids.items():
            quote = Quote(name, mid - TICK, mid + TICK, self.size, self.size, now_ns)
            self._exchange.on_quote(quote)
            told = self.spoil(quote)
            if told is not None:
                self._tell("market_data", told)

    def close(self, now_ns: int) -> None:
        """The bars of the day that has just ended, and the decisions on them."""
        for bar in self._bars(now_ns):
            self._exchange.on_bar(bar)
            for told in self.spoil_bar(bar):
                self._tell("market_data", told)
        self._close(SessionClosed(session_of(self.day - 1), now_ns))

    def decide(self, now_ns: int) -> None:
        """One more decision cycle on the last day's bars."""
        number = self._closed.number if self._closed is not None else 0
        self._close(SessionClosed(session_of(self.day - 1), now_ns, number=number + 1))

    def again(self) -> None:
        """What an engine that has just come up is told: the last bars as history, and the last cycle once more."""
        if self._closed is not None:
            self.remind()
            self._tell("market_data", self._closed)

    def remind(self) -> None:
        """Tell the last bars once more, as history."""
        for bar in self.last:
            self._tell("market_data", structs.replace(bar, history=True))

    def _close(self, closed: SessionClosed) -> None:
        self._closed = closed
        self._tell("market_data", closed)

    def _bars(self, now_ns: int) -> list[BarClosed]:
        session = session_of(self.day - 1)
        mids = self.prices.mids.items()
        self.last = [BarClosed(name, session, mid, mid, mid, mid, 0, now_ns) for name, mid in mids]
        return self.last
