"""Real money: the first start asks a person for a sentence, and nothing else will do."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from app.cli import hedgerow as group
from app.identity import IdentityError, claim
from app.live import LiveError, confirm
from config.loader import Configuration, load
from ports.ib.account_guard import CONFIRMATION
from tests.app.kit import ROOT, START_WITHIN_S, hedgerow

ACCOUNT, SENTENCE = "U7654321", "Trade account U7654321 with real money"


@pytest.fixture
def live(places: tuple[str, ...], tmp_path: Path) -> tuple[str, ...]:
    """Settings of a live account behind a port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    venue = f"venue={{kind: ib, account: {ACCOUNT}, port: {port}}}"
    return (*places, "mode=live", venue, f"lease.dir={tmp_path / 'lease'}")


@pytest.fixture
def configuration(live: tuple[str, ...]) -> Configuration:
    return load("demo", environment={}, overrides=live)


def words(live: tuple[str, ...], state: Path) -> list[str]:
    return ["run", "--program", "demo", "--state", str(state), *(part for one in live for part in ("--set", one))]


def nobody(text: str) -> str:
    raise AssertionError(f"a person was asked: {text}")


def test_without_a_terminal_it_is_refused_in_one_sentence(live: tuple[str, ...], tmp_path: Path) -> None:
    said = hedgerow(*words(live, tmp_path / "state"))
    assert said.status == 2
    assert f"nobody has confirmed yet that {ACCOUNT} is to be traded with real money" in said.err
    assert "start it once in a terminal" in said.err
    assert not (tmp_path / "state").exists()


def test_an_answer_out_of_a_pipe_is_nobodys(live: tuple[str, ...], tmp_path: Path) -> None:
    said = click.testing.CliRunner().invoke(group, words(live, tmp_path / "state"), input=SENTENCE + "\n")
    assert isinstance(said.exception, LiveError)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "typed",
    ["", "yes", "y", SENTENCE.lower(), SENTENCE + ".", " " + SENTENCE, "Trade account U7654322 with real money"],
)
def test_anything_but_the_sentence_ends_it(configuration: Configuration, tmp_path: Path, typed: str) -> None:
    with pytest.raises(LiveError, match="nothing was written"):
        confirm(configuration, tmp_path / "state", ask=lambda text: typed, interactive=lambda: True)
    assert not (tmp_path / "state").exists()


def test_a_person_sees_what_is_at_stake_before_the_sentence(
    configuration: Configuration, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return SENTENCE

    confirm(configuration, tmp_path, ask=ask, interactive=lambda: True)
    shown = capsys.readouterr().out
    # the figures are those of config/programs/demo.yaml and of the limits' defaults in docs/configuration.md
    for part in (ACCOUNT, "Index relative value and trend on package data", "1,000,000 USD", "2 times", "10%", "20%"):
        assert part in shown
    assert "after a `resume`" in shown
    assert SENTENCE in asked[0]


def test_a_confirmed_account_is_not_asked_for_again_and_another_is(
    configuration: Configuration, live: tuple[str, ...], tmp_path: Path
) -> None:
    confirm(configuration, tmp_path, ask=lambda text: SENTENCE, interactive=lambda: True)
    confirm(configuration, tmp_path, ask=nobody, interactive=lambda: False)
    other = load("demo", environment={}, overrides=(*live, "venue.account=U7654322"))
    with pytest.raises(LiveError, match="U7654322"):
        confirm(other, tmp_path, ask=nobody, interactive=lambda: False)
    with pytest.raises(LiveError):
        confirm(configuration, tmp_path / "elsewhere", ask=nobody, interactive=lambda: False)


def test_nobody_is_asked_on_paper(places: tuple[str, ...], tmp_path: Path) -> None:
    paper = load("demo", environment={}, overrides=(*places, "venue={kind: ib, account: DU1}"))
    confirm(paper, tmp_path, ask=nobody, interactive=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_another_engine_is_refused_before_anybody_is_asked(
    configuration: Configuration, tmp_path: Path
) -> None:
    claim(tmp_path, "paper", configuration.program, 0)
    with pytest.raises(IdentityError, match="with mode paper, not live"):
        confirm(configuration, tmp_path, ask=nobody, interactive=lambda: True)
    assert not (tmp_path / CONFIRMATION).exists()


class Terminal:
    """The program at a real terminal."""

    def __init__(self, arguments: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> None:
        """Read until a text was shown; fails when it does not come."""
        end = time.monotonic() + START_WITHIN_S
        while text not in self.shown and time.monotonic() < end and self._read(end):
            pass
        assert text in self.shown, self.shown

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def ended(self) -> int:
        """Its status once it has ended by itself."""
        end = time.monotonic() + START_WITHIN_S
        while self._read(end):
            pass
        return self.process.wait(START_WITHIN_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            told = os.read(self._ours, 4096)
        except OSError:  # the other side has closed
            return False
        self.shown += told.decode(errors="replace")
        return bool(told)


@pytest.fixture
def terminal(live: tuple[str, ...], tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(words(live, tmp_path / "state"))
    yield made
    made.close()


def test_at_a_terminal_the_wrong_words_end_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until("> ")
    assert "REAL MONEY" in terminal.shown
    terminal.type("yes")
    assert terminal.ended() == 2
    assert "that is not the sentence" in terminal.shown
    assert not (tmp_path / "state").exists()


def test_at_a_terminal_the_sentence_starts_the_engine(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until("> ")
    terminal.type(SENTENCE)
    terminal.until(f"LIVE: Index relative value and trend on package data, on paper; account {ACCOUNT}")
    assert (tmp_path / "state" / CONFIRMATION).read_text() == SENTENCE + "\n"
    terminal.process.send_signal(signal.SIGTERM)
