"""One import: recognise the source, see whether it is already in, draft everything, then write it at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from state.lake.convert import DEFAULT_CLOSES, CloseOf
from state.lake.importers import crypto, europe, futures, options, userfile
from state.lake.manifest import Import, Manifest
from state.lake.sealed import SCHEMA_VERSION, LakeError, file_digest
from state.lake.writer import Draft, open_manifest, write

Progress = Callable[[str, int], None]
IMPORTER_VERSION = 2


class Importer(Protocol):
    """A module that knows one kind of source folder."""

    def recognises(self, folder: Path) -> bool: ...

    def files(self, folder: Path) -> list[Path]: ...

    def drafts(
        self, folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]
    ) -> Iterator[Draft]: ...


IMPORTERS: dict[str, Importer] = {
    "futures": futures,
    "europe": europe,
    "crypto": crypto,
    "options": options,
    "user file": userfile,
}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `lines` are sentences for people: defects found, what was left out and why.

    cached: the same source was already in this lake, so nothing was done; lines are those of that time.
    """

    recognised: str
    lake: Path
    made: tuple[str, ...]
    rows: int
    lines: tuple[str, ...]
    cached: bool


def import_folder(
    source: Path | str,
    lake: Path | str,
    *,
    close_of: CloseOf | None = None,
    closes_name: str = DEFAULT_CLOSES,
    only: Collection[str] | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring a source folder (or one user's file) into the lake; the second time the same content costs only its hash.

    close_of: UTC nanoseconds of the close of a product's session, None when its calendar has no such session.
    closes_name: names that calendar; another name imports again.  only: the ids to bring in.
    replace: overwrite data sets that came from another source (otherwise they stay and the report says so).
    progress: told each id and its rows.  Raises LakeError, and then nothing was written.
    """
    folder, root = Path(source), Path(lake)
    kind, importer = _recognise(folder)
    fingerprint = _fingerprint(kind, importer.files(folder), closes_name, only)
    manifest = open_manifest(root)
    before = manifest.imports.get(fingerprint)
    if before is not None and _intact(root, manifest, before):
        return _report(kind, root, manifest, before, cached=True)
    lines: list[str] = []
    drafts: list[Draft] = []
    for draft in importer.drafts(folder, close_of, closes_name, lines.append):
        if only is not None and draft.id not in only:
            lines[:] = [line for line in lines if f"{draft.id}: " not in line]
            continue
        old = manifest.sets.get(f"{draft.kind}/{draft.id}")
        if old is not None and old.source != draft.source and not replace:
            lines.append(f"kept {old.key} from {old.source}; the one from {draft.source} was left out")
            continue
        drafts.append(draft)
        if progress is not None:
            progress(f"{draft.kind}/{draft.id}", len(draft.columns["session"]))
    _some(folder, drafts, lines)
    made = tuple(f"{d.kind}/{d.id}" for d in drafts)
    done = Import(fingerprint=fingerprint, source=kind, made=made, report=tuple(lines))
    return _report(kind, root, write(root, drafts, done), done, cached=False)


def _recognise(folder: Path) -> tuple[str, Importer]:
    if not folder.exists():
        raise LakeError(folder, "does not exist", "give a folder of published data or a CSV or parquet file")
    for kind, importer in IMPORTERS.items():
        if importer.recognises(folder):
            return kind, importer
    raise LakeError(folder, "is not a source this program knows", "docs/data.md lists the folders and file formats")


def _some(folder: Path, drafts: list[Draft], lines: list[str]) -> None:
    if not drafts:
        why = f" ({lines[-1]})" if lines else ""
        raise LakeError(folder, f"gave no data set{why}", "check the ids asked for, or allow replacing")


def _fingerprint(kind: str, files: list[Path], closes_name: str, only: Collection[str] | None) -> str:
    text = [
        kind,
        str(SCHEMA_VERSION),
        str(IMPORTER_VERSION),
        closes_name,
        "*" if only is None else ",".join(sorted(only)),
    ]
    text += [f"{path.name}={file_digest(path)}" for path in sorted(files)]
    return hashlib.sha256("|".join(text).encode()).hexdigest()


def _intact(root: Path, manifest: Manifest, done: Import) -> bool:
    return all(key in manifest.sets and (root / f"{key}.parquet").is_file() for key in done.made)


def _report(kind: str, root: Path, manifest: Manifest, done: Import, *, cached: bool) -> ImportReport:
    rows = sum(manifest.sets[key].rows for key in done.made)
    return ImportReport(kind, root, done.made, rows, done.report, cached)
