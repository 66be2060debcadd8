"""`hedgerow prove`: what it plays, what it says, and what becomes of cases that kill, hang or break a promise."""

from __future__ import annotations

import html.parser
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.commands import prove
from app.proof_page import page
from app.proof_tally import Tally, maker
from app.proof_workers import MOST_DEATHS, PROCESS, RAISED, Workers
from simulation.prove.case import Verdict
from tests.app import made_cases
from tests.app.kit import ROOT, Said, hedgerow
from tests.app.made_cases import BREAKS, DIES, HANGS, RAISES


def played(jobs: int, *numbers: int, patience_s: float = 60.0) -> dict[str, Verdict]:
    with Workers(jobs, made_cases.play, patience_s=patience_s) as workers:
        found = [one.verdict for one in workers.play(f"seed:{number}" for number in numbers)]
    assert len({verdict.case for verdict in found}) == len(found)
    return {verdict.case: verdict for verdict in found}


# -- the worker processes


def test_two_processes_play_every_case_once() -> None:
    numbers = list(range(100, 300))
    found = played(2, *numbers)
    assert set(found) == {f"seed:{number}" for number in numbers}
    assert not any(verdict.violations for verdict in found.values())


def test_a_play_that_raises_is_a_violation_with_its_traceback() -> None:
    (seen,) = played(1, RAISES)[f"seed:{RAISES}"].violations
    assert seen.oracle == RAISED
    assert "ArithmeticError: three is too many" in seen.text


def test_a_case_that_kills_its_process_is_a_violation_and_the_others_are_played() -> None:
    found = played(1, 100, DIES, 101, 102)
    assert {case for case, verdict in found.items() if not verdict.violations} == {"seed:100", "seed:101", "seed:102"}
    (seen,) = found[f"seed:{DIES}"].violations
    assert (seen.oracle, seen.text) == (PROCESS, "its process ended with status 9")


def test_a_case_that_does_not_end_is_a_violation_and_the_others_are_played() -> None:
    found = played(1, 100, HANGS, 101, patience_s=3.0)
    assert [case for case, verdict in found.items() if verdict.violations] == [f"seed:{HANGS}"]
    assert found[f"seed:{HANGS}"].violations[0].text == "it did not end within 3 s"
    assert len(found) == 3


def test_processes_that_all_die_end_the_run() -> None:
    with Workers(2, made_cases.fall) as workers:
        found = list(workers.play(f"seed:{number}" for number in range(1_000)))
        assert MOST_DEATHS <= workers.deaths <= MOST_DEATHS + 1
    assert len(found) == workers.deaths


# -- the sum


def test_the_sum_does_not_depend_on_the_order_of_the_verdicts() -> None:
    verdicts = [made_cases.play(f"seed:{number}") for number in range(100, 120)]
    proofs = []
    for some in (verdicts, verdicts[::-1]):
        tally = Tally(["a fill while the link is down"])
        for verdict in some:
            tally.add(verdict, 0.1)
        proofs.append(tally.proof(MAKER, 20, 1.0, enough=True))
    assert proofs[0].fingerprint == proofs[1].fingerprint
    assert (proofs[0].total.cases, proofs[0].total.crashes, proofs[0].total.messages) == (20, 40, 200)
    assert proofs[0].reached == {"a fill while the link is down": 20}


@pytest.mark.parametrize(("enough", "holds"), [(True, False), (False, True)])
def test_a_state_never_reached_fails_a_large_run_only(enough: bool, holds: bool) -> None:
    tally = Tally(["a fill while the link is down", "a blue moon"])
    tally.add(made_cases.play("seed:100"), 0.1)
    proof = tally.proof(MAKER, 1, 1.0, enough=enough)
    assert (proof.never, proof.holds) == (["a blue moon"], holds)


def test_another_journal_of_one_case_is_another_fingerprint() -> None:
    one, other = Tally(()), Tally(())
    one.add(made_cases.play("seed:100"), 0.1)
    other.add(made_cases.play("seed:101"), 0.1)
    assert one.proof(MAKER, 1, 1.0, enough=False).fingerprint != other.proof(MAKER, 1, 1.0, enough=False).fingerprint


MAKER = maker(1)


# -- the command


def with_made_cases(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> Said:
    monkeypatch.setattr(prove, "play", made_cases.play)
    return hedgerow("prove", "--cuts", "none", "--jobs", "1", *words)


def test_a_violation_is_told_with_its_fewest_faults_its_last_events_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = with_made_cases(monkeypatch, "--from", "10", "--seeds", "3")
    assert said.status == 1
    lines = [line.strip() for line in said.out.splitlines()]
    at = lines.index(f"seed:{BREAKS} is violated, and so is what is left of it in")
    assert lines[at + 1].startswith(f"seed:{BREAKS}+2: 2 crashes")
    assert lines[at + 2 : at + 8] == [
        "VIOLATED one order at 2024-01-01 00:00:00.000000Z: the venue holds <two> orders for one intent",
        "faults",
        "the one that matters",
        "last 1 events",
        f"the last event of seed:{BREAKS}+2",
        f"again: hedgerow prove --case 'seed:{BREAKS}+2'",
    ]
    assert lines[-1] == "BROKEN: 1 of 3 cases violated a promise"


def test_the_command_that_shows_a_violation_again_shows_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = with_made_cases(monkeypatch, "--case", f"seed:{BREAKS}+2")
    assert said.status == 1
    assert "VIOLATED one order" in said.out
    assert "a fill while the link is down" in said.out


def test_the_document_names_every_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    said = with_made_cases(monkeypatch, "--from", "10", "--seeds", "3", "--json")
    assert said.status == 1
    found = said.document
    assert (found["holds"], found["wanted"], found["total"]["cases"]) == (False, 3, 3)
    assert [(one["case"], one["verdict"]["faults"], one["again"]) for one in found["failed"]] == [
        (f"seed:{BREAKS}", ["the one that matters"], f"hedgerow prove --case 'seed:{BREAKS}+2'")
    ]


def test_a_report_can_be_read_without_a_network_and_on_a_phone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = with_made_cases(monkeypatch, "--from", "10", "--seeds", "3", "--report", tmp_path / "proof")
    assert said.status == 1
    written = (tmp_path / "proof" / "proof.html").read_text()
    seen = Seen()
    seen.feed(written)
    assert seen.unclosed == []
    assert seen.requests == []
    assert "url(" not in written
    assert "@import" not in written
    assert "prefers-color-scheme: dark" in written
    assert 'name="viewport"' in written
    assert "holds &lt;two&gt; orders" in written
    document = json.loads((tmp_path / "proof" / "proof.json").read_text())
    assert {"version", "commit", "python", "started"} <= set(document["maker"])
    names = [line.split(" ")[0] for line in (tmp_path / "proof" / "journals.txt").read_text().splitlines()]
    assert names == ["seed:10", "seed:11", "seed:12"]


class Seen(html.parser.HTMLParser):
    """What a page would fetch, and which elements it leaves open."""

    VOID = ("meta", "br", "hr", "img", "link", "input")
    FETCHING = ("src", "href", "srcset", "action", "data", "poster")

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.requests += [f"{tag} {name}={value}" for name, value in attrs if name in self.FETCHING]
        self.requests += ["script"] if tag == "script" else []
        if tag not in self.VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


def test_the_page_of_an_empty_run_is_a_page() -> None:
    written = page(Tally(()).proof(MAKER, 5, 0.0, enough=False, stopped="interrupted"))
    assert "STOPPED after 0 of 5 cases" in written


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--seeds", "-1"), "--seeds"),
        (("--seeds", "many"), "--seeds"),
        (("--jobs", "0"), "--jobs"),
        (("--from", "-3"), "--from"),
        (("--cuts", "none", "--seeds", "0"), "nothing to play"),
        (("--cuts", "everything", "--seeds", "0"), "write all, none, or one of single"),
        (("--case", "seed"), "'seed' is no crash case"),
        (("--case", "seed:first"), "'seed:first' is no day"),
        (("--case", "cut:single:silent"), "'cut:single:silent' is no crash case"),
        (("--case", "cut:double:silent:1"), "'cut:double:silent:1' is no crash case"),
        (("--cuts", "none", "--seeds", "1", "--report", "/dev/null/x"), "--report"),
    ],
)
def test_a_bad_option_is_one_sentence_and_status_two(words: tuple[str, ...], part: str) -> None:
    said = hedgerow("prove", *words)
    assert said.status == 2
    assert part in said.err
    assert "Traceback" not in said.err
    assert len([line for line in said.err.splitlines() if line.startswith(("hedgerow: ", "Error: "))]) == 1


def test_other_processes_with_other_hash_seeds_leave_the_same_journals() -> None:
    words = ["prove", "--case", "seed:8", "--case", "seed:21", "--case", "cut:pair:filled:30", "--json"]
    found = []
    for hash_seed, jobs in (("1", "1"), ("2", "3")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-m", "app", *words, "--jobs", jobs]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    assert found[0]["fingerprint"] == found[1]["fingerprint"]
    assert found[0]["total"]["crashes"] == found[1]["total"]["crashes"] > 0
    assert found[0]["holds"]


@pytest.mark.skipif(os.name == "nt", reason="signals to a process group")
@pytest.mark.parametrize(
    "stop", [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGTERM)], ids=["INT", "TERM"]
)
def test_an_interrupt_ends_the_run_and_every_process_of_it(stop: Callable[[int], None]) -> None:
    words = [sys.executable, "-m", "app", "prove", "--cuts", "none", "--seeds", "100000", "--jobs", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "playing 110,000 cases\n"
        stop(process.pid)
        out, err = process.communicate(timeout=60)  # ends only when nobody holds the pipes any more
    assert process.returncode == 130, err
    assert "STOPPED after" in out
    assert err == ""
