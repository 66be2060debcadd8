"""The check of a whole lake, behind `hedgerow data check`: every series by itself, then each group together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from model.rolls import Roll
from model.units import PX_SCALE, QTY_SCALE
from state.lake.convert import days
from state.lake.lake import Bars, Lake
from state.lake.peers import lag_faults
from state.lake.quality import Finding, Series, Severity, check_series, ended, fx_faults, gaps, spikes
from state.lake.stitch import Stitched, stitch

SessionsOf: TypeAlias = Callable[[str], Sequence[int] | None]
Progress: TypeAlias = Callable[[str, int, int], None]

SIGNED_GROUPS = frozenset({"rate", "spread", "stir", "vol_spread", "stress"})
HOUR_NS = 3_600 * 10**9


def check_lake(
    lake: Lake,
    *,
    only: Collection[str] | None = None,
    sessions_of: SessionsOf | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Everything suspicious in the lake, the worst first. Nothing is changed.

    only: the products and currencies to look at.  sessions_of: the sessions (yyyymmdd) of a product's calendar, None
    where it is not known.  progress: told (what, done, of).  Raises LakeError for a file that cannot be trusted.
    """
    products = [p for p in lake.products() if only is None or p in only]
    currencies = [c for c in lake.currencies() if only is None or c in only]
    total = len(products) + len(currencies)
    newest: dict[str, int] = {}
    for data_set in lake.manifest.sets.values():
        newest[data_set.source] = max(newest.get(data_set.source, 0), data_set.last_session)
    found: list[Finding] = []
    grouped: dict[str, list[Series]] = {}
    for done, product in enumerate(products):
        series = _product(lake, product, sessions_of, newest, found)
        grouped.setdefault(series.group, []).append(series)
        if progress is not None:
            progress(product, done + 1, total)
    for group in sorted(g for g in grouped if g):
        found += lag_faults(grouped[group])
    for done, currency in enumerate(currencies):
        found += _currency(lake, currency)
        if progress is not None:
            progress(currency, len(products) + done + 1, total)
    return sorted(found, key=lambda f: (f.severity, f.id, f.session, f.kind))


def summary(found: Sequence[Finding]) -> list[str]:
    """The findings counted by severity and kind, in sentences for a screen."""
    lines: list[str] = []
    for severity in Severity:
        counts: dict[str, int] = {}
        for finding in found:
            if finding.severity is severity:
                counts[finding.kind] = counts.get(finding.kind, 0) + 1
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        lines.append(f"{severity.name.lower()}: {words or 'none'}")
    return lines


def _product(
    lake: Lake, product: str, sessions_of: SessionsOf | None, newest: dict[str, int], found: list[Finding]
) -> Series:
    data_set = lake.data_set("bars", product)
    bars, rolls = lake.bars(product), lake.rolls(product)
    joined = stitch(bars, rolls)
    series = as_series(joined, data_set.group)
    calendar = sessions_of(product) if sessions_of is not None else None
    found += check_series(series, calendar)
    found += ended(series, newest[data_set.source])
    found += _intraday_gaps(bars)
    found += _bar_faults(bars)
    found += _roll_faults(joined, rolls)
    return series


def as_series(joined: Stitched, group: str) -> Series:
    """A stitched product as the checks see it, in floats."""
    volume = joined.volume / QTY_SCALE
    return Series(
        id=joined.product,
        group=group,
        session=joined.session,
        level=joined.level / PX_SCALE,
        price=joined.price / PX_SCALE,
        volume=volume,
        signed=group in SIGNED_GROUPS,
    )


def _bar_faults(bars: Bars) -> Iterator[Finding]:
    """Bars whose range does not hold their open and close, contracts told twice, bars known before their day."""
    outside = (bars.high < np.maximum(bars.open, bars.close)) | (bars.low > np.minimum(bars.open, bars.close))
    at = np.flatnonzero(outside)
    if len(at):
        text = f"{len(at)} bars open or close outside their own range"
        yield Finding(bars.product, "range", int(bars.session[at[0]]), Severity.SUSPECT, len(at), text)
    twice = np.flatnonzero((np.diff(bars.at_ns) == 0) & (np.diff(bars.contract) == 0))
    if len(twice):
        text = f"{len(twice)} bars of one contract have the same time"
        yield Finding(bars.product, "duplicate", int(bars.session[twice[0]]), Severity.ERROR, len(twice), text)
    if bool((np.diff(bars.at_ns) < 0).any()):
        yield Finding(bars.product, "unsorted", int(bars.session[0]), Severity.ERROR, 1, "bars are not in time order")


def _intraday_gaps(bars: Bars) -> Iterator[Finding]:
    """Missing bars of a series with several bars a day round the clock, by its usual step."""
    if len(bars) < 3 or bool((bars.contract != bars.contract[0]).any()):
        return
    step = np.diff(bars.at_ns)
    usual = int(np.median(step))
    if usual > HOUR_NS or usual <= 0:
        return
    holes = np.flatnonzero(step > usual)
    if len(holes):
        missing = int((step[holes] // usual - 1).sum())
        longest = int(step[holes].max() // usual - 1)
        text = f"{missing} bars are missing in {len(holes)} gaps, at most {longest} in a row: halts must not be filled"
        first = int(bars.session[holes[0] + 1])
        yield Finding(bars.product, "missing_bars", first, Severity.SUSPECT, missing, text)


def _roll_faults(joined: Stitched, rolls: Sequence[Roll]) -> Iterator[Finding]:
    if joined.unjoined:
        text = (
            f"{len(joined.unjoined)} of {len(rolls)} rolls have no day on which both contracts are priced: "
            "the level steps by the whole difference there"
        )
        yield Finding(joined.product, "unjoined_roll", joined.unjoined[0], Severity.SUSPECT, len(joined.unjoined), text)


def _currency(lake: Lake, currency: str) -> Iterator[Finding]:
    fx = lake.fx(currency)
    rate = fx.rate / PX_SCALE
    empty = np.zeros(0)
    series = Series(currency, "", fx.session, np.log(rate), rate, empty)
    yield from fx_faults(currency, fx.session, rate)
    yield from spikes(series)
    day = days(fx.session)
    business = (day + 3) % 7 < 5
    weekdays = Series(currency, "", fx.session[business], np.log(rate[business]), rate[business], empty)
    yield from gaps(weekdays)
