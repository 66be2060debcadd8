"""An operator's release of a locked instrument, through the control port's own socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.message import Message, Told
from model.execution import ReleaseInstrument
from ports.control.client import ControlError, request
from tests.app.kit import hedgerow, obeyed


class Engine:
    """Stands for the system: it has locks, and releases what it is told to release."""

    def __init__(self, *locked: str) -> None:
        self.locks = dict.fromkeys(locked, "the venue holds 3, the book 2")
        self.told: list[Message] = []

    def tell(self, to: str, message: Message) -> Told:
        self.told.append(message)
        if isinstance(message, ReleaseInstrument):
            self.locks.pop(message.instrument, None)
        return Told.OK

    def status(self) -> dict[str, Any]:
        return {"locks": dict(self.locks)}


async def test_a_released_instrument_is_unlocked_with_the_reason_and_the_name(tmp_path: Path) -> None:
    engine = Engine("SP500@200803", "GOLD@200804")
    said = await obeyed(engine, tmp_path, "release", "SP500@200803", "--reason", "booked by hand")
    assert (said.status, said.out) == (0, "SP500@200803 released\n")
    (word,) = engine.told
    assert isinstance(word, ReleaseInstrument)
    assert (word.instrument, word.reason) == ("SP500@200803", "booked by hand")
    assert word.by
    assert list(engine.locks) == ["GOLD@200804"]


async def test_what_is_not_locked_cannot_be_released(tmp_path: Path) -> None:
    engine = Engine("GOLD@200804")
    said = await obeyed(engine, tmp_path, "release", "SP500@200803", "--reason", "booked by hand")
    assert said.status == 2
    assert said.err.startswith("hedgerow: SP500@200803 is not locked; locked are: GOLD@200804")
    assert engine.told == []


async def test_a_release_without_a_reason_is_refused(tmp_path: Path) -> None:
    assert (await obeyed(Engine("A"), tmp_path, "release", "A")).status == 2


def test_without_an_engine_there_is_nothing_to_release(tmp_path: Path) -> None:
    assert hedgerow("release", "A", "--reason", "x", "--state", str(tmp_path)).status == 3
    with pytest.raises(ControlError):
        request(tmp_path, "release", instrument="A")
