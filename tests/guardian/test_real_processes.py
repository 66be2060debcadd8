"""Real engines, guardian and exchange process: who is fenced places nothing, and what a dead one left is ended."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scripts.drill_room import ROOT, Room
from simulation.exchange.book import OPEN

TTL_S = 2.0
LONG_S = 40.0


class Drill(Room):
    """A room whose engine has more settings, and that may have a guardian."""

    more: dict[str, str]

    def options(self) -> list[str]:
        settings = {"lease.ttl_s": str(TTL_S), **self.more}
        return super().options() + [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    def at_the_exchange(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.record}?mode=ro", uri=True, timeout=5.0)) as db:
            return list(db.execute(query))

    def beat(self) -> int:
        """The number of the engine's last heartbeat."""
        return int(json.loads((self.state / "heartbeat").read_bytes().splitlines()[1])["beat"])

    def latest_arrival_ns(self) -> int:
        ((latest,),) = self.at_the_exchange("SELECT ifnull(max(arrived_ns), 0) FROM orders")
        return int(latest)

    def beside(self, *words: str) -> subprocess.Popen[str]:
        """Another command of `hedgerow`, beside the engine."""
        return subprocess.Popen(
            [sys.executable, "-m", "app", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def elsewhere(self) -> list[str]:
        """The options of an engine on the same account with another state folder."""
        return [word.replace(str(self.state), f"{self.state}-other") for word in self.options()]


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    room = Drill(tmp_path / "d", latency_s=0.01)
    room.more = {}
    with room:
        yield room


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def wait_for(done: Any, within_s: float = LONG_S) -> bool:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if done():
            return True
        time.sleep(0.05)
    return False


def test_of_two_engines_on_one_account_the_second_is_refused_and_a_frozen_first_one_is_fenced(drill: Drill) -> None:
    drill.start()
    drill.trading(0)
    assert drill.until(lambda: drill.latest_arrival_ns() > 0, LONG_S) is not None
    refused = drill.beside("run", *drill.elsewhere())
    said, _ = refused.communicate(timeout=LONG_S)
    assert refused.returncode == 2
    assert "another engine trades the account PAPER at exchange_process" in said
    assert f"hedgerow stop --state {drill.state}" in said

    drill.signal(signal.SIGSTOP)
    frozen_ns = time.time_ns()
    beat = drill.state.with_name("state-other") / "heartbeat"
    second = drill.beside("run", *drill.elsewhere(), "--set", "engine.auto_trade=false")
    try:
        while not beat.exists():  # refused until the term of the first is over
            assert time.time_ns() < frozen_ns + LONG_S * 10**9, second.communicate()[0]
            if second.poll() is not None:
                second = drill.beside("run", *drill.elsewhere(), "--set", "engine.auto_trade=false")
            time.sleep(0.05)
        arrived_ns = drill.latest_arrival_ns()  # what was in the socket when the first one froze is there by now
        drill.signal(signal.SIGCONT)
        assert drill.until(lambda: drill.mode() == "HALTED", LONG_S) is not None
        assert drill.until(lambda: any(row["code"] == "FENCED" for _, row in drill.rows("Alarm")), LONG_S) is not None
        before = drill.last_row()
        with pytest.raises(RuntimeError, match="HALTED"):
            drill.command("resume", "--reason", "a person does not know better", "--yes")
        assert "HALTED" in [row["mode"] for _, row in drill.rows("ModeEntered", before)] or drill.mode() == "HALTED"
        assert drill.latest_arrival_ns() == arrived_ns
    finally:
        ended(second)


def test_a_guardian_kills_a_frozen_engine_cancels_what_it_left_and_closes_by_its_plan(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEPOSIT", "OWN"):
        monkeypatch.setenv(name, f"the key {name}")
    drill.more = {
        "guardian.lapse_s": "2",
        "guardian.flatten": "true",
        "guardian.deposit_key": "secret://env/DEPOSIT",
        "guardian.own_key": "secret://env/OWN",
    }
    drill.start()
    drill.trading(0)
    guardian = drill.beside("guardian", *drill.options())
    try:
        plan = drill.state / "closing-plan"
        assert drill.until(lambda: plan.exists() and b"client_id" in plan.read_bytes(), LONG_S) is not None
        drill.command("halt", "--reason", "so that the positions stand still")
        still = f"SELECT client_id FROM orders WHERE state = '{OPEN}'"
        assert wait_for(lambda: drill.at_the_exchange(still) == [])
        beat = drill.beat()
        assert wait_for(lambda: drill.beat() >= beat + 2)  # each comes with the plan of the last row
        drill.signal(signal.SIGSTOP)
        log = drill.state / "guardian.jsonl"

        def deeds() -> list[dict[str, Any]]:
            return [json.loads(line)["deed"] for line in log.read_text().splitlines()] if log.exists() else []

        assert wait_for(lambda: any(deed["code"] == "DONE" for deed in deeds())), deeds()
        assert drill.ended(5.0) == -signal.SIGKILL
        codes = [deed["code"] for deed in deeds()]
        assert codes[:4] == ["LAPSED", "FENCED", "ENDED", "CANCELLED"]
        planned = [deed["text"].split()[0] for deed in deeds() if deed["code"] == "SENT"]
        assert planned
        assert len(deeds()) == len(codes[:4]) + len(planned) + 1
        assert wait_for(lambda: drill.at_the_exchange(still) == [])
        sums = "SELECT instrument, sum(side * quantity) FROM executions GROUP BY instrument"
        assert {held for _, held in drill.at_the_exchange(sums)} == {0}
        last = drill.last_row()
        drill.start()
        assert drill.until(lambda: drill.mode(last) == "HALTED", LONG_S) is not None
        assert any(row["code"] == "AFTER_GUARDIAN" for _, row in drill.rows("Alarm", last))
    finally:
        ended(guardian)
