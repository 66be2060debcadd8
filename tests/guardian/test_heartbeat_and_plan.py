"""What an engine shows to the outside: a beat each second, and the orders that would leave no position."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.message import Message, Told
from engine.ports import Row
from model.leases import WatchdogWord
from model.orders import Fill, Filled, OrderType, Share, Side
from model.units import QTY_SCALE
from ports.guardian import ClosingPlan, Heartbeat, HeartbeatPort, PlanDeposit, SealedFile
from ports.guardian.heartbeat import Pulse
from state.process_id import this_process

KEY = b"the deposit key"
PULSE = Pulse("TRADING", 10, 0, 5, 0)


class Outside:
    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        return Told.OK


def filled(seq: int) -> Row:
    fill = Fill("x", "hr-1", "v", "ALPHA", Side.BUY, QTY_SCALE, 10**9, 0, "USD", 1)
    return Row(seq, 1, "orders", 0, Filled(fill, "run", (Share("one", QTY_SCALE),)))


class Deposit:
    """A deposit with positions and a clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.file = SealedFile(folder / "closing-plan", ClosingPlan, KEY)
        self.positions: dict[str, int] = {}
        self.now_ns = 1_000
        self.deposit = PlanDeposit(self.file, lambda: self.positions, 900, lambda: self.now_ns)

    @property
    def plan(self) -> ClosingPlan:
        plan = self.file.read()
        assert plan is not None
        return plan


@pytest.fixture
def bench(tmp_path: Path) -> Deposit:
    return Deposit(tmp_path)


def beat_once(port: HeartbeatPort) -> None:
    """Run a port until its first beat, then stop it as a host would."""

    async def play() -> None:
        task = asyncio.create_task(port.run(Outside()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())


@pytest.mark.parametrize("clean", [True, False])
def test_the_last_beat_says_whether_the_engine_went_down_in_order(tmp_path: Path, clean: bool) -> None:
    file = SealedFile(tmp_path / "heartbeat", Heartbeat, KEY)
    port = HeartbeatPort(file, this_process(), pulse=lambda: PULSE, clean=lambda: clean)
    port.deliver(WatchdogWord("the loop", 1), 0)
    beat_once(port)
    assert file.read() == Heartbeat(this_process(), 2, PULSE, "the loop", 1, clean)


def test_a_disk_that_takes_no_beat_does_not_end_the_engine(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "nowhere" / "heartbeat", Heartbeat, KEY)
    beat_once(HeartbeatPort(file, this_process(), pulse=lambda: PULSE, clean=lambda: True))
    assert file.read() is None


def test_a_plan_closes_exactly_what_is_held_once_a_row_has_moved_it(bench: Deposit) -> None:
    bench.positions = {"ALPHA": 3 * QTY_SCALE, "BETA": -5 * QTY_SCALE, "GAMMA": 0}
    bench.deposit.fold(filled(7))
    assert [(each.instrument, each.side, each.quantity, each.type) for each in bench.plan.orders] == [
        ("ALPHA", Side.SELL, 3 * QTY_SCALE, OrderType.MARKET),
        ("BETA", Side.BUY, 5 * QTY_SCALE, OrderType.MARKET),
    ]
    assert all(each.client_id.startswith("hr-") for each in bench.plan.orders)
    assert (bench.plan.seq, bench.plan.expires_ns) == (7, 1_900)


def test_the_same_positions_keep_their_plan_until_half_of_its_time(bench: Deposit) -> None:
    bench.positions = {"ALPHA": QTY_SCALE}
    bench.deposit.fold(filled(7))
    first = bench.plan
    bench.now_ns += 449
    bench.deposit.renew()
    assert bench.plan == first
    bench.now_ns += 1
    bench.deposit.renew()
    assert bench.plan.expires_ns == 1_000 + 450 + 900


def test_a_plan_that_could_not_be_left_is_left_with_the_next_beat(bench: Deposit) -> None:
    draft = bench.file.path.with_name("closing-plan.new")
    draft.mkdir()
    bench.positions = {"ALPHA": QTY_SCALE}
    bench.deposit.fold(filled(7))
    assert bench.file.read() is None
    draft.rmdir()
    bench.deposit.renew()
    assert len(bench.plan.orders) == 1
