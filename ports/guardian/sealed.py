"""Small files that appear whole and carry a signature: nobody without the key can write one that is believed."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class SealError(Exception):
    """A sealed file is not what its owner wrote."""

    code: ClassVar[str] = "SEAL"
    next: ClassVar[str] = "check that engine and guardian have one deposit key, and who can write the state folder"


def signature(key: bytes, purpose: str, body: bytes) -> str:
    """HMAC-SHA256 of a body for one purpose only: a heartbeat can never pass for a plan."""
    return hmac.new(key, purpose.encode() + b"\0" + body, hashlib.sha256).hexdigest()


class SealedFile(Generic[T]):
    """One value in one file: a line of signature, then JSON. The file's name is what it is signed for.

    key: shared with whoever reads it; an empty one guards against damage, not against people.
    """

    def __init__(self, path: Path, kind: type[T], key: bytes) -> None:
        self.path = path
        self._kind, self._key = kind, key

    def write(self, value: T) -> None:
        """Replace the file as a whole. Raises OSError when it cannot be written."""
        body = msgspec.json.encode(value)
        draft = self.path.with_name(f"{self.path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(signature(self._key, self.path.name, body).encode() + b"\n" + body + b"\n")
        draft.replace(self.path)

    def read(self) -> T | None:
        """What is in the file; None when there is none. Raises SealError for one that cannot be believed."""
        try:
            signed, _, body = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SealError(f"{self.path} cannot be read: {error.strerror}") from None
        body = body.removesuffix(b"\n")
        if not hmac.compare_digest(signed, signature(self._key, self.path.name, body).encode()):
            raise SealError(f"{self.path} does not carry the signature of its engine")
        try:
            return msgspec.json.decode(body, type=self._kind)
        except msgspec.MsgspecError as error:
            raise SealError(f"{self.path} is not understood: {error}") from None
