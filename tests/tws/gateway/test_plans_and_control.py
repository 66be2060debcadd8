"""Plans in files, the control's port, and the command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from config.errors import ConfigError
from engine.host import run_live
from ports.ib.market_clock import market_clock
from simulation.tws.broker import Story
from simulation.tws.control_port import LONGEST, ControlPort
from simulation.tws.plan import Director, Plan, plan_of, read_plan
from state.lake import Lake
from tests.tws.gateway.bourse import WEDNESDAY, make_lake
from tests.tws.gateway.kit import ABC, PATIENCE_S, Desk, desk

ROOT = Path(__file__).resolve().parents[3]
HOUR = 3_600 * 10**9


def directed(here: Desk, text: str) -> Plan:
    plan = plan_of(text)
    Director(here.control, plan.events, plan.broker.zone)
    return plan


# -- plans


def test_a_plan_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        "faults:\n  - {message: PlaceOrder, nth: 2, harm: close_after}\n"
        "events:\n  - {do: lose_link, after: 30, args: {seconds: 5, data_lost: true}}\n"
        "stories: {1: late_commission}\nstory_seed: 7\n"
        "gateway: {linger_s: 5}\nbroker: {refuse_changes: [1]}\npermissions: {read_only: true}\n"
    )
    plan = read_plan(path)
    assert (plan.faults[0].message, plan.faults[0].nth) == ("PlaceOrder", 2)
    assert (plan.events[0].do, plan.events[0].after) == ("lose_link", 30.0)
    assert plan.told()(1) is Story.LATE_COMMISSION
    assert {plan.told()(number) for number in range(2, 40)} == set(Story)
    assert (plan.gateway.linger_s, plan.broker.refuse_changes, plan.permissions.read_only) == (
        5.0,
        frozenset({1}),
        True,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("faults:\n  - {message: PlacOrder, harm: drop}\n", r"plan.yaml:2: message: there is no message 'PlacOrder'"),
        ("faults:\n  - {message: PlaceOrder, harm: bite}\n", r"plan.yaml:2: Invalid enum value 'bite'"),
        ("events:\n  - {do: fly, after: 1}\n", r"plan.yaml:2: do: 'fly' cannot be done"),
        ("events:\n  - {do: relent}\n", r"needs one of after, at and on"),
        ("events:\n  - {do: relent, at: '25:00'}\n", r"'25:00' is no moment"),
        ("stories: {1: tall}\n", r"1 is told as 'tall'"),
        ("gateway: {linge_s: 5}\n", r"unknown field `linge_s`"),
        ("broker: {zone: Mars}\n", r"No time zone found"),
        ("faults: [}\n", r"plan.yaml"),
        ("- 1\n", r"plan.yaml"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_plan(path)


async def test_an_event_happens_after_its_seconds(lake: Lake) -> None:
    async with desk(lake) as here:
        directed(here, "events: [{do: say, after: 5, args: {code: 1300, text: hello}}]")
        await here.connect()
        here.clock.move(4.9)
        assert 1300 not in here.heard[1].codes
        here.clock.move(0.1)
        await here.error(1300)


async def test_an_event_happens_when_its_message_has_passed(lake: Lake) -> None:
    async with desk(lake) as here:
        directed(here, "events: [{do: disconnect_all, on: {message: ExecDetails, client: 1}}]")
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ended = asyncio.Event()
        ib.disconnectedEvent += ended.set
        ib.placeOrder(abc, MarketOrder("BUY", 1))
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        assert len((await here.connect()).fills()) == 1


async def test_a_nightly_event_happens_every_night(lake: Lake) -> None:
    async with desk(lake) as here:
        directed(here, "events: [{do: say, at: '23:45', args: {code: 1300, text: night}}]")
        await here.connect()
        for night in (1, 2):
            here.clock.move_market(WEDNESDAY + (night * 24 - 10) * HOUR)  # midnight in New York
            await here.until(lambda night=night: here.heard[1].codes.count(1300) == night)  # type: ignore[misc]


async def test_an_event_of_one_moment_happens_once(lake: Lake) -> None:
    async with desk(lake) as here:
        directed(here, "events: [{do: say, at: '20190612 10:30:00', args: {code: 1300, text: once}}]")
        ib = await here.connect()
        here.clock.move_market(WEDNESDAY + 48 * HOUR)
        await here.silence(ib)
        assert here.heard[1].codes.count(1300) == 1


# -- the control's port


class Talk:
    """A line of commands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self.reader, self.writer, self.token = reader, writer, token

    async def say(self, do: str, **args: object) -> dict[str, Any]:
        self.writer.write(json.dumps({"token": self.token, "do": do, "args": args}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(self.reader.readline(), PATIENCE_S))
        return answer


async def test_everything_can_be_done_over_the_port(lake: Lake) -> None:
    async with desk(lake) as here:
        port = ControlPort(here.control, "secret")
        number = await port.listen()
        talk = Talk(*await asyncio.open_connection("127.0.0.1", number), "secret")
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        assert await talk.say("set_price", contract="ABC", bid=10.0, ask=10.02) == {"ok": True, "answer": None}
        await here.status(ib.placeOrder(abc, MarketOrder("BUY", 1)), "Filled")
        book = (await talk.say("dump"))["answer"]
        assert [(one["contract"]["symbol"], one["quantity"]) for one in book["positions"]] == [("ABC", 1.0)]
        assert book["executions"][0]["execution"]["price"] == 10.02
        assert (await talk.say("inject", message="CancelOrder", harm="drop"))["ok"]
        assert (await talk.say("fly"))["error"].startswith("'fly' cannot be done")
        assert not (await talk.say("disconnect", client="one"))["ok"]
        talk.writer.write(b"nonsense\n")
        assert not json.loads(await talk.reader.readline())["ok"]
        talk.writer.close()
        port.close()


def test_the_control_port_may_live_on_uvloop(lake: Lake) -> None:
    async def day() -> bool:
        async with desk(lake) as here:
            port = ControlPort(here.control, "secret")
            talk = Talk(*await asyncio.open_connection("127.0.0.1", await port.listen()), "secret")
            answered = (await talk.say("dump"))["ok"]
            talk.writer.close()
            port.close()
            return bool(answered)

    assert run_live(day())


async def test_a_wrong_token_ends_the_talk(lake: Lake) -> None:
    async with desk(lake) as here:
        port = ControlPort(here.control, "secret")
        number = await port.listen()
        talk = Talk(*await asyncio.open_connection("127.0.0.1", number), "guess")
        assert await talk.say("disconnect_all") == {"ok": False, "error": "the token is wrong"}
        assert await talk.reader.read() == b""
        talk.writer.close()
        port.close()


async def test_a_line_without_end_is_cut_off(lake: Lake) -> None:
    async with desk(lake) as here:
        port = ControlPort(here.control, "secret")
        reader, writer = await asyncio.open_connection("127.0.0.1", await port.listen())
        writer.write(b"x" * (LONGEST + 1))
        assert b"has at most" in await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        port.close()


def test_a_port_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a token"):
        ControlPort(None, "")  # type: ignore[arg-type]


# -- the command

SETTINGS = "instruments: [{instruments}]\n"
YAML = """instruments:
  - {id: ABC, kind: stock, venue: NASDAQ, currency: USD, calendar: NYSE, name: Alphabet Soup Inc, tick: 0.01,
     half_spread: 0.01, commission: {per_unit: 0.005, per_order: 1}}
"""


class Running:
    """`hedgerow gateway` in a process of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        make_lake(folder / "lake")
        (folder / "ours.yaml").write_text(YAML)
        (folder / "settings.yaml").write_text(SETTINGS.format(instruments=folder / "ours.yaml"))
        self.process = subprocess.Popen(
            [*COMMAND, "gateway", "--port", "0", "--data", str(folder / "lake"), "--from", "20190612 14:00",
             "--settings", str(folder / "settings.yaml"), "--set", f"data.cache_dir={folder}/cache", *more],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **TOKEN},
        )  # fmt: skip
        self.said: list[str] = []

    def line(self, pattern: str) -> re.Match[str]:
        """The next line it says that fits."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"it never said {pattern!r} but {''.join(self.said)}")


COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
TOKEN = {"HEDGEROW_GATEWAY_TOKEN": "secret"}


def replay(log: Path) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, "gateway", "replay", str(log)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path, "--pace", "60", "--log", str(tmp_path / "log.jsonl"), "--control-port", "0")
    yield made
    made.process.kill()
    made.process.communicate()


async def test_the_command_serves_a_client_and_its_log_replays(running: Running) -> None:
    port = int(running.line(r"listens on 127\.0\.0\.1:(\d+)")[1])
    assert any("Not affiliated with Interactive Brokers" in line for line in running.said)
    control = int(running.line(r"Commands are taken on 127\.0\.0\.1:(\d+)")[1])
    talk = Talk(*await asyncio.open_connection("127.0.0.1", control), "secret")
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=PATIENCE_S, raiseSyncErrors=True)
    (abc,) = await ib.qualifyContractsAsync(ABC)
    assert await talk.say("set_price", contract="ABC", bid=100.0, ask=100.02) == {"ok": True, "answer": None}
    trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 100.02))
    await asyncio.wait_for(trade.filledEvent, PATIENCE_S)
    ib.disconnect()
    talk.writer.close()
    running.process.terminate()
    assert await asyncio.to_thread(running.process.wait, PATIENCE_S) == 0
    replayed = await asyncio.to_thread(replay, running.folder / "log.jsonl")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "said again as they were" in replayed.stdout


async def test_the_markets_time_is_said_in_a_file_as_long_as_the_gateway_lives(tmp_path: Path) -> None:
    place = tmp_path / "clock.json"
    made = Running(tmp_path, "--pace", "600", "--clock", str(place))
    try:
        port = int(made.line(r"listens on 127\.0\.0\.1:(\d+)")[1])
        made.line(r"time is told in")
        clock = market_clock(place)
        ib = IB()
        await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=PATIENCE_S)
        clock.refresh()
        before_ns = clock.now_ns
        said_s = (await ib.reqCurrentTimeAsync()).timestamp()
        clock.refresh()
        assert before_ns > WEDNESDAY
        assert before_ns // 10**9 <= said_s <= clock.now_ns / 1e9
        ib.disconnect()
        second = await asyncio.to_thread(
            subprocess.run,
            [*COMMAND, "gateway", "--port", "0", "--data", str(tmp_path / "lake"), "--from", "20190612",
             "--settings", str(tmp_path / "settings.yaml"), "--clock", str(place)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert second.returncode == 2
        assert f"is the clock of process {made.process.pid}, which lives" in second.stderr
        made.process.terminate()
        assert await asyncio.to_thread(made.process.wait, PATIENCE_S) == 0
        assert not place.exists()
    finally:
        made.process.kill()
        made.process.communicate()


async def test_a_gateway_that_is_killed_goes_on_with_its_orders_and_its_money(tmp_path: Path) -> None:
    first = Running(tmp_path, "--state", str(tmp_path / "state"), "--control-port", "0")
    try:
        ib = IB()
        await ib.connectAsync("127.0.0.1", int(first.line(r"listens on 127\.0\.0\.1:(\d+)")[1]), clientId=1)
        control = int(first.line(r"Commands are taken on 127\.0\.0\.1:(\d+)")[1])
        talk = Talk(*await asyncio.open_connection("127.0.0.1", control), "secret")
        await talk.say("set_price", contract="ABC", bid=100.0, ask=100.02)
        (abc,) = await ib.qualifyContractsAsync(ABC)
        bought = ib.placeOrder(abc, MarketOrder("BUY", 10, orderRef="first"))
        await asyncio.wait_for(bought.filledEvent, PATIENCE_S)
        ib.placeOrder(abc, LimitOrder("BUY", 5, 90.0, orderRef="second"))
        await ib.reqCurrentTimeAsync()
        talk.writer.close()
    finally:
        first.process.kill()
        first.process.communicate()
        ib.disconnect()
    log = tmp_path / "second.jsonl"
    second = Running(tmp_path, "--state", str(tmp_path / "state"), "--log", str(log), "--pace", "20")
    try:
        ib = IB()
        port = int(second.line(r"listens on 127\.0\.0\.1:(\d+)")[1])
        await ib.connectAsync("127.0.0.1", port, clientId=1, raiseSyncErrors=True)
        assert [fill.execution.orderRef for fill in ib.fills()] == ["first"]
        assert [trade.order.orderRef for trade in ib.openTrades()] == ["second"]
        assert [(each.position, each.avgCost) for each in ib.positions()] == [(10.0, pytest.approx(100.12))]
        assert ("CashBalance", "USD", "998998.80") in {(v.tag, v.currency, v.value) for v in ib.accountValues()}
        (abc,) = await ib.qualifyContractsAsync(ABC)
        more = ib.placeOrder(abc, MarketOrder("BUY", 1, orderRef="third"))
        await asyncio.wait_for(more.filledEvent, PATIENCE_S)
        ib.disconnect()
    finally:
        second.process.kill()
        second.process.communicate()
    for _ in range(2):
        replayed = await asyncio.to_thread(replay, log)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    shutil.rmtree(tmp_path / "second.jsonl.state")
    replayed = await asyncio.to_thread(replay, log)
    assert replayed.returncode == 2
    assert "keep the two together" in replayed.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "lets other machines in"),
        (["--pace", "0"], "is no pace"),
        (["--pace", "fast"], "is not a valid float"),
        (["--account", "U1234567"], "is no paper account"),
        (["--data", "nowhere"], "is no lake"),
        (["--from", "yesterday"], "is no moment"),
        (["--cash", "much"], "is no amount"),
        (["--cash", "-1"], "cannot be had"),
        (["--port", "70000"], "is not in the range"),
        (["--faults", "nowhere.yaml"], "does not exist"),
        (["--options", "nowhere"], "is no folder"),
        (["replay", "nowhere.jsonl"], "cannot be read"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments: list[str], says: str) -> None:
    found = subprocess.run(
        [*COMMAND, "gateway", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert found.returncode == 2
    assert says in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_that_is_taken_is_said(running: Running, tmp_path: Path) -> None:
    port = running.line(r"listens on 127\.0\.0\.1:(\d+)")[1]
    second = subprocess.run(
        [*COMMAND, "gateway", "--port", port, "--data", str(running.folder / "lake"), "--from", "20190612",
         "--settings", str(running.folder / "settings.yaml")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be had" in second.stderr
