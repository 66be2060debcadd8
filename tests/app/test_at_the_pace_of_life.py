"""Paper trading at the pace of life, on a virtual event loop: a week takes a second, and nothing is left out."""

from __future__ import annotations

import signal
from pathlib import Path

from app import facts
from app.process import EngineProcess, Wanted
from config.loader import load
from simulation.stage import VirtualLoop
from state.content import content_hash
from state.journal.verify import verify
from state.lake import Lake

FIRST, LAST = 20080303, 20080314
DAY_S = 86_400.0


def wanted(places: tuple[str, ...], state: Path, days_per_second: float | None) -> Wanted:
    configuration = load("demo", environment={}, overrides=places)
    return Wanted(
        configuration=configuration, state_dir=state, lake=Lake(configuration.settings.data.lake_dir),
        first=FIRST, last=LAST, control=False, log_level="error", days_per_second=days_per_second,
    )  # fmt: skip


def live(process: EngineProcess, seed: int, stop_after_s: float = 0.0) -> VirtualLoop:
    """Run a process to its end on virtual time; with a SIGTERM after so many seconds if any are given."""
    loop = VirtualLoop(seed=seed)
    if stop_after_s:
        loop.call_later(stop_after_s, loop.signal, signal.SIGTERM)
    loop.run_until_complete(process.run())
    assert loop.complaints == []
    return loop


def content(state: Path) -> str:
    events = facts.events()
    assert verify(state / "journal", events).ok
    return content_hash(state / "journal", events)


def test_two_weeks_at_the_pace_of_life_write_the_journal_of_a_replay(places: tuple[str, ...], tmp_path: Path) -> None:
    EngineProcess(wanted(places, tmp_path / "replay", None)).run_here()
    loop = live(EngineProcess(wanted(places, tmp_path / "paper", 1 / DAY_S)), seed=5)
    assert loop.time() > 10 * DAY_S
    assert content(tmp_path / "paper") == content(tmp_path / "replay")


def test_so_do_two_weeks_with_a_stop_in_between(places: tuple[str, ...], tmp_path: Path) -> None:
    EngineProcess(wanted(places, tmp_path / "replay", None)).run_here()
    first = live(EngineProcess(wanted(places, tmp_path / "paper", 1 / DAY_S)), seed=6, stop_after_s=4.4 * DAY_S)
    assert 4.4 * DAY_S < first.time() < 4.4 * DAY_S + 60
    live(EngineProcess(wanted(places, tmp_path / "paper", 1 / DAY_S)), seed=7)
    assert content(tmp_path / "paper") == content(tmp_path / "replay")
