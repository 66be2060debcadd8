"""Whole days of faults: that none breaks a promise, that a seed says everything, and that a bad day is made small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from model.units import NS_PER_SECOND
from simulation.prove import days
from simulation.prove.case import Violation
from simulation.prove.catalogue import CATALOGUE
from simulation.prove.days import Name, draw_day, play, play_day
from simulation.prove.fault import Fault
from simulation.prove.shrink import fewest, shrink
from simulation.stage import Stage
from tests.prove.a_day import HOUR_NS, SHORT

SEEDS = 60


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_days_full_of_faults_break_no_promise(first: int) -> None:
    for seed in range(first, first + 10):
        verdict = play(f"seed:{seed}")
        assert not verdict.violations, (verdict.case, verdict.violations)
        assert verdict.simulated_ns > 7 * HOUR_NS
        assert len(verdict.faults) <= days.MOST_FAULTS


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_of_the_catalogue_is_survived_alone(name: str) -> None:
    chance = Random(f"alone: {name}")
    for at_ns in (NS_PER_SECOND, 61 * NS_PER_SECOND, HOUR_NS + 62 * NS_PER_SECOND):
        what, much, lasts_ns = CATALOGUE[name].draw(chance)
        fault = Fault(name=name, at_ns=at_ns, lasts_ns=lasts_ns, what=what, much=much)
        verdict = play_day(replace(SHORT, faults=(fault,)))
        assert not verdict.violations, (str(fault), verdict.violations)
        assert verdict.faults == (str(fault),)


def test_without_a_fault_everything_that_was_wanted_is_held_and_the_future_has_rolled() -> None:
    verdict = play_day(SHORT)
    assert (verdict.violations, verdict.crashes, verdict.tail) == ((), 0, ())
    playing = days.Playing(SHORT)
    playing.play()
    assert playing.scene.positions == {"ALPHA": 3_200, "BETA": -1_400, "GAMMA@202406": 4}


HASH = "from simulation.prove.days import play; print(play('seed:{}').journal_hash)"


def test_a_seed_gives_the_same_journal_in_every_process() -> None:
    root = Path(__file__).resolve().parents[2]

    def told(hash_seed: str) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        program = "\n".join(HASH.format(seed) for seed in (3, 4))
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    first = told("1")
    assert first == told("2") == [play("seed:3").journal_hash, play("seed:4").journal_hash]
    assert first[0] != first[1]


def test_only_the_faults_that_are_kept_happen() -> None:
    seed = next(seed for seed in range(100) if len(draw_day(seed).faults) > 3)
    words = tuple(str(fault) for fault in draw_day(seed).faults)
    kept = play(f"seed:{seed}", keep=(0, 2))
    assert kept.faults == (words[0], words[2])
    assert kept.case == f"seed:{seed}+0+2"
    assert play(kept.case).journal_hash == kept.journal_hash
    assert play(f"seed:{seed}", keep=()).faults == ()


@pytest.mark.parametrize("case", ["seed:7", "seed:7+", "seed:7+0", "seed:7+3+11", "seed:7@5400", "seed:7+0@60"])
def test_the_name_of_a_day_is_read_back_as_it_was_written(case: str) -> None:
    assert str(Name.read(case)) == case


@pytest.mark.parametrize("case", ["", "7", "seed:", "seed:x", "cut:single:never:1", "seed:7+x", "seed:7@", "seed:7@x"])
def test_no_other_name_is_a_day(case: str) -> None:
    with pytest.raises(ValueError, match="is no day: write seed:NUMBER"):
        play(case)


def test_what_escapes_the_engine_is_a_violation_with_its_traceback() -> None:
    impossible = Fault(name="the moon falls", at_ns=HOUR_NS)
    verdict = play_day(replace(SHORT, faults=(impossible,)))
    assert [each.oracle for each in verdict.violations] == ["nothing escapes the engine"]
    assert "KeyError: 'the moon falls'" in verdict.violations[0].text
    assert 0 < len(verdict.tail) <= days.LAST_EVENTS


# -- shrinking


def test_a_bad_day_is_shrunk_to_the_fault_that_made_it_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def dislikes_cash(stage: Stage, *, quiet_since_ns: int) -> list[Violation]:
        return [Violation("no cash moves", each.id, stage.now_ns) for each in stage.venue.exchange.clearing.moves]

    monkeypatch.setattr(days, "judge", dislikes_cash)
    drawn = ((seed, [fault.name for fault in draw_day(seed).faults]) for seed in range(1_000))
    seed = next(seed for seed, names in drawn if len(names) > 5 and names.count("cash moves") == 1)
    small = shrink(f"seed:{seed}")
    assert [each.oracle for each in small.violations] == ["no cash moves"]
    assert ["cash moves" in fault for fault in small.faults] == [True]
    assert play(small.case).journal_hash == small.journal_hash
    assert small.simulated_ns < play(f"seed:{seed}").simulated_ns


def test_a_good_day_is_not_shrunk() -> None:
    assert shrink("seed:1") == play("seed:1")


@pytest.mark.parametrize("wanted", [(), (0,), (11,), (3, 4), (0, 5, 11), tuple(range(12))])
def test_the_fewest_faults_that_show_it_are_exactly_those_that_it_takes(wanted: tuple[int, ...]) -> None:
    asked = []

    def shows(some: tuple[int, ...]) -> bool:
        asked.append(some)
        return set(wanted) <= set(some)

    assert fewest(tuple(range(12)), shows) == wanted
    assert len(asked) < 100
