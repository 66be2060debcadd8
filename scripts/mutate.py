"""Change a law's table, one pair at a time, and see whether its tests notice.

Usage: python scripts/mutate.py state.order_law tests/state/test_order_law.py [...] [--each N] [--without EXPRESSION]

The laws are data, and mutmut changes functions only. Here every (state, event) pair is answered otherwise, in every
way that a table can say: another state, STAY, REFUSE, another note, a note with the other alarm. Tests are collected
once; each mutant is a fork in which they run until one fails. Ends with status 1 when a mutant survives.

--each N: one mutant of N, beginning with the first.  --without: tests not to run, as in `pytest -k "not (...)"`.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import inspect
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from state.law import Answer, Note, Outcome  # noqa: E402  # the checkout has to be found first

Table = Mapping[tuple[Any, Any], Outcome[Any]]
SURVIVED = 0


class Mutant(NamedTuple):
    """One pair that is answered otherwise. kind: in which way."""

    pair: tuple[Any, Any]
    kind: str
    outcome: Outcome[Any]

    def __str__(self) -> str:
        (state, event), outcome = self.pair, self.outcome
        return f"{self.kind}: {event} in {state} -> {outcome.answer} {outcome.state}, {outcome.note.name}"


def mutants(table: Table) -> Iterator[Mutant]:
    """Every other answer that a table can give to one pair, pair by pair, in the order of the table."""
    states = list(dict.fromkeys(state for state, _ in table))
    for pair, was in table.items():
        for to in states:
            if to is not was.state and to is not pair[0]:
                yield Mutant(pair, "another state", Outcome(Answer.MOVE, to, was.note))
        for answer in (Answer.STAY, Answer.REFUSE):
            if answer is not was.answer:
                yield Mutant(pair, f"{was.answer} to {answer}", Outcome(answer, pair[0], was.note))
        yield Mutant(pair, "another note", was._replace(note=Note("ANOTHER", was.note.text, was.note.alarm)))
        yield Mutant(pair, "another alarm", was._replace(note=was.note._replace(alarm=not was.note.alarm)))


def contents(table: Table) -> dict[tuple[Any, Any], Outcome[Any]]:
    """The dictionary behind a law's read-only table: whoever imported the table sees what is changed in it."""
    [inner] = [each for each in gc.get_referents(table) if type(each) is dict]
    return inner


class Run:
    """A pytest plugin: in place of one run of the collected tests, one run a mutant, each in a fork."""

    def __init__(self, table: Table, each: int) -> None:
        self.inner = contents(table)
        self.mutants = list(mutants(table))[::each]
        self.survivors: list[Mutant] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.freeze()
        self.in_a_fork(session, None)
        for mutant in self.mutants:
            if self.in_a_fork(session, mutant):
                self.survivors.append(mutant)
        session.testsfailed = 0
        return True

    def in_a_fork(self, session: pytest.Session, mutant: Mutant | None) -> bool:
        """Whether all tests pass with the mutant's table, or with the law's own."""
        pid = os.fork()
        if not pid:
            status = 2
            try:
                silence()
                if mutant is not None:
                    self.inner[mutant.pair] = mutant.outcome
                status = run_all(session)
            finally:
                os._exit(status)
        passed = os.waitpid(pid, 0)[1] == SURVIVED
        if mutant is None and not passed:
            raise pytest.UsageError("the tests fail without any mutant")
        return passed


def silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def run_all(session: pytest.Session) -> int:
    """Run the collected tests until one fails; 0 when all passed.

    A test that asks for nothing but its parameters is called as it is, which is a hundred times faster; the others
    follow, as pytest runs them.
    """
    others = []
    for item in session.items:
        given = parameters(item)
        if given is None:
            others.append(item)
        else:
            item.function(**given)  # type: ignore[attr-defined]
    for place, item in enumerate(others):
        following = others[place + 1] if place + 1 < len(others) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return SURVIVED


def parameters(item: pytest.Item) -> dict[str, Any] | None:
    """The arguments of a test function that needs no fixture; None for any other test."""
    if type(item) is not pytest.Function or item.cls is not None or inspect.iscoroutinefunction(item.function):
        return None
    given: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return given if set(inspect.signature(item.function).parameters) == set(given) else None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See whether tests notice another answer of a law.")
    parser.add_argument("law", help="a module with a TABLE, such as state.order_law")
    parser.add_argument("tests", nargs="+", help="test files or folders")
    parser.add_argument("--each", type=int, default=1, help="try one mutant of this many")
    parser.add_argument("--without", default="", help="leave out the tests that this expression of -k names")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    run = Run(importlib.import_module(asked.law).TABLE, asked.each)
    options = ["-q", "-p", "no:cacheprovider", "--no-header", "--no-summary"]
    if asked.without:
        options += ["-k", f"not ({asked.without})"]
    began = time.monotonic()
    status = pytest.main([*options, *asked.tests], plugins=[run])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        print("no mutant was tried: the tests cannot be collected, or fail without any")
        return 2
    for mutant in run.survivors:
        print(f"survived  {mutant}")
    tried, lived = Counter(each.kind for each in run.mutants), Counter(each.kind for each in run.survivors)
    for kind, count in tried.items():
        print(f"{kind:16} {count - lived[kind]:5} of {count:5} killed")
    killed = len(run.mutants) - len(run.survivors)
    share = killed / len(run.mutants)
    print(f"{asked.law}: {killed} of {len(run.mutants)} killed, {share:.1%}, in {time.monotonic() - began:.0f} s")
    return 1 if run.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
