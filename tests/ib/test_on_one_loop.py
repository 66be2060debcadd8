"""The unmodified `ib_async`, the port, the engine's books and the gateway in one process on virtual time.

Every case is played under many seeds: they draw which task goes on next, and when and in which parts bytes arrive.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.reconciler import ReconcilePolicy
from model.orders import Filled, Reprice, VenueUp
from model.units import NS_PER_SECOND, px
from ports.ib.settings import Patience
from simulation.tws.broker import seeded
from simulation.tws.service.house import GatewayRules
from state.lake import Lake
from tests.ib import test_in_the_engine as engine_cases
from tests.ib import test_incidents as incidents
from tests.ib.engine_kit import Engine
from tests.ib.kit import Stand, stand
from tests.ib.test_in_the_engine import MARKETABLE, RESTING, equal, orders_of
from tests.ib.virtual import Case, play
from tests.tws.gateway.bourse import at

SEEDS = range(24)
CASES: tuple[Case, ...] = (
    engine_cases.test_a_fill_inside_a_lost_link_ends_with_the_brokers_book.__wrapped__,
    engine_cases.test_a_corrected_execution_ends_with_the_brokers_book.__wrapped__,
    engine_cases.test_an_order_lost_before_midnight_is_not_sent_again_after_it.__wrapped__,
    incidents.test_a_fill_inside_a_lost_upstream_link_is_heard_of_when_the_link_is_back,
    incidents.test_a_change_that_made_a_second_order_is_told_and_the_second_is_cancelled,
    incidents.test_rolled_back_order_ids_are_not_used_again,
    incidents.test_an_order_that_was_booked_and_never_answered_is_found_after_a_restart,
    incidents.test_an_adopted_order_can_be_changed,
    incidents.test_a_busted_execution_leaves_nothing_of_it,
    incidents.test_a_client_id_that_is_in_use_is_waited_for_and_kept,
    incidents.test_a_half_open_socket_is_noticed_and_replaced,
    incidents.test_a_gateway_that_restarts_is_found_again_and_its_orders_are_known,
    incidents.test_a_commission_that_comes_late_moves_cash_once,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.removeprefix("test_"))
def test_what_holds_holds_in_every_order(lake: Lake, tmp_path: Path, case: Case) -> None:
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        play(seed, case(lake, folder))


# -- harm in the middle of orders

Harm = Callable[[Stand, Any, random.Random], Awaitable[None]]


async def lose_the_link(here: Stand, loop: Any, chance: random.Random) -> None:
    here.control.lose_link()
    await asyncio.sleep(chance.uniform(0.0, 0.3))
    here.control.restore_link(data_lost=chance.random() < 0.5)


async def drop_everybody(here: Stand, loop: Any, chance: random.Random) -> None:
    here.control.disconnect_all()


async def restart_the_gateway(here: Stand, loop: Any, chance: random.Random) -> None:
    here.control.go_down()
    await asyncio.sleep(chance.uniform(0.0, 0.3))
    await here.gateway.come_up()


async def cut_the_wire(here: Stand, loop: Any, chance: random.Random) -> None:
    loop.wires.cut()


async def hold_the_wire(here: Stand, loop: Any, chance: random.Random) -> None:
    loop.wires.hold(chance.uniform(0.01, 0.8))


async def nothing(here: Stand, loop: Any, chance: random.Random) -> None:
    """The day is quiet."""


HARMS: tuple[Harm, ...] = (
    nothing, lose_the_link, drop_everybody, restart_the_gateway, cut_the_wire, hold_the_wire,
)  # fmt: skip


async def orders_under(here: Stand, seed: int, harm: Harm, told: list[Any]) -> None:
    """Six decisions, one of each taken back and changed, and harm at some moment of it."""
    loop, chance = asyncio.get_running_loop(), random.Random(f"harm of {seed}")
    here.gateway.logged = lambda session, what, payload: told.append((loop.time(), session.number, what, payload))
    engine = Engine(here)
    await engine.trading()

    async def harm_it() -> None:
        await asyncio.sleep(chance.uniform(0.0, 0.02))
        await harm(here, loop, chance)

    harmed = asyncio.ensure_future(harm_it())
    names = [engine.place(MARKETABLE, str(10 * (turn + 1)), attempt=turn) for turn in range(4)]
    taken_back, changed = engine.place(RESTING, attempt=98), engine.place(RESTING, attempt=99)
    resting = (taken_back, changed)
    await engine.until(lambda: all(engine.state(each) == "WORKING" for each in resting), "the resting orders")
    engine.cancel(taken_back)
    engine.host.tell("orders", Reprice(changed, px(MARKETABLE), "the test wants it done"))
    await harmed
    await engine.until(lambda: engine.state(taken_back) == "CANCELLED", "the cancel")
    if engine.state(changed) == "WORKING":
        here.price(99.4, 99.5)  # a change may be denied while the broker is away: the market comes to it instead
    await engine.until(lambda: all(engine.state(each) == "FILLED" for each in (*names, changed)), "the fills")
    await engine.compared()
    equal(here, engine)
    assert [orders_of(here, each) for each in (*names, *resting)] == [1] * 6, f"seed {seed}"
    told.extend((row.seq, row.at_ns, repr(row.event)) for row in engine.journal.rows)
    await engine.crash()


def day(lake: Lake, folder: Path, seed: int, harm: Harm) -> str:
    """A fingerprint of everything that was told: every frame with its time, and every row of the journal."""
    told: list[Any] = []
    folder.mkdir()

    async def case() -> None:
        async with stand(lake, folder, stories=seeded(seed)) as here:
            await orders_under(here, seed, harm, told)

    play(seed, case())
    return hashlib.sha256(repr(told).encode()).hexdigest()


@pytest.mark.parametrize("harm", HARMS)
def test_the_book_is_the_brokers_and_a_decision_one_order_under_every_seed(
    lake: Lake, tmp_path: Path, harm: Harm
) -> None:
    told = {day(lake, tmp_path / str(seed), seed, harm) for seed in SEEDS}
    assert len(told) == len(SEEDS)


@pytest.mark.parametrize("harm", HARMS)
def test_the_same_seed_tells_the_same(lake: Lake, tmp_path: Path, harm: Harm) -> None:
    assert day(lake, tmp_path / "one", 7, harm) == day(lake, tmp_path / "other", 7, harm)


# -- long times

HOUR_S = 3_600.0
USUAL = ReconcilePolicy(overlap_ns=48 * 3_600 * NS_PER_SECOND)


def test_a_session_of_orders_takes_no_time(lake: Lake, tmp_path: Path) -> None:
    """The patience of real life; an order every ten minutes from the opening of New York to its close."""

    async def case() -> None:
        loop = asyncio.get_running_loop()
        async with stand(lake, tmp_path, now_ns=at("2019-06-12T13:31")) as here:
            engine = Engine(here, policy=USUAL, waits_s=120.0, patience=Patience())
            await engine.trading()
            names = []
            for turn in range(36):
                here.price(100.0, 100.02)
                names.append(engine.place(MARKETABLE, "10", attempt=turn))
                if turn % 12 == 5:
                    here.control.lose_link()
                    await asyncio.sleep(90.0)
                    here.control.restore_link(data_lost=False)
                await asyncio.sleep(600.0)
            assert {engine.state(each) for each in names} == {"FILLED"}
            await engine.compared()
            equal(here, engine)
            assert [orders_of(here, each) for each in names] == [1] * 36
            assert loop.time() > 6 * HOUR_S
            await engine.crash()

    began = time.monotonic()
    play(0, case())
    assert time.monotonic() - began < 6 * HOUR_S / 60


SIXTY_TIMES = msgspec.structs.replace(USUAL, settle_ns=60 * USUAL.settle_ns, retry_ns=60 * USUAL.retry_ns)
"""What is waited for of a wire takes as long in the world."""


def test_a_session_is_rehearsed_in_minutes_in_the_markets_own_time(lake: Lake, tmp_path: Path) -> None:
    """New York is open for six hours and a half: at sixty times that is six minutes and a half of anybody's time."""
    opens_ns, closes_ns = at("2019-06-12T13:30"), at("2019-06-12T20:00")

    async def case() -> None:
        loop = asyncio.get_running_loop()
        async with stand(lake, tmp_path, now_ns=opens_ns, pace=60.0) as here:
            engine = Engine(here, policy=SIXTY_TIMES, waits_s=60.0, patience=Patience())
            await engine.trading()
            names = []
            for turn in range(6):
                here.price(100.0, 100.02)
                names.append(engine.place(MARKETABLE, "10", attempt=turn))
                await asyncio.sleep(50.0)
            resting = engine.place("90.0", attempt=99)
            await asyncio.sleep(390.5 - loop.time())
            assert {engine.state(each) for each in names} == {"FILLED"}
            await engine.until(lambda: engine.state(resting) == "CANCELLED", "the end of the day")
            fills_s = [row.fill.at_ns / NS_PER_SECOND for row in engine.rows(Filled)]
            gaps_s = [later - earlier for earlier, later in pairwise(fills_s)]
            assert gaps_s == pytest.approx([3_000.0] * 5, abs=10.0)
            assert here.now_ns() > closes_ns
            await engine.compared()
            equal(here, engine)
            assert [orders_of(here, each) for each in (*names, resting)] == [1] * 7
            await engine.crash()

    play(0, case())


def test_a_week_beside_an_idle_port(lake: Lake, tmp_path: Path) -> None:
    """The link stands from Monday to Friday, and the gateway was asked for its time every quarter of a minute."""
    asked: list[str] = []

    async def case() -> None:
        rules = GatewayRules(account_s=180.0)
        async with stand(lake, tmp_path, now_ns=at("2019-06-10T13:31"), rules=rules) as here:
            here.gateway.on_passed = lambda message, client_id: asked.append(message)
            here.start(patience=Patience(commission_s=60.0))  # looked for four times in this, and there are none
            await here.up()
            await asyncio.sleep(5 * 24 * HOUR_S)
            assert len(here.heard.all(VenueUp)) == 1

    play(0, case())
    assert 0.99 * 5 * 24 * 240 < asked.count("ReqCurrentTime") <= 5 * 24 * 240
