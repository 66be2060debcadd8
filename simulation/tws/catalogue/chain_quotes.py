"""The recorded rows of one option as quotes, and the price of what lies beneath it at each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.sessions import Sessions
from model.units import QTY_SCALE
from simulation.tws.catalogue.chains import dates_of
from simulation.tws.catalogue.listed import Listed
from state.lake.convert import nano
from state.lake.lake import Ints, QuoteSeries

Floats = npt.NDArray[np.float64]

SETTLE_HALF_SPREAD = 0.015
"""Share of a settlement price on either side of it, where only settlements are recorded."""

UNRECORDED_SIZE = 10
"""Contracts displayed where no size is recorded."""


def chain_series(rows: pa.Table, listed: Listed, sessions: Sessions) -> tuple[QuoteSeries, Floats]:
    """Quotes in time order and the underlying's price at each, NaN where it is not recorded.

    A row of a day alone is known at the close of the underlying's session. Both sides at 0 mean no market: size 0.
    """
    bid, ask = (_floats(rows, name) for name in ("bid", "ask"))
    settle = _floats(rows, "settle")
    bid = np.where(np.isnan(settle), bid, settle * (1 - SETTLE_HALF_SPREAD))
    ask = np.where(np.isnan(settle), ask, settle * (1 + SETTLE_HALF_SPREAD))
    under = _floats(rows, "spot")
    under = np.where(np.isnan(under), _floats(rows, "futures_price"), under)
    session = dates_of(rows, "quote_date").astype(np.int64)
    at_ns = _moments(rows, session, sessions)
    order = np.argsort(at_ns, kind="stable")
    sizes = [_sizes(rows, name, price) for name, price in (("bid_size", bid), ("ask_size", ask))]
    series = QuoteSeries(
        listed.instrument.id,
        session[order],
        at_ns[order],
        nano(np.nan_to_num(bid))[order],
        nano(np.nan_to_num(ask))[order],
        sizes[0][order],
        sizes[1][order],
    )
    return series, under[order]


def _floats(rows: pa.Table, name: str) -> Floats:
    if name not in rows.column_names:
        return np.full(len(rows), np.nan)
    return np.array([np.nan if one is None else float(one) for one in rows.column(name).to_pylist()], np.float64)


def _sizes(rows: pa.Table, name: str, price: Floats) -> Ints:
    said = _floats(rows, name)
    size = np.where(np.isnan(said), UNRECORDED_SIZE, said)
    size[~(price > 0)] = 0
    made: Ints = np.rint(size * QTY_SCALE).astype(np.int64)
    return made


def _moments(rows: pa.Table, session: Ints, sessions: Sessions) -> Ints:
    stamps = rows.column("quote_ts").to_pylist() if "quote_ts" in rows.column_names else [None] * len(rows)
    moments = []
    for stamp, date in zip(stamps, session.tolist(), strict=True):
        if stamp is not None:
            moments.append(int(stamp.timestamp()) * 10**9)
            continue
        held = sessions.on(date)
        moments.append(held.closes_ns if held else _evening(date))
    return np.array(moments, np.int64)


def _evening(date: int) -> int:
    """21:00 UTC of a day that the calendar does not have."""
    day = np.datetime64(f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}", "h")
    return int((day + np.timedelta64(21, "h")).astype("datetime64[ns]").astype(np.int64))
