"""A guardian at a broker: what a dead engine left ends, nothing else is touched, and a position is closed once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from model.orders import Filled, OrderAcked, OrderSent, Side, SubmitOrder
from model.units import NS_PER_SECOND, qty
from ports.ib.port import IBPort
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.guardian.gateway_kit import ENGINES_CLIENT, GUARDIANS_CLIENT, Watch, named, resting, watch
from tests.ib.engine_kit import Engine
from tests.ib.kit import ACCOUNT, CONTRACTS, QUICK, Listener, replace
from tests.tws.gateway.bourse import SATURDAY, at

MONEY = {"USD": "1000000"}
ELSEWHERE = "DU2000002"
BOTH = {ACCOUNT: MONEY, ELSEWHERE: MONEY}


@pytest.fixture
def other_state(tmp_path: Path) -> Path:
    return tmp_path / "other"


async def another_engine(scene: Watch, state: Path, limit: str) -> tuple[str, asyncio.Task[None]]:
    """An engine of another account at the same gateway, with one order; it stays alive."""
    here, heard = scene.here, Listener()
    settings = here.settings(account=ELSEWHERE, client_id=18, state_dir=str(state))
    port = IBPort(settings, instruments=CONTRACTS.values(), now_ns=here.now_ns)
    task = asyncio.ensure_future(port.run(heard))
    await here.until(lambda: port.link.ready, "the other engine's link")
    spec = here.spec(limit=limit)
    port.deliver(SubmitOrder(spec), 0)
    await here.until(lambda: heard.all(OrderAcked), "the other engine's order")
    return spec.client_id, task


# -- what is ended


async def test_orders_of_the_engines_client_are_cancelled_by_the_guardians_and_nobody_elses(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        left = await resting(here, "99.5", "99", "98")
        scene.by_hand("by hand")
        scene.by_hand("")
        await here.kill()
        here.control.linger(ENGINES_CLIENT, 60.0)  # its session is not reaped yet
        assert await scene.acts()
        assert scene.log.codes == ["LAPSED", "FENCED", "ENDED", "CANCELLED", "DONE"]
        assert sorted(scene.log.said("CANCELLED").removeprefix("3 orders: ").split(", ")) == sorted(left)
        assert scene.open_at_broker() == ["", "by hand"]


async def test_an_engine_that_is_frozen_with_its_session_open_is_cleared_up_all_the_same(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        left = await resting(here, "99.5")
        assert await scene.acts()
        assert scene.log.said("CANCELLED") == named(left)
        assert scene.open_at_broker() == []


async def test_an_order_of_another_account_under_the_same_number_is_not_hit(
    lake: Lake, tmp_path: Path, other_state: Path
) -> None:
    async with watch(lake, tmp_path, accounts=BOTH) as scene:
        here = scene.here
        here.start()
        await here.up()
        left = await resting(here, "99.5")
        foreign, engine = await another_engine(scene, other_state, "99.25")
        numbers = [each.order.order_id for each in here.control.dump().orders]
        assert len(numbers) == 2
        assert len(set(numbers)) == 1
        assert not await scene.acts()  # only the client that placed it could say which of the two is meant
        assert f"{left[0]} (another order has its number" in scene.log.said("TRY_AGAIN")
        assert f"its client id {ENGINES_CLIENT} is still in use" in scene.log.said("TRY_AGAIN")
        assert scene.open_at_broker() == sorted([*left, foreign])
        await here.kill()
        assert await scene.acts()
        assert scene.open_at_broker() == [foreign]
        engine.cancel()


async def test_an_order_that_was_on_its_way_when_the_engine_died_is_found_and_cancelled(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", Harm.DELAY, seconds=0.1)
        here.submit(spec)
        await here.heard_of(OrderSent, spec.client_id)
        await here.kill()
        scene.comes(patience=replace(QUICK, look_gap_s=0.3))
        assert await scene.acts()
        assert scene.log.said("CANCELLED") == named([spec.client_id])
        assert scene.open_at_broker() == []


async def test_a_cancel_that_was_lost_is_asked_for_again(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        left = await resting(here, "99.5")
        await here.kill()
        here.control.inject("CancelOrder", Harm.DROP)
        assert await scene.acts()
        assert scene.log.said("CANCELLED") == named(left)
        assert scene.open_at_broker() == []


async def test_what_does_not_end_is_named_and_nothing_is_closed_meanwhile(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        scene.plan(ABC="100")
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        scene.by_hand("hr-typed")
        assert not await scene.acts()
        assert "hr-typed (it has no number under which a program could cancel it)" in scene.log.said("TRY_AGAIN")
        assert scene.holds() == {"ABC": 100.0}


async def test_what_the_gateway_has_against_a_cancel_is_said(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        left = await resting(here, "99.5")
        await here.kill()
        for _ in range(12):
            here.control.inject("CancelOrder", Harm.REFUSE, code=321, text="the API is read-only")
        assert not await scene.acts()
        assert f"{left[0]} (321: the API is read-only)" in scene.log.said("TRY_AGAIN")


# -- gateways that are not there


async def test_a_gateway_that_is_away_is_tried_until_it_is_back(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        await resting(here, "99.5")
        await here.kill()
        here.control.go_down()
        assert not await scene.acts()
        assert "nobody listens" in scene.log.said("TRY_AGAIN")
        assert scene.lease.look().fenced
        here.control.come_up()
        await here.control.arrived()
        assert await scene.acts()
        assert scene.open_at_broker() == []


async def test_while_the_upstream_link_is_lost_nothing_is_believed(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.start()
        await here.up()
        await resting(here, "99.5")
        await here.kill()
        here.control.lose_link()
        scene.comes(patience=replace(QUICK, connect_s=0.3))
        assert not await scene.acts()
        assert "lost its link to the broker" in scene.log.said("TRY_AGAIN")
        here.control.restore_link()
        assert await scene.acts()
        assert scene.open_at_broker() == []


async def test_a_guardians_session_that_is_not_reaped_yet_is_no_hindrance_to_the_next(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        for number in range(4):
            scene.here.control.linger(GUARDIANS_CLIENT + number, 60.0)
        assert not await scene.acts()
        assert "client id" in scene.log.said("TRY_AGAIN")
        scene.here.control.linger(GUARDIANS_CLIENT + 3, 0.0)
        assert await scene.acts()


@pytest.mark.parametrize("message", ["ReqAllOpenOrders", "CancelOrder", "ReqPositions", "PlaceOrder"])
@pytest.mark.parametrize("harm", [Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER, Harm.HALF_OPEN])
async def test_a_gateway_that_closes_half_way_is_gone_through_again_and_closes_once(
    lake: Lake, tmp_path: Path, message: str, harm: Harm
) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        here.start()
        await here.up()
        await resting(here, "99.5")
        await here.kill()
        (order,) = scene.plan(ABC="100").orders
        here.control.inject(message, harm, client=GUARDIANS_CLIENT)
        assert not await scene.acts()
        assert await scene.acts()
        assert scene.open_at_broker() == []
        assert scene.holds() == {}
        assert scene.sent(order.client_id) == 1


# -- closing


async def test_each_position_is_closed_by_one_order_word_for_word(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        here.control.transfer(ACCOUNT, "SP500@201909", -2.0, 2890.0)
        plan = scene.plan(**{"ABC": "100", "SP500@201909": "-2"})
        assert await scene.acts()
        assert scene.log.codes == ["LAPSED", "FENCED", "ENDED", "CANCELLED", "SENT", "SENT", "DONE"]
        assert scene.holds() == {}
        assert [scene.sent(order.client_id) for order in plan.orders] == [1, 1]
        told = here.control.dump().executions
        done = [(each.contract.symbol, each.execution.side, each.execution.shares) for each in told]
        assert sorted(done) == [("ABC", "SLD", 100.0), ("ES", "BOT", 2.0)]


async def test_without_leave_positions_stay(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        scene.here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        scene.plan(ABC="100")
        assert await scene.acts()
        assert scene.holds() == {"ABC": 100.0}


@pytest.mark.parametrize("question", range(1, 4))
async def test_a_guardian_killed_before_any_request_leaves_closes_once(
    lake: Lake, tmp_path: Path, question: int
) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        for name in ("ABC", "XYZ"):
            here.control.transfer(ACCOUNT, name, 100.0, 50.0)
        here.price(50.0, 50.02, "XYZ")
        here.start()
        await here.up()
        await resting(here, "99.5")
        await here.kill()
        plan = scene.plan(ABC="100", XYZ="100")
        scene.killed_asking = question  # of the cancel, and of each closing order
        await scene.killed()
        assert await scene.acts()
        assert scene.holds() == {}
        assert [scene.sent(order.client_id) for order in plan.orders] == [1, 1]


@pytest.mark.parametrize("deed", ["CANCELLED", "SENT", "DONE"])
async def test_a_guardian_killed_before_it_could_write_down_what_it_did_closes_once(
    lake: Lake, tmp_path: Path, deed: str
) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        scene.here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        scene.log.killed_at = deed
        await scene.killed()
        assert await scene.acts()
        assert scene.holds() == {}
        assert scene.sent(order.client_id) == 1


async def test_a_closing_order_that_waits_for_the_market_is_neither_cancelled_nor_doubled(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path, flatten=True, now_ns=SATURDAY) as scene:
        scene.here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        scene.log.killed_at = "SENT"
        await scene.killed()
        assert scene.open_at_broker() == [order.client_id]
        assert await scene.acts()
        assert scene.open_at_broker() == [order.client_id]
        assert scene.log.said("SENT").endswith("before, and it works")
        assert scene.sent(order.client_id) == 1


async def test_a_closing_order_of_an_older_plan_ends_before_the_new_plan_is_followed(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path, flatten=True, now_ns=SATURDAY) as scene:
        scene.here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (older,) = scene.plan(ABC="100").orders
        scene.log.killed_at = "SENT"
        await scene.killed()
        (newer,) = scene.plan(ABC="60").orders
        assert await scene.acts()
        assert scene.log.last("CANCELLED") == named([older.client_id])
        assert scene.open_at_broker() == [newer.client_id]


async def test_a_closing_order_that_was_lost_on_its_way_is_sent_again_after_three_looks(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        here.control.inject("PlaceOrder", Harm.DROP, client=GUARDIANS_CLIENT)
        assert not await scene.acts()
        assert f"nothing is known of {order.client_id}" in scene.log.said("TRY_AGAIN")
        looks: list[str] = []
        here.gateway.on_passed = lambda message, client: looks.append(message) if client == GUARDIANS_CLIENT else None
        assert await scene.acts()
        assert looks[: looks.index("PlaceOrder")].count("ReqAllOpenOrders") >= 3
        assert scene.holds() == {}
        assert scene.sent(order.client_id) == 1


async def test_a_closing_order_that_is_still_on_its_way_when_the_next_guardian_comes_is_not_doubled(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        here.control.inject("PlaceOrder", Harm.DELAY, seconds=0.5, client=GUARDIANS_CLIENT)
        with pytest.raises(ConnectionError, match="nothing is known"):
            await scene.with_session(lambda session: session.submit(order), patience=replace(QUICK, look_gap_s=0.005))
        patient = replace(QUICK, look_gap_s=0.4)
        assert await scene.with_session(lambda session: session.submit(order), patience=patient) == ""
        assert scene.sent(order.client_id) == 1


async def test_a_closing_order_is_looked_for_three_times_even_when_nothing_was_done_before(
    lake: Lake, tmp_path: Path
) -> None:
    async with watch(lake, tmp_path) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        passed: list[str] = []
        here.gateway.on_passed = lambda message, client: passed.append(message)
        assert await scene.with_session(lambda session: session.submit(order)) == ""
        looked = passed[: passed.index("PlaceOrder")]
        for part in ("ReqAllOpenOrders", "ReqCompletedOrders", "ReqPositions", "ReqExecutions"):
            assert looked.count(part) >= 3


async def test_a_closing_order_that_may_have_left_before_midnight_is_left_to_a_person(
    lake: Lake, tmp_path: Path
) -> None:
    midnight_ns = at("2019-06-13T04:00")
    async with watch(lake, tmp_path, flatten=True, now_ns=midnight_ns - 2 * NS_PER_SECOND) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        (order,) = scene.plan(ABC="100").orders
        here.control.inject("PlaceOrder", Harm.CLOSE_BEFORE, client=GUARDIANS_CLIENT)
        assert not await scene.acts()
        await here.until(lambda: here.now_ns() > midnight_ns, "midnight")
        assert await scene.acts()
        assert "before the gateway's midnight" in scene.log.said("NOT_SENT")
        assert scene.sent(order.client_id) == 0


async def test_a_closing_order_that_the_broker_refuses_is_told_and_not_tried_again(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        scene.plan(ABC="100")
        here.control.inject("PlaceOrder", Harm.REFUSE, client=GUARDIANS_CLIENT, code=201, text="not today")
        assert await scene.acts()
        assert scene.log.said("NOT_SENT").endswith("201: not today")
        assert scene.holds() == {"ABC": 100.0}


# -- who may


async def test_a_guardian_whose_token_does_not_stand_touches_nothing(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        here.control.transfer(ACCOUNT, "ABC", 100.0, 100.0)
        here.start()
        await here.up()
        left = await resting(here, "99.5")
        await here.kill()
        scene.plan(ABC="100")
        scene.stands = False
        assert not await scene.acts()
        assert "another has the account by now" in scene.log.said("TRY_AGAIN")
        assert scene.open_at_broker() == left
        assert scene.holds() == {"ABC": 100.0}


async def test_an_account_that_the_gateway_does_not_have_is_no_reason_to_give_up(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path) as scene:
        scene.comes(account="DU7654321")
        assert not await scene.acts()
        assert "the gateway has DU1000001, and not DU7654321" in scene.log.said("TRY_AGAIN")
        scene.comes()
        assert await scene.acts()


async def test_the_next_engine_takes_what_the_guardian_closed_into_its_books(lake: Lake, tmp_path: Path) -> None:
    async with watch(lake, tmp_path, flatten=True) as scene:
        here = scene.here
        engine = Engine(here)
        await engine.trading()
        name = engine.place("100.02", "100")
        await engine.until(lambda: engine.state(name) == "FILLED", "the position")
        await engine.compared()
        rows = await engine.crash()
        (order,) = scene.plan(ABC="100").orders
        assert await scene.acts()
        engine = Engine(here, rows)
        await engine.until(lambda: engine.position() == 0, "the closing fill in the books")
        closed = [each.fill for each in engine.rows(Filled) if each.fill.client_id == order.client_id]
        assert [(each.side, each.quantity) for each in closed] == [(Side.SELL, qty("100"))]
        assert (await engine.compared()).complete
        await engine.crash()
