"""The cyclic collector looks seldom while an engine runs, and is as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from engine.collector import RARELY, at_rest, seldom
from engine.drive import VirtualDriver
from engine.supervise import Child
from tests.engine.kit import Acting, Note, kernel_of


def test_it_is_as_it_was_afterwards_also_when_something_was_raised() -> None:
    def fail() -> None:
        with seldom(), seldom():
            assert gc.get_threshold() == RARELY
            raise ValueError("no")

    usual = gc.get_threshold()
    with pytest.raises(ValueError, match="no"):
        fail()
    assert gc.get_threshold() == usual


def test_what_is_there_at_the_start_is_not_looked_at_again_until_the_end() -> None:
    gc.unfreeze()
    with at_rest():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_a_driver_lets_it_rest_while_time_goes_on() -> None:
    seen: list[tuple[int, int, int]] = []

    def act(actor: Acting, message: object) -> None:
        seen.append(gc.get_threshold())

    kernel = kernel_of(Child("a", lambda: Acting(act)))
    kernel.tell("a", Note(1))
    VirtualDriver(kernel).run()
    assert seen == [RARELY]
