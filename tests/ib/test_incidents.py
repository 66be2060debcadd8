"""What has cost users of other engines money at this broker, played against the port over a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.message import Told
from model.orders import (
    Fill,
    OrderAcked,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderSent,
    VenueDown,
    VenueUp,
)
from model.units import NS_PER_SECOND, cash, px, qty
from ports.ib.pacer import Lane
from simulation.tws.broker import BrokerRules
from simulation.tws.faults import Harm
from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import Contract, Order
from state.lake import Lake
from tests.ib.kit import QUICK, Stand, replace, stand


def fills_of(stand: Stand, client_id: str) -> list[tuple[int, int]]:
    return [(each.quantity, each.price) for each in stand.heard.fills(client_id)]


async def test_a_fill_inside_a_lost_upstream_link_is_heard_of_when_the_link_is_back(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.lose_link()
        await here.down()
        here.price(99.4, 99.5)
        assert not here.heard.fills(spec.client_id)
        here.control.restore_link()
        await here.up(2)
        fill = await here.heard_of(Fill, spec.client_id)
        assert fill.price == px("99.5")
        snapshot = await here.snapshot()
        assert [(each.exec_id, each.quantity) for each in snapshot.fills] == [(fill.exec_id, qty("100"))]
        assert [(each.instrument, each.quantity) for each in snapshot.positions] == [("ABC", qty("100"))]


@pytest.mark.parametrize("code", [1100, 2110])
async def test_nothing_is_placed_or_changed_while_the_link_is_degraded(lake: Lake, tmp_path: Path, code: int) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec, other = here.spec(limit="99.5"), here.spec(limit="99")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.lose_link(code=code)
        await here.down()
        assert here.submit(other) is Told.FULL
        assert here.modify(spec, "99.75") is Told.FULL
        assert here.cancel(spec) is Told.FULL
        here.control.restore_link()
        await here.up(2)
        snapshot = await here.snapshot()
        assert [(each.client_id, each.limit) for each in snapshot.orders] == [(spec.client_id, px("99.5"))]
        assert (here.at_broker(spec), here.at_broker(other)) == (1, 0)


async def test_a_change_that_made_a_second_order_is_told_and_the_second_is_cancelled(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        first = await here.heard_of(OrderAcked, spec.client_id)
        here.control.inject("PlaceOrder", Harm.SECOND_ORDER)
        here.modify(spec, "99.75")
        second = await here.heard_of(OrderAcked, spec.client_id, 2)
        assert second.venue_id != first.venue_id
        await here.until(lambda: len(here.control.dump().orders) == 1, "the cancel of the second order")
        (left,) = here.control.dump().orders
        assert str(left.order.perm_id) == first.venue_id


async def test_a_fenced_engine_does_not_even_cancel_a_second_order_of_its_own(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.inject("PlaceOrder", Harm.SECOND_ORDER)
        here.modify(spec, "99.75")
        here.token = None
        await here.heard_of(OrderAcked, spec.client_id, 2)
        here.token = 0
        await here.snapshot()  # what left before it would have been answered by now
        assert len(here.control.dump().orders) == 2


async def test_rolled_back_order_ids_are_not_used_again(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        first = here.spec(limit="99.5")
        here.submit(first)
        await here.heard_of(OrderAcked, first.client_id)
        here.control.roll_back_ids(17, 1)
        here.control.disconnect_all()
        await here.down()
        await here.up(2)
        second = here.spec(limit="99.4")
        here.submit(second)
        await here.heard_of(OrderAcked, second.client_id)
        here.price(99.4, 99.5)
        await here.heard_of(Fill, first.client_id)
        assert not here.heard.fills(second.client_id)
        ids = [each.order.order_id for each in here.control.dump().orders]
        assert len(set(ids)) == len(ids) == 1
        assert (here.at_broker(first), here.at_broker(second)) == (1, 1)


async def test_another_life_never_reuses_an_order_id_though_the_gateway_offers_it(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        first = here.spec(limit="99.5")
        here.submit(first)
        await here.heard_of(OrderAcked, first.client_id)
        await here.kill()
        here.control.roll_back_ids(17, 1)
        here.start()
        await here.up(2)
        second = here.spec(limit="99.4")
        here.submit(second)
        await here.heard_of(OrderAcked, second.client_id)
        ids = {each.order.order_ref: each.order.order_id for each in here.control.dump().orders}
        assert ids[second.client_id] > ids[first.client_id]


async def test_an_order_that_was_booked_and_never_answered_is_found_after_a_restart(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", Harm.CLOSE_AFTER)
        here.submit(spec)
        await here.down()
        assert not here.heard.all(OrderAcked, spec.client_id)
        await here.kill()
        here.start()
        await here.up(2)
        snapshot = await here.snapshot()
        (shown,) = snapshot.orders
        assert (shown.client_id, shown.instrument, shown.limit) == (spec.client_id, "ABC", px("99.5"))
        here.cancel(spec)
        assert (await here.heard_of(OrderCancelled, spec.client_id)).filled == 0
        assert here.at_broker(spec) == 1


async def test_an_adopted_order_can_be_changed(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        await here.kill()
        here.start()
        await here.up(2)
        await here.snapshot()
        here.modify(spec, "99.75")
        assert (await here.heard_of(OrderModified, spec.client_id)).limit == px("99.75")
        assert here.at_broker(spec) == 1


async def test_a_corrected_execution_replaces_the_first_one(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        first = await here.heard_of(Fill, spec.client_id)
        here.control.correct(first.exec_id, 100, 100.5)
        second = await here.heard_of(Fill, spec.client_id, 2)
        assert (second.corrects, second.price) == (first.exec_id, px("100.5"))
        snapshot = await here.snapshot()
        assert {each.client_id: each.filled for each in snapshot.closed} == {spec.client_id: qty("100")}


async def test_a_busted_execution_leaves_nothing_of_it(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        first = await here.heard_of(Fill, spec.client_id)
        here.control.bust(first.exec_id)
        second = await here.heard_of(Fill, spec.client_id, 2)
        assert (second.corrects, second.quantity) == (first.exec_id, 0)


async def test_a_client_id_that_is_in_use_is_waited_for_and_kept(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.linger(17, 0.3)
        here.start()
        await here.down()
        assert "client id 17 is in use" in here.heard.all(VenueDown)[0].reason
        await here.up()
        assert list(here.gateway.clients) == [17]


async def test_an_execution_of_an_order_that_nobody_knows_is_told(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, broker=BrokerRules(master=17)) as here:
        here.start()
        await here.up()
        contract = Contract(symbol="ABC", sec_type="STK", exchange="SMART", currency="USD")
        order = Order(action="SELL", quantity=40, order_type="MKT", tif="DAY")
        perm_id = here.control.enter_by_hand(PlaceOrder(order_id=0, contract=contract, order=order))
        fill = await here.heard_of(Fill, f"perm-{perm_id}")
        assert (fill.instrument, fill.quantity, fill.price) == ("ABC", qty("40"), px("100"))


async def test_a_half_open_socket_is_noticed_and_replaced(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(patience=replace(QUICK, heartbeat_s=0.05, silence_s=0.1))
        await here.up()
        here.control.fall_silent(17)
        down = await here.heard_of(VenueDown)
        assert "does not answer" in down.reason
        here.control.disconnect(17)  # the gateway reaps its dead session
        await here.up(2)


async def test_a_gateway_that_restarts_is_found_again_and_its_orders_are_known(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.restart(0.2)
        await here.down()
        await here.up(2)
        here.cancel(spec)
        await here.heard_of(OrderCancelled, spec.client_id)
        assert [type(each) for each in here.heard.all(VenueUp)] == [VenueUp, VenueUp]


async def test_what_waits_in_our_own_pacer_when_the_link_falls_was_surely_not_sent(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(messages_per_s=40)
        await here.up()
        specs = [here.spec(limit="90") for _ in range(60)]
        for spec in specs:
            here.submit(spec)
        here.control.disconnect_all()
        await here.down()
        sent = {each.client_id for each in here.heard.all(OrderSent)}
        refused = {each.client_id for each in here.heard.all(OrderRejected) if each.code == "NOT_SENT"}
        assert sent.isdisjoint(refused)
        assert sent | refused == {each.client_id for each in specs}
        assert refused
        assert all(here.at_broker(spec) == 0 for spec in specs if spec.client_id in refused)


async def test_a_commission_that_comes_late_moves_cash_once(lake: Lake, tmp_path: Path) -> None:
    from model.orders import CashMoved
    from simulation.tws.broker import Story, always

    rules = BrokerRules(commission_delay_ns=NS_PER_SECOND // 2)
    async with stand(lake, tmp_path, stories=always(Story.LATE_COMMISSION), broker=rules) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        fill = await here.heard_of(Fill, spec.client_id)
        assert fill.fee == 0
        moved = await here.heard_of(CashMoved)
        assert (moved.kind, moved.currency, moved.amount) == ("commission", "USD", cash("-1"))
        snapshot = await here.snapshot()
        assert [(each.id, each.amount) for each in snapshot.moves] == [(moved.id, moved.amount)]
        assert [each.fee for each in snapshot.fills] == [0]


async def test_a_thousand_waiting_questions_hold_up_neither_a_cancel_nor_its_proof_nor_the_heartbeat(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(messages_per_s=50, patience=replace(QUICK, heartbeat_s=0.05, silence_s=2.0))
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        session = here.port.session
        assert session is not None
        for _ in range(1_000):
            session.send(Lane.QUERY, session.client.reqManagedAccts, lambda reason: None)
        here.cancel(spec)
        await here.heard_of(OrderCancelled, spec.client_id)
        assert session.pacer.waiting > 900
        assert not here.heard.all(VenueDown)


async def test_a_port_that_moved_is_left_and_found_again(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.control.say(1300, "Socket port has been reset")
        await here.down()
        assert here.heard.all(VenueDown)[-1].reason.startswith("1300")
        await here.up(2)


async def test_too_many_messages_by_the_gateways_word_slow_the_session_down(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(messages_per_s=500)
        await here.up()
        session = here.port.session
        assert session is not None
        here.control.say(100, "Max rate of messages per second has been exceeded")
        await here.until(lambda: session.pacer.limit == 250, "the slower pace")
