"""A week of a small market, written by hand: every price a test asserts can be read here."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.instruments import Commission, Instrument, Kind, RollRule, TickStep
from model.sessions import Session, Sessions
from model.units import PX_SCALE, QTY_SCALE
from state.lake import Lake
from state.lake.manifest import Import
from state.lake.writer import Draft, constant, write

SECOND = 10**9
HOUR = 3_600 * SECOND
DAYS = (20190610, 20190611, 20190612, 20190613, 20190614)
"""Monday to Friday."""
LISTED = (*DAYS, 20190617, 20190618, 20190619, 20190620, 20190621, 20190719)
"""Sessions of the calendars: those of the week after have no prices."""

HOURS = {"NYSE": (13.5, 20.0), "LSE": (7.0, 15.5), "CME_EQUITY": (0.0, 21.0), "24x5": (0.0, 21.0), "EUREX": (6.0, 20.0)}
"""Calendar -> opening and closing, hours UTC."""

BARS: dict[str, list[tuple[float, float, float, float, int]]] = {
    "ABC": [
        (99.0, 101.0, 98.0, 100.0, 1_200_000),
        (100.0, 103.0, 99.5, 102.0, 2_400_000),
        (102.0, 106.0, 101.0, 105.0, 3_600_000),
        (105.0, 107.0, 104.0, 106.0, 1_800_000),
        (106.0, 108.0, 103.0, 104.0, 1_500_000),
    ],
    "XYZ": [(50.0, 50.5, 49.5, 50.0, 600_000)] * 5,
    "IUKD": [(7.50, 7.60, 7.40, 7.55, 90_000)] * 5,  # pounds: 750 pence
    "SPX_INDEX": [(2_880.0, 2_900.0, 2_870.0, 2_890.0, 0)] * 5,
    "VXX": [(25.0, 26.0, 24.0, 25.5, 5_000_000)] * 5,
}
FUTURES = {201906: 2_890.0, 201909: 2_895.0}
"""Contract month of SP500 -> what it trades at all week."""
EURUSD = (1.1313, 1.1326, 1.1323, 1.1289, 1.1277)
OPTION_ROWS = [
    (day, expiry, right, strike, bid, ask)
    for day in DAYS[:3]
    for expiry in ("2019-06-21", "2019-07-19")
    for strike in (24.0, 25.0, 26.0)
    for right, bid, ask in (("C", 1.20, 1.30), ("P", 0.90, 1.00))
]


def at(text: str) -> int:
    """Nanoseconds of an ISO moment in UTC."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND


WEDNESDAY = at("2019-06-12T14:00")
"""Every market is open."""
SATURDAY = at("2019-06-15T12:00")


def _midnight(day: int) -> int:
    return at(f"{day // 10_000:04d}-{day // 100 % 100:02d}-{day % 100:02d}T00:00")


CALENDARS = {
    name: Sessions(
        name,
        [Session(day, _midnight(day) + int(opens * HOUR), _midnight(day) + int(closes * HOUR)) for day in LISTED],
    )
    for name, (opens, closes) in HOURS.items()
}


def sessions(calendar: str) -> Sessions:
    return CALENDARS[calendar]


def _stock(id: str, venue: str, calendar: str, **more: object) -> Instrument:
    common: dict[str, object] = {
        "kind": Kind.STOCK, "currency": "USD", "ticks": (TickStep(Decimal(0), Decimal("0.01")),),
        "half_spread": Decimal("0.01"), "commission": Commission(per_unit=Decimal("0.005"), per_order=Decimal(1)),
        "initial_margin_share": Decimal("0.5"), "symbol": id,
    }  # fmt: skip
    return Instrument(id=id, venue=venue, calendar=calendar, **{**common, **more})  # type: ignore[arg-type]


INSTRUMENTS = {
    one.id: one
    for one in (
        _stock("ABC", "NASDAQ", "NYSE", name="Alphabet Soup Inc", isin="US0000000001"),
        _stock("XYZ", "NYSE", "NYSE", name="Xylophones Inc"),
        _stock("VXX", "BATS", "NYSE", kind=Kind.ETF, name="Short-term futures note"),
        _stock(
            "IUKD", "LSEETF", "LSE", kind=Kind.ETF, currency="GBP", price_magnifier=100, name="UK Dividend",
            ticks=(TickStep(Decimal(0), Decimal("0.005")),), half_spread=Decimal("0.005"),
            commission=Commission(per_order=Decimal(3)),
        ),
        _stock("SPX_INDEX", "CBOE", "NYSE", kind=Kind.INDEX, tradeable=False, name="S&P 500"),
        _stock(
            "SP500", "CME", "CME_EQUITY", kind=Kind.FUTURE, symbol="ES", multiplier=Decimal(50), name="E-mini",
            ticks=(TickStep(Decimal(0), Decimal("0.25")),), half_spread=Decimal("0.25"), asset_class="equity",
            commission=Commission(per_unit=Decimal("2.05")), initial_margin_share=Decimal("0.08"),
            roll=RollRule(hold_cycle="HMUZ", offset_days=-5, expiry_offset_days=19),
        ),
        _stock(
            "EURUSD", "IDEALPRO", "24x5", kind=Kind.FX_SPOT, symbol="EUR",
            ticks=(TickStep(Decimal(0), Decimal("0.00005")),), half_spread=Decimal("0.00005"),
            commission=Commission(per_order=Decimal(2)),
        ),
    )
}  # fmt: skip


def make_lake(root: Path, *, rolls_on: int = 0) -> Lake:
    """The week in a lake. rolls_on: the last session of SP500 in the earlier month, where that is recorded."""
    drafts = [_bars(name, [0] * 5, list(DAYS), rows) for name, rows in BARS.items()]
    months = [month for month in FUTURES for _ in DAYS]
    prices = [(p, p + 10, p - 10, p + 5, 500_000) for p in FUTURES.values() for _ in DAYS]
    drafts.append(_bars("SP500", months, list(DAYS) * len(FUTURES), prices))
    drafts.append(_fx("EUR", EURUSD))
    drafts.append(_fx("GBP", (1.25,) * 5))
    if rolls_on:
        row = {"session": rolls_on, "from_contract": 201906, "to_contract": 201909, "decided": rolls_on - 1}
        columns = {name: np.array([value], np.int32) for name, value in row.items()}
        drafts.append(Draft(kind="rolls", id="SP500", columns=columns, source="by hand", licence="none"))
    write(root, drafts, Import(fingerprint="bourse", source="by hand", made=(), report=()))
    return Lake(root)


def make_options(folder: Path) -> Path:
    """Chains of VXX: two expiries, three strikes, quoted at 14:00 UTC of three days, 10 contracts a side."""
    folder.mkdir(parents=True, exist_ok=True)
    day, expiry, right, strike, bid, ask = (list(column) for column in zip(*OPTION_ROWS, strict=True))
    iso = [f"{one // 10_000:04d}-{one // 100 % 100:02d}-{one % 100:02d}" for one in day]
    columns = {
        "underlying": ["VXX"] * len(day),
        "quote_date": np.array(iso, "datetime64[D]"),
        "expiry": np.array(expiry, "datetime64[D]"),
        "right": right, "strike": strike, "bid": bid, "ask": ask,
        "spot": [25.0] * len(day), "bid_size": [10.0] * len(day), "ask_size": [10.0] * len(day),
        "quote_ts": [dt.datetime.fromisoformat(f"{one}T14:00").replace(tzinfo=dt.UTC) for one in iso],
    }  # fmt: skip
    pq.write_table(pa.table(columns), folder / "vxx_2016_12.parquet")
    return folder


def _closes(name: str, day: int) -> int:
    held = CALENDARS[INSTRUMENTS[name].calendar].on(day)
    assert held is not None
    return held.closes_ns


def _bars(
    name: str, contracts: list[int], days: list[int], rows: list[tuple[float, float, float, float, int]]
) -> Draft:
    prices = np.rint(np.array([row[:4] for row in rows]) * PX_SCALE).astype(np.int64)
    return Draft(
        kind="bars",
        id=name,
        columns={
            "contract": np.array(contracts, np.int32),
            "session": np.array(days, np.int32),
            "at_ns": np.array([_closes(name, day) for day in days], np.int64),
            "open": prices[:, 0],
            "high": prices[:, 1],
            "low": prices[:, 2],
            "close": prices[:, 3],
            "volume": np.array([row[4] for row in rows], np.int64) * QTY_SCALE,
            "source": constant("hand", len(rows)),
        },
        source="by hand",
        licence="none",
    )


def _fx(currency: str, rates: tuple[float, ...]) -> Draft:
    return Draft(
        kind="fx",
        id=currency,
        columns={
            "session": np.array(DAYS, np.int32),
            "at_ns": np.array([_midnight(day) + 12 * HOUR for day in DAYS], np.int64),
            "rate": np.rint(np.array(rates) * PX_SCALE).astype(np.int64),
        },
        source="by hand",
        licence="none",
    )
