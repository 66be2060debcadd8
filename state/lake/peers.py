"""Closes that come a day late show in company: the series moves with yesterday's peers and not with today's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from state.lake.convert import Days, Floats, days
from state.lake.lake import Ints
from state.lake.quality import Finding, Series, Severity, usual_move

LEAST_DAYS = 30
LEAST_LAGGED = 0.4
LEAST_MARGIN = 0.15
LEAST_EXCESS = 0.6
COMMON_DAYS = 250
SISTER = 0.985
CLIP = 5.0


def lag_faults(series: Sequence[Series]) -> Iterator[Finding]:
    """Quarters in which a series of one group follows the others by one day although it usually does not.

    Flagged when the correlation with the peers' mean move of the day before is at least 0.4 and 0.15 above that of
    the same day, and this difference is 0.6 above the series' own median: a market that always closes hours before
    its peers is not at fault. Peers are the group without sisters (the same thing in another size).
    size: correlation at lag one.
    """
    if len(series) < 2:
        return
    all_days, scores = _scores(series)
    together = _correlations(scores)
    for i, mine in enumerate(series):
        others = [j for j in range(len(series)) if j != i and np.isfinite(together[i, j]) and together[i, j] < SISTER]
        if not others:
            continue
        signs = np.sign(together[i, others])
        peer = _mean(scores[:, others] * signs)
        before = np.concatenate(([np.nan], peer[:-1]))
        yield from _quarters(mine.id, all_days, scores[:, i], peer, before)


def _scores(series: Sequence[Series]) -> tuple[Ints, Floats]:
    """Every series' moves in usual moves, on the dates on which any of them has a bar."""
    all_days = np.unique(np.concatenate([days(s.session) for s in series]))
    scores = np.full((len(all_days), len(series)), np.nan)
    for column, mine in enumerate(series):
        moves = np.diff(mine.level)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.clip(moves / usual_move(moves), -CLIP, CLIP)
        scores[np.searchsorted(all_days, days(mine.session[1:])), column] = score
    return all_days, scores


def _correlations(scores: Floats) -> Floats:
    import pandas as pd

    table: Floats = pd.DataFrame(scores).corr(min_periods=COMMON_DAYS).to_numpy()
    return table


def _mean(columns: Floats) -> Floats:
    known = np.isfinite(columns)
    count = known.sum(axis=1)
    total = np.where(known, columns, 0.0).sum(axis=1)
    result: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def _quarters(name: str, all_days: Ints, own: Floats, peer: Floats, before: Floats) -> Iterator[Finding]:
    keep = np.isfinite(own) & np.isfinite(peer) & np.isfinite(before)
    date: Days = all_days[keep].astype("datetime64[D]")
    quarter = date.astype("datetime64[M]").astype(np.int64) // 3
    names, index = np.unique(quarter, return_inverse=True)
    enough = np.bincount(index) >= LEAST_DAYS if len(index) else np.zeros(0, np.bool_)
    same = _by_group(index, own[keep], peer[keep])
    late = _by_group(index, own[keep], before[keep])
    if not bool(enough.any()):
        return
    usual = float(np.nanmedian((late - same)[enough]))
    odd = enough & (late >= LEAST_LAGGED) & (late - same > LEAST_MARGIN) & (late - same > usual + LEAST_EXCESS)
    for i in np.flatnonzero(odd).tolist():
        year, part = 1970 + int(names[i]) // 4, int(names[i]) % 4
        text = (
            f"in {year}Q{part + 1} it moves with the day before of its peers ({late[i]:.2f}) "
            f"and not with the same day ({same[i]:.2f}): closes one day late"
        )
        session = year * 10_000 + (3 * part + 1) * 100 + 1
        yield Finding(name, "lags_peers", session, Severity.ERROR, float(late[i]), text)


def _by_group(index: npt.NDArray[np.intp], x: Floats, y: Floats) -> Floats:
    """Pearson correlation of x and y within each group of rows."""
    n = np.bincount(index)

    def mean(values: Floats) -> Floats:
        result: Floats = np.bincount(index, values) / np.maximum(n, 1)
        return result

    dx, dy = x - mean(x)[index], y - mean(y)[index]
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = mean(dx * dy) / np.sqrt(mean(dx * dx) * mean(dy * dy))
    return result
