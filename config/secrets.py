"""Secrets: named by reference, fetched only when used, never shown.

`secret://env/NAME` reads an environment variable; `secret://file/PATH` the first line of a file that only its owner may
read (`secret://file//run/credentials/key` is an absolute path). Every value fetched is remembered, so that `scrub` can
take it out of any text that is about to leave the process.
"""

from __future__ import annotations

import json
import os
import stat
import threading
import urllib.parse
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from config.errors import SecretError

MASK = "***"
_SHORTEST_SCRUBBED = 4
_WORDS = ("secret", "password", "passphrase", "token", "api_key", "apikey")


def sounds_secret(key: str) -> bool:
    """Whether a key's name says that its value is nobody's business."""
    return any(word in key.lower() for word in _WORDS)


class Secret:
    """A value that prints as `***`. `reveal` at the moment of use; it does not pickle, compare as text or hash."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a dict keyed by secrets would print them

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied out of the process")


def resolve(reference: str) -> Secret:
    """As `Secrets.resolve`, with the process's own environment and registry."""
    return _process().resolve(reference)


def scrub(text: str) -> str:
    """As `Secrets.scrub`, for what this process has resolved."""
    return _process().scrub(text)


class Secrets:
    """Resolves references and scrubs what it has resolved out of texts. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._folder = folder or Path()
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()

    def resolve(self, reference: str) -> Secret:
        """The secret a reference stands for. Raises SecretError, which names the reference and never the value."""
        kind, _, rest = reference.removeprefix("secret://").partition("/")
        if not reference.startswith("secret://") or not rest or kind not in ("env", "file"):
            raise SecretError.one(
                file="secrets",
                what="this is not a reference to a secret",
                next="Write secret://env/NAME or secret://file/PATH",
            )
        value = self._from_environment(reference, rest) if kind == "env" else self._from_file(reference, Path(rest))
        self.register(value)
        return Secret(value)

    def register(self, value: str) -> None:
        """Take a value, and the forms it has in URLs, in tracebacks and in JSON, out of every text from now on."""
        forms = {value, urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value), repr(value)[1:-1]}
        forms |= {json.dumps(form)[1:-1] for form in forms}
        with self._lock:
            known = forms.union(self._known)
            self._known = tuple(
                sorted((one for one in known if len(one) >= _SHORTEST_SCRUBBED), key=lambda one: (-len(one), one))
            )

    def scrub(self, text: str) -> str:
        """The text with every known secret value masked."""
        for value in self._known:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def _from_environment(self, reference: str, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise SecretError.one(
                file="environment", key=name, what=f"{reference} is not set", next=f"Set the variable {name}"
            )
        return value

    def _from_file(self, reference: str, named: Path) -> str:
        path = self._folder / named
        try:
            with path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                if mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise SecretError.one(
                        file=str(path),
                        key=reference,
                        what=f"others may use this file (mode {stat.S_IMODE(mode):04o})",
                        next="Run chmod 600 on it, and change the secret if anyone may have read it",
                    )
                lines = file.read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SecretError.one(
                file=str(path), key=reference, what=f"cannot be read: {reason}", next="Mend the path or its rights"
            ) from None
        if not lines or not lines[0].strip():
            raise SecretError.one(
                file=str(path), key=reference, what="the file is empty", next="Write the secret in it"
            )
        return lines[0].strip()


@lru_cache(maxsize=1)
def _process() -> Secrets:
    return Secrets()
