"""European and American daily series: indices, funds, shares, credit, interest, exchange rates, and minute quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from state.lake.convert import (
    DEFAULT_CLOSES,
    NS_PER_DAY,
    NS_PER_HOUR,
    CloseOf,
    Floats,
    closes,
    default_closes,
    lots,
    nano,
    sessions,
    sessions_at,
)
from state.lake.importers.columns import floats, fx_draft, groups, ohlc_draft, read_parquet, tally
from state.lake.lake import Ints
from state.lake.sealed import Column, LakeError
from state.lake.writer import Draft

LICENCE = "public repositories, mostly without a licence; vendors' and exchanges' figures: internal test data only"
ADJUSTED = "dividend-adjusted: right for returns, wrong as price levels"
INDEX = "price index"
ECB_AT_NS = 15 * NS_PER_HOUR
NEXT_DAY_NS = NS_PER_DAY + 14 * NS_PER_HOUR
MINUTE_NS = 60 * 10**9
ONE = 10**8
RENAMED = {
    "NOK": "NOK_ADR",  # Nokia; NOK is the krone future
    "SXRT.DE": "SXRT",  # the rest are lines that instruments name without their exchange
    "EXS1.DE": "EXS1",
    "ACA.PA": "ACA",
    "BNP.PA": "BNP",
    "GLE.PA": "GLE",
}

LEFT_OUT = {
    "fundamentals_filed_quarterly.parquet": "no place for fundamentals yet",
    "us_fundamentals_annual_pit.parquet": "no place for fundamentals yet",
    "us_fundamentals_snapshot_2026.parquet": "no place for fundamentals yet",
    "stoxx600_membership.parquet": "no place for index membership yet",
    "stoxx600_universe_2024.csv": "no place for index membership yet",
    "eu_stoxx600_close_daily.parquet": "600 closes of the members of 2024, survivors only",
    "eu_large_long_daily.parquet": "the same names as eu_large_ohlcv, on another basis of adjustment",
    "gov_yields_10y_daily.parquet": "the joined spreads to the Bund are imported in its place",
    "sovereign_cds5y_daily.parquet": "long stale stretches",
    "intraday_1min_etf_2019_12.parquet": "one month of trades without quotes",
    "intraday_eurusd_ticks_20140508.parquet": "one day of ticks; the minute quotes are imported",
}


def recognises(folder: Path) -> bool:
    return (folder / "index_levels_daily.parquet").is_file()


def files(folder: Path) -> list[Path]:
    names = ("index_levels", "vstoxx", "etf_us", "etf_ucits", "us_stocks", "eu_large_ohlcv", "credit_money")
    more = ("gov_spread_vs_bund_daily", "ecb_fx_daily", "fx_close_daily", "intraday_1min_quotes")
    paths = [folder / f"{n}.parquet" for n in (*(f"{n}_daily" for n in names), *more)]
    return [p for p in paths if p.is_file()]


def drafts(folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    """Every file of the set that fits bars, rates or quotes. Raises LakeError naming the file."""
    known = {p.name for p in files(folder)}
    daily = _Daily(folder, close_of, closes_name, say)
    for name, importer in (
        ("index_levels_daily.parquet", daily.indices),
        ("vstoxx_daily.parquet", daily.vstoxx),
        ("etf_us_daily.parquet", daily.etf_us),
        ("etf_ucits_daily.parquet", daily.etf_ucits),
        ("eu_large_ohlcv_daily.parquet", daily.eu_large),
        ("us_stocks_daily.parquet", daily.us_stocks),
        ("credit_money_daily.parquet", daily.credit),
        ("gov_spread_vs_bund_daily.parquet", daily.spreads),
        ("fx_close_daily.parquet", daily.fx_closes),
        ("ecb_fx_daily.parquet", daily.ecb),
    ):
        if name in known:
            yield from importer(folder / name)
    if "intraday_1min_quotes.parquet" in known:
        yield from minute_quotes(folder / "intraday_1min_quotes.parquet", say)
    for name, why in LEFT_OUT.items():
        if (folder / name).is_file():
            say(f"not imported: {name} ({why})")


class _Daily:
    """The daily files, each with its own columns and conventions."""

    def __init__(self, folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._close_of = close_of
        self._closes = closes_name
        self._say = say

    def _draft(
        self,
        path: Path,
        name: str,
        rows: pa.Table,
        prices: tuple[Floats | None, Floats | None, Floats | None, Floats],
        volume: Floats | None,
        *,
        group: str,
        note: str,
        known_after_ns: int = 0,
    ) -> Draft:
        """known_after_ns: time from the start of the session's date to publication; 0 for the close of its market."""
        name = RENAMED.get(name, name)
        date = rows.column("date").to_numpy().astype("datetime64[D]")
        if bool(np.isnat(date).any()):
            raise LakeError(path, f"{name} has a row without a date", "correct the file")
        session = sessions(date)
        if known_after_ns:
            at_ns, closes_name = default_closes(session, known_after_ns), "fixed time of publication"
        else:
            at_ns, closes_name = closes(name, session, self._close_of)[0], self._closes
        return ohlc_draft(
            path, name, session, at_ns, prices, volume,
            source=path.stem, licence=LICENCE, group=group, note=note, closes=closes_name, say=self._say,
        )  # fmt: skip

    def indices(self, path: Path) -> Iterator[Draft]:
        for symbol, rows in groups(read_parquet(path, ["date", "symbol", "open", "high", "low", "close"]), "symbol"):
            prices = (floats(rows, "open"), floats(rows, "high"), floats(rows, "low"), floats(rows, "close"))
            note = "total return index" if symbol == "DAX" else INDEX
            yield self._draft(path, f"{symbol}_INDEX", rows, prices, None, group="index", note=note)

    def vstoxx(self, path: Path) -> Iterator[Draft]:
        names = ["v2tx", *(f"v6i{i}" for i in range(1, 9))]
        table = read_parquet(path, ["date", *names])
        for name in names:
            rows = table.filter(table.column(name).is_valid())
            close = floats(rows, name)
            label = "VSTOXX" if name == "v2tx" else f"VSTOXX sub-index {name[-1]}"
            yield self._draft(
                path, f"{name.upper()}_INDEX", rows, (None, None, None, close), None, group="vol_index", note=label
            )

    def etf_us(self, path: Path) -> Iterator[Draft]:
        table = read_parquet(path, ["date", "symbol", "adj_close", "open", "high", "low", "close", "volume"])
        for symbol, rows in groups(table, "symbol"):
            adjusted = floats(rows, "adj_close")
            with np.errstate(invalid="ignore"):
                factor = adjusted / floats(rows, "close")
            sides = tuple(floats(rows, c) * factor for c in ("open", "high", "low"))
            prices = (sides[0], sides[1], sides[2], adjusted)
            yield self._draft(path, symbol, rows, prices, floats(rows, "volume"), group="etf_us", note=ADJUSTED)

    def etf_ucits(self, path: Path) -> Iterator[Draft]:
        sides = ("adj_open", "adj_high", "adj_low", "adj_close")
        for symbol, rows in groups(read_parquet(path, ["date", "symbol", *sides, "volume"]), "symbol"):
            o, h, low, c = (floats(rows, side) for side in sides)
            yield self._draft(
                path, symbol, rows, (o, h, low, c), floats(rows, "volume"), group="etf_ucits", note=ADJUSTED
            )

    def eu_large(self, path: Path) -> Iterator[Draft]:
        sides = ("open", "high", "low", "close")
        for symbol, rows in groups(read_parquet(path, ["date", "symbol", *sides, "volume"]), "symbol"):
            pence = symbol.endswith(".L")
            o, h, low, c = (floats(rows, side) / (100 if pence else 1) for side in sides)
            note = f"{ADJUSTED}{'; pence turned into pounds' if pence else ''}"
            yield self._draft(path, symbol, rows, (o, h, low, c), floats(rows, "volume"), group="stock_eu", note=note)

    def us_stocks(self, path: Path) -> Iterator[Draft]:
        for symbol, rows in groups(read_parquet(path, ["date", "symbol", "adj_close", "volume"]), "symbol"):
            prices = (None, None, None, floats(rows, "adj_close"))
            yield self._draft(path, symbol, rows, prices, floats(rows, "volume"), group="stock_us", note=ADJUSTED)

    def credit(self, path: Path) -> Iterator[Draft]:
        kinds = {"us_hy_oas_pct": "spread", "euribor_3m": "rate", "eur_ois_3m": "rate", "ofr_fsi": "stress"}
        late = {"us_hy_oas_pct", "ofr_fsi"}  # published on the next day
        for name, rows in groups(read_parquet(path, ["date", "series", "value"]), "series"):
            group = kinds.get(name, "credit")
            after = NEXT_DAY_NS if name in late else 0
            yield self._draft(
                path, name.upper(), rows, (None, None, None, floats(rows, "value")), None,
                group=group, note="percent" if group in ("rate", "spread") else "index level", known_after_ns=after,
            )  # fmt: skip

    def spreads(self, path: Path) -> Iterator[Draft]:
        for country, rows in groups(read_parquet(path, ["date", "country", "spread_bp"]), "country"):
            prices = (None, None, None, floats(rows, "spread_bp"))
            note = "10-year yield over the Bund, basis points"
            yield self._draft(path, f"{country}_BUND_SPREAD", rows, prices, None, group="spread", note=note)

    def fx_closes(self, path: Path) -> Iterator[Draft]:
        for pair, rows in groups(read_parquet(path, ["date", "pair", "close"]), "pair"):
            name = f"{pair}_INDEX" if pair == "DXY" else pair
            prices = (None, None, None, floats(rows, "close"))
            yield self._draft(path, name, rows, prices, None, group="fx_spot", note="New York close", known_after_ns=0)

    def ecb(self, path: Path) -> Iterator[Draft]:
        """Units per euro turned into USD per unit; fixed at 14:15 and published at about 16:00 in Frankfurt."""
        names = ["USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "AUD", "CAD", "NZD", "HKD"]
        names += ["SGD", "CNY", "KRW", "MXN", "ZAR", "INR", "BRL"]
        table = read_parquet(path, ["date", *names])
        session = sessions(table.column("date").to_numpy().astype("datetime64[D]"))
        dollar = floats(table, "USD")
        for name in names:
            currency = "EUR" if name == "USD" else name
            rate = dollar if name == "USD" else dollar / floats(table, name)
            yield fx_draft(
                path, currency, session, rate, "ecb", "ECB reference rates, free with attribution", self._say,
                default_closes(session, ECB_AT_NS), "15:00 UTC, after publication",
            )  # fmt: skip


def minute_quotes(path: Path, say: Callable[[str], None]) -> Iterator[Draft]:
    """Bid and ask at the end of each minute. A side without a price has size 0; a venue without sizes gets size 1."""
    table = read_parquet(path, ["ts", "symbol", "bid", "bid_size", "ask", "ask_size"])
    for symbol, rows in groups(table, "symbol"):
        bid, ask = floats(rows, "bid"), floats(rows, "ask")
        sizes = [lots(floats(rows, side)) for side in ("bid_size", "ask_size")]
        sized = bool((sizes[0] > 0).any())
        if not sized:
            sizes = [np.full(len(rows), ONE, np.int64), np.full(len(rows), ONE, np.int64)]
        for side, size in zip((bid, ask), sizes, strict=True):
            size[~np.isfinite(side)] = 0
        at_ns: Ints = rows.column("ts").to_numpy().astype("datetime64[ns]").astype(np.int64) + MINUTE_NS
        order = np.argsort(at_ns, kind="stable")
        both = np.isfinite(bid) & np.isfinite(ask)
        crossed = int((bid[both] > ask[both]).sum())
        defects = tally(("crossed quotes", crossed), ("quotes with one side only", int((~both).sum())))
        defects += () if sized else ("sizes are not recorded: written as 1",)
        for text in defects:
            say(f"quotes {symbol}: {text}")
        columns: dict[str, Column] = {
            "session": sessions_at(at_ns)[order].astype(np.int32),
            "at_ns": at_ns[order],
            "bid": nano(np.nan_to_num(bid))[order],
            "ask": nano(np.nan_to_num(ask))[order],
            "bid_size": sizes[0][order],
            "ask_size": sizes[1][order],
        }
        yield Draft(
            kind="quotes", id=symbol, columns=columns, source=path.stem, licence=LICENCE,
            note="best bid and ask at the end of each minute", closes=DEFAULT_CLOSES, defects=defects,
        )  # fmt: skip
