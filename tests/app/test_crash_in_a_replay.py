"""A replay in which an actor crashed does not pretend that its figures mean anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.netting import Netting
from tests.app.kit import hedgerow, replay_words


def test_a_replay_in_which_an_actor_crashed_says_so_and_fails(
    places: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, days = Netting.plan, iter(range(1_000))

    def plan(self: Netting, *given: object) -> object:
        if next(days) == 20:
            raise ZeroDivisionError("a defect of one day")
        return real(self, *given)  # type: ignore[arg-type]  # whatever it takes

    monkeypatch.setattr(Netting, "plan", plan)
    said = hedgerow(*replay_words(places, tmp_path / "st", "--json"))
    assert said.status == 2
    assert "actors crashed and were built again, 1 times in all (basket): what they were told then is lost" in said.err
    assert said.out == ""
