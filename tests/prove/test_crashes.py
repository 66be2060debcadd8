"""The enumeration of crashes: what it lists, what a case is, and a spread of cases that hold."""

from __future__ import annotations

import pytest

from simulation.prove import crashes
from simulation.prove.crashes import ALL, Case
from simulation.prove.fates import Fate

SINGLES = crashes.cases(double=False)
READ = [Case.read(name) for name in SINGLES]
EVERY = {"migration": 31}  # its files take their time


@pytest.mark.parametrize("scenario", ALL)
def test_a_spread_of_single_crashes_breaks_no_promise(scenario: str) -> None:
    for case in [case for case in READ if case.scenario == scenario][:: EVERY.get(scenario, 7)]:
        verdict = crashes.play(case.name)
        assert not verdict.violations, case.name
        assert verdict.crashes == 1


@pytest.mark.parametrize("fate", Fate)
def test_a_spread_of_double_crashes_breaks_no_promise(fate: Fate) -> None:
    for first in [case for case in READ if case.fate is fate and case.scenario != "migration"][::61]:
        for second in crashes.recovery(first)[::6]:
            name = first._replace(cuts=(*first.cuts, second)).name
            verdict = crashes.play(name)
            assert not verdict.violations, name
            assert verdict.crashes == 2


def test_a_migration_that_dies_twice_is_finished_by_the_third_try() -> None:
    first = Case("migration", Fate.SILENT, (9,))
    for second in crashes.recovery(first)[::9]:
        verdict = crashes.play(first._replace(cuts=(9, second)).name)
        assert not verdict.violations
        assert verdict.crashes == 2


def test_every_scenario_and_every_fate_is_in_the_list_once() -> None:
    assert len(SINGLES) == len(set(SINGLES)) > 1_000
    assert [case.name for case in READ] == SINGLES
    assert {case.scenario for case in READ} == set(ALL)
    assert {case.fate for case in READ} == set(Fate)


def test_what_is_left_out_is_counted() -> None:
    boundaries = sum(len(crashes.survey(scenario)) for scenario in ALL)
    assert len(SINGLES) + crashes.left_out() == boundaries * len(Fate)


def test_every_boundary_of_a_scenario_is_a_case() -> None:
    numbers = {case.cuts[0] for case in READ if case.scenario == "pair"}
    assert sorted(numbers) == list(range(1, len(crashes.survey("pair")) + 1))


def test_a_second_crash_is_tried_at_every_boundary_of_the_recovery() -> None:
    first = next(case for case in READ if case.scenario == "single" and case.fate is Fate.NEVER)
    seconds = crashes.recovery(first)
    assert seconds[0] == first.cuts[0] + 1
    assert len(seconds) >= 14
    last = crashes.play(first._replace(cuts=(*first.cuts, seconds[-1])).name)
    assert (last.crashes, last.violations) == (2, ())


def test_the_same_case_leaves_the_same_journal() -> None:
    partial = [case.name for case in READ if case.scenario == "pair" and case.fate is Fate.PARTIAL]
    one, again, other = crashes.play(partial[0]), crashes.play(partial[0]), crashes.play(partial[-1])
    assert one == again
    assert one.journal_hash != other.journal_hash


def test_a_cut_that_is_never_reached_is_a_violation_and_no_success() -> None:
    verdict = crashes.play("cut:single:silent:4000")
    assert [violation.oracle for violation in verdict.violations] == ["enumeration"]
    assert verdict.crashes == 0


@pytest.mark.parametrize(
    "name",
    ["", "seed:7", "cut:single:silent", "cut:single:silent:0", "cut:single:silent:x", "cut:nowhere:silent:3",
     "cut:single:lucky:3", "cut:single:silent:3+", "cut:single:silent:3+0"],
)  # fmt: skip
def test_a_name_that_is_no_case_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no crash case"):
        crashes.play(name)
