"""Orders whose day ended while nobody heard: after the gateway's midnight it tells nothing of them any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from actors.order_book import CARETAKER
from actors.reconciler import ReconcilePolicy
from model.decisions import InstrumentLocked, Mode
from model.execution import AdjustBooks
from model.order_events import OrderMoved
from model.units import NS_PER_SECOND, px, qty
from state.lake import Lake
from tests.ib.engine_kit import Engine
from tests.ib.kit import Stand, stand
from tests.ib.test_in_the_engine import RESTING, orders_of
from tests.ib.virtual import on_virtual_time
from tests.tws.gateway.bourse import at

MINUTE = 60 * NS_PER_SECOND
AFTERNOON, CLOSE, MIDNIGHT = at("2019-06-12T19:00"), at("2019-06-12T20:00"), at("2019-06-13T04:00")
PACE = 1_000.0
"""Seconds of the market in a second of the loop: from the afternoon to the next day in half a minute."""

POLICY = ReconcilePolicy(
    every_ns=15 * MINUTE, settle_ns=MINUTE, overlap_ns=0, retry_ns=15 * MINUTE, answer_within_ns=15 * MINUTE
)  # fmt: skip


@asynccontextmanager
async def evening(lake: Lake, folder: Path) -> AsyncIterator[tuple[Stand, Engine, str]]:
    """An engine with an order that works in the afternoon, and a gateway that has gone away."""
    async with stand(lake, folder, now_ns=AFTERNOON, pace=PACE) as here:
        engine = Engine(here, policy=POLICY, waits_s=120.0)
        await engine.trading()
        name = engine.place(RESTING)
        await engine.until(lambda: engine.state(name) == "WORKING", "the order")
        here.control.go_down()
        assert here.now_ns() < CLOSE
        yield here, engine, name


async def next_day(here: Stand) -> None:
    """Let the night pass, and the gateway come back."""
    await asyncio.sleep((MIDNIGHT + MINUTE - here.now_ns()) / NS_PER_SECOND / PACE)
    assert here.now_ns() > MIDNIGHT
    await here.gateway.come_up()


def steps(engine: Engine, name: str) -> list[str]:
    return [str(row.event) for row in engine.rows(OrderMoved) if row.client_id == name]


@on_virtual_time
async def test_an_order_whose_end_was_said_while_the_gateway_was_away_is_over_on_the_next_day(
    lake: Lake, tmp_path: Path
) -> None:
    async with evening(lake, tmp_path) as (here, engine, name):
        await next_day(here)
        await engine.until(lambda: engine.state(name) == "EXPIRED", "its end")
        assert steps(engine, name)[-2:] == ["NO_LONGER_SHOWN", "DAY_OVER"]
        last = [row for row in engine.rows(OrderMoved) if row.client_id == name][-1]
        assert "not open in two looks in a row, and its positions are equal" in last.evidence
        assert orders_of(here, name) == 1
        assert (engine.mode, engine.rows(InstrumentLocked)) == (Mode.TRADING, [])
        await engine.compared()
        await engine.crash()


@on_virtual_time
async def test_an_engine_that_starts_on_the_next_day_takes_yesterdays_order_for_over_and_trades(
    lake: Lake, tmp_path: Path
) -> None:
    async with evening(lake, tmp_path) as (here, engine, name):
        rows = await engine.crash()
        await next_day(here)
        engine = Engine(here, rows, policy=POLICY, waits_s=120.0)
        await engine.until(lambda: engine.state(name) == "EXPIRED", "its end")
        await engine.trading()
        assert orders_of(here, name) == 1
        assert engine.rows(InstrumentLocked) == []
        await engine.crash()


@on_virtual_time
async def test_what_it_filled_unheard_locks_and_waits_for_a_person_who_repairs_the_books(
    lake: Lake, tmp_path: Path
) -> None:
    async with evening(lake, tmp_path) as (here, engine, name):
        here.price(99.4, 99.5)
        await next_day(here)
        await engine.until(lambda: "BREAK_ORDER_IN_DOUBT" in engine.alarms(), "the doubt")
        assert "BREAK_POSITION" in engine.alarms()
        assert [row.instrument for row in engine.rows(InstrumentLocked)] == ["ABC"]
        assert (engine.state(name), engine.position(), orders_of(here, name)) == ("UNKNOWN", 0, 1)
        engine.host.tell(
            "portfolio",
            AdjustBooks("a1", "filled in the evening", "me", instrument="ABC", quantity=qty("100"), price=px(RESTING),
                        sleeve=CARETAKER),
        )  # fmt: skip
        await engine.until(lambda: engine.state(name) == "EXPIRED", "its end")
        assert orders_of(here, name) == 1
        assert engine.position() == qty("100")
        await engine.crash()
