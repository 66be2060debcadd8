"""Everything that a plan or a hand can make go wrong, as an unmodified client meets it."""

from __future__ import annotations

import asyncio

import pytest
from ib_async import IB, Contract, LimitOrder, MarketOrder

from simulation.tws.broker import BrokerRules, Story, always
from simulation.tws.control import ControlError
from simulation.tws.faults import REPLIES, REQUESTS, Fault, FaultPlan, Harm
from state.lake import Lake
from tests.tws.gateway.kit import ABC, PATIENCE_S, Desk, desk


async def abc_at(here: Desk, ib: IB, bid: float = 100.00, ask: float = 100.02) -> Contract:
    abc = await here.contract(ib, ABC)
    here.price(abc, bid, ask, last=bid)
    return abc


async def ended(ib: IB) -> None:
    """A client's connection has ended."""
    if ib.isConnected():
        gone = asyncio.Event()
        ib.disconnectedEvent += gone.set
        await asyncio.wait_for(gone.wait(), PATIENCE_S)


def plan(message: str, harm: Harm, nth: int = 1, **how: object) -> FaultPlan:
    return FaultPlan([Fault(message=message, harm=harm, nth=nth, **how)])  # type: ignore[arg-type]


# -- on the wire


async def test_an_order_that_is_dropped_was_never_there(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.DROP)) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.silence(ib)
        assert trade.orderStatus.permId == 0
        assert here.control.dump().completed == []


async def test_an_order_may_be_booked_and_its_client_cut_off_before_it_hears(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.CLOSE_AFTER)) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1, orderRef="r1"))
        await ended(ib)
        assert trade.orderStatus.permId == 0
        again = await here.connect()
        assert [fill.execution.orderRef for fill in again.fills()] == ["r1"]


async def test_a_client_may_be_cut_off_before_its_order_is_booked(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.CLOSE_BEFORE)) as here:
        ib = await here.connect()
        ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await ended(ib)
        assert (await here.connect()).fills() == []


async def test_an_order_may_be_booked_long_after_its_client_is_gone(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.DELAY, seconds=30.0)) as here:
        ib = await here.connect()
        ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.silence(ib)
        ib.disconnect()
        again = await here.connect()
        assert again.fills() == []
        here.clock.move(30.0)
        assert len(await again.reqExecutionsAsync()) == 1


async def test_an_order_that_arrives_twice_is_an_order_and_a_change_of_it(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.DUPLICATE)) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 1, 99.0))
        await here.status(trade, "Submitted")
        assert len(here.control.dump().orders) == 1


async def test_requests_may_arrive_in_another_order(lake: Lake) -> None:
    async with desk(lake, plan=plan("PlaceOrder", Harm.SWAP)) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        first, second = (ib.placeOrder(abc, LimitOrder("BUY", 1, price)) for price in (98.0, 99.0))
        await here.error(103)  # the higher id came first
        assert second.orderStatus.permId
        assert first.orderStatus.permId == 0


async def test_a_status_that_is_dropped_is_not_told_again(lake: Lake) -> None:
    async with desk(lake, plan=plan("OrderStatus", Harm.DROP, nth=2)) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 1, 99.0))
        await here.silence(ib)
        assert trade.orderStatus.status == "PreSubmitted"


async def test_an_execution_may_be_told_twice(lake: Lake) -> None:
    async with desk(lake, plan=plan("ExecDetails", Harm.DUPLICATE)) as here:
        ib = await here.connect()
        told: list[str] = []
        inner = ib.wrapper.execDetails

        def hear(req_id: int, contract: Contract, execution: object) -> None:
            told.append(execution.execId)  # type: ignore[attr-defined]
            inner(req_id, contract, execution)

        ib.wrapper.execDetails = hear
        await here.status(ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1)), "Filled")
        assert len(told) == 2
        assert told[0] == told[1]


async def test_an_execution_may_come_after_its_status(lake: Lake) -> None:
    async with desk(lake, plan=plan("ExecDetails", Harm.DELAY, seconds=5.0)) as here:
        ib = await here.connect()
        trade = await here.status(ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1)), "Filled")
        await here.silence(ib)
        assert trade.fills == []
        here.clock.move(5.0)
        await here.until(lambda: trade.fills)


async def test_answers_may_come_in_another_order(lake: Lake) -> None:
    async with desk(lake, plan=plan("ManagedAccounts", Harm.SWAP)) as here:
        ib = await here.connect(raiseSyncErrors=True)  # 9 before 15
        assert ib.isConnected()


async def test_a_connection_may_end_with_an_answer(lake: Lake) -> None:
    async with desk(lake, plan=plan("ExecDetails", Harm.CLOSE_AFTER)) as here:
        ib = await here.connect()
        executed: list[object] = []
        ib.execDetailsEvent += lambda trade, fill: executed.append(fill)
        ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await ended(ib)
        assert len(executed) == 1


async def test_a_connection_may_end_before_an_answer(lake: Lake) -> None:
    async with desk(lake, plan=plan("ExecDetails", Harm.CLOSE_BEFORE)) as here:
        ib = await here.connect()
        executed: list[object] = []
        ib.execDetailsEvent += lambda trade, fill: executed.append(fill)
        ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await ended(ib)
        assert executed == []
        assert len((await here.connect()).fills()) == 1


async def test_a_half_open_connection_neither_hears_nor_speaks(lake: Lake) -> None:
    async with desk(lake) as here:
        ib, other = await here.connect(1), await here.connect(2)
        abc = await abc_at(here, other)
        here.control.fall_silent(1)
        ib.placeOrder(abc, MarketOrder("BUY", 1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.2)
        assert ib.isConnected()
        await here.silence(other)
        assert here.control.dump().completed == []
        here.control.disconnect(1)
        await ended(ib)


async def test_a_query_may_never_be_answered(lake: Lake) -> None:
    async with desk(lake, plan=plan("ReqExecutions", Harm.DROP)) as here:
        ib = here.client()
        with pytest.raises(ConnectionError):
            await ib.connectAsync("127.0.0.1", here.gateway.port, clientId=1, timeout=0.3, raiseSyncErrors=True)


@pytest.mark.parametrize("query", ["ReqExecutions", "ReqPositions", "ReqOpenOrders", "ReqCompletedOrders"])
async def test_a_query_may_be_answered_as_if_there_were_nothing(lake: Lake, query: str) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        await here.status(ib.placeOrder(abc, MarketOrder("BUY", 1)), "Filled")
        await here.status(ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0)), "Submitted")
        ib.disconnect()
        here.control.inject(query, Harm.EMPTY)
        again = await here.connect(raiseSyncErrors=True)
        told = {
            "ReqExecutions": again.fills(),
            "ReqPositions": again.positions(),
            "ReqOpenOrders": again.openTrades(),
            "ReqCompletedOrders": [trade for trade in again.trades() if trade.isDone()],
        }
        assert told[query] == []
        assert [name for name, rows in told.items() if not rows] == [query]


async def test_a_change_may_be_refused_with_201_while_the_order_lives(lake: Lake) -> None:
    async with desk(lake, broker=BrokerRules(refuse_changes=frozenset({1}))) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0))
        await here.status(trade, "Submitted")
        trade.order.lmtPrice = 98.0
        ib.placeOrder(abc, trade.order)
        await here.error(201)
        (said,) = here.control.dump().orders
        assert (said.order.limit, said.state.status) == (99.0, "Submitted")


async def test_a_cancel_may_be_refused_with_10148_and_the_order_fill(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0))
        await here.status(trade, "Submitted")
        here.control.inject("CancelOrder", Harm.REFUSE, code=10148, text="OrderId can not be cancelled")
        ib.cancelOrder(trade.order)
        await here.error(10148)
        here.price(abc, 98.9, 99.0)
        await here.status(trade, "Filled")


async def test_a_notice_says_an_error_of_an_order_that_lives(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        here.control.inject("PlaceOrder", Harm.NOTICE, code=10349, text="TIF was set to DAY by an order preset")
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 1, 99.0))
        await here.error(10349)
        assert trade.order.orderId in {each.order.order_id for each in here.control.dump().orders}


async def test_a_change_may_leave_two_orders_under_one_id(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0))
        await here.status(trade, "Submitted")
        here.control.inject("PlaceOrder", Harm.SECOND_ORDER)
        trade.order.lmtPrice = 98.0
        ib.placeOrder(abc, trade.order)
        await here.silence(ib)
        said = here.control.dump().orders
        assert [(each.order.order_id, each.order.limit) for each in said] == [
            (trade.order.orderId, 99.0),
            (trade.order.orderId, 98.0),
        ]
        assert len({each.order.perm_id for each in said}) == 2


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_the_nth_message_is_counted_of_its_own_client(lake: Lake, nth: int) -> None:
    async with desk(lake, plan=plan("ReqCurrentTime", Harm.DROP, nth=nth, client=2)) as here:
        one, two = await here.connect(1), await here.connect(2)
        for _ in range(3):
            await one.reqCurrentTimeAsync()
        for number in range(1, 4):
            if number == nth:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(two.reqCurrentTimeAsync(), 0.2)
            else:
                await asyncio.wait_for(two.reqCurrentTimeAsync(), PATIENCE_S)


# -- fills and their stories


@pytest.mark.parametrize("story", list(Story))
async def test_a_fill_is_told_in_every_order_that_gateways_have_been_seen_to_use(lake: Lake, story: Story) -> None:
    async with desk(lake, stories=always(story)) as here:
        ib = await here.connect()
        commissions: list[object] = []
        ib.client.conn.hasData += lambda data: commissions.append(data) if b"59\x001\x00" in data else None
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.until(lambda: trade.fills)
        await here.silence(ib)
        assert [fill.execution.shares for fill in trade.fills] == [1.0]
        filled = trade.orderStatus.status == "Filled"
        assert filled == (story is not Story.NO_FILLED_STATUS)
        assert bool(commissions) == (story is not Story.LATE_COMMISSION)


async def test_a_commission_may_be_late(lake: Lake) -> None:
    async with desk(lake, stories=always(Story.LATE_COMMISSION)) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        await here.silence(ib)
        assert trade.fills[0].commissionReport.commission == 0.0
        here.clock.move_market(here.clock.market_ns() + 2 * 10**9)
        await here.until(lambda: trade.fills[0].commissionReport.commission == 1.0)


async def test_a_correction_is_told_as_another_execution_of_the_same_stem(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 10))
        await here.status(trade, "Filled")
        first = trade.fills[0].execution
        here.control.correct(first.execId, 9.0, 100.05)
        await here.until(lambda: len(trade.fills) == 2)
        second = trade.fills[1].execution
        assert second.execId.rpartition(".")[0] == first.execId.rpartition(".")[0]
        assert (first.execId[-2:], second.execId[-2:]) == ("01", "02")
        assert (second.shares, second.price) == (9.0, 100.05)
        await here.until(lambda: [one.position for one in ib.positions()] == [9.0])


async def test_a_bust_takes_the_position_away(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 10))
        await here.status(trade, "Filled")
        await here.until(ib.positions)
        here.control.bust(trade.fills[0].execution.execId)
        await here.until(lambda: ib.positions() == [])


# -- the link


async def test_fills_inside_an_outage_are_not_told_and_can_be_asked_for(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0))
        await here.status(trade, "Submitted")
        here.control.lose_link()
        await here.error(1100)
        here.price(abc, 98.9, 99.0)
        here.control.restore_link(data_lost=False)
        await here.error(1102)
        await here.silence(ib)
        assert trade.fills == []
        assert len(await ib.reqExecutionsAsync()) == 1


async def test_queries_inside_an_outage_are_not_answered(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        here.control.lose_link(code=2110)
        await here.error(2110)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqExecutionsAsync(), 0.2)
        await here.silence(ib)  # the gateway itself is there


async def test_orders_inside_an_outage_wait_in_the_gateway(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        here.control.lose_link(seconds=10.0)
        trade = ib.placeOrder(abc, MarketOrder("BUY", 1))
        await here.silence(ib)
        assert trade.orderStatus.permId == 0
        here.clock.move(10.0)
        await here.status(trade, "Filled")


async def test_orders_that_wait_outlive_their_client(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        here.control.lose_link()
        ib.placeOrder(abc, MarketOrder("BUY", 1))
        await here.silence(ib)
        here.control.disconnect(1)
        await ended(ib)
        here.control.restore_link()
        assert len((await here.connect()).fills()) == 1


async def test_after_1101_prices_must_be_asked_for_again(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        ticker = await here.quoted(ib.reqMktData(abc))
        here.control.lose_link(seconds=1.0, data_lost=True)
        here.clock.move(1.0)
        await here.error(1101)
        here.price(abc, 90.0, 90.02)
        await here.silence(ib)
        assert ticker.bid == 100.0
        ib.client.reqMktData(500, abc, "", True, False, [])
        ib.client.reqMktData(501, abc, "", False, False, [])
        await here.silence(ib)


async def test_after_1102_prices_go_on_with_what_is_newest(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        ticker = await here.quoted(ib.reqMktData(abc))
        here.control.lose_link()
        here.price(abc, 90.0, 90.02)
        await here.silence(ib)
        assert ticker.bid == 100.0
        here.control.restore_link()
        await here.until(lambda: ticker.bid == 90.0)


async def test_a_broken_farm_stops_prices_until_it_is_mended(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        ticker = await here.quoted(ib.reqMktData(abc))
        here.control.break_farm("usfarm")
        await here.error(2103)
        here.price(abc, 90.0, 90.02)
        await here.silence(ib)
        assert ticker.bid == 100.0
        here.control.mend_farm("usfarm")
        await here.until(lambda: ticker.bid == 90.0)


@pytest.mark.parametrize(("farm", "broken", "mended"), [("ushmds", 2105, 2106), ("secdefil", 2157, 2158)])
async def test_a_broken_farm_answers_nothing(lake: Lake, farm: str, broken: int, mended: int) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        here.control.break_farm(farm, seconds=5.0)
        await here.error(broken)
        ask = ib.reqHeadTimeStampAsync(abc, "TRADES", True, 2) if farm == "ushmds" else ib.reqContractDetailsAsync(ABC)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask, 0.2)
        here.clock.move(5.0)
        await here.silence(ib)
        assert here.heard[1].codes.count(mended) == 2  # once in the greeting


async def test_a_competing_session_takes_the_prices_with_10197(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        ticker = await here.quoted(ib.reqMktData(abc))
        here.control.compete(seconds=9.0)
        assert (await here.error(10197))[0] >= 0
        here.price(abc, 90.0, 90.02)
        await here.silence(ib)
        assert ticker.bid == 100.0
        here.clock.move(9.0)
        await here.until(lambda: ticker.bid == 90.0)


# -- restarts and ids


async def test_a_restart_refuses_connections_and_keeps_orders(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        await here.status(ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 1, 99.0)), "Submitted")
        here.control.restart(seconds=60.0)
        await ended(ib)
        with pytest.raises(ConnectionRefusedError):
            await here.client().connectAsync("127.0.0.1", here.gateway.port, clientId=1, timeout=0.5)
        here.clock.move(60.0)
        await here.control.arrived()
        again = await here.connect()
        assert len(again.openTrades()) == 1


async def test_after_a_roll_back_an_old_id_names_a_new_order(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        old = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0, orderRef="old"))
        await here.status(old, "Submitted")
        here.control.roll_back_ids(1, old.order.orderId)
        new = LimitOrder("BUY", 2, 98.0, orderRef="new", orderId=old.order.orderId)
        ib.client.placeOrder(new.orderId, abc, new)
        await here.silence(ib)
        said = here.control.dump().orders
        assert [(each.order.order_id, each.order.order_ref) for each in said] == [
            (new.orderId, "old"),
            (new.orderId, "new"),
        ]


async def test_a_restart_may_roll_ids_back(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        before = here.gateway.house.broker.next_order_id(1)
        here.control.restart(seconds=1.0, roll_back=4)
        assert here.gateway.house.broker.next_order_id(1) == max(1, before - 4)


async def test_an_id_can_be_kept_in_use(lake: Lake) -> None:
    async with desk(lake) as here:
        here.control.linger(5, 10.0)
        ib = here.client()
        codes: list[int] = []
        ib.errorEvent += lambda req_id, code, text, contract: codes.append(code)
        with pytest.raises((ConnectionError, TimeoutError)):
            await ib.connectAsync("127.0.0.1", here.gateway.port, clientId=5, timeout=0.5)
        assert 326 in codes
        here.clock.move(10.0)
        await here.connect(5)


async def test_a_code_can_be_said_at_any_time(lake: Lake) -> None:
    async with desk(lake) as here:
        await here.connect()
        here.control.say(1300, "Port changed")
        assert (await here.error(1300))[2] == "Port changed"


# -- the plan itself


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"message": "PlacOrder", "harm": Harm.DROP}, "there is no message"),
        ({"message": "PlaceOrder", "harm": Harm.DROP, "nth": 0}, "counted from 1"),
        ({"message": "OrderStatus", "harm": Harm.EMPTY}, "is about requests"),
        ({"message": "PlaceOrder", "harm": Harm.EMPTY}, "no empty answer"),
        ({"message": "CancelOrder", "harm": Harm.SECOND_ORDER}, "only PlaceOrder"),
        ({"message": "PlaceOrder", "harm": Harm.DELAY}, "a delay needs some"),
        ({"message": "PlaceOrder", "harm": Harm.REFUSE}, "need one"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(how: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Fault(**how)  # type: ignore[arg-type]


def test_two_faults_of_one_message_are_refused() -> None:
    fault = Fault(message="PlaceOrder", harm=Harm.DROP)
    with pytest.raises(ValueError, match="two faults"):
        FaultPlan([fault, fault])


def test_every_message_of_the_protocol_can_be_named() -> None:
    assert set(REQUESTS) & set(REPLIES) == set()
    assert {"PlaceOrder", "CancelOrder", "ReqExecutions"} <= set(REQUESTS)
    assert {"OrderStatus", "ExecDetails", "NextValidId"} <= set(REPLIES)


async def test_after_relenting_nothing_is_harmed(lake: Lake) -> None:
    async with desk(lake, plan=plan("ReqCurrentTime", Harm.DROP)) as here:
        ib = await here.connect()
        here.control.relent()
        await here.silence(ib)
        assert here.gateway.plan.happened == []


async def test_what_cannot_be_done_is_said_in_a_sentence(lake: Lake) -> None:
    async with desk(lake) as here:
        for name, arguments, says in (
            ("fly", {}, "'fly' cannot be done"),
            ("disconnect", {}, "needs client"),
            ("disconnect", {"client": 4}, "client 4 is not connected"),
            ("disconnect", {"client": 4, "port": 2}, "knows no port"),
            ("set_price", {"contract": "NOPE", "bid": 1.0, "ask": 2.0}, "No security definition"),
            ("correct", {"exec_id": "x", "shares": 1.0, "price": 1.0}, "there is no execution"),
            ("break_farm", {"farm": "pig"}, "there is no farm"),
            ("lose_link", {"code": 7}, "1100 or 2110"),
            ("inject", {"message": "PlaceOrder", "harm": "bite"}, "Invalid enum value"),
            ("transfer", {"account": "X", "contract": "ABC", "quantity": 1.0, "price": 1.0}, "there is no 'X'"),
        ):
            with pytest.raises(ControlError, match=says):
                here.control.do(name, arguments)
