"""Whose folder a state folder is: a program may not go on with the books of another."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from config.program import Program

FILE = "engine.json"


class IdentityError(Exception):
    """A state folder belongs to something else."""

    code: ClassVar[str] = "IDENTITY"
    next: ClassVar[str] = "name another folder with --state, or remove this one if its books are no longer wanted"


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may not change while a folder lives. `first_session` is where a replay began, 0 for a live engine."""

    program: str
    mode: str
    base_currency: str
    capital: str
    first_session: int


def claim(state_dir: Path, mode: str, program: Program, first_session: int) -> None:
    """Write the folder's identity, or check it. Raises IdentityError for a folder of another engine."""
    if not is_ours(state_dir, mode, program, first_session):
        _write(state_dir / FILE, _identity(mode, program, first_session))


def is_ours(state_dir: Path, mode: str, program: Program, first_session: int) -> bool:
    """Whether the folder is this engine's already; False for a new one. Raises IdentityError for another engine's."""
    ours, path = _identity(mode, program, first_session), state_dir / FILE
    try:
        theirs = msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return False
    except (msgspec.MsgspecError, OSError) as error:
        raise IdentityError(f"{path} cannot be read: {error}") from None
    for field in Identity.__struct_fields__:
        if getattr(theirs, field) != getattr(ours, field):
            raise IdentityError(
                f"{state_dir} keeps the books of {theirs.program} with {field} {getattr(theirs, field)}, "
                f"not {getattr(ours, field)}"
            )
    return True


def _identity(mode: str, program: Program, first_session: int) -> Identity:
    return Identity(program.id, mode, program.base_currency, str(program.capital), first_session)


def _write(path: Path, identity: Identity) -> None:
    """The file appears whole, in a folder that holds no books yet."""
    if any(path.parent.glob("journal/*.sqlite")):
        raise IdentityError(f"{path} is missing, so nobody knows whose journal {path.parent} holds")
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(identity)))
        draft.replace(path)
    except OSError as error:
        raise IdentityError(f"{path} cannot be written: {error.strerror}") from None
