"""What a download puts into a lake: bars with the rolls between their contracts, and rates of exchange."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.rolls import Roll
from model.units import PX_SCALE, div_half_even
from ports.ib.history_parts import COLUMNS, Rows
from state.lake import Lake
from state.lake.lake import Ints
from state.lake.manifest import DataSet, Import
from state.lake.writer import Draft, constant, open_manifest, write

SOURCE = "interactive brokers"
LICENCE = "as the account's market data agreements say; not to be passed on"
BY_RULE = "roll rules of the instrument table"
RATE_COLUMNS = ("session", "at_ns", "rate")
ROLL_COLUMNS = ("session", "from_contract", "to_contract", "decided")


class Larder:
    """A lake, made when the first data arrives. It adds to what came from here before, and to nothing else."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stranger(self, kind: str, name: str) -> str:
        """Why a series may not be added to: it is of another source. Empty when it may."""
        there = self._there(kind, name)
        if there is None or there.source == SOURCE:
            return ""
        return f"{kind}/{name} in {self._root} comes from {there.source}: choose another lake for this download"

    def put_bars(self, name: str, rows: Rows, closes: str, product: str, rolls: Sequence[Roll]) -> int:
        """Add bars under a name and set the product's rolls, both or neither; how many bars it has then."""
        table = self._with_before(name, rows).array()
        columns: dict[str, Any] = {column: table[:, i] for i, column in enumerate(COLUMNS)}
        columns["contract"], columns["session"] = (columns[each].astype(np.int32) for each in ("contract", "session"))
        columns["source"] = constant("ib", len(table))
        drafts = [Draft(kind="bars", id=name, columns=columns, source=SOURCE, licence=LICENCE, closes=closes)]
        if rolls:
            drafts.append(self._rolls(product, rolls))
        self._write(drafts, len(table))
        return len(table)

    def put_rates(self, currency: str, rows: Rows, closes: str, *, inverse: bool) -> int:
        """Add closes of a pair as USD for one unit of a currency; how many rates it has then.

        inverse: the pair says how many units one dollar is.
        """
        at = [COLUMNS.index(column) for column in ("session", "at_ns", "close")]
        fresh = [
            (session, at_ns, div_half_even(PX_SCALE * PX_SCALE, close) if inverse else close)
            for session, at_ns, close in rows.array()[:, at].tolist()
        ]
        by_time = {row[1]: row for row in [*self._rates_before(currency), *fresh]}
        table: Ints = np.array([by_time[at_ns] for at_ns in sorted(by_time)], np.int64)
        columns: dict[str, Any] = {column: table[:, i] for i, column in enumerate(RATE_COLUMNS)}
        columns["session"] = columns["session"].astype(np.int32)
        self._write(
            [Draft(kind="fx", id=currency, columns=columns, source=SOURCE, licence=LICENCE, closes=closes)], len(table)
        )
        return len(table)

    def _rolls(self, product: str, rolls: Sequence[Roll]) -> Draft:
        """Recorded rolls keep their source; those that go on from them follow from the rule."""
        there = self._there("rolls", product)
        table: Ints = np.array([[getattr(each, column) for column in ROLL_COLUMNS] for each in rolls], np.int64)
        return Draft(
            kind="rolls",
            id=product,
            columns={column: table[:, i].astype(np.int32) for i, column in enumerate(ROLL_COLUMNS)},
            source=there.source if there is not None else BY_RULE,
            licence=there.licence if there is not None else "none needed",
            note=f"continued by the {BY_RULE}" if there is not None and there.source != BY_RULE else "",
        )

    def _with_before(self, name: str, rows: Rows) -> Rows:
        if self._there("bars", name) is None:
            return rows
        bars = Lake(self._root).bars(name)
        merged = Rows()
        merged.add(np.column_stack([getattr(bars, column) for column in COLUMNS]).tolist())
        merged.add(rows.array().tolist())
        return merged

    def _rates_before(self, currency: str) -> list[tuple[int, int, int]]:
        if self._there("fx", currency) is None:
            return []
        series = Lake(self._root).fx(currency)
        return list(zip(series.session.tolist(), series.at_ns.tolist(), series.rate.tolist(), strict=True))

    def _there(self, kind: str, name: str) -> DataSet | None:
        return open_manifest(self._root).sets.get(f"{kind}/{name}")

    def _write(self, drafts: Sequence[Draft], rows: int) -> None:
        first = drafts[0]
        made = tuple(f"{each.kind}/{each.id}" for each in drafts)
        done = Import(fingerprint=f"{SOURCE}/{first.kind}/{first.id}/{rows}", source=SOURCE, made=made, report=())
        write(self._root, drafts, done)
