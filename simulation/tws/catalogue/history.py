"""Historical bars, head time stamps and ticks, out of the lake, in a client's prices and words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from model.units import NS_PER_SECOND, PX_SCALE, QTY_SCALE, px
from simulation.tws.catalogue import spans
from simulation.tws.catalogue.catalogue import Catalogue
from simulation.tws.catalogue.grid import Grid
from simulation.tws.catalogue.hours import zone_of
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.record import Candles, Record, candles
from simulation.tws.catalogue.refused import Refused, invalid, no_data
from simulation.tws.catalogue.streams import Tick
from simulation.tws.terms import HistoricalBar
from state.lake.lake import Bars, Ints, QuoteSeries

KINDS: dict[str, tuple[str, ...]] = {
    "TRADES": ("STK", "FUT", "CONTFUT", "IND", "OPT", "FOP"),
    "ADJUSTED_LAST": ("STK",),
    "MIDPOINT": ("STK", "FUT", "CONTFUT", "CASH", "OPT", "FOP"),
    "BID": ("STK", "FUT", "CONTFUT", "CASH", "OPT", "FOP"),
    "ASK": ("STK", "FUT", "CONTFUT", "CASH", "OPT", "FOP"),
    "BID_ASK": ("STK", "FUT", "CONTFUT", "CASH", "OPT", "FOP"),
}
"""What may be asked for -> of which types. Funds and stocks in the lake are adjusted already, so that TRADES and
ADJUSTED_LAST say the same."""

TICK_KINDS = ("MIDPOINT", "BID_ASK", "TRADES")
MOST_TICKS = 1_000

MidTick = tuple[int, float, float]
BidAskTick = tuple[int, int, float, float, float, float]
Columns = tuple[list[int], list[int], list[int]]
"""Dates, openings and closings of a calendar's sessions."""


class History:
    """Answers from the record; nothing later than the moment that asks is ever in them."""

    def __init__(self, catalogue: Catalogue, record: Record | None = None) -> None:
        self.catalogue = catalogue
        self.record = record or Record(catalogue)

    def bars(
        self,
        con_id: int,
        end: str,
        duration: str,
        bar_size: str,
        what: str,
        use_rth: bool,
        now_ns: int,
        format_date: int = 1,
        *,
        continuous: bool = False,
    ) -> list[HistoricalBar]:
        """Finished bars up to `end`, oldest first.

        Daily bars and their weeks and months (dated by their last session) come from the lake's bars; shorter ones
        from its minute bars (TRADES) or minute quotes (the others), begun on whole multiples of their size since
        midnight UTC.  Quotes of a day without recorded ones are the bar half a spread away on either side.
        continuous: of a CONTFUT, whose daily bars run through the contracts that the rolls held, unadjusted.
        use_rth keeps what lies inside the calendar's sessions.  Volume, average and count are -1 except for TRADES.
        Raises Refused: 200 unknown contract, 321 bad words, 162 no data.
        """
        listed = self.catalogue.listed(con_id)
        size = spans.bar_size(bar_size)
        back = spans.duration(duration)
        spans.checked(format_date)
        self._allowed(listed, what)
        zone = zone_of(listed.instrument.calendar)
        if what == "ADJUSTED_LAST" and end.strip():
            raise invalid("ADJUSTED_LAST is told up to now only; leave the end empty")
        end_ns = min(spans.moment(end, now_ns, zone), now_ns)
        daily = size >= spans.DAY_S
        source = self._daily(listed, what, continuous) if daily else self._within(listed, what, size, use_rth)
        found = _window(source, end_ns, back, self.catalogue.sessions(listed.instrument.calendar).columns)
        if size > spans.DAY_S:
            found = _joined(found, size)
        if not len(found):
            raise no_data(f"{listed.local_symbol}@{listed.exchange} {what.title()}")
        dates = [
            spans.date_text(session, format_date) if daily else spans.time_text(begins, format_date, zone)
            for session, begins in zip(found.session.tolist(), found.begins_ns.tolist(), strict=True)
        ]
        return _printed(listed, what, found, dates)

    def running(self, tick: Tick, format_date: int = 1) -> HistoricalBar:
        """The day that a tick is part of, as a bar of trades: what a request that is kept up to date is told."""
        listed = self.catalogue.listed(tick.con_id)
        o, h, low, last = (listed.told(price) for price in (tick.open, tick.high, tick.low, tick.last or tick.high))
        date = spans.date_text(tick.session, format_date)
        return HistoricalBar(date, o, h, low, last, tick.volume / QTY_SCALE, last, 0)

    def head(
        self, con_id: int, what: str, use_rth: bool, now_ns: int, format_date: int = 1, *, continuous: bool = False
    ) -> str:
        """When the record of a contract begins: the opening of its first session, or its first quote.

        Raises Refused: 162 where there is none by now, 200, 321.
        """
        listed = self.catalogue.listed(con_id)
        spans.checked(format_date)
        self._allowed(listed, what)
        daily = self._daily(listed, what, continuous)
        daily = daily.where(daily.at_ns <= now_ns)
        if not len(daily):
            raise no_data(f"{listed.local_symbol}@{listed.exchange} {what.title()}")
        session = self.catalogue.sessions(listed.instrument.calendar).on(int(daily.session[0]))
        first = session.opens_ns if session is not None else int(daily.at_ns[0])
        return spans.head_text(first, format_date)

    def ticks(
        self, con_id: int, start: str, end: str, count: int, what: str, use_rth: bool, now_ns: int
    ) -> tuple[list[MidTick], list[BidAskTick]]:
        """Recorded quotes as mid points or as bids and asks, whichever was asked; the other list is empty.

        From `start` on, or the last ones up to `end`: exactly one of the two is given.
        Raises Refused: 321 for bad words, 162 where no quotes are recorded; trades are recorded nowhere.
        """
        listed = self.catalogue.listed(con_id)
        if what not in TICK_KINDS:
            raise invalid(f"{what!r} is no kind of tick; give one of {', '.join(TICK_KINDS)}")
        if bool(start.strip()) == bool(end.strip()):
            raise invalid("Give either the start or the end of the ticks, not both")
        if not 0 < count <= MOST_TICKS:
            raise invalid(f"{count} ticks cannot be told; give 1 to {MOST_TICKS}")
        series = self.record.quotes(listed) if what != "TRADES" else None
        if series is None:
            raise no_data(f"{listed.local_symbol}@{listed.exchange} {what.title()}")
        zone = zone_of(listed.instrument.calendar)
        keep = series.at_ns <= now_ns
        if use_rth:
            keep &= _inside(self.catalogue.sessions(listed.instrument.calendar).columns, series.at_ns)
        at = np.flatnonzero(keep)
        if start.strip():
            at = at[series.at_ns[at] >= spans.moment(start, now_ns, zone)][:count]
        else:
            at = at[series.at_ns[at] <= spans.moment(end, now_ns, zone)][-count:]
        return _told_ticks(listed, series, at, what)

    def _allowed(self, listed: Listed, what: str) -> None:
        kinds = KINDS.get(what)
        if kinds is None:
            raise invalid(f"{what!r} is not kept here; give one of {', '.join(KINDS)}")
        if listed.sec_type not in kinds:
            where = f"{listed.symbol}/{listed.sec_type}@{listed.exchange}"
            raise Refused(
                162,
                f"Historical Market Data Service error message:No historical market data for {where} {what.title()}",
            )

    def _daily(self, listed: Listed, what: str, continuous: bool = False) -> Candles:
        """One bar a session of what was asked for; empty where nothing is recorded."""
        found = self.record.stitched(listed) if continuous else self.record.daily(listed)
        if found is None:
            series = self.record.quotes(listed)
            return _EMPTY if series is None or what in ("TRADES", "ADJUSTED_LAST") else _quoted(series, what, None)
        return _spread(found, what, listed)

    def _within(self, listed: Listed, what: str, size: int, use_rth: bool) -> Candles:
        """Bars within the day; empty where neither minute bars nor quotes are recorded."""
        step = size * NS_PER_SECOND
        found = _EMPTY
        minutes = self.record.minutes(listed)
        series = self.record.quotes(listed)
        if minutes is not None and minutes[1] <= step:
            found = _spread(_rebinned(minutes[0], step), what, listed)
        elif series is not None and what not in ("TRADES", "ADJUSTED_LAST"):
            found = _quoted(series, what, step)
        if use_rth and len(found):
            sessions = self.catalogue.sessions(listed.instrument.calendar)
            found = found.where(_inside(sessions.columns, found.begins_ns + 1))
        return found


_NONE = np.zeros(0, np.int64)
_EMPTY = Candles(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE)


def _window(source: Candles, end_ns: int, back: spans.Duration, columns: Columns) -> Candles:
    """What was finished by the end and lies in the duration; its days are the calendar's sessions."""
    found = source.where(source.at_ns <= end_ns)
    if back.unit != "D":
        return found.where(found.at_ns > back.begins_ns(end_ns))
    dates, opens, closes = columns
    if not len(found) or found.begins_ns[0]:
        first = max(0, bisect_right(opens, end_ns) - back.count)
        return found.where(found.begins_ns >= opens[first])
    first = max(0, bisect_right(closes, end_ns) - back.count)
    return found.where(found.session >= dates[first]).where(slice(-back.count, None))


def _joined(daily: Candles, size: int) -> Candles:
    """Weeks from Monday or calendar months of daily bars."""
    days = np.array([f"{s:08d}" for s in daily.session.tolist()], dtype="U8")
    iso = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in days.tolist()], dtype="datetime64[D]")
    group = (iso.astype(np.int64) + 3) // 7 if size == spans.WEEK_S else daily.session // 100
    return _grouped(daily, group, daily.begins_ns)


def _rebinned(minutes: Candles, step: int) -> Candles:
    begins = minutes.begins_ns // step * step
    return _grouped(minutes, begins, begins)


def _grouped(source: Candles, group: Ints, begins: Ints) -> Candles:
    if not len(source):
        return source
    rows = Bars(
        "", group, source.session, source.at_ns, source.open, source.high, source.low, source.close, source.volume
    )
    return candles(rows, group, begins)


def _spread(trades: Candles, what: str, listed: Listed) -> Candles:
    """Bars of trades as bars of quotes, half a spread away and on the ticks beyond."""
    half, grid = px(listed.instrument.half_spread), Grid(listed.instrument)
    o, h, low, c = trades.open, trades.high, trades.low, trades.close
    if what == "BID_ASK":
        middle = (o + c) // 2
        o, c = grid.all_down(middle - half), grid.all_up(middle + half)
        low, h = grid.all_down(low - half), grid.all_up(h + half)
    elif what == "BID":
        o, h, low, c = (grid.all_down(part - half) for part in (o, h, low, c))
    elif what == "ASK":
        o, h, low, c = (grid.all_up(part + half) for part in (o, h, low, c))
    return Candles(trades.session, trades.begins_ns, trades.at_ns, o, h, low, c, trades.volume)


def _quoted(series: QuoteSeries, what: str, step: int | None) -> Candles:
    """Quotes with both sides as bars of `step` ns, or one a session (None).

    BID_ASK is told in one bar: mean bid as open, highest ask, lowest bid, mean ask as close.
    """
    both = (series.bid_size > 0) & (series.ask_size > 0) & (series.bid <= series.ask)
    session, at_ns = series.session[both].astype(np.int64), series.at_ns[both]
    if not len(at_ns):
        return _EMPTY
    bid, ask = series.bid[both], series.ask[both]
    group = session if step is None else (at_ns - 1) // step * step
    begins = np.zeros(len(at_ns), np.int64) if step is None else group
    value = {"BID": bid, "ASK": ask}.get(what, (bid + ask) // 2)
    none = np.zeros(len(at_ns), np.int64)
    made = candles(Bars("", none, session, at_ns, value, value, value, value, none), group, begins)
    if step is not None:
        made = Candles(made.session, made.begins_ns, made.begins_ns + step, *_prices(made))
    if what != "BID_ASK":
        return made
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    count = np.diff(np.concatenate((starts, [len(group)])))
    sides = (
        np.add.reduceat(bid, starts) // count,
        np.maximum.reduceat(ask, starts),
        np.minimum.reduceat(bid, starts),
        np.add.reduceat(ask, starts) // count,
    )
    return Candles(made.session, made.begins_ns, made.at_ns, *sides, made.volume)


def _prices(one: Candles) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    return one.open, one.high, one.low, one.close, one.volume


def _inside(columns: Columns, at_ns: Ints) -> npt.NDArray[np.bool_]:
    """Which moments lie in a session: opens < at <= closes."""
    _, opens, closes = (np.array(column, np.int64) for column in columns)
    place = np.minimum(np.searchsorted(closes, at_ns), len(closes) - 1)
    inside: npt.NDArray[np.bool_] = (opens[place] < at_ns) & (at_ns <= closes[place])
    return inside


def _printed(listed: Listed, what: str, found: Candles, dates: list[str]) -> list[HistoricalBar]:
    traded = what in ("TRADES", "ADJUSTED_LAST")
    factor = listed.magnifier / PX_SCALE
    rows = zip(
        dates,
        *(column.tolist() for column in (found.open, found.high, found.low, found.close, found.volume)),
        strict=True,
    )
    told: Callable[[int], float] = listed.told
    made = []
    for date, o, h, low, c, volume in rows:
        average = round((h + low + c) / 3 * factor, 6) if traded and volume else told(c) if traded else -1.0
        size = volume / QTY_SCALE if traded else -1.0
        made.append(HistoricalBar(date, told(o), told(h), told(low), told(c), size, average, 0 if traded else -1))
    return made


def _told_ticks(
    listed: Listed, series: QuoteSeries, at: npt.NDArray[np.intp], what: str
) -> tuple[list[MidTick], list[BidAskTick]]:
    columns = (series.at_ns, series.bid, series.ask, series.bid_size, series.ask_size)
    rows = list(zip(*(column[at].tolist() for column in columns), strict=True))
    if what == "MIDPOINT":
        told = [
            (ns // NS_PER_SECOND, (listed.told(bid) + listed.told(ask)) / 2, 0.0)
            for ns, bid, ask, size, other in rows
            if size and other
        ]
        return told, []
    return [], [
        (ns // NS_PER_SECOND, 0, listed.told(bid), listed.told(ask), size / QTY_SCALE, other / QTY_SCALE)
        for ns, bid, ask, size, other in rows
    ]
