"""Exactly once, through crashes of the engine and harm at the gateway: the real order manager, books and reconciler."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from model.decisions import Mode
from model.execution import Alarm, Reconciled
from model.units import cash, qty
from simulation.tws.broker import seeded
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.engine_kit import Engine
from tests.ib.kit import Stand, stand
from tests.ib.virtual import on_virtual_time
from tests.tws.gateway.bourse import at

MARKETABLE, RESTING = "100.02", "99.5"
KINDS = {"marketable": MARKETABLE, "resting": RESTING}
HARMS = [None, Harm.DROP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER, Harm.DELAY]
CRASHES = ["no crash", "after sending", "after the answer"]
FINAL = {"marketable": "FILLED", "resting": "WORKING"}


def orders_of(here: Stand, name: str) -> int:
    tickets = here.gateway.house.broker._blotter.tickets.values()
    return sum(each.order.order_ref == name for each in tickets)


def equal(here: Stand, engine: Engine) -> None:
    """The book is the broker's, to the share and to the cent."""
    told = here.control.dump()
    held = {each.contract.symbol: each.quantity for each in told.positions}
    assert engine.position() == qty(str(held.get("ABC", 0.0)))
    assert engine.cash() == cash(told.value("CashBalance"))


@pytest.mark.parametrize(("kind", "harm", "crash"), list(itertools.product(KINDS, HARMS, CRASHES)))
@on_virtual_time
async def test_one_decision_is_one_order_at_the_broker(
    lake: Lake, tmp_path: Path, kind: str, harm: Harm | None, crash: str
) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Engine(here)
        await engine.trading()
        if harm is not None:
            seconds = 0.15 if harm is Harm.DELAY else 0.0
            here.control.inject("PlaceOrder", harm, seconds=seconds)
        name = engine.place(KINDS[kind])
        await engine.until(lambda: engine.state(name), "the plan")
        if crash != "no crash":
            left = ("SENT", "UNKNOWN") if crash == "after sending" else ("WORKING", "FILLED", "UNKNOWN", "LOST")
            await engine.until(lambda: engine.state(name) in (*left, FINAL[kind]), "the moment to crash")
            engine = Engine(here, await engine.crash())
            await engine.trading()
        await engine.until(lambda: engine.state(name) == FINAL[kind], FINAL[kind])
        await engine.compared()
        assert orders_of(here, name) == 1
        equal(here, engine)
        await engine.crash()


@pytest.mark.parametrize("seed", range(6))
@on_virtual_time
async def test_a_day_of_orders_ends_with_the_brokers_book(lake: Lake, tmp_path: Path, seed: int) -> None:
    async with stand(lake, tmp_path, stories=seeded(seed)) as here:
        engine = Engine(here)
        await engine.trading()
        names = [engine.place(MARKETABLE, str(10 * (i + 1)), attempt=i) for i in range(8)]
        resting = engine.place(RESTING, attempt=99)
        await engine.until(lambda: all(engine.state(each) == "FILLED" for each in names), "the fills")
        await engine.until(lambda: engine.state(resting) == "WORKING", "the resting order")
        engine.cancel(resting)
        await engine.until(lambda: engine.state(resting) == "CANCELLED", "the cancel")
        await engine.compared()
        equal(here, engine)
        assert [orders_of(here, each) for each in (*names, resting)] == [1] * 9, f"seed {seed}"
        await engine.crash()


@on_virtual_time
async def test_a_fill_inside_a_lost_link_ends_with_the_brokers_book(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Engine(here)
        await engine.trading()
        name = engine.place(RESTING)
        await engine.until(lambda: engine.state(name) == "WORKING", "the ack")
        here.control.lose_link()
        here.price(99.4, 99.5)
        here.control.restore_link(data_lost=True)
        await engine.until(lambda: engine.state(name) == "FILLED", "the fill")
        await engine.compared()
        equal(here, engine)
        await engine.crash()


@on_virtual_time
async def test_a_corrected_execution_ends_with_the_brokers_book(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Engine(here)
        await engine.trading()
        name = engine.place(MARKETABLE)
        await engine.until(lambda: engine.state(name) == "FILLED", "the fill")
        (done,) = here.control.dump().executions
        here.control.correct(done.execution.exec_id, 100, 100.01)
        await engine.until(lambda: engine.cash() > cash("1000000") - cash("10002.5"), "the correction")
        await engine.compared()
        equal(here, engine)
        await engine.crash()


@on_virtual_time
async def test_an_order_lost_before_midnight_is_not_sent_again_after_it(lake: Lake, tmp_path: Path) -> None:
    midnight_ns = at("2019-06-13T04:00")
    async with stand(lake, tmp_path, now_ns=midnight_ns - 2 * 10**9) as here:
        engine = Engine(here)
        await engine.trading()
        here.control.inject("PlaceOrder", Harm.DROP)
        name = engine.place(RESTING)
        await engine.until(lambda: engine.state(name) == "SENT", "the sending")
        rows = await engine.crash()
        await here.until(lambda: here.now_ns() > midnight_ns, "midnight")
        engine = Engine(here, rows)
        await engine.until(lambda: any(row.complete for row in engine.rows(Reconciled)[-1:]), "a comparison")
        await engine.until(lambda: engine.rows(Alarm), "the alarm")
        assert engine.state(name) == "UNKNOWN"
        assert orders_of(here, name) == 0
        assert engine.mode is not Mode.TRADING
        await engine.crash()
