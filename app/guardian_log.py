"""What the guardian did: a line of JSON for each deed, chained and signed with its own key, and told to a person."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.guardian import Deed
from ports.guardian.sealed import SealError, signature
from state.process_id import ProcessId

FILE = "guardian.jsonl"
HOOK_WITHIN_S = 10.0


class Line(msgspec.Struct, frozen=True):
    """One line. sig: over the deed and the line before, so that none can be changed or taken out unseen."""

    deed: Deed
    sig: str


class SignedLog:
    """Appends to a file, to stderr and to a command's input. A command that fails stops nobody.

    key: the guardian's own.  hook: the command and its words; empty for none.
    """

    def __init__(self, path: Path, key: bytes, hook: Sequence[str] = ()) -> None:
        """A file that somebody else has changed is put aside, and nothing in it believed. Raises OSError."""
        self.path = path
        self._key, self._hook = key, tuple(hook)
        self._done: ProcessId | None = None
        self._last = ""
        try:
            deeds = self._read()
        except SealError as error:
            aside = path.with_name(f"{path.name}.distrusted")
            path.replace(aside)
            self._last, deeds = "", []
            print(f"guardian: DISTRUSTED {error}; it is {aside} now", file=sys.stderr, flush=True)
        for deed in deeds:
            if deed.code == "DONE":
                self._done = deed.process

    def done(self) -> ProcessId | None:
        """The engine that was ended last, to its end."""
        return self._done

    def write(self, deed: Deed) -> None:
        """Keep a deed and tell it. Raises OSError when it cannot be kept."""
        line = msgspec.json.encode(Line(deed, self._sign(deed)))
        with self.path.open("ab") as file:
            file.write(line + b"\n")
        self._last = self._sign(deed)
        if deed.code == "DONE":
            self._done = deed.process
        print(f"guardian: {deed.code} {deed.text}", file=sys.stderr, flush=True)
        self._call(line)

    def _sign(self, deed: Deed) -> str:
        return signature(self._key, FILE, self._last.encode() + msgspec.json.encode(deed))

    def _read(self) -> list[Deed]:
        deeds: list[Deed] = []
        if not self.path.exists():
            return deeds
        whole, newline, torn = self.path.read_bytes().rpartition(b"\n")
        if torn:  # a line that was being written when the guardian died
            self.path.write_bytes(whole + newline)
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                line = msgspec.json.decode(text, type=Line)
            except msgspec.MsgspecError:
                line = None
            if line is None or line.sig != self._sign(line.deed):
                raise SealError(f"line {number} of {self.path} is not what this guardian wrote")
            self._last = line.sig
            deeds.append(line.deed)
        return deeds

    def _call(self, line: bytes) -> None:
        if not self._hook:
            return
        try:
            subprocess.run(self._hook, input=line, check=True, timeout=HOOK_WITHIN_S, capture_output=True)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"guardian: the alert command failed: {error}", file=sys.stderr, flush=True)
