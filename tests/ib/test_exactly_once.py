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

DEEDS = ("marketable", "resting", "cancel", "modify", "fill in parts")
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


ENDS = {
    "marketable": filled, "resting": resting, "cancel": cancelled, "modify": modified, "fill in parts": in_parts,
}  # fmt: skip


def named(case: object) -> str:
    return str(getattr(case, "value", case)).replace(" ", "_")


@pytest.mark.parametrize(("deed", "message", "harm", "crash"), CHOSEN, ids=named)
async def test_one_decision_is_one_order_whatever_is_harmed(
    lake: Lake, tmp_path: Path, deed: str, message: str, harm: Harm, crash: str
) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Engine(here)
        await engine.trading()
        here.control.inject(message, harm, seconds=0.15 if harm is Harm.DELAY else 0.0)
        name = engine.place("100.02" if deed == "marketable" else "99.5")
        engine = await crashed(here, engine, name, crash)
        await ENDS[deed](here, engine, name)
        await engine.compared()
        assert at_broker(here, name) == 1
        told = here.control.dump()
        held = {each.contract.symbol: each.quantity for each in told.positions}
        assert engine.position() == qty(str(held.get("ABC", 0.0)))
        assert engine.cash() == cash(told.value("CashBalance"))
        await engine.crash()


def test_the_matrix_has_three_hundred_cases() -> None:
    assert len(ALL) >= 300
    assert len(set(ALL)) == len(ALL)
