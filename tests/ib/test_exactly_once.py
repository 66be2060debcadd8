"""The exactly-once matrix over the real socket: what is done, which message is harmed, and when the engine dies.

Every case that the seed of a run chooses is played; `EXACTLY_ONCE=all` plays all of them.
"""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from model.orders import Reprice
from model.units import cash, px, qty
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.engine_kit import Engine
from tests.ib.kit import Stand, stand

DEEDS = ("marketable", "resting", "cancel", "modify", "fill in parts", "combo", "combo that rests")
JUN, SEP, ROLL = "SP500@201906", "SP500@201909", "SP500@201906-201909"
HARMED: dict[str, tuple[Harm, ...]] = {
    "PlaceOrder": (Harm.DROP, Harm.DELAY, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
    "CancelOrder": (Harm.DROP, Harm.DELAY, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
    "OpenOrder": (Harm.DROP, Harm.DELAY, Harm.DUPLICATE, Harm.SWAP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
    "OrderStatus": (Harm.DROP, Harm.DELAY, Harm.DUPLICATE, Harm.SWAP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
    "ExecDetails": (Harm.DROP, Harm.DELAY, Harm.DUPLICATE, Harm.SWAP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
    "CommissionReport": (Harm.DROP, Harm.DELAY, Harm.DUPLICATE, Harm.SWAP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER),
}
CRASHES = ("never", "at once", "when it left", "when it was answered")
SAID = {
    "resting": ("PlaceOrder", "OpenOrder", "OrderStatus"),
    "marketable": ("PlaceOrder", "OpenOrder", "OrderStatus", "ExecDetails", "CommissionReport"),
    "cancel": ("PlaceOrder", "CancelOrder", "OpenOrder", "OrderStatus"),
    "modify": ("PlaceOrder", "OpenOrder", "OrderStatus"),
    "fill in parts": ("PlaceOrder", "OpenOrder", "OrderStatus", "ExecDetails", "CommissionReport"),
    "combo": ("PlaceOrder", "OpenOrder", "OrderStatus", "ExecDetails", "CommissionReport"),
    "combo that rests": ("PlaceOrder", "OpenOrder", "OrderStatus", "ExecDetails", "CommissionReport"),
}
"""Which messages a deed has; harm to others does nothing."""

ALL = [
    (deed, message, harm, crash)
    for deed, crash in itertools.product(DEEDS, CRASHES)
    for message in SAID[deed]
    for harm in HARMED[message]
]
FEW = 40
CHOSEN = ALL if os.environ.get("EXACTLY_ONCE") == "all" else random.Random(20190612).sample(ALL, FEW)


def at_broker(here: Stand, name: str) -> int:
    tickets = here.gateway.house.broker._blotter.tickets.values()
    return sum(each.order.order_ref == name for each in tickets)


async def crashed(here: Stand, engine: Engine, name: str, crash: str) -> Engine:
    """The engine that goes on, after a death at the moment that the case says."""
    if crash == "never":
        return engine
    await engine.until(lambda: engine.state(name), "the plan")
    if crash == "when it left":
        await engine.until(lambda: engine.state(name) != "DURABLE", "the sending")
    elif crash == "when it was answered":
        await engine.until(lambda: engine.state(name) in ("WORKING", "FILLED"), "the answer")
    again = Engine(here, await engine.crash())
    await again.trading()
    return again


async def resting(here: Stand, engine: Engine, name: str) -> None:
    await engine.until(lambda: engine.state(name) == "WORKING", "WORKING")


async def filled(here: Stand, engine: Engine, name: str) -> None:
    await engine.until(lambda: engine.state(name) == "FILLED", "FILLED")


async def cancelled(here: Stand, engine: Engine, name: str) -> None:
    await resting(here, engine, name)
    engine.cancel(name)
    await engine.until(lambda: engine.state(name) == "CANCELLED", "CANCELLED")


async def modified(here: Stand, engine: Engine, name: str) -> None:
    await resting(here, engine, name)

    def asked() -> bool:
        """A change that is lost with its link is settled by the next comparison, and asked for again."""
        order = engine.kernel.actor("orders").book.orders[name]
        shown = [each.order.limit for each in here.control.dump().orders]
        if not order.pending and engine.port.link.ready and shown == [99.5]:
            engine.host.tell("orders", Reprice(name, px("99.75"), "the test"))
        return bool(shown) and shown[0] is not None and shown[0] >= 99.75

    await engine.until(asked, "the new limit")


async def in_parts(here: Stand, engine: Engine, name: str) -> None:
    await resting(here, engine, name)
    here.price(99.4, 99.5, ask_size=40.0)
    here.price(99.3, 99.45, ask_size=1_000.0)
    await filled(here, engine, name)


async def after_its_legs_moved(here: Stand, engine: Engine, name: str) -> None:
    """Two of the three find a market, then the last one."""
    await resting(here, engine, name)
    here.price(2890.5, 2890.75, JUN, bid_size=2.0)
    here.price(2890.5, 2890.75, JUN, bid_size=50.0)
    await filled(here, engine, name)


ENDS = {
    "marketable": filled, "resting": resting, "cancel": cancelled, "modify": modified, "fill in parts": in_parts,
    "combo": filled, "combo that rests": after_its_legs_moved,
}  # fmt: skip
LIMITS = {"marketable": "100.02", "combo": "5.25", "combo that rests": "4.75"}


def named(case: object) -> str:
    return str(getattr(case, "value", case)).replace(" ", "_")


@pytest.mark.parametrize(("deed", "message", "harm", "crash"), CHOSEN, ids=named)
async def test_one_decision_is_one_order_whatever_is_harmed(
    lake: Lake, tmp_path: Path, deed: str, message: str, harm: Harm, crash: str
) -> None:
    async with stand(lake, tmp_path) as here:
        here.price(2890.0, 2890.25, JUN)
        here.price(2895.0, 2895.25, SEP)
        engine = Engine(here)
        await engine.trading()
        here.control.inject(message, harm, seconds=0.15 if harm is Harm.DELAY else 0.0)
        instrument, quantity = (ROLL, "3") if "combo" in deed else ("ABC", "100")
        name = engine.place(LIMITS.get(deed, "99.5"), quantity, instrument=instrument)
        engine = await crashed(here, engine, name, crash)
        await ENDS[deed](here, engine, name)
        await engine.compared()
        assert at_broker(here, name) == 1
        told = here.control.dump()
        held = {(each.contract.symbol, each.contract.expiry[:6]): each.quantity for each in told.positions}
        names = {"ABC": ("ABC", ""), JUN: ("ES", "201906"), SEP: ("ES", "201909")}
        assert {each: engine.position(each) for each in names} == {
            each: qty(str(held.get(key, 0.0))) for each, key in names.items()
        }
        if "combo" in deed:
            assert (engine.position(JUN), engine.position(SEP)) == (-qty("3"), qty("3"))
        assert engine.cash() == cash(told.value("CashBalance")) - cash(told.value("FuturesPNL"))  # not settled yet
        await engine.crash()


def test_the_matrix_has_three_hundred_cases() -> None:
    assert len(ALL) >= 300
    assert len(set(ALL)) == len(ALL)
