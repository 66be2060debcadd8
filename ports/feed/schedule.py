"""What a recorded feed will say, in order: every column of every series merged once into plain lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.market import BarClosed, FxRateSeen, SessionClosed
from model.rolls import RollSchedule
from model.units import PX_SCALE, div_half_even
from state.lake import Bars, Lake, QuoteSeries
from state.lake.convert import days, default_closes, sessions
from state.lake.lake import LAST, Ints, instrument_of

CYCLE_NS = (23 * 60 + 15) * 60 * 10**9
FX, QUOTE, BAR, CLOSE = range(4)  # the order at one instant: rates, then prices, then the end of the session


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """What to replay.

    first, last: sessions (yyyymmdd) told, both inclusive; the first ones are the warm-up (see `resume_ns`).
    currencies: rates told to fx, in units of `base`; quotes: ids whose recorded quotes are told.
    window: weekdays before a roll from which the next contract is told; after: weekdays after it for the old one.
    cycle_ns: when a session's cycle starts, as a function of its date; None: 23:15 UTC, after the last
    close, which is ICE at 23:00 in winter.
    sessions: the dates that have a cycle; None: every date on which a product has a bar.
    """

    products: Sequence[str]
    first: int = 0
    last: int = LAST
    currencies: Sequence[str] = ()
    base: str = "USD"
    quotes: Sequence[str] = ()
    window: int = 10
    after: int = 5
    cycle_ns: Callable[[int], int] | None = None
    sessions: Sequence[int] | None = None


@dataclass(slots=True)
class Script:
    """The merged schedule: event i happens at `at_ns[i]`, is of kind `kind[i]`, and is row `row[i]` of its kind."""

    at_ns: list[int]
    kind: list[int]
    row: list[int]
    bars: list[tuple[str, int, int, int, int, int, int, int]] = field(default_factory=list)
    quotes: list[tuple[str, int, int, int, int, int]] = field(default_factory=list)
    rates: list[tuple[str, int, str, int]] = field(default_factory=list)
    closes: list[tuple[int, int]] = field(default_factory=list)


def history(script: Script, until_ns: int) -> Iterator[BarClosed | FxRateSeen | SessionClosed]:
    """What was known at a moment, in order, marked as history; quotes of then say nothing about now."""
    for at_ns, kind, row in zip(script.at_ns, script.kind, script.row, strict=True):
        if at_ns > until_ns:
            return
        if kind == BAR:
            yield BarClosed(*script.bars[row], True)
        elif kind == FX:
            yield FxRateSeen(*script.rates[row], True)
        elif kind == CLOSE:
            yield SessionClosed(*script.closes[row], True)


def build(lake: Lake, plan: FeedPlan, rolls: RollSchedule) -> Script:
    """Everything `plan` asks for, sorted by (at_ns, kind, product, contract). Raises LakeError for what is missing."""
    stamps: list[Ints] = []
    ranks: list[Ints] = []
    script = Script([], [], [])
    script.rates, at_ns = _rates(lake, plan)
    _extend(stamps, ranks, at_ns, FX)
    script.quotes, at_ns = _quotes(lake, plan)
    _extend(stamps, ranks, at_ns, QUOTE)
    script.bars, at_ns, dates = _bars(lake, plan, rolls)
    _extend(stamps, ranks, at_ns, BAR)
    script.closes, at_ns = _closes(plan, dates)
    _extend(stamps, ranks, at_ns, CLOSE)
    when, kind = np.concatenate(stamps), np.concatenate(ranks)
    row = np.concatenate([np.arange(len(s)) for s in stamps])
    order = np.lexsort((row, kind, when))
    script.at_ns, script.kind, script.row = when[order].tolist(), kind[order].tolist(), row[order].tolist()
    return script


def _extend(stamps: list[Ints], ranks: list[Ints], at_ns: Ints, kind: int) -> None:
    stamps.append(at_ns)
    ranks.append(np.full(len(at_ns), kind, np.int64))


def _bars(
    lake: Lake, plan: FeedPlan, rolls: RollSchedule
) -> tuple[list[tuple[str, int, int, int, int, int, int, int]], Ints, Ints]:
    names: list[str] = []
    code: list[Ints] = []
    parts: list[Bars] = []
    for product in sorted(set(plan.products)):
        bars = lake.bars(product, plan.first, plan.last)
        bars = bars.where(told(bars, rolls, plan.window, plan.after))
        months, inverse = np.unique(bars.contract, return_inverse=True)
        code.append(inverse.astype(np.int64) + len(names))
        names += [instrument_of(product, m) for m in months.tolist()]
        parts.append(bars)
    if not parts:
        nothing: Ints = np.zeros(0, np.int64)
        return [], nothing, nothing
    at_ns = np.concatenate([b.at_ns for b in parts])
    codes = np.concatenate(code)
    order = np.lexsort((codes, at_ns))
    session = np.concatenate([b.session for b in parts])
    columns = [session[order].tolist()]
    for name in ("open", "high", "low", "close", "volume"):
        columns.append(np.concatenate([getattr(b, name) for b in parts])[order].tolist())
    ids = [names[c] for c in codes[order].tolist()]
    stamps = at_ns[order]
    rows = list(zip(ids, *columns, stamps.tolist(), strict=True))
    return rows, stamps, np.unique(session)


def told(bars: Bars, rolls: RollSchedule, window: int, after: int) -> npt.NDArray[np.bool_]:
    """Which bars a holder hears: the held contract's, the next one's from `window` weekdays before its roll until it
    is held, and the old one's for `after` weekdays after. Looks at the calendar of rolls, never at later bars."""
    chain = np.array(rolls.months(bars.product), np.int64)
    mine = rolls.rolls(bars.product)
    keep: npt.NDArray[np.bool_]
    if not mine:
        keep = bars.contract == chain[0]
        return keep
    day = np.array([r.session for r in mine], np.int64)
    held = np.searchsorted(day, bars.session, side="left")
    opens, ends = _weekdays_off(day, -window), _weekdays_off(day, after)
    coming = np.minimum(held, len(mine) - 1)
    gone = np.maximum(held - 1, 0)
    is_next = (held < len(mine)) & (bars.contract == chain[coming + 1]) & (bars.session >= opens[coming])
    is_old = (held > 0) & (bars.contract == chain[gone]) & (bars.session <= ends[gone])
    keep = (bars.contract == chain[held]) | is_next | is_old
    return keep


def _weekdays_off(session: Ints, offset: int) -> Ints:
    date = days(session).astype("datetime64[D]")
    return sessions(np.busday_offset(date, offset, roll="forward"))


def _quotes(lake: Lake, plan: FeedPlan) -> tuple[list[tuple[str, int, int, int, int, int]], Ints]:
    series: list[QuoteSeries] = [lake.quotes(i, plan.first, plan.last) for i in sorted(set(plan.quotes))]
    rows: list[tuple[str, int, int, int, int, int]] = []
    for s in series:
        columns = (s.bid, s.ask, s.bid_size, s.ask_size, s.at_ns)
        rows += zip([s.instrument] * len(s.at_ns), *(c.tolist() for c in columns), strict=True)
    return rows, np.array([r[5] for r in rows], np.int64)


def _rates(lake: Lake, plan: FeedPlan) -> tuple[list[tuple[str, int, str, int]], Ints]:
    """(currency, units of base, source, at_ns). A cross uses the newest base rate known at that instant."""
    rows: list[tuple[str, int, str, int]] = []
    base = None if plan.base == "USD" else lake.fx(plan.base)
    for currency in sorted({*plan.currencies} - {plan.base}):
        if currency == "USD" and base is not None:
            keep = (base.session >= plan.first) & (base.session <= plan.last)
            stamps, usd = base.at_ns[keep], np.full(int(keep.sum()), PX_SCALE, np.int64)
            source = lake.data_set("fx", plan.base).source
        else:
            series = lake.fx(currency, plan.first, plan.last)
            stamps, usd = series.at_ns, series.rate
            source = lake.data_set("fx", currency).source
        if base is None:
            rates = usd.tolist()
        else:
            at = np.searchsorted(base.at_ns, stamps, side="right") - 1
            stamps, usd, at = stamps[at >= 0], usd[at >= 0], at[at >= 0]
            pairs = zip(usd.tolist(), base.rate[at].tolist(), strict=True)
            rates = [div_half_even(u * PX_SCALE, b) for u, b in pairs]
        rows += zip([currency] * len(rates), rates, [source] * len(rates), stamps.tolist(), strict=True)
    return rows, np.array([r[3] for r in rows], np.int64)


def _closes(plan: FeedPlan, dates: Ints) -> tuple[list[tuple[int, int]], Ints]:
    if plan.sessions is not None:
        chosen = np.array(sorted(plan.sessions), np.int64)
        dates = chosen[(chosen >= plan.first) & (chosen <= plan.last)]
    if plan.cycle_ns is None:
        at_ns = default_closes(dates, CYCLE_NS)
    else:
        at_ns = np.array([plan.cycle_ns(d) for d in dates.tolist()], np.int64)
    return list(zip(dates.tolist(), at_ns.tolist(), strict=True)), at_ns
