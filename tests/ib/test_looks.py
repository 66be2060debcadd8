"""What a snapshot claims: complete or not at all, and absence only where it is proved."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from model.orders import (
    Fill,
    OrderAcked,
    OrderRejected,
    OrderSent,
)
from model.units import NS_PER_SECOND, qty
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.kit import QUICK, Stand, stand
from tests.ib.virtual import on_virtual_time
from tests.tws.gateway.bourse import at


def fills_of(stand: Stand, client_id: str) -> list[tuple[int, int]]:
    return [(each.quantity, each.price) for each in stand.heard.fills(client_id)]


@pytest.mark.parametrize("harm", [Harm.DROP, Harm.CLOSE_BEFORE])
@on_virtual_time
async def test_an_order_that_never_arrived_is_proved_absent_by_three_looks_after_it_left(
    lake: Lake, tmp_path: Path, harm: Harm
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        await here.snapshot()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", harm)
        here.submit(spec)
        sent_ns = (await here.heard_of(OrderSent, spec.client_id)).at_ns
        if harm is Harm.CLOSE_BEFORE:
            await here.down()
            await here.up(2)
        passed: Counter[str] = Counter()
        here.gateway.on_passed = lambda message, client: passed.update([message])
        snapshot = await here.snapshot()
        assert (snapshot.complete, snapshot.ids_enforced) == (True, True)
        assert snapshot.at_ns >= sent_ns + 2 * int(QUICK.look_gap_s * NS_PER_SECOND)
        assert passed["ReqAllOpenOrders"] + (harm is Harm.CLOSE_BEFORE) >= 3
        assert here.at_broker(spec) == 0


@on_virtual_time
async def test_an_order_that_was_only_late_comes_to_nothing_after_its_resend_under_a_higher_id(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", Harm.DELAY, seconds=0.5)
        here.submit(spec)
        assert (await here.snapshot()).ids_enforced
        here.submit(spec, resend=True)
        await here.heard_of(OrderAcked, spec.client_id)
        passed: Counter[str] = Counter()
        here.gateway.on_passed = lambda message, client: passed.update([message])
        await here.until(lambda: passed["PlaceOrder"], "the late order")
        assert [each.client_id for each in (await here.snapshot()).orders] == [spec.client_id]
        assert here.at_broker(spec) == 1
        assert not here.heard.all(OrderRejected)


@pytest.mark.parametrize(
    "part", ["ReqAllOpenOrders", "ReqCompletedOrders", "ReqPositions", "ReqExecutions", "ReqAccountUpdates"]
)
@on_virtual_time
async def test_a_part_that_does_not_answer_makes_the_snapshot_incomplete_and_not_empty(
    lake: Lake, tmp_path: Path, part: str
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        await here.heard_of(Fill, spec.client_id)
        await here.snapshot()
        for _ in range(2 if part == "ReqAccountUpdates" else 1):
            here.control.inject(part, Harm.DROP)
        assert not (await here.snapshot()).complete
        assert (await here.snapshot()).complete


@on_virtual_time
async def test_an_empty_answer_about_executions_does_not_make_a_filled_order_absent(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        here.submit(spec)
        await here.heard_of(Fill, spec.client_id)
        await here.snapshot()
        here.control.inject("ReqCompletedOrders", Harm.EMPTY)
        here.control.inject("ReqExecutions", Harm.EMPTY)
        snapshot = await here.snapshot()
        assert [each.client_id for each in snapshot.closed] == [spec.client_id]
        assert [each.client_id for each in snapshot.fills] == [spec.client_id]


@on_virtual_time
async def test_an_order_from_before_midnight_is_never_proved_absent_after_it(lake: Lake, tmp_path: Path) -> None:
    midnight_ns = at("2019-06-13T04:00")
    async with stand(lake, tmp_path, now_ns=midnight_ns - NS_PER_SECOND) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", Harm.DROP)
        here.submit(spec)
        sent_ns = (await here.heard_of(OrderSent, spec.client_id)).at_ns
        assert sent_ns < midnight_ns
        await here.kill()
        await here.until(lambda: here.now_ns() > midnight_ns, "midnight")
        here.start()
        await here.up(2)
        snapshot = await here.snapshot()
        assert snapshot.complete
        assert snapshot.since_ns == midnight_ns


@on_virtual_time
async def test_an_engine_that_ran_over_midnight_says_that_absence_proves_nothing(lake: Lake, tmp_path: Path) -> None:
    midnight_ns = at("2019-06-13T04:00")
    async with stand(lake, tmp_path, now_ns=midnight_ns - NS_PER_SECOND) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.control.inject("PlaceOrder", Harm.DROP)
        here.submit(spec)
        await here.heard_of(OrderSent, spec.client_id)
        await here.until(lambda: here.now_ns() > midnight_ns, "midnight")
        snapshot = await here.snapshot()
        assert (snapshot.complete, snapshot.ids_enforced) == (True, False)


@on_virtual_time
async def test_a_position_in_something_unknown_is_shown_under_the_brokers_number(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.transfer("DU1000001", "VXX", 30.0, 25.0)
        here.start()
        await here.up()
        (held,) = (await here.snapshot()).positions
        assert held.instrument.startswith("con-")
        assert held.quantity == qty("30")


@on_virtual_time
async def test_another_month_of_a_known_future_is_recognised_in_a_position(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.transfer("DU1000001", "SP500@201906", 2.0, 2890.0)
        here.start()
        await here.up()
        (held,) = (await here.snapshot()).positions
        assert (held.instrument, held.quantity) == ("SP500@201906", qty("2"))
