"""Changes and cancels whose answer is lost, and what is said that cannot be understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.orders import Fill, ModifyRejected, OrderAcked, OrderCancelled, OrderModified, VenueDown
from model.units import NS_PER_SECOND, px
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.kit import QUICK, stand
from tests.ib.virtual import on_virtual_time

AGAIN_NS = int(QUICK.cancel_s * NS_PER_SECOND)


@pytest.mark.parametrize(("harm", "limit"), [(Harm.CLOSE_BEFORE, "99.5"), (Harm.CLOSE_AFTER, "99.75")])
@on_virtual_time
async def test_after_a_change_whose_answer_was_lost_the_snapshot_shows_what_works(
    lake: Lake, tmp_path: Path, harm: Harm, limit: str
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.inject("PlaceOrder", harm)
        here.modify(spec, "99.75")
        await here.down()
        assert not here.heard.all(OrderModified)
        await here.up(2)
        assert [each.limit for each in (await here.snapshot()).orders] == [px(limit)]
        here.modify(spec, "99.6", "change-2")
        assert (await here.heard_of(OrderModified, spec.client_id)).change_id == "change-2"
        assert here.at_broker(spec) == 1


@on_virtual_time
async def test_a_change_to_what_works_already_is_confirmed(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.modify(spec, "99.5")
        assert (await here.heard_of(OrderModified, spec.client_id)).limit == px("99.5")


@pytest.mark.parametrize("code", [105, 10052, 2102, 77777])
@on_virtual_time
async def test_whatever_is_said_against_a_change_that_was_made_it_is_told_as_made(
    lake: Lake, tmp_path: Path, code: int
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.inject("PlaceOrder", Harm.NOTICE, code=code, text="an objection")
        here.modify(spec, "99.75")
        assert (await here.heard_of(OrderModified, spec.client_id)).limit == px("99.75")
        await here.snapshot()
        assert not here.heard.all(ModifyRejected)
        assert not here.heard.all(OrderCancelled)


@on_virtual_time
async def test_an_objection_of_unknown_meaning_to_a_new_order_does_not_reject_it(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.control.inject("PlaceOrder", Harm.NOTICE, code=77_777, text="something new")
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.price(99.4, 99.5)
        await here.heard_of(Fill, spec.client_id)


@on_virtual_time
async def test_a_preset_notice_does_not_end_an_order(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.control.inject("PlaceOrder", Harm.NOTICE, code=10349, text="TIF was set to DAY by a preset")
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        assert [each.client_id for each in (await here.snapshot()).orders] == [spec.client_id]


@pytest.mark.parametrize("harm", [Harm.DROP, Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER])
@on_virtual_time
async def test_a_cancel_that_was_taken_is_asked_again_until_the_order_is_gone(
    lake: Lake, tmp_path: Path, harm: Harm
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec(limit="99.5")
        here.submit(spec)
        await here.heard_of(OrderAcked, spec.client_id)
        here.control.inject("CancelOrder", harm)
        here.cancel(spec)
        if harm is not Harm.DROP:
            await here.down()
            await here.up(2)
            await here.until(lambda: here.now_ns() >= here.port.blotter.held[spec.client_id].cancel_ns + AGAIN_NS)
            await here.snapshot()
        await here.heard_of(OrderCancelled, spec.client_id)
        assert (await here.snapshot()).orders == ()


@on_virtual_time
async def test_a_cancel_that_overtakes_its_order_in_the_pacer_keeps_the_order_here(lake: Lake, tmp_path: Path) -> None:
    from model.orders import OrderRejected, OrderSent

    async with stand(lake, tmp_path) as here:
        here.start(messages_per_s=40)
        await here.up()
        for _ in range(60):
            here.submit(here.spec(limit="90"))
        last = here.spec(limit="90")
        here.submit(last)
        here.cancel(last)
        assert (await here.heard_of(OrderRejected, last.client_id)).code == "NOT_SENT"
        assert not here.heard.all(OrderSent, last.client_id)
        assert here.at_broker(last) == 0


@on_virtual_time
async def test_a_word_that_cannot_be_understood_ends_the_session_and_not_the_port(lake: Lake, tmp_path: Path) -> None:
    from simulation.tws.replies import ExecDetails
    from simulation.tws.terms import Contract, Execution

    nonsense = Execution(
        exec_id="x.01", order_id=1, client_id=17, perm_id=1, time="20190612 10:00:00 US/Eastern", account="DU1000001",
        exchange="NYSE", side="NEITHER", shares=1.0, price=1.0, cum_quantity=1.0, avg_price=1.0,
    )  # fmt: skip
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.gateway.clients[17].say(ExecDetails(contract=Contract(con_id=1), execution=nonsense))
        await here.heard_of(VenueDown)
        with pytest.raises(ValueError, match="NEITHER"):
            await here.until(lambda: False, "the defect")
