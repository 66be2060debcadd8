"""Hourly bars of Bitcoin and Ether, spot and perpetual, and Deribit's volatility index. Stamps are opening times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from state.lake.convert import NS_PER_HOUR, CloseOf, Floats, sessions_at
from state.lake.importers.columns import floats, ohlc_draft, read_parquet
from state.lake.lake import Ints
from state.lake.writer import Draft

LICENCE = "exchange records from public repositories, licences mixed; internal research data only"

BARS = {
    "btcusdt_spot_1h.parquet": ("BTCUSDT", "volume"),
    "ethusdt_spot_1h.parquet": ("ETHUSDT", "volume"),
    "btcusdt_perp_1h.parquet": ("BTCUSDT_PERP", "volume"),
    "ethusdt_perp_1h.parquet": ("ETHUSDT_PERP", "volume"),
    "btcusd_coinm_perp_1h.parquet": ("BTCUSD_COINM_PERP", "volume_btc"),
}
DVOL = "btc_dvol_1h.parquet"
LEFT_OUT = {
    "binance_usdm_funding_8h.parquet": "no place for funding rates yet",
    "funding_cross_venue.parquet": "no place for funding rates yet",
    "cme_btc_term_structure_daily.csv.gz": "spreads within a row only, not prices to trade on",
    "cme_eth_term_structure_daily.csv.gz": "spreads within a row only, not prices to trade on",
}


def recognises(folder: Path) -> bool:
    return (folder / "btcusdt_spot_1h.parquet").is_file()


def files(folder: Path) -> list[Path]:
    return [folder / name for name in (*BARS, DVOL) if (folder / name).is_file()]


def drafts(folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    """Hourly bars, known one hour after their stamp, their session the UTC date of the stamp.

    The calendar is not asked: these markets have no sessions. Raises LakeError naming the file.
    """
    for path in files(folder):
        name, volume = BARS.get(path.name, ("BTC_DVOL", ""))
        sides = ["dvol"] if not volume else ["open", "high", "low", "close"]
        rows = read_parquet(path, ["ts", *sides, *([volume] if volume else [])])
        opened: Ints = rows.column("ts").to_numpy().astype("datetime64[ns]").astype(np.int64)
        close = floats(rows, sides[-1])
        ranges: list[Floats | None] = [floats(rows, s) for s in sides[:3]] if volume else [None, None, None]
        yield ohlc_draft(
            path, name, sessions_at(opened), opened + NS_PER_HOUR, (ranges[0], ranges[1], ranges[2], close),
            floats(rows, volume) if volume else None,
            source=path.stem.removesuffix(".parquet"), licence=LICENCE, group="crypto", say=say,
            note="hourly bars" if volume else "implied volatility, percent a year", closes="one hour after the stamp",
        )  # fmt: skip
    say("not imported: mark prices of the perpetuals (bars hold trades)")
    for other, why in LEFT_OUT.items():
        if (folder / other).is_file():
            say(f"not imported: {other} ({why})")
