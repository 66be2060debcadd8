"""Every seeded bug fits today's source, and the proof finds it in the cases that are known to show it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.seeded_bugs.bug import Bug
from tests.seeded_bugs.catalogue import BUGS, by_name
from tests.seeded_bugs.hook import infect
from tests.seeded_bugs.hunt import ENUMERATION, Seen, Worker, first
from tests.seeded_bugs.record import read

KNOWN = {name: hunted.cases for name, hunted in read().hunted.items()}
OTHER_DAYS = [f"seed:{seed}" for seed in range(60)]
AGAIN = "hunt it again: python -m tests.seeded_bugs --record --bug"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_fits_the_source_and_changes_it(bug: Bug) -> None:
    source = bug.path.read_text(encoding="utf-8")
    sick = bug.applied(source)
    assert sick != source
    compile(sick, str(bug.path), "exec")


def test_at_least_twenty_five_bugs_are_seeded_and_each_has_cases_that_show_it() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 25
    assert {bug.name for bug in BUGS} == {name for name, cases in KNOWN.items() if cases}


@pytest.fixture(scope="module")
def healthy() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_proof_finds_the_bug(bug: Bug, healthy: Worker) -> None:
    """In a case that is known to show it; a day means something else when the catalogue grows, and then others may."""
    with Worker(bug.name) as sick:
        found = first(sick, healthy, (*KNOWN[bug.name], *OTHER_DAYS))
    assert found is not None, f"{bug.name} is in the engine and no judge speaks of it; {AGAIN} {bug.name}"


def test_the_healthy_engine_is_clean_in_every_case_that_shows_a_bug() -> None:
    cases = sorted({case for known in KNOWN.values() for case in known})
    with ThreadPoolExecutor(2) as pool:
        spoken = [found for half in pool.map(_spoken, (cases[::2], cases[1::2])) for found in half]
    assert spoken == []


def _spoken(cases: list[str]) -> list[tuple[str, list[Seen]]]:
    """Cases of which a judge speaks though nothing is wrong with the engine. One that is not there is no case."""
    with Worker() as healthy:
        played = [(case, healthy.play(case)) for case in cases]
    return [(case, seen) for case, seen in played if any(each.oracle != ENUMERATION for each in seen)]


def test_a_bug_that_does_not_fit_is_refused_with_a_word_of_what_to_do() -> None:
    bug = BUGS[0]._replace(old="no such line")
    with pytest.raises(ValueError, match="does not fit"):
        bug.applied(bug.path.read_text(encoding="utf-8"))


def test_a_process_that_has_loaded_the_engine_gets_no_bug() -> None:
    import engine.outbox  # noqa: F401  # loaded before the bug, which would then be without effect

    with pytest.raises(ValueError, match="loaded already"):
        infect(BUGS[0])


def test_a_name_that_no_bug_has_is_refused_with_those_that_are() -> None:
    with pytest.raises(LookupError, match="sent_before_the_commit"):
        by_name("no such bug")
