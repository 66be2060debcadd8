"""Writing a lake: everything is packed first, then put in place file by file, the manifest last."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from state.lake.manifest import MANIFEST, DataSet, Import, Manifest, check_name, read_manifest, write_manifest
from state.lake.sealed import Column, Columns, digest, pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One data set as an importer made it, before it is written. `columns` hold everything its kind's schema names."""

    kind: str
    id: str
    columns: Columns
    source: str
    licence: str
    group: str = ""
    note: str = ""
    closes: str = ""
    defects: tuple[str, ...] = ()


def open_manifest(root: Path) -> Manifest:
    """The manifest of the lake at `root`, or a new one where there is none yet."""
    return read_manifest(root) if (root / MANIFEST).exists() else Manifest()


def write(root: Path, drafts: Iterable[Draft], done: Import) -> Manifest:
    """Add the drafts to the lake and record the import. A failure before the last step leaves the old lake readable.

    Raises LakeError for an id that cannot be a file name, ValueError for columns that do not fit.
    """
    staged: list[tuple[Path, Path]] = []
    sets: dict[str, DataSet] = {}
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".import-") as temporary:
        for draft in drafts:
            check_name(draft.kind, draft.id)
            data = pack(draft.kind, draft.columns)
            part = Path(temporary) / f"{len(staged)}.parquet"
            part.write_bytes(data)
            staged.append((part, root / draft.kind / f"{draft.id}.parquet"))
            data_set = _describe(draft, digest(data))
            sets[data_set.key] = data_set
        for part, place in staged:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, place)
    before = open_manifest(root)  # read last: another import may have ended meanwhile
    result = Manifest(sets={**before.sets, **sets}, imports={**before.imports, done.fingerprint: done})
    write_manifest(root, result)
    return result


def _describe(draft: Draft, sha256: str) -> DataSet:
    session = np.asarray(draft.columns["session"])
    return DataSet(
        kind=draft.kind,
        id=draft.id,
        rows=len(session),
        first_session=int(session.min()) if len(session) else 0,
        last_session=int(session.max()) if len(session) else 0,
        source=draft.source,
        licence=draft.licence,
        sha256=sha256,
        group=draft.group,
        note=draft.note,
        closes=draft.closes,
        defects=draft.defects,
    )


def constant(text: str, rows: int) -> Column:
    """A dictionary column that says the same in every row."""
    import pyarrow as pa

    column: Column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([text]))
    return column
