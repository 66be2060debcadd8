"""Change the program in one small thing at a time, and see whether its tests notice.

Usage: python scripts/mutate.py MODULE TEST [TEST ...] [--each N] [--limit SECONDS] [--without EXPRESSION]

A law, such as state.order_law, is data: every (state, event) pair of its TABLE is answered otherwise, in every way that
a table can say: another state, STAY, REFUSE, another note, a note with the other alarm. Of any other module each
function is changed as mutmut 3.8 does it (which has to be installed), those with a decorator too, which mutmut itself
leaves out. Tests are collected once; each mutant is a fork in which they run until one fails: all of them for a law,
for a function those that call it. Ends with status 1 when a mutant survives.

A mutant may leave a file where it runs: run this in a clone, and with TMPDIR on a file system in memory, as the tests
of a journal wait for the disk otherwise.

--each N: one mutant of N, beginning with the first.  --limit: a mutant that lasts longer is stopped and counted apart.
--without: tests not to run, as in `pytest -k "not (...)"`.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, Protocol

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from state.law import Answer, Note, Outcome  # noqa: E402  # the checkout has to be found first

Table = Mapping[tuple[Any, Any], Outcome[Any]]
KILLED, SURVIVED, STOPPED = "killed", "survived", "stopped"
PASSED = 0
POLL_S = 0.002


class Mutant(Protocol):
    """One thing that is otherwise. kind: how mutants are counted together."""

    @property
    def kind(self) -> str: ...

    def apply(self) -> None:
        """Make it so, in this process."""

    def notices(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """The tests that could notice it."""


# -- laws


class Changed(NamedTuple):
    """One pair of a law that is answered otherwise."""

    table: dict[tuple[Any, Any], Outcome[Any]]
    pair: tuple[Any, Any]
    kind: str
    outcome: Outcome[Any]

    def __str__(self) -> str:
        (state, event), outcome = self.pair, self.outcome
        return f"{self.kind}: {event} in {state} -> {outcome.answer} {outcome.state}, {outcome.note.name}"

    def apply(self) -> None:
        self.table[self.pair] = self.outcome

    def notices(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        return items


class Law:
    """Every other answer that a law's table can give."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def mutants(self, session: pytest.Session) -> Iterator[Changed]:
        """Pair by pair, in the order of the table."""
        inner = contents(self.table)
        for pair, was in list(self.table.items()):
            for kind, outcome in others(pair[0], was, dict.fromkeys(state for state, _ in self.table)):
                yield Changed(inner, pair, kind, outcome)


def others(state: Any, was: Outcome[Any], states: Iterable[Any]) -> Iterator[tuple[str, Outcome[Any]]]:
    for to in states:
        if to is not was.state and to is not state:
            yield "another state", Outcome(Answer.MOVE, to, was.note)
    for answer in (Answer.STAY, Answer.REFUSE):
        if answer is not was.answer:
            yield f"{was.answer} to {answer}", Outcome(answer, state, was.note)
    yield "another note", was._replace(note=Note("ANOTHER", was.note.text, was.note.alarm))
    yield "another alarm", was._replace(note=was.note._replace(alarm=not was.note.alarm))


def contents(table: Table) -> dict[tuple[Any, Any], Outcome[Any]]:
    """The dictionary behind a law's read-only table: whoever imported the table sees what is changed in it."""
    [inner] = [each for each in gc.get_referents(table) if type(each) is dict]
    return inner


# -- functions


class Rewritten(NamedTuple):
    """One function with a small thing changed in it. callers: places of the tests that call it, the fastest first."""

    name: str
    kind: str
    difference: str
    callers: Sequence[int]

    def __str__(self) -> str:
        return f"{self.name}{self.difference}"

    def apply(self) -> None:
        os.environ["MUTANT_UNDER_TEST"] = self.name

    def notices(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        return [items[place] for place in self.callers]


class Functions(importlib.machinery.SourceFileLoader):
    """A module whose functions are mutmut's: each is itself, unless the environment names a mutant of it."""

    def __init__(self, module: str) -> None:
        self.path = str(ROOT.joinpath(*module.split(".")).with_suffix(".py"))
        super().__init__(module, self.path)
        rewrite = importlib.import_module("mutmut.mutation.file_mutation").mutate_file_contents
        made = rewrite(self.path, undecorated(Path(self.path).read_text(encoding="utf-8")))
        self.source: str = made.code
        self.names: Sequence[str] = made.mutant_names
        if module in sys.modules:
            raise ImportError(f"{module} has been imported already, as it is")
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)

    def mutants(self, session: pytest.Session) -> Iterator[Rewritten]:
        """In the order of the module."""
        callers = self.callers(session)
        text = {
            node.name: ast.unparse(node)
            for node in ast.walk(ast.parse(self.source))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for name in self.names:
            function = name.rpartition("__mutmut_")[0]
            kind = function[2:].replace("\u01c1", ".")  # x_function or x|Class|method, with another bar
            difference = differing(text[f"{function}__mutmut_orig"], text[name])
            yield Rewritten(f"{self.name}.{name}", kind, difference, callers.get(f"{self.name}.{function}", ()))

    def callers(self, session: pytest.Session) -> dict[str, list[int]]:
        """Function to the places of the tests that call it, the fastest first; found in a fork, as all else is."""
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                silence()
                with os.fdopen(writing, "w") as to:
                    json.dump(heard(session), to)
            finally:
                os._exit(PASSED)
        os.close(writing)
        with os.fdopen(reading) as source:
            found: dict[str, list[tuple[float, int]]] = json.load(source)
        os.waitpid(pid, 0)
        return {function: [place for _, place in sorted(tests)] for function, tests in found.items()}


def heard(session: pytest.Session) -> dict[str, list[tuple[float, int]]]:
    """Function to the tests that call it: how long each lasts, and its place among all."""
    calls: dict[str, list[tuple[float, int]]] = {}
    called: set[str] = set()
    trampoline: Any = importlib.import_module("mutmut.mutation.trampoline")
    trampoline.record_trampoline_hit = lambda name, caller=None: called.add(name)
    os.environ["MUTANT_UNDER_TEST"] = "stats"
    for place, item in enumerate(session.items):
        called.clear()
        began = time.monotonic()
        run_all(session, [item])
        for name in called:
            calls.setdefault(name, []).append((time.monotonic() - began, place))
    return calls


def undecorated(source: str) -> str:
    """The same module, in which the one decorator of a function is a statement after it."""
    lines = source.split("\n")
    for node in sorted(ast.walk(ast.parse(source)), key=lambda each: -getattr(each, "lineno", 0)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.decorator_list) == 1:
            [decorator] = node.decorator_list
            name = ast.unparse(decorator)
            if name not in ("classmethod", "staticmethod"):
                assert node.end_lineno is not None
                lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = {name}({node.name})")
                lines[decorator.lineno - 1] = ""
    return "\n".join(lines)


def differing(was: str, now: str) -> str:
    """The lines in which two functions differ."""
    before, after = (re.sub(r"x\w+__mutmut_\w+", "f", text).splitlines() for text in (was, now))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    return "".join(f"\n    {line[0]} {line[1:].strip()}" for line in lines)


# -- trying them


class Run:
    """A pytest plugin: in place of one run of the collected tests, one run a mutant, each in a fork."""

    def __init__(self, subject: Law | Functions, each: int, limit_s: float) -> None:
        self.subject = subject
        self.each = each
        self.limit_s = limit_s
        self.results: list[tuple[Mutant, str]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.freeze()
        if in_a_fork(session, None, 20 * self.limit_s) != SURVIVED:
            raise pytest.UsageError("the tests fail without any mutant")
        mutants: list[Mutant] = list(self.subject.mutants(session))
        for mutant in mutants[:: self.each]:
            self.results.append((mutant, in_a_fork(session, mutant, self.limit_s)))
        session.testsfailed = 0
        return True


def in_a_fork(session: pytest.Session, mutant: Mutant | None, limit_s: float) -> str:
    """What becomes of a mutant when the tests run with it, or of the program as it is."""
    pid = os.fork()
    if not pid:
        status = 2
        try:
            silence()
            if mutant is not None:
                mutant.apply()
            status = run_all(session, session.items if mutant is None else mutant.notices(session.items))
        finally:
            os._exit(status)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return SURVIVED if status == PASSED else KILLED
        time.sleep(POLL_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return STOPPED


def silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def run_all(session: pytest.Session, items: Sequence[pytest.Item]) -> int:
    """Run tests until one fails; PASSED when all did.

    A test that asks for nothing but its parameters is called as it is, which is a hundred times faster; the others
    follow, as pytest runs them.
    """
    rest = []
    for item in items:
        given = parameters(item)
        if given is None:
            rest.append(item)
        else:
            item.function(**given)  # type: ignore[attr-defined]
    for place, item in enumerate(rest):
        following = rest[place + 1] if place + 1 < len(rest) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return PASSED


def parameters(item: pytest.Item) -> dict[str, Any] | None:
    """The arguments of a test function that needs no fixture; None for any other test."""
    if type(item) is not pytest.Function or item.cls is not None or inspect.iscoroutinefunction(item.function):
        return None
    given: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return given if set(inspect.signature(item.function).parameters) == set(given) else None


def is_law(module: str) -> bool:
    """Whether a module has a TABLE; read and not imported, as it may have to be imported otherwise."""
    tree = ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    return any(isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TABLE" for node in tree.body)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See whether tests notice a small change of the program.")
    parser.add_argument("module", help="a law such as state.order_law, or any other module")
    parser.add_argument("tests", nargs="+", help="test files or folders")
    parser.add_argument("--each", type=int, default=1, help="try one mutant of this many")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which a mutant is stopped")
    parser.add_argument("--without", default="", help="leave out the tests that this expression of -k names")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    subject = Law(importlib.import_module(asked.module).TABLE) if is_law(asked.module) else Functions(asked.module)
    run = Run(subject, asked.each, asked.limit)
    options = ["-q", "-p", "no:cacheprovider", "-s", "--no-header", "--no-summary", "--timeout=0"]
    if asked.without:
        options += ["-k", f"not ({asked.without})"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:  # one for all: a fork does not clear up behind it
        status = pytest.main([*options, f"--basetemp={place}", *asked.tests], plugins=[run])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) or not run.results:
        print("no mutant was tried: the tests cannot be collected, or fail without any")
        return 2
    return report(asked.module, run.results, time.monotonic() - began)


def report(module: str, results: Sequence[tuple[Mutant, str]], took_s: float) -> int:
    for mutant, result in results:
        if result != KILLED:
            print(f"{result}  {mutant}")
    tried, ends = Counter(each.kind for each, _ in results), Counter((each.kind, result) for each, result in results)
    for kind, count in tried.items():
        print(f"{kind:28} {ends[kind, KILLED]:5} of {count:5} killed")
    total = Counter(result for _, result in results)
    print(
        f"{module}: {total[KILLED]} of {len(results)} killed, {total[STOPPED]} stopped, {total[SURVIVED]} survived, "
        f"{total[KILLED] / len(results):.1%}, in {took_s:.0f} s"
    )
    return 1 if total[SURVIVED] else 0


if __name__ == "__main__":
    sys.exit(main())
