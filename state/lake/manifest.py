"""What a lake knows about itself: every data set with its origin, licence, seal and known defects."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from state.lake.sealed import SCHEMA_VERSION, SCHEMAS, LakeError, write_bytes

MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class DataSet(msgspec.Struct, frozen=True, kw_only=True):
    """One parquet file.  kind: bars, quotes, fx or rolls.  closes: where the close times of its sessions came from."""

    kind: str
    id: str
    rows: int
    first_session: int
    last_session: int
    source: str
    licence: str
    sha256: str
    group: str = ""
    note: str = ""
    closes: str = ""
    defects: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.id}"


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One finished import: when its fingerprint is asked for again there is nothing to do."""

    fingerprint: str
    source: str
    made: tuple[str, ...]
    report: tuple[str, ...]


class Manifest(msgspec.Struct, kw_only=True):
    schema_version: int = SCHEMA_VERSION
    sets: dict[str, DataSet] = {}
    imports: dict[str, Import] = {}

    def ids(self, kind: str) -> list[str]:
        return sorted(s.id for s in self.sets.values() if s.kind == kind)


def check_name(kind: str, name: str) -> None:
    """Raises LakeError for a kind or id that cannot be a file name."""
    if kind not in SCHEMAS or not _NAME.fullmatch(name):
        raise LakeError(f"{kind}/{name}", "is not a usable name", "use letters, digits, dot, dash and underscore")


def read_manifest(root: Path) -> Manifest:
    """Raises LakeError when there is no lake, the manifest is damaged, or of an unknown version."""
    path = root / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LakeError(root, "is not a data lake (no manifest.json)", "run `hedgerow data import` first") from None
    except OSError as error:
        raise LakeError(path, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            raise LakeError(
                path,
                f"has lake schema version {version}, this program reads {SCHEMA_VERSION}",
                "import the data again with this program, or use the program that wrote it",
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LakeError(path, f"is damaged ({error})", "delete the lake and import again") from None
    for data_set in manifest.sets.values():
        check_name(data_set.kind, data_set.id)
    return manifest


class _Version(msgspec.Struct):
    schema_version: int


def write_manifest(root: Path, manifest: Manifest) -> None:
    write_bytes(root / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1))
