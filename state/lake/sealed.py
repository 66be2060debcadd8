"""One parquet file at a time: written whole or not at all, read only when it is what was written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA_VERSION = 1
_VERSION_KEY = b"hedgerow.lake"

Column: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.int32] | pa.Array
Columns: TypeAlias = Mapping[str, Column]

BARS = pa.schema(
    [
        ("contract", pa.int32()),
        ("session", pa.int32()),
        ("at_ns", pa.int64()),
        ("open", pa.int64()),
        ("high", pa.int64()),
        ("low", pa.int64()),
        ("close", pa.int64()),
        ("volume", pa.int64()),
        ("source", pa.dictionary(pa.int8(), pa.string())),
    ]
)
QUOTES = pa.schema(
    [
        ("session", pa.int32()),
        ("at_ns", pa.int64()),
        ("bid", pa.int64()),
        ("ask", pa.int64()),
        ("bid_size", pa.int64()),
        ("ask_size", pa.int64()),
    ]
)
FX = pa.schema([("session", pa.int32()), ("at_ns", pa.int64()), ("rate", pa.int64())])
ROLLS = pa.schema(
    [("session", pa.int32()), ("from_contract", pa.int32()), ("to_contract", pa.int32()), ("decided", pa.int32())]
)
SCHEMAS: dict[str, pa.Schema] = {"bars": BARS, "quotes": QUOTES, "fx": FX, "rolls": ROLLS}

MANY_BYTES = 8 << 20


class LakeError(ValueError):
    """A file of market data cannot be used: which file, what is wrong with it, what to do."""

    code = "DATA"

    def __init__(self, where: Path | str, what: str, todo: str) -> None:
        super().__init__(f"{where}: {what}; {todo}")
        self.where = str(where)
        self.what = what
        self.todo = todo


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def pack(kind: str, columns: Columns) -> bytes:
    """The parquet bytes of one data set. Raises ValueError when a column does not fit the schema of `kind`."""
    schema = SCHEMAS[kind].with_metadata({_VERSION_KEY: str(SCHEMA_VERSION).encode()})
    table = pa.table([pa.array(columns[f.name], type=f.type) for f in schema], schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=3, write_statistics=False)
    return bytes(sink.getvalue())


def unpack(kind: str, path: Path, sha256: str) -> pa.Table:
    """The table in `path`, if its bytes are those that were written.

    Raises LakeError for a missing, cut, altered or foreign file and for a schema version this program does not know.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LakeError(path, f"cannot be read ({error.strerror})", "import its source again") from None
    if not data:
        raise LakeError(path, "is empty", "import its source again")
    table = _parse(path, data)
    found = (table.schema.metadata or {}).get(_VERSION_KEY, b"none").decode(errors="replace")
    if found != str(SCHEMA_VERSION):
        raise LakeError(
            path,
            f"has lake schema version {found}, this program reads {SCHEMA_VERSION}",
            "import its source again with this program, or use the program that wrote it",
        )
    if hashlib.sha256(data).hexdigest() != sha256:
        raise LakeError(path, "is not what was written (its SHA-256 differs)", "import its source again")
    if not table.schema.equals(SCHEMAS[kind]):
        raise LakeError(path, f"does not have the columns of {kind}", "import its source again")
    return table


def _parse(path: Path, data: bytes) -> pa.Table:
    try:
        # read_table would import pandas first; handing columns to threads costs a small file more than reading them
        return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=len(data) > MANY_BYTES)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LakeError(path, f"is cut short or damaged ({first[:80]})", "import its source again") from None


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file. Raises LakeError when it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise LakeError(path, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
