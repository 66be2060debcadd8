"""Reading a lake: columns as numpy arrays, in time order, whole numbers only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.instruments import contract_id
from model.rolls import Roll, RollSchedule
from state.lake.manifest import DataSet, Manifest, read_manifest
from state.lake.sealed import LakeError, unpack

Ints = npt.NDArray[np.int64]
FIRST = 0
LAST = 99_999_999


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one product, all contracts, sorted by (at_ns, contract). Prices in 1e-9, volume in 1e-8.

    contract: yyyymm, 0 for a product without months.  session: exchange date yyyymmdd.  at_ns: when the bar is known.
    """

    product: str
    contract: Ints
    session: Ints
    at_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return len(self.at_ns)

    def of(self, contract: int) -> Bars:
        """The bars of one contract month."""
        return self.where(self.contract == contract)

    def where(self, keep: npt.NDArray[np.bool_] | slice) -> Bars:
        """The rows chosen by a mask or slice."""
        return Bars(self.product, *(getattr(self, name)[keep] for name in BAR_COLUMNS))


BAR_COLUMNS = ("contract", "session", "at_ns", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class FxSeries:
    """USD for one unit of `currency`, in 1e-9, each known at `at_ns`."""

    currency: str
    session: Ints
    at_ns: Ints
    rate: Ints


@dataclass(frozen=True, slots=True)
class QuoteSeries:
    """Best bid and ask in 1e-9, sizes in 1e-8 (0: nothing on that side), in time order."""

    instrument: str
    session: Ints
    at_ns: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints


class Lake:
    """A folder of sealed parquet files with a manifest. Opening reads the manifest alone.

    Every read checks the whole file against its seal. Raises LakeError for what cannot be trusted or is not there.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.manifest: Manifest = read_manifest(self.path)

    def products(self) -> list[str]:
        """Ids with bars, sorted."""
        return self.manifest.ids("bars")

    def currencies(self) -> list[str]:
        return self.manifest.ids("fx")

    def quoted(self) -> list[str]:
        """Ids with recorded quotes, sorted."""
        return self.manifest.ids("quotes")

    def has(self, kind: str, name: str) -> bool:
        return f"{kind}/{name}" in self.manifest.sets

    def data_set(self, kind: str, name: str) -> DataSet:
        found = self.manifest.sets.get(f"{kind}/{name}")
        if found is None:
            known = ", ".join(self.manifest.ids(kind)[:8]) or "nothing"
            raise LakeError(self.path, f"has no {kind} of {name}", f"import them; it has {known} …")
        return found

    def bars(self, product: str, first: int = FIRST, last: int = LAST) -> Bars:
        """Bars of sessions first <= session <= last (yyyymmdd), every contract."""
        table = self._table("bars", product)
        bars = Bars(product, *(_ints(table, name) for name in BAR_COLUMNS))
        if first <= FIRST and last >= LAST:
            return bars
        return bars.where((bars.session >= first) & (bars.session <= last))

    def rolls(self, product: str) -> list[Roll]:
        """Rolls in time order; empty for a product that does not roll."""
        if not self.has("rolls", product):
            return []
        table = self._table("rolls", product)
        columns = (table.column(n).to_pylist() for n in ("session", "from_contract", "to_contract", "decided"))
        return [Roll(*row) for row in zip(*columns, strict=True)]

    def roll_schedule(self, products: Iterable[str]) -> RollSchedule:
        """The rolls of several products; one that never rolls holds the contract of its last bar."""
        rolls: dict[str, list[Roll]] = {}
        first: dict[str, int] = {}
        for product in products:
            rolls[product] = self.rolls(product)
            if not rolls[product]:
                contracts = self.bars(product).contract
                first[product] = int(contracts[-1]) if len(contracts) else 0
        return RollSchedule(rolls, first)

    def fx(self, currency: str, first: int = FIRST, last: int = LAST) -> FxSeries:
        """USD per unit of `currency` over sessions first..last."""
        table = self._table("fx", currency)
        session, at_ns, rate = (_ints(table, n) for n in ("session", "at_ns", "rate"))
        keep = (session >= first) & (session <= last)
        return FxSeries(currency, session[keep], at_ns[keep], rate[keep])

    def quotes(self, instrument: str, first: int = FIRST, last: int = LAST) -> QuoteSeries:
        """Recorded quotes of sessions first..last."""
        table = self._table("quotes", instrument)
        names = ("session", "at_ns", "bid", "ask", "bid_size", "ask_size")
        columns = [_ints(table, n) for n in names]
        keep = (columns[0] >= first) & (columns[0] <= last)
        return QuoteSeries(instrument, *(c[keep] for c in columns))

    def _table(self, kind: str, name: str) -> pa.Table:
        data_set = self.data_set(kind, name)
        return unpack(kind, self.path / kind / f"{name}.parquet", data_set.sha256)


def instrument_of(product: str, contract: int) -> str:
    """The contract's id, or the product's own where there are no months."""
    return contract_id(product, contract) if contract else product


def _ints(table: pa.Table, name: str) -> Ints:
    """A column without nulls as a read-only array. Arrow's own to_numpy would import pandas first, half a second."""
    column = table.column(name).combine_chunks()
    if column.null_count:
        raise LakeError(name, "has rows without a value", "import its source again")
    array: Ints = np.from_dlpack(column).astype(np.int64, copy=False)
    return array
