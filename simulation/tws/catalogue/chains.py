"""Option chains from recorded quotes. A root's file is read when somebody first asks for one of its options.

What was quoted on or before a day is listed on it: nobody sees a strike before the exchange had it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.instruments import Commission, Instrument, Kind, TickStep
from simulation.tws.catalogue import identity
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.names import SMART
from simulation.tws.catalogue.refused import Refused
from simulation.tws.terms import Contract


class Root(msgspec.Struct, frozen=True):
    """A class of options. number: its place in con ids, never to be used again.  under: instrument id, of a future
    without its month.  cents: (from this premium on, tick)."""

    number: int
    name: str
    symbol: str
    sec_type: str
    under: str
    exchanges: tuple[str, ...]
    multiplier: int
    files: tuple[str, ...]
    ticks: tuple[tuple[str, str], ...] = (("0", "0.05"), ("3", "0.1"))


_CORPORATE = ("us_equity_corporate_action_days",)
_PENNY = (("0", "0.01"),)
_AMERICAN = (SMART, "CBOE", "AMEX", "ISE")
ROOTS = (
    Root(1, "SPX", "SPX", "OPT", "SPX_INDEX", (SMART, "CBOE"), 100, ("spx_2011_01_5d", "spx_2019_chains")),
    Root(
        2, "SPXW", "SPX", "OPT", "SPX_INDEX", (SMART, "CBOE"), 100,
        ("spx_2011_01_5d", "spxw_2018_volmageddon", "spxw_20180105_intraday_5min", "spx_2019_chains"),
    ),
    Root(3, "SPY", "SPY", "OPT", "SPY", _AMERICAN, 100, ("spy_2021_thin",), _PENNY),
    Root(4, "ES", "ES", "FOP", "SP500", ("CME",), 50, ("es_fop_20200106_15min",), (("0", "0.05"), ("5", "0.25"))),
    Root(5, "OESX", "ESTX50", "OPT", "SX5E_INDEX", ("EUREX",), 10, ("sx5e_2018_2019_settle",), (("0", "0.1"),)),
    Root(6, "VXX", "VXX", "OPT", "VXX", _AMERICAN, 100, ("vxx_2016_12",), _PENNY),
    Root(7, "AAPL", "AAPL", "OPT", "AAPL", _AMERICAN, 100, _CORPORATE, _PENNY),
    Root(8, "TWX", "TWX", "OPT", "TWX", _AMERICAN, 100, _CORPORATE, _PENNY),
    Root(9, "GOOG", "GOOG", "OPT", "GOOG", _AMERICAN, 100, _CORPORATE, _PENNY),
)  # fmt: skip

FEES = Commission(per_unit=Decimal("0.65"))
"""What an option's trade pays a contract; an assumption."""

_COLUMNS: tuple[str, ...] = (
    "quote_date",
    "expiry",
    "right",
    "strike",
    "bid",
    "ask",
    "last",
    "settle",
    "volume",
    "spot",
    "bid_size",
)
_COLUMNS += ("ask_size", "futures_price", "quote_ts", "fut_expiry")

Key = tuple[str, str, float]
"""Expiry (yyyymmdd), right and strike."""


class ChainSet(msgspec.Struct, frozen=True):
    """The expiries and strikes of one class on one exchange; not every pair of them exists."""

    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: tuple[str, ...]
    strikes: tuple[float, ...]


class _Loaded(msgspec.Struct, frozen=True):
    """Every row of a root. By con id: its rows and key, the first day quoted, and the month of the future beneath."""

    table: pa.Table
    rows: dict[int, list[int]]
    keys: dict[int, Key]
    since: dict[int, int]
    months: dict[int, int]


class Chains:
    """Options of the roots whose files are in `folder` and whose underlying is among `products`.

    under_of: the con id of an instrument id, None where it is not listed.
    Raises Refused, 162, when a file that is there cannot be read.
    """

    def __init__(
        self, folder: Path | None, products: Mapping[str, Instrument], under_of: Callable[[str], int | None]
    ) -> None:
        self._folder = folder
        self._products = products
        self._under_of = under_of
        self._loaded: dict[int, _Loaded] = {}
        self._listed: dict[int, Listed] = {}
        self.roots = tuple(one for one in ROOTS if one.under in products and self._paths(one))

    def owns(self, con_id: int) -> bool:
        """Whether an id lies among the options' ids."""
        return identity.root_of(con_id) is not None

    def get(self, con_id: int) -> Listed | None:
        root = next((one for one in self.roots if one.number == identity.root_of(con_id)), None)
        if root is None or con_id not in self._load(root).keys:
            return None
        return self._list(root, con_id)

    def matching(self, sec_type: str, wanted: Contract, today: int) -> Iterator[Listed]:
        """Options whose symbol, class, expiry and strike fit; those that were quoted by `today` and live, 0 for all."""
        for root in self.roots:
            if sec_type != root.sec_type or wanted.symbol not in ("", root.symbol):
                continue
            if wanted.trading_class not in ("", root.name):
                continue
            loaded = self._load(root)
            for con_id, key in loaded.keys.items():
                expiry, _, strike = key
                if wanted.expiry and not expiry.startswith(wanted.expiry):
                    continue
                if (not wanted.strike or wanted.strike == strike) and self._lives(loaded, con_id, today):
                    yield self._list(root, con_id)

    def sets(self, symbol: str, exchange: str, under_con_id: int, today: int) -> list[ChainSet]:
        """What is listed today on an underlying, by exchange and class. exchange: of futures options, or nothing."""
        found: list[ChainSet] = []
        for root in self.roots:
            if root.symbol != symbol or (exchange and exchange not in root.exchanges):
                continue
            loaded = self._load(root)
            living = [
                key
                for con_id, key in loaded.keys.items()
                if self._lives(loaded, con_id, today) and self._under_id(root, loaded, con_id) == under_con_id
            ]
            expiries, strikes = sorted({key[0] for key in living}), sorted({key[2] for key in living})
            found += [
                ChainSet(one, under_con_id, root.name, str(root.multiplier), tuple(expiries), tuple(strikes))
                for one in root.exchanges
                if living
            ]
        return found

    def quotes(self, con_id: int) -> pa.Table:
        """Every recorded row of an option."""
        root = next(one for one in self.roots if one.number == identity.root_of(con_id))
        loaded = self._load(root)
        return loaded.table.take(loaded.rows[con_id])

    def _lives(self, loaded: _Loaded, con_id: int, today: int) -> bool:
        return not today or (loaded.since[con_id] <= today <= int(loaded.keys[con_id][0]))

    def _under_id(self, root: Root, loaded: _Loaded, con_id: int) -> int:
        month = loaded.months.get(con_id, 0)
        return self._under_of(f"{root.under}@{month}" if month else root.under) or 0

    def _list(self, root: Root, con_id: int) -> Listed:
        known = self._listed.get(con_id)
        if known is not None:
            return known
        key = expiry, right, strike = self._load(root).keys[con_id]
        under = self._products[root.under]
        instrument = _instrument(root, key, under)
        listed = self._listed[con_id] = Listed(
            con_id=con_id,
            sec_type=root.sec_type,
            instrument=instrument,
            product=instrument,
            symbol=root.symbol,
            exchange=root.exchanges[-1],
            routes=root.exchanges,
            multiplier=str(root.multiplier),
            local_symbol=occ_symbol(root.name, expiry, right, strike),
            trading_class=root.name,
            expiry=expiry,
            month=expiry[:6],
            strike=strike,
            right=right,
            under_con_id=self._under_id(root, self._load(root), con_id),
            under_symbol=root.symbol,
            under_sec_type={"FOP": "FUT"}.get(root.sec_type, "IND" if under.kind is Kind.INDEX else "STK"),
        )
        return listed

    def _paths(self, root: Root) -> list[Path]:
        if self._folder is None:
            return []
        paths = [self._folder / f"{name}.parquet" for name in root.files]
        return [path for path in paths if path.is_file()]

    def _load(self, root: Root) -> _Loaded:
        found = self._loaded.get(root.number)
        if found is None:
            found = self._loaded[root.number] = _load(root, self._paths(root))
        return found


def _instrument(root: Root, key: Key, under: Instrument) -> Instrument:
    expiry, right, strike = key
    return Instrument(
        id=f"{root.name}-{expiry}{right}{strike:g}",
        kind=Kind.OPTION,
        venue=root.exchanges[0],
        currency=under.currency,
        calendar=under.calendar,
        name=f"{root.name} {expiry} {right} {strike:g}",
        symbol=root.symbol,
        asset_class="option",
        multiplier=Decimal(root.multiplier),
        ticks=tuple(TickStep(Decimal(at), Decimal(tick)) for at, tick in root.ticks),
        commission=FEES,
        underlying=root.under,
        strike=Decimal(repr(strike)),
        right=right,
        expiry=expiry,
    )


def occ_symbol(root: str, expiry: str, right: str, strike: float) -> str:
    """`SPXW  190426C02900000`: six of root, date, right, and the strike in thousandths."""
    return f"{root:<6}{expiry[2:]}{right}{round(strike * 1000):08d}"


def _load(root: Root, paths: list[Path]) -> _Loaded:
    tables = []
    for path in paths:
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise Refused(162, f"The option data in {path.name} cannot be read: {error}") from None
        name = "root" if "root" in table.column_names else "underlying"
        wanted = {"ESTX50": "SX5E"}.get(root.symbol, root.name) if name == "underlying" else root.name
        mine = table.filter(pa.compute.equal(table.column(name), wanted))
        tables.append(mine.select([one for one in _COLUMNS if one in mine.column_names]))
    whole = pa.concat_tables(tables, promote_options="permissive")
    expiry, day = dates_of(whole, "expiry"), dates_of(whole, "quote_date").astype(np.int64)
    right, strike = whole.column("right").to_pylist(), whole.column("strike").to_pylist()
    future = whole.column("fut_expiry").to_pylist() if "fut_expiry" in whole.column_names else [None] * len(whole)
    rows: dict[Key, list[int]] = {}
    for i, key in enumerate(zip(expiry.tolist(), right, strike, strict=True)):
        rows.setdefault(key, []).append(i)
    names = {f"{e} {r} {k!r}": (e, r, k) for e, r, k in rows}
    ids = identity.option_ids(root.number, names)
    keys = {ids[name]: key for name, key in sorted(names.items(), key=lambda item: item[1])}
    mine = {con_id: rows[key] for con_id, key in keys.items()}
    months = {con_id: int(future[at[0]]) for con_id, at in mine.items() if future[at[0]]}
    return _Loaded(whole, mine, keys, {con_id: int(day[at].min()) for con_id, at in mine.items()}, months)


def dates_of(table: pa.Table, name: str) -> np.typing.NDArray[np.str_]:
    """A date column as yyyymmdd."""
    days = table.column(name).to_numpy().astype("datetime64[D]")
    return np.char.replace(np.datetime_as_string(days), "-", "")
