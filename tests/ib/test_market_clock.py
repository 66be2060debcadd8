"""The market's time in a file: from the gateway that says it to the rehearsal that lives by it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ports.ib.errors import NoMarketClock
from ports.ib.market_clock import ToldTime, left_behind, market_clock, say_time, unsay_time
from state.process_id import process_of, this_process

S = 10**9
NOON = 1_560_340_800 * S


def test_a_rehearsal_lives_in_the_time_that_was_said(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    say_time(place, NOON, 1_000 * S, 60.0)
    clock = market_clock(place, lambda: 1_010 * S)
    assert (clock.now_ns, clock.pace) == (NOON + 600 * S, 60.0)
    assert [each.name for each in tmp_path.iterdir()] == ["clock.json"]


def test_what_is_said_again_takes_the_place_of_what_was(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    say_time(place, NOON, 1_000 * S, 60.0)
    say_time(place, NOON, 1_000 * S, 10.0)
    assert market_clock(place, lambda: 1_010 * S).now_ns == NOON + 100 * S


def refused(place: Path) -> str:
    with pytest.raises(NoMarketClock) as error:
        market_clock(place)
    return f"{error.value}; {error.value.next}"


def test_a_file_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    assert refused(place) == f"{place} is not there; start the gateway first: hedgerow gateway --clock {place}"
    say_time(place, NOON, 0, 1.0)
    unsay_time(place)
    unsay_time(place)
    assert "is not there" in refused(place)


@pytest.mark.parametrize("content", [b"", b"noon", b"{}", b'{"market_ns": 1}', b"\xff\xfe"])
def test_a_file_of_something_else_is_no_clock_and_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "clock.json"
    place.write_bytes(content)
    assert "is no clock of a gateway" in refused(place)
    with pytest.raises(NoMarketClock, match="is no clock of a gateway"):
        say_time(place, NOON, 0, 1.0)
    assert place.read_bytes() == content


def test_a_pace_that_is_none_is_no_clock(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    place.write_bytes(msgspec.json.encode(ToldTime(NOON, 0, 0.0, this_process())))
    assert "pace of 0.0" in refused(place)


def test_a_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in refused(tmp_path)
    with pytest.raises(NoMarketClock, match="cannot be written: No such file"):
        say_time(tmp_path / "nowhere" / "clock.json", NOON, 0, 1.0)


@pytest.fixture
def other() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_with_its_process_the_time_ends(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    place = tmp_path / "clock.json"
    place.write_bytes(msgspec.json.encode(ToldTime(NOON, 0, 60.0, process_of(other.pid))))
    assert market_clock(place).pace == 60.0
    with pytest.raises(NoMarketClock, match=f"is the clock of process {other.pid}, which lives"):
        say_time(place, NOON, 0, 1.0)
    other.kill()
    other.communicate()
    assert f"process {other.pid}, which does not live on this machine any more" in refused(place)
    say_time(place, NOON, 0, 1.0)
    assert market_clock(place).pace == 1.0


def test_a_process_of_another_machine_tells_no_time_here(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    elsewhere = msgspec.structs.replace(process_of(os.getpid()), host="elsewhere")
    place.write_bytes(msgspec.json.encode(ToldTime(NOON, 0, 60.0, elsewhere)))
    assert "does not live on this machine" in refused(place)


def test_only_a_process_that_died_on_this_machine_leaves_its_time_behind(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    place = tmp_path / "clock.json"
    assert left_behind(place) is None
    place.write_bytes(msgspec.json.encode(ToldTime(NOON, 1_000 * S, 60.0, process_of(other.pid))))
    assert left_behind(place) is None
    rebooted = msgspec.structs.replace(process_of(other.pid), boot="an earlier one")
    other.kill()
    other.communicate()
    left = left_behind(place)
    assert left is not None
    assert left.at(1_010 * S) == NOON + 600 * S
    place.write_bytes(msgspec.json.encode(ToldTime(NOON, 1_000 * S, 60.0, rebooted)))
    assert left_behind(place) is None  # the monotonic clock began anew
    place.write_bytes(b"noon")
    with pytest.raises(NoMarketClock, match="is no clock of a gateway"):
        left_behind(place)
