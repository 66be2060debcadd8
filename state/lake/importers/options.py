"""Of the option data what fits bars: daily volatility indices. Chains have no place in the lake yet, and it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from state.lake.convert import CloseOf, Floats, closes, sessions
from state.lake.importers.columns import floats, ohlc_draft, read_parquet
from state.lake.writer import Draft

LICENCE = "public repositories (PDDL, MIT, none stated); internal test data only"
INDICES = "vol_indices_daily.parquet"
SERIES = {"vix": "VIX", "vix3m": "VIX3M", "vix6m": "VIX6M", "vvix": "VVIX", "spx": "SP500"}
WITH_RANGE = ("vix", "spx")


def recognises(folder: Path) -> bool:
    return (folder / INDICES).is_file()


def files(folder: Path) -> list[Path]:
    return [folder / INDICES]


def drafts(folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    """VIX, VIX3M, VIX6M, VVIX and the S&P 500 as daily index bars. Raises LakeError naming the file."""
    path = folder / INDICES
    sides = [f"{name}_{side}" for name in WITH_RANGE for side in ("open", "high", "low")]
    table = read_parquet(path, ["date", *SERIES, *sides])
    for column, label in SERIES.items():
        rows = table.filter(table.column(column).is_valid())
        session = sessions(rows.column("date").to_numpy().astype("datetime64[D]"))
        name = f"{label}_INDEX"
        ranges: list[Floats | None] = [None, None, None]
        if column in WITH_RANGE:
            ranges = [floats(rows, f"{column}_{side}") for side in ("open", "high", "low")]
        yield ohlc_draft(
            path, name, session, closes(name, session, close_of)[0],
            (ranges[0], ranges[1], ranges[2], floats(rows, column)), None,
            source=path.stem, licence=LICENCE, group="index" if column == "spx" else "vol_index",
            note="index level", closes=closes_name, say=say,
        )  # fmt: skip
    for other in sorted(p.name for p in folder.glob("*.parquet") if p.name != INDICES):
        say(f"not imported: {other} (option chains have no place in the lake yet)")
