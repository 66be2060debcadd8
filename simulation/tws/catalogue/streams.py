"""One contract's market as it moves: recorded quotes as they are, recorded bars along a simulated path."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from model.instruments import Kind
from model.market import BarClosed, Quote
from model.sessions import Sessions
from model.units import NS_PER_DAY, QTY_SCALE, Px, Qty, px
from simulation.tws.catalogue.grid import Grid
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.paths import FEWEST, from_close, path
from simulation.tws.catalogue.record import Candles
from state.lake.lake import QuoteSeries

LONGEST_DAY_NS = NS_PER_DAY
SIZES = {Kind.FX_SPOT: 1_000_000, Kind.STOCK: 100, Kind.ETF: 100}
"""Units in one of the lots of which a made-up quote shows one to twenty; one contract for the rest."""


class Tick(msgspec.Struct, frozen=True, gc=False):
    """A contract's market at one moment, in our units.

    quote: best bid and ask, sizes 0 where there are none.  last: 0 before the first trade.  open, high, low, volume: of
    the session so far.  close: of the session before, 0 where it is not known.  simulated: the prices were made up
    inside a recorded bar.  bar: at the session's end, the recorded bar.
    """

    con_id: int
    quote: Quote
    session: int
    last: Px = 0
    last_size: Qty = 0
    volume: Qty = 0
    open: Px = 0
    high: Px = 0
    low: Px = 0
    close: Px = 0
    simulated: bool = False
    bar: BarClosed | None = None

    @property
    def at_ns(self) -> int:
        return self.quote.at_ns


class BarStream:
    """Ticks along the bars of a contract, `steps` to a bar.

    A daily bar runs from its session's opening to the moment at which it was recorded, one within the day from its
    beginning. `seed` and the bar's date alone decide the path, so that it is the same from wherever one looks.
    """

    def __init__(self, listed: Listed, bars: Candles, sessions: Sessions, seed: int, steps: int) -> None:
        self.listed = listed
        self._bars = bars
        self._sessions = sessions
        self._seed = seed
        self._steps = max(steps, FEWEST)
        self._at = bars.at_ns.tolist()
        one = listed.instrument
        self._half = px(one.half_spread)
        self._unit = SIZES.get(one.kind, 1) * QTY_SCALE
        self._grid = Grid(one)
        self._name = one.id
        self._quoted = one.kind is not Kind.INDEX

    def after(self, now_ns: int) -> Iterator[Tick]:
        """Every tick later than `now_ns`, in time order, for ever."""
        for i in range(bisect_right(self._at, now_ns), len(self._at)):
            yield from (tick for tick in self._walk(i) if tick.at_ns > now_ns)

    def at(self, now_ns: int) -> Tick | None:
        """The last tick at or before a moment, None before the record begins."""
        i = bisect_right(self._at, now_ns)
        if i < len(self._at) and self._opens(i) <= now_ns:
            return next((tick for tick in reversed(list(self._walk(i))) if tick.at_ns <= now_ns), None)
        return list(self._walk(i - 1))[-1] if i else None

    def _walk(self, i: int) -> Iterator[Tick]:
        bars, one = self._bars, self.listed.instrument
        opens_ns, closes_ns, session = self._opens(i), self._at[i], int(bars.session[i])
        before = int(bars.close[i - 1]) if i else None
        recorded = tuple(int(column[i]) for column in (bars.open, bars.high, bars.low, bars.close))
        shape = (recorded[0], recorded[1], recorded[2], recorded[3])
        if recorded[1] == recorded[2]:
            shape = from_close(recorded[3], before)
        seed = f"{self._seed}|{one.id}|{closes_ns}"
        way = path(shape, self._steps, seed, self._grid.nearest)
        chance = random.Random(seed + "|sizes")
        volume, earlier = int(bars.volume[i]), self._earlier(i)
        opened, high, low, traded = self._so_far(i, way[0])
        for k, price in enumerate(way):
            at_ns = opens_ns + (closes_ns - opens_ns) * k // self._steps
            high, low = max(high, price), min(low, price)
            total = volume * k // self._steps
            yield Tick(
                self.listed.con_id,
                self._quote(price, at_ns, chance),
                session,
                price,
                (total - volume * max(k - 1, 0) // self._steps) or self._unit,
                traded + total,
                opened,
                high,
                low,
                earlier,
                True,
                self._bar(i) if k == self._steps else None,
            )

    def _so_far(self, i: int, price: Px) -> tuple[Px, Px, Px, Qty]:
        """Open, high, low and volume of the session before bar `i` of it."""
        bars = self._bars
        first = i
        while first and bars.session[first - 1] == bars.session[i]:
            first -= 1
        if first == i:
            return price, price, price, 0
        done = slice(first, i)
        opened = int(bars.open[first])
        return opened, int(bars.high[done].max()), int(bars.low[done].min()), int(bars.volume[done].sum())

    def _earlier(self, i: int) -> Px:
        """The close of the session before that of bar `i`."""
        bars = self._bars
        while i and bars.session[i - 1] == bars.session[i]:
            i -= 1
        return int(bars.close[i - 1]) if i else 0

    def _opens(self, i: int) -> int:
        """When bar `i` begins: never before the one before it ended."""
        closes_ns, before_ns = self._at[i], self._at[i - 1] if i else 0
        begins_ns = int(self._bars.begins_ns[i])
        if not begins_ns:
            held = self._sessions.on(int(self._bars.session[i]))
            begins_ns = held.opens_ns if held is not None and held.opens_ns < closes_ns else closes_ns - LONGEST_DAY_NS
        return max(begins_ns, before_ns)

    def _quote(self, price: Px, at_ns: int, chance: random.Random) -> Quote:
        if not self._quoted:
            return Quote(self._name, 0, 0, 0, 0, at_ns)
        bid, ask = self._grid.down(price - self._half), self._grid.up(price + self._half)
        if bid >= ask:
            ask = bid + self._grid.tick(bid)
        sizes = int(chance.random() * 400)
        return Quote(self._name, bid, ask, (sizes // 20 + 1) * self._unit, (sizes % 20 + 1) * self._unit, at_ns)

    def _bar(self, i: int) -> BarClosed:
        bars = self._bars
        prices = (int(column[i]) for column in (bars.open, bars.high, bars.low, bars.close, bars.volume))
        o, h, low, c, volume = prices
        return BarClosed(self.listed.instrument.id, int(bars.session[i]), o, h, low, c, volume, self._at[i])


class QuoteStream:
    """Recorded quotes, one tick each. Nothing is made up; there are no trades, so that `last` stays 0, and open, high
    and low are those of the middle."""

    def __init__(self, listed: Listed, series: QuoteSeries) -> None:
        self.listed = listed
        self._series = series
        self._at = series.at_ns.tolist()

    def after(self, now_ns: int) -> Iterator[Tick]:
        """Every tick later than `now_ns`, in time order."""
        first = bisect_right(self._at, now_ns)
        before = self._tick(first - 1, None) if first else None
        for i in range(first, len(self._at)):
            before = self._tick(i, before)
            yield before

    def at(self, now_ns: int) -> Tick | None:
        """The last tick at or before a moment; its open, high and low are its own middle."""
        i = bisect_right(self._at, now_ns)
        return self._tick(i - 1, None) if i else None

    def _tick(self, i: int, before: Tick | None) -> Tick:
        rows = self._series
        bid, ask, bid_size, ask_size = (int(c[i]) for c in (rows.bid, rows.ask, rows.bid_size, rows.ask_size))
        session = int(rows.session[i])
        quote = Quote(self.listed.instrument.id, bid, ask, bid_size, ask_size, self._at[i])
        middle = (bid + ask) // 2 if bid_size and ask_size else 0
        opened, high, low = middle, middle, middle
        if before is not None and before.session == session and before.open:
            opened, high, low = before.open, before.high, before.low
            if middle:
                high, low = max(high, middle), min(low, middle)
        return Tick(self.listed.con_id, quote, session, open=opened, high=high, low=low)
