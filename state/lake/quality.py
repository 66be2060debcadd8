"""What looks wrong in one series. Findings are for people: nothing here deletes or mends a row.

Thresholds and the rule for spikes: Carver's pysystemtrade holds back a move of more than eight usual daily moves; here
the usual move is the exponentially weighted standard deviation (span 35) of the moves before it. Most such jumps are
true (October 1987, the franc in January 2015); what betrays a bad print is that the next bar takes it back.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from state.lake.convert import Floats, days
from state.lake.lake import Ints

SPAN = 35
SPIKE = 8.0
REVERSES = 0.6
LEAST_MOVES = 10
LONG_GAP_DAYS = 7
FLAT_RUN = 10
ENDED_DAYS = 30
COARSE_STEP = 0.01
STILL = 0.2
BUSY = 50.0
SOMETIMES_NEGATIVE = ("energy", "future", "index")

Mask = npt.NDArray[np.bool_]


class Severity(enum.IntEnum):
    ERROR = 0  # a person must look before anything trades on it
    SUSPECT = 1  # often wrong, sometimes true
    NOTE = 2  # probably true, or harmless


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.  kind: a word of the table in docs/data.md; size in the unit that `text` says."""

    id: str
    kind: str
    session: int
    severity: Severity
    size: float
    text: str

    def __str__(self) -> str:
        return f"{self.severity.name.lower():<8}{self.id:<20}{self.session}  {self.kind:<12}{self.text}"


@dataclass(frozen=True, slots=True)
class Series:
    """One value a session.  level: differences are moves (stitched over rolls).  price: of the contract held.

    volume: empty where it is not known.  signed: zero and negative prices are possible (rates, spreads).
    """

    id: str
    group: str
    session: Ints
    level: Floats
    price: Floats
    volume: Floats
    signed: bool = False


def usual_move(moves: Floats) -> Floats:
    """Standard deviation of the moves before each one, exponentially weighted with span 35; NaN for the first two."""
    import pandas as pd

    sigma: Floats = pd.Series(moves).ewm(span=SPAN).std().shift().to_numpy()
    return sigma


def check_series(series: Series, sessions: Sequence[int] | None = None) -> Iterator[Finding]:
    """Everything that one daily series shows by itself. sessions: the dates on which its market was open, if known."""
    yield from order_faults(series)
    yield from gaps(series, sessions)
    yield from spikes(series)
    yield from flat_runs(series)
    yield from not_positive(series)
    yield from volume_faults(series)


def order_faults(series: Series) -> Iterator[Finding]:
    """Dates that repeat or go back, and bars dated on a weekend."""
    step = np.diff(series.session)
    for i in np.flatnonzero(step <= 0).tolist():
        kind = "duplicate" if step[i] == 0 else "unsorted"
        date = int(series.session[i + 1])
        yield Finding(series.id, kind, date, Severity.ERROR, 1, f"the row after {series.session[i]} is dated {date}")
    if series.group == "crypto":
        return
    weekend = np.flatnonzero((days(series.session) + 3) % 7 >= 5)
    if len(weekend):
        first = int(series.session[weekend[0]])
        text = f"{len(weekend)} bars are dated on a weekend"
        yield Finding(series.id, "weekend", first, Severity.SUSPECT, len(weekend), text)


def gaps(series: Series, sessions: Sequence[int] | None = None) -> Iterator[Finding]:
    """Stretches without a bar: more than one session of its calendar, or without a calendar three weekdays or more.

    size: calendar days from the bar before to the bar after; session: that of the bar after.
    """
    if len(series.session) < 2:
        return
    day = days(series.session)
    open_days = None if sessions is None else days(np.array(sorted(sessions), np.int64))
    if open_days is None:
        missing = np.busday_count(day[:-1].astype("datetime64[D]"), day[1:].astype("datetime64[D]")) - 1
        least = 3
    else:
        missing = np.searchsorted(open_days, day[1:]) - np.searchsorted(open_days, day[:-1], side="right")
        least = 2
    for i in np.flatnonzero(missing >= least).tolist():
        size = int(day[i + 1] - day[i])
        severity = Severity.SUSPECT if size > LONG_GAP_DAYS else Severity.NOTE
        text = f"no bar for {missing[i]} {'weekdays' if open_days is None else 'sessions'} after {series.session[i]}"
        yield Finding(series.id, "gap", int(series.session[i + 1]), severity, size, text)


def spikes(series: Series) -> Iterator[Finding]:
    """Moves of more than eight usual ones: an error when the next bar takes back 60 % or more, a jump otherwise."""
    moves = np.diff(series.level)
    sigma = usual_move(moves)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = moves / sigma
    large = np.abs(score) > SPIKE
    large[:LEAST_MOVES] = False
    reversal_of = -2
    for i in np.flatnonzero(large & (moves != 0)).tolist():
        back = -moves[i + 1] / moves[i] if i + 1 < len(moves) else np.nan
        date = int(series.session[i + 1])
        moved = f"moved {moves[i]:+.6g}, {score[i]:+.1f} usual daily moves"
        if back >= REVERSES:
            reversal_of = i
            text = f"{moved}, and the next bar took {back:.0%} of it back"
            yield Finding(series.id, "spike", date, Severity.ERROR, float(score[i]), text)
        elif reversal_of != i - 1:
            end = "is the last bar: wait for the next" if np.isnan(back) else "did not come back: probably true"
            severity = Severity.SUSPECT if np.isnan(back) else Severity.NOTE
            yield Finding(series.id, "jump", date, severity, float(score[i]), f"{moved}, and {end}")


def flat_runs(series: Series) -> Iterator[Finding]:
    """Ten or more sessions in a row with the same price: a dead market or a stuck source."""
    moves = np.diff(series.level)
    for start, end in runs(moves == 0):
        length = end - start
        if length >= FLAT_RUN:
            last = end == len(moves)
            text = f"the price has not moved for {length} bars{' and does not move at the end' if last else ''}"
            severity = Severity.SUSPECT if last else Severity.NOTE
            yield Finding(series.id, "flat", int(series.session[start]), severity, length, text)


def not_positive(series: Series) -> Iterator[Finding]:
    """Prices at or below zero where none can be; energy went there once, in April 2020."""
    if series.signed:
        return
    low = np.flatnonzero(series.price <= 0)
    if len(low):
        severity = Severity.SUSPECT if series.group in SOMETIMES_NEGATIVE else Severity.ERROR
        text = f"{len(low)} prices are zero or below"
        yield Finding(series.id, "not_positive", int(series.session[low[0]]), severity, len(low), text)


def volume_faults(series: Series) -> Iterator[Finding]:
    """Bars that moved without volume, and volume far beyond what is usual, where volume is recorded at all."""
    volume = series.volume
    if not len(volume) or not bool((volume > 0).any()):
        return
    moved = np.zeros(len(volume), np.bool_)
    moved[1:] = np.diff(series.level) != 0
    silent = np.flatnonzero((volume == 0) & moved)
    if len(silent):
        text = f"{len(silent)} bars moved without any volume"
        yield Finding(series.id, "no_volume", int(series.session[silent[0]]), Severity.NOTE, len(silent), text)
    usual = float(np.median(volume[volume > 0]))
    wild = np.flatnonzero(volume > BUSY * usual)
    if len(wild):
        text = f"{len(wild)} bars have more than {BUSY:.0f} times the usual volume"
        yield Finding(series.id, "volume", int(series.session[wild[0]]), Severity.NOTE, len(wild), text)


def ended(series: Series, newest: int) -> Iterator[Finding]:
    """A series whose last bar is more than 30 days before the newest of its source: it must not be traded on."""
    if not len(series.session):
        return
    last = int(series.session[-1])
    late = int(np.diff(days(np.array([last, newest], np.int64)))[0])
    if late > ENDED_DAYS:
        yield Finding(
            series.id, "ended", last, Severity.NOTE, late, f"ends {late} days before the newest series of its source"
        )


def fx_faults(currency: str, session: Ints, rate: Floats) -> Iterator[Finding]:
    """Rates that were inverted, or rounded so coarsely that they stand still on four days of five and then jump 1 %."""
    logs = np.log(rate)
    change, total = np.diff(logs), logs[1:] + logs[:-1]
    inverse = (np.abs(change) > np.log(1.5)) & (np.abs(total) < 0.05)
    for i in np.flatnonzero(inverse).tolist():
        text = f"{rate[i]:.6g} is followed by {rate[i + 1]:.6g}, about its inverse"
        yield Finding(currency, "fx_inverse", int(session[i + 1]), Severity.ERROR, float(change[i]), text)
    year = session // 10_000
    coarse: list[int] = []
    worst = 0.0
    for y in np.unique(year).tolist():
        mine = rate[year == y]
        moves = np.abs(np.diff(mine))
        steps = moves[moves != 0]
        if len(mine) > 20 and 0 < len(steps) < STILL * len(moves) and np.median(steps) > COARSE_STEP * np.median(mine):
            coarse.append(y)
            worst = max(worst, float(np.median(steps) / np.median(mine)))
    if coarse:
        first = int(session[year == coarse[0]][0])
        text = f"rounded in {coarse[0]} to {coarse[-1]} ({len(coarse)} years): a step is up to {worst:.1%}"
        yield Finding(currency, "fx_rounding", first, Severity.ERROR, worst, text)


def runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """(start, end) of every stretch of True, end exclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
