"""A calendar spread at the broker: one order for two contracts, executed leg by leg, known again in every look."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from engine.message import Told
from model.margin import AskMargin, MarginTold
from model.orders import (
    Fill,
    OrderAcked,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderSpec,
    OrderType,
    Side,
    TimeInForce,
    VenueUp,
)
from model.units import NS_PER_SECOND, px, qty
from ports.ib.contracts import Pin, Pins, Query, Step, combo_pin
from ports.ib.heard import ContractSeen
from state.lake import Lake
from tests.ib.kit import CONTRACTS, Stand, stand

JUN, SEP = "SP500@201906", "SP500@201909"
ROLL = "SP500@201906-201909"


def roll(here: Stand, quantity: str = "3", limit: str = "5.50", **more: object) -> OrderSpec:
    return here.spec(quantity, limit, instrument=ROLL, **more)


def quoted(here: Stand) -> None:
    """June at 2890 to 2890.25, September at 2895 to 2895.25: the roll costs 5.25, its reverse brings 4.75."""
    here.price(2890.0, 2890.25, JUN)
    here.price(2895.0, 2895.25, SEP)


async def test_a_spread_is_one_order_and_its_executions_are_those_of_its_legs(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = roll(here)
        here.submit(spec)
        await here.heard_of(Fill, spec.client_id, times=2)
        told = {(f.instrument, f.side, f.quantity, f.price) for f in here.heard.fills(spec.client_id)}
        assert told == {(JUN, Side.SELL, qty("3"), px("2890")), (SEP, Side.BUY, qty("3"), px("2895.25"))}
        assert here.at_broker(spec) == 1
        snapshot = await here.snapshot()
        assert {each.instrument: each.quantity for each in snapshot.positions} == {JUN: -qty("3"), SEP: qty("3")}
        (ended,) = snapshot.closed
        assert (ended.client_id, ended.state, ended.filled) == (spec.client_id, "FILLED", qty("3"))


async def test_a_short_roll_is_the_spread_sold(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = structs.replace(roll(here, limit="4.75"), side=Side.SELL)
        here.submit(spec)
        await here.heard_of(Fill, spec.client_id, times=2)
        told = {(f.instrument, f.side, f.price) for f in here.heard.fills(spec.client_id)}
        assert told == {(JUN, Side.BUY, px("2890.25")), (SEP, Side.SELL, px("2895"))}


async def test_a_resting_spread_is_shown_by_its_name_changed_and_cancelled(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = roll(here, limit="-1.25")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        (shown,) = (await here.snapshot()).orders
        assert (shown.instrument, shown.side, shown.quantity, shown.filled, shown.limit) == (
            ROLL, Side.BUY, qty("3"), 0, px("-1.25"),
        )  # fmt: skip
        here.modify(spec, "0")
        changed = await here.heard_of(OrderModified, spec.client_id)
        assert changed.limit == 0
        assert [each.order.limit for each in here.control.dump().orders] == [0.0]
        here.cancel(spec)
        ended = await here.heard_of(OrderCancelled, spec.client_id)
        assert ended.filled == 0
        assert here.heard.fills(spec.client_id) == []


async def test_a_spread_of_an_earlier_life_is_known_by_its_legs(lake: Lake, tmp_path: Path) -> None:
    """The new life has never heard of June: it learns what the leg is, and the order goes on under its name."""
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = roll(here, limit="4")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        await here.kill()
        here.start(instruments=[each for name, each in CONTRACTS.items() if name != JUN])
        await here.up(2)
        (shown,) = (await here.snapshot()).orders
        assert (shown.client_id, shown.instrument, shown.limit) == (spec.client_id, ROLL, px("4"))
        here.modify(spec, "6", "change-2")
        await here.heard_of(Fill, spec.client_id, times=2)
        (ended,) = (await here.snapshot()).closed
        assert (ended.state, ended.filled) == ("FILLED", qty("3"))


async def test_a_spread_that_filled_while_nobody_listened_is_whole_in_the_next_look(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = roll(here, limit="4")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        await here.kill()
        here.price(2892.0, 2892.25, JUN)
        here.start()
        await here.up(2)
        snapshot = await here.snapshot()
        (ended,) = snapshot.closed
        assert (ended.client_id, ended.state, ended.filled) == (spec.client_id, "FILLED", qty("3"))
        assert {(f.instrument, f.quantity) for f in snapshot.fills} == {(JUN, qty("3")), (SEP, qty("3"))}


async def test_what_a_spread_would_cost_is_asked_for_both_legs(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        spec = roll(here)
        assert here.port.deliver(AskMargin("m-1", (spec,)), 0) is Told.OK
        told = await here.heard_of(MarginTold)
        assert (told.id, told.unknown) == ("m-1", "")
        assert here.at_broker(spec) == 0


@pytest.mark.parametrize("kind", [OrderType.LOC, OrderType.MOC, OrderType.LOO, OrderType.MOO])
async def test_a_spread_in_an_auction_is_refused_before_it_leaves(lake: Lake, tmp_path: Path, kind: OrderType) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = structs.replace(roll(here), type=kind)
        here.submit(spec)
        refused = await here.heard_of(OrderRejected, spec.client_id)
        assert refused.code == "NOT_SENT"
        assert "choose another execution policy" in refused.text
        assert here.at_broker(spec) == 0


async def test_a_spread_with_a_good_till_time_is_renewed_by_a_change(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        quoted(here)
        here.start()
        await here.up()
        until_ns = (here.now_ns() // NS_PER_SECOND + 600) * NS_PER_SECOND
        spec = structs.replace(roll(here, limit="4"), tif=TimeInForce.GTD, expires_ns=until_ns)
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.modify(spec, "4.25")
        assert (await here.heard_of(OrderModified, spec.client_id)).limit == px("4.25")
        assert len(here.heard.all(VenueUp)) == 1


def pin(name: str, con_id: int, exchange: str, tick: str) -> Pin:
    query = Query(con_id=con_id, symbol="SP500", sec_type="FUT", exchange=exchange, currency="USD")
    return Pin(instrument=name, query=query, steps=(Step(0, px(tick)),))


def test_a_spread_goes_where_both_legs_trade_and_by_the_smart_route_where_they_differ() -> None:
    same = combo_pin(ROLL, [pin(JUN, 1, "CME", "0.05"), pin(SEP, 2, "CME", "0.25")])
    assert (same.query.exchange, [(leg.con_id, leg.action) for leg in same.query.legs]) == (
        "CME", [(1, "SELL"), (2, "BUY")],
    )  # fmt: skip
    assert same.to_tick(px("-1.30"), Side.BUY) == px("-1.50")  # the coarser tick, never worse for us
    assert combo_pin(ROLL, [pin(JUN, 1, "CME", "1"), pin(SEP, 2, "QBALGO", "1")]).query.exchange == "SMART"


def test_a_combo_of_other_hands_is_nobody_s() -> None:
    pins = Pins()
    pins.add(pin(JUN, 1, "CME", "1"))
    pins.add(pin(SEP, 2, "CME", "1"))

    def seen(*legs: tuple[int, int]) -> ContractSeen:
        return ContractSeen(0, "SP500", "BAG", "", "", "USD", "", legs)

    found = pins.of_contract(seen((2, 1), (1, -1)))
    assert found is not None
    assert found.instrument == ROLL
    assert pins.of_contract(seen((1, -1), (2, 2))) is None
    assert pins.of_contract(seen((1, -1), (3, 1))) is None
    assert pins.of_contract(seen()) is None
