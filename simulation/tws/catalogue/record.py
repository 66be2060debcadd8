"""What the lake holds of one contract, in the columns that history and the tape read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.instruments import Kind
from model.units import PX_SCALE
from simulation.tws.catalogue.catalogue import Catalogue
from simulation.tws.catalogue.chain_quotes import Floats, chain_series
from simulation.tws.catalogue.listed import Listed
from state.lake.lake import Bars, Ints, QuoteSeries

YEARS_BEFORE_EXPIRY = 3
"""How long before its expiry a future's quotes may lie, so that ESZ3 of 2013 is not taken for that of 2023."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Bars of one contract in time order. begins_ns: of bars within a day, what they start at; 0 for daily ones."""

    session: Ints
    begins_ns: Ints
    at_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return len(self.at_ns)

    def where(self, keep: npt.NDArray[np.bool_] | slice) -> Candles:
        return Candles(*(getattr(self, name)[keep] for name in self.__slots__))


class Record:
    """Bars and quotes by contract, each read once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._bars: dict[str, Bars | None] = {}
        self._quotes: dict[int, QuoteSeries | None] = {}
        self._chains: dict[int, tuple[QuoteSeries, Floats]] = {}

    def daily(self, listed: Listed) -> Candles | None:
        """One bar a session, or None where nothing is recorded. Bars within a day are joined."""
        bars = self.bars(listed)
        if bars is None or not len(bars):
            return None
        return candles(bars, bars.session, np.zeros(len(bars), np.int64))

    def stitched(self, listed: Listed) -> Candles | None:
        """A future's product: each session's bar is that of the contract the recorded rolls held, unadjusted."""
        lake, product = self.catalogue.lake, listed.product
        if lake is None or not lake.has("rolls", product.id):
            return self.daily(listed)
        bars, schedule = lake.bars(product.id), lake.roll_schedule([product.id])
        held = {day: int(schedule.active(product.id, day)[-6:]) for day in np.unique(bars.session).tolist()}
        active = np.array([held[day] for day in bars.session.tolist()], np.int64)
        mine = _shrunk(bars.where(bars.contract == active), listed.shrink)
        return candles(mine, mine.session, np.zeros(len(mine), np.int64)) if len(mine) else None

    def minutes(self, listed: Listed) -> tuple[Candles, int] | None:
        """Bars within the day and the shortest time between them in ns, or None where a session has one bar only."""
        bars = self.bars(listed)
        if bars is None or len(bars) < 2 or not bool((np.diff(bars.session) == 0).any()):
            return None
        step = int(np.diff(bars.at_ns)[np.diff(bars.session) == 0].min())
        return candles(bars, bars.at_ns, bars.at_ns - step), step

    def bars(self, listed: Listed) -> Bars | None:
        """The contract's own rows of the lake, or a pair's rates."""
        name = listed.instrument.id
        if name not in self._bars:
            self._bars[name] = self._read(listed)
        return self._bars[name]

    def quotes(self, listed: Listed) -> QuoteSeries | None:
        """Recorded quotes, or None."""
        if listed.con_id not in self._quotes:
            self._quotes[listed.con_id] = self._find_quotes(listed)
        return self._quotes[listed.con_id]

    def chain(self, listed: Listed) -> tuple[QuoteSeries, Floats]:
        """An option's quotes and the price beneath it at each, NaN where it is not recorded."""
        found = self._chains.get(listed.con_id)
        if found is None:
            rows = self.catalogue.chains.quotes(listed.con_id)
            sessions = self.catalogue.sessions(listed.instrument.calendar)
            found = self._chains[listed.con_id] = chain_series(rows, listed, sessions)
        return found

    def _read(self, listed: Listed) -> Bars | None:
        lake = self.catalogue.lake
        if lake is None:
            return None
        product = listed.product
        if lake.has("bars", product.id):
            return _shrunk(lake.bars(product.id).of(listed.instrument.contract_month), listed.shrink)
        if product.kind is Kind.FX_SPOT:
            return self._cross(product.symbol, product.currency)
        return None

    def _cross(self, base: str, quote: str) -> Bars | None:
        """Reference rates of two currencies against each other, one a day, as bars that have a close alone."""
        left, right = self._rates(base), self._rates(quote)
        if left is None or right is None:
            return None
        days = left[0] if quote == "USD" else right[0]
        if base != "USD" and quote != "USD":
            days = np.intersect1d(left[0], right[0])
        ours, theirs = _on(days, left), _on(days, right)
        at_ns = left[1][np.searchsorted(left[0], days)] if base != "USD" else right[1][np.searchsorted(right[0], days)]
        close = np.rint(ours / theirs * PX_SCALE).astype(np.int64)
        none = np.zeros(len(days), np.int64)
        return Bars(f"{base}{quote}", none, days, at_ns, close, close, close, close, none)

    def _rates(self, currency: str) -> tuple[Ints, Ints, Ints] | None:
        """Sessions, times and USD in 1e-9; the dollar's own are empty."""
        lake = self.catalogue.lake
        if currency == "USD":
            none = np.zeros(0, np.int64)
            return none, none, none
        if lake is None or not lake.has("fx", currency):
            return None
        series = lake.fx(currency)
        return series.session.astype(np.int64), series.at_ns, series.rate

    def _find_quotes(self, listed: Listed) -> QuoteSeries | None:
        if listed.instrument.kind is Kind.OPTION:
            return self.chain(listed)[0]
        lake = self.catalogue.lake
        if lake is None:
            return None
        shrink = listed.shrink
        for name in (listed.instrument.id, listed.local_symbol):
            if lake.has("quotes", name):
                found = lake.quotes(name)
                if len(found.session) and _of_its_time(listed, int(found.session[-1])):
                    return replace(found, bid=_divided(found.bid, shrink), ask=_divided(found.ask, shrink))
        return None


def _divided(prices: Ints, shrink: int) -> Ints:
    """Half a nano goes up."""
    return prices if shrink == 1 else (prices + shrink // 2) // shrink


def _shrunk(bars: Bars, shrink: int) -> Bars:
    o, h, low, c = (_divided(one, shrink) for one in (bars.open, bars.high, bars.low, bars.close))
    return Bars(bars.product, bars.contract, bars.session, bars.at_ns, o, h, low, c, bars.volume)


def candles(bars: Bars, group: Ints, begins_ns: Ints) -> Candles:
    """Rows joined by equal, adjoining values of `group`: first open, highest, lowest, last close, summed volume."""
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    ends = np.concatenate((starts[1:], [len(group)])) - 1
    return Candles(
        bars.session[ends].astype(np.int64),
        begins_ns[starts],
        bars.at_ns[ends],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends],
        np.add.reduceat(bars.volume, starts),
    )


def _on(days: Ints, rates: tuple[Ints, Ints, Ints]) -> npt.NDArray[np.float64]:
    sessions, _, rate = rates
    if not len(sessions):
        return np.full(len(days), float(PX_SCALE))
    return rate[np.searchsorted(sessions, days)].astype(np.float64)


def _of_its_time(listed: Listed, session: int) -> bool:
    if not listed.expiry:
        return True
    return int(listed.expiry) - YEARS_BEFORE_EXPIRY * 10_000 <= session <= int(listed.expiry)
