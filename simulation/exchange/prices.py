"""The last thing the venue saw of every instrument."""

from __future__ import annotations

from model.market import BarClosed, Quote
from model.units import Px


class Prices:
    """Last bars and quotes by instrument."""

    __slots__ = ("bars", "quotes")

    def __init__(self) -> None:
        self.bars: dict[str, BarClosed] = {}
        self.quotes: dict[str, Quote] = {}

    def last(self, instrument: str) -> Px | None:
        """The newer of the last bar's close and the middle of the last quote, or None before either."""
        bar = self.bars.get(instrument)
        quote = self.quotes.get(instrument)
        if quote is None or (bar is not None and bar.at_ns >= quote.at_ns):
            return None if bar is None else bar.close
        if quote.bid and quote.ask:
            return (quote.bid + quote.ask) // 2
        return quote.bid or quote.ask or None
