from __future__ import annotations

import pytest

from state.journal import Events
from state.journal.events import ROOMS
from tests.state import facts


@pytest.fixture
def events() -> Events:
    """Every kind of the program, and the made-up ones of these tests."""
    kinds = Events.discover(ROOMS).kinds
    return Events([*kinds.values(), facts.Noted, facts.Counted])
