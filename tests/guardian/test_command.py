"""`hedgerow guardian` as a person meets it."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.commands.guardian import LOCK, guardian
from app.guardian import GuardianError
from app.guardian_session import session_of
from config.errors import ConfigError
from config.loader import load
from ports.guardian.heartbeat import Heartbeat, Pulse
from state.lake import Lake
from state.process_id import this_process


def invoke(state: Path, *settings: str) -> BaseException | None:
    words = ["--program", "demo", "--state", str(state), "--set", f"lease.dir={state / 'lease'}"]
    words += [word for setting in settings for word in ("--set", setting)]
    return CliRunner().invoke(guardian, words).exception


def test_a_second_guardian_of_one_engine_is_refused(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused = invoke(tmp_path)
    assert isinstance(refused, GuardianError)
    assert f"another guardian watches {tmp_path}" in str(refused)


def test_closing_positions_needs_a_key_for_plans(tmp_path: Path) -> None:
    refused = invoke(tmp_path, "guardian.flatten=true")
    assert isinstance(refused, ConfigError)
    assert "a plan that anybody can write is no plan" in str(refused)


def no_lake() -> Lake:
    raise AssertionError("nothing of the venue may be opened")


def test_the_exchange_inside_an_engine_is_not_touched_while_that_process_may_live(tmp_path: Path) -> None:
    open_session = session_of(load("demo", environment={}), tmp_path, no_lake)
    with pytest.raises(OSError, match="has not ended"):
        open_session(2, Heartbeat(this_process(), 1, Pulse("TRADING", 1, 0, 1, 0)))
