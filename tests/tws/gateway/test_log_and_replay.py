"""The log of frames: what it holds, and that the same day can be had again from it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from ib_async import LimitOrder, MarketOrder

from simulation.tws.broker import seeded
from simulation.tws.clock import Clock, LoopClock, ToldClock
from simulation.tws.control import Control
from simulation.tws.faults import Fault, FaultPlan, Harm
from simulation.tws.framelog import FrameLog, FrameLogError, Replay, Replayed, made_of
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from state.lake import Lake
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY, sessions
from tests.tws.gateway.kit import ABC, ES, PATIENCE_S, Desk

MADE_OF = {"by": "hand"}


def gateway(lake: Lake, clock: Clock, seed: int = 0) -> Gateway:
    """A gateway that does everything there is to replay: faults, drawn stories, prices that move."""
    rules = GatewayRules(account_s=0.05, profit_s=0.02)
    house = found(Founding(seed=seed, gateway=rules), clock, INSTRUMENTS, sessions, lake, None, seeded(7))
    plan = FaultPlan(
        [
            Fault(message="OrderStatus", nth=2, harm=Harm.DELAY, seconds=0.05),
            Fault(message="ReqCurrentTime", nth=2, harm=Harm.DUPLICATE),
        ]
    )
    return Gateway(house, plan)


async def a_day(lake: Lake, log: Path) -> None:
    """Two clients, prices a thousand times as fast as life, orders, a broken link, and a restart."""
    clock = LoopClock(asyncio.get_running_loop(), WEDNESDAY, 2_000.0)
    made = gateway(lake, clock)
    here = Desk(made, clock)  # type: ignore[arg-type]  # nobody moves this clock
    written = FrameLog(log, made, here.control, MADE_OF)
    await made.listen()
    try:
        ib, other = await here.connect(1), await here.connect(2)
        abc, es = await here.contract(ib, ABC), await here.contract(other, ES)
        ticker = await here.quoted(ib.reqMktData(abc))
        ib.reqPnL("DU1000001")
        trades = [ib.placeOrder(abc, MarketOrder("BUY", 10)), other.placeOrder(es, LimitOrder("BUY", 1, 2_890.0))]
        await here.until(lambda: trades[0].fills)
        for _ in range(3):
            await ib.reqCurrentTimeAsync()
        here.control.lose_link(seconds=0.05, data_lost=False)
        await here.error(1102)
        here.control.set_price(abc.conId, 200.0, 200.5, last=200.25)
        await here.until(lambda: ticker.bid == 200.0)
        here.control.restart(seconds=0.01, roll_back=1)
        async with asyncio.timeout(PATIENCE_S):
            while other.isConnected():
                await asyncio.wait_for(_gone(other), PATIENCE_S)
    finally:
        for each in here.ibs:
            each.disconnect()
        await made.close()
        written.close()


async def _gone(ib: object) -> None:
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set  # type: ignore[attr-defined]
    await gone.wait()


def again(lake: Lake, log: Path, seed: int = 0) -> Replayed:
    async def run() -> Replayed:
        return Replay(log, lambda clock: gateway(lake, clock, seed)).run()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def log(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "frames.jsonl"
    asyncio.run(a_day(lake, path))
    return path


def test_a_days_frames_come_out_again_as_they_were(lake: Lake, log: Path) -> None:
    found = again(lake, log)
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert found.difference == ""
    assert found.same == sum(line["what"] == "out" for line in lines) > 100
    assert found.heard == sum(line["what"] == "in" for line in lines) > 20


def test_a_line_says_when_in_which_direction_whose_and_what(log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    start = next(line for line in lines if line.get("fields", [""])[0] == "71")
    assert (start["what"], start["session"], start["fields"]) == ("in", 1, ["71", "2", "1", ""])
    assert start["market"] >= WEDNESDAY
    accounts = next(line for line in lines if line.get("fields", [""])[0] == "15")
    assert (accounts["what"], accounts["client"], accounts["fields"][2]) == ("out", 1, "DU1000001")
    assert made_of(log) == MADE_OF
    assert [line["verb"] for line in lines if line["what"] == "do"] == ["lose_link", "set_price", "restart"]


def test_a_gateway_made_of_something_else_says_something_else(lake: Lake, log: Path) -> None:
    found = again(lake, log, seed=1)
    assert found.difference.startswith("line ")


def test_a_changed_frame_is_found(lake: Lake, log: Path, tmp_path: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if '"out"' in line and '"fields":["5",' in line)
    lines[place] = lines[place].replace("BUY", "SELL")
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join(lines))
    assert again(lake, changed).difference.startswith(f"line {place + 1}:")


def test_a_log_that_was_cut_off_is_followed_to_its_last_whole_line(lake: Lake, log: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(log.read_bytes()[:-7])
    assert again(lake, cut).difference == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no log"),
        ("{}\n", "is no log"),
        ('{"form":99,"made_of":{}}\n', "is no log"),
        ("not json\n", "is no log"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(FrameLogError, match=says):
        made_of(path)


def test_a_log_that_tells_of_a_timer_that_was_never_set_is_refused(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "log"
    ring = {"what": "ring", "market": WEDNESDAY, "seconds": 0.0, "number": 99}
    path.write_text(json.dumps({"form": 1, "made_of": {}}) + "\n" + json.dumps(ring) + "\n")
    with pytest.raises(FrameLogError, match="line 2"):
        again(lake, path)


def test_a_log_that_cannot_be_written_is_refused(lake: Lake, tmp_path: Path) -> None:
    async def run() -> None:
        made = gateway(lake, ToldClock())
        FrameLog(tmp_path, made, Control(made), {})

    with pytest.raises(FrameLogError, match="cannot be written"):
        asyncio.run(run())
