"""`hedgerow guardian` as a process of its own, killed in the middle of closing positions at a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from model.units import qty
from ports.guardian import ClosingPlan, Heartbeat, SealedFile
from ports.guardian.plan import closing_orders
from scripts.drill_room import ROOT
from state.lake import Lake
from state.lease import NS
from state.process_id import process_of
from tests.guardian.gateway_kit import GUARDIANS_CLIENT, Watch, resting, watch
from tests.guardian.kit import QUIET
from tests.ib.kit import ACCOUNT

KEY = "the deposit key"
LONG_S = 60.0
SETTINGS = """\
instruments: [futures.yaml, europe.yaml, demo.yaml, {state}/shares.yaml]
venue: {{kind: ib, account: {account}, port: {port}}}
lease: {{dir: {state}/lease}}
guardian:
  lapse_s: 1
  flatten: true
  deposit_key: secret://env/DEPOSIT
"""
SHARES = "instruments:\n" + "".join(
    f"  - {{id: {name}, kind: stock, venue: {venue}, currency: USD, calendar: NYSE, tick: 0.01, half_spread: 0.01,\n"
    f"     name: {title}, commission: {{per_unit: 0.005}}}}\n"
    for name, venue, title in (("ABC", "NASDAQ", "Alphabet Soup Inc"), ("XYZ", "NYSE", "Xylophones Inc"))
)
PROGRAM = """\
id: shares
title: Two shares
base_currency: USD
capital: 1_000_000
calendar: NYSE
sleeves:
  - {id: pair, kind: core_index_rv, capital_share: 1.0, params: {long: ABC, short: XYZ}}
"""


def dead_engine(state: Path) -> None:
    """The last beat of a process that has been killed."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    beat = Heartbeat(process_of(child.pid), 3, QUIET, words=3)
    child.kill()
    child.communicate()
    SealedFile(state / "heartbeat", Heartbeat, KEY.encode()).write(beat)


def guardian(state: Path) -> subprocess.Popen[str]:
    named = {"state": state, "program": state / "shares-program.yaml", "settings": state / "settings.yaml"}
    words = [word for name, path in named.items() for word in (f"--{name}", str(path))]
    return subprocess.Popen(
        [sys.executable, "-m", "app", "guardian", *words], cwd=ROOT, env={**os.environ, "DEPOSIT": KEY}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def deeds(state: Path) -> list[tuple[str, str]]:
    log = state / "guardian.jsonl"
    lines = [json.loads(line)["deed"] for line in log.read_text().splitlines()] if log.exists() else []
    return [(each["code"], each["text"]) for each in lines]


async def left_behind(scene: Watch, state: Path) -> ClosingPlan:
    """Two positions, a working order, a last beat and a plan; the engine is dead."""
    here = scene.here
    for name in ("ABC", "XYZ"):
        here.control.transfer(ACCOUNT, name, 100.0, 50.0)
    here.price(50.0, 50.02, "XYZ")
    here.start()
    await here.up()
    await resting(here, "99.5")
    await here.kill()
    (state / "settings.yaml").write_text(SETTINGS.format(state=state, account=ACCOUNT, port=here.gateway.port))
    (state / "shares.yaml").write_text(SHARES)
    (state / "shares-program.yaml").write_text(PROGRAM)
    plan = ClosingPlan(50, time.time_ns() + 900 * NS, closing_orders({"ABC": qty("100"), "XYZ": qty("100")}, 50))
    SealedFile(state / "closing-plan", ClosingPlan, KEY.encode()).write(plan)
    dead_engine(state)
    return plan


def said_done(running: subprocess.Popen[str]) -> None:
    """Until a guardian has said that all is done; then it is killed."""
    assert running.stdout is not None
    said = []
    with running:
        for line in running.stdout:
            said.append(line)
            if line.startswith("guardian: DONE"):
                running.kill()
                return
    raise AssertionError("".join(said))


async def test_a_guardian_process_that_is_killed_as_its_first_closing_order_arrives_closes_each_position_once(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        plan = await left_behind(scene, tmp_path)
        first = guardian(tmp_path)

        def passed(message: str, client: int | None) -> None:
            if message == "PlaceOrder" and client == GUARDIANS_CLIENT:
                first.send_signal(signal.SIGKILL)

        scene.here.gateway.on_passed = passed
        said, _ = await asyncio.to_thread(first.communicate, timeout=LONG_S)
        assert first.returncode == -signal.SIGKILL, said
        assert [code for code, _ in deeds(tmp_path)] == ["LAPSED", "FENCED", "ENDED", "CANCELLED"], said
        scene.here.gateway.on_passed = lambda message, client: None
        second = guardian(tmp_path)
        await asyncio.to_thread(said_done, second)
        assert [scene.sent(order.client_id) for order in plan.orders] == [1, 1], deeds(tmp_path)
        assert scene.holds() == {}
        assert scene.open_at_broker() == []
