"""Requests of the engine, what the broker makes of them, and what the engine is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.message import Told
from model.orders import (
    CancelRejected,
    Fill,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderSent,
    OrderType,
    Side,
    TimeInForce,
    VenueUp,
)
from model.units import NS_PER_SECOND, cash, px, qty
from simulation.tws.broker import BrokerRules, Story, always
from state.lake import Lake
from tests.ib.kit import ACCOUNT, stand
from tests.ib.virtual import on_virtual_time

LIVE = 0
"""Tests are on a day whose commissions are at least 1 USD an order: see tests/tws/gateway/bourse.py."""


@on_virtual_time
async def test_the_link_is_told_to_stand_with_the_account_once_everything_is_proved(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        spec = here.spec()
        assert here.submit(spec) is Told.FULL
        await here.up()
        assert here.at_broker(spec) == 0  # nothing of it waited for the link
        (up,) = here.heard.all(VenueUp)
        assert (up.account, up.paper, up.cancel_timer, up.margin) == (ACCOUNT, True, False, True)
        assert [to for to, message in here.heard.told if message == up] == ["risk", "orders", "reconciler", "system"]


@on_virtual_time
async def test_an_order_is_sent_acknowledged_and_filled_with_its_commission(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        assert here.submit(spec) is Told.OK
        fill = await here.heard_of(Fill, spec.client_id)
        assert (fill.side, fill.quantity, fill.price) == (Side.BUY, qty("100"), px("100.02"))
        assert (fill.fee, fill.fee_currency) == (cash("1"), "USD")
        assert here.heard.all(OrderSent, spec.client_id)
        assert here.at_broker(spec) == 1


@on_virtual_time
async def test_a_resting_order_is_cancelled_when_the_broker_says_so_and_not_before(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.cancel(spec)
        assert not here.heard.all(OrderCancelled, spec.client_id)
        done = await here.heard_of(OrderCancelled, spec.client_id)
        assert done.filled == 0
        snapshot = await here.snapshot()
        assert snapshot.orders == ()
        assert [(each.client_id, each.state) for each in snapshot.closed] == [(spec.client_id, "CANCELLED")]


@on_virtual_time
async def test_a_change_is_told_when_the_broker_works_the_new_limit(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.modify(spec, "99.75")
        changed = await here.heard_of(OrderModified, spec.client_id)
        assert (changed.change_id, changed.limit) == ("change-1", px("99.75"))
        snapshot = await here.snapshot()
        assert [(each.client_id, each.limit) for each in snapshot.orders] == [(spec.client_id, px("99.75"))]
        assert here.at_broker(spec) == 1


@on_virtual_time
async def test_a_refused_change_leaves_its_order_working(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, broker=BrokerRules(refuse_changes=frozenset({1}))) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.modify(spec, "99.75")
        refused = await here.heard_of(ModifyRejected, spec.client_id)
        assert (refused.change_id, refused.code) == ("change-1", "IB_201")
        assert not here.heard.all(OrderCancelled, spec.client_id)
        here.price(99.45, 99.5)
        fill = await here.heard_of(Fill, spec.client_id)
        assert fill.price == px("99.5")
        assert fill.quantity == spec.quantity


@on_virtual_time
async def test_a_cancel_that_loses_the_race_keeps_the_fill(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.cancel(spec)
        here.price(99.4, 99.5)
        fill = await here.heard_of(Fill, spec.client_id)
        assert fill.quantity == spec.quantity
        await here.snapshot()
        assert not here.heard.all(OrderCancelled, spec.client_id)


@on_virtual_time
async def test_a_refused_new_order_is_rejected_with_the_brokers_words(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, accounts={ACCOUNT: {"USD": "1000"}}) as here:
        here.start()
        await here.up()
        spec = here.spec("10000")
        here.submit(spec)
        refused = await here.heard_of(OrderRejected, spec.client_id)
        assert refused.code == "IB_201"
        assert refused.text


@pytest.mark.parametrize("story", list(Story), ids=lambda story: story.name.lower())
@on_virtual_time
async def test_however_the_gateway_tells_a_fill_it_is_counted_once_with_its_commission(
    lake: Lake, tmp_path: Path, story: Story
) -> None:
    rules = BrokerRules(commission_delay_ns=NS_PER_SECOND // 20)
    async with stand(lake, tmp_path, stories=always(story), broker=rules) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        await here.heard_of(Fill, spec.client_id)
        snapshot = await here.snapshot()
        (fill,) = here.heard.fills(spec.client_id)
        assert (fill.quantity, fill.fee) == (qty("100"), cash("1"))
        assert [each.fee for each in snapshot.fills] == [cash("1")]


@on_virtual_time
async def test_an_order_for_what_is_not_pinned_is_refused_here_and_nothing_leaves(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("1", instrument="SP500@203009")
        assert here.submit(spec) is Told.OK
        refused = await here.heard_of(OrderRejected, spec.client_id)
        assert refused.code == "NOT_SENT"
        assert not here.heard.all(OrderSent, spec.client_id)
        assert here.at_broker(spec) == 0


@on_virtual_time
async def test_pence_are_pounds_inside_in_both_directions(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, accounts={ACCOUNT: {"USD": "1000000", "GBP": "100000"}}) as here:
        here.price(750.0, 751.0, "IUKD")
        here.start()
        await here.up()
        spec = here.spec("10", "7.51", "IUKD")
        here.submit(spec)
        fill = await here.heard_of(Fill, spec.client_id)
        assert fill.price == px("7.51")
        snapshot = await here.snapshot()
        pounds = {each.currency: each.amount for each in snapshot.cash}["GBP"]
        assert pounds == cash("100000") - cash("75.10") - cash("3")


@on_virtual_time
async def test_a_good_till_order_that_lapses_is_told_as_expired(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5", tif=TimeInForce.GTD, expires_ns=here.now_ns() + 2 * NS_PER_SECOND)
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        assert (await here.heard_of(OrderExpired, spec.client_id)).filled == 0


@on_virtual_time
async def test_a_change_and_a_cancel_of_what_nobody_knows_are_refused(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        stranger = here.spec(limit="99.5")
        here.cancel(stranger)
        here.modify(stranger, "99")
        assert (await here.heard_of(CancelRejected, stranger.client_id)).code == "UNKNOWN_ORDER"
        assert (await here.heard_of(ModifyRejected, stranger.client_id)).code == "UNKNOWN_ORDER"


@on_virtual_time
async def test_an_immediate_order_with_no_market_ends_without_a_fill(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99", tif=TimeInForce.IOC)
        here.submit(spec)
        here.price(100.0, 100.03)
        assert (await here.heard_of(OrderCancelled, spec.client_id)).filled == 0


@on_virtual_time
async def test_an_order_on_the_close_is_taken_as_one(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100", type=OrderType.MOC)
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        (shown,) = here.control.dump().orders
        assert (shown.order.order_type, shown.order.tif) == ("MOC", "DAY")


@on_virtual_time
async def test_nothing_leaves_once_the_lease_is_lost(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.token = None
        spec = here.spec()
        assert here.submit(spec) is Told.FULL
        assert here.at_broker(spec) == 0
