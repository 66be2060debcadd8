"""Margin before a basket: asked of the broker order by order, put together, and never an order."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.message import Told
from model.margin import AskMargin, MarginTold
from model.orders import OrderSpec, OrderType, Side, TimeInForce
from model.units import CASH_SCALE, Cash, cash, px
from ports.ib.margin import combined
from ports.ib.what_if import WhatIf
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.kit import ACCOUNT, Stand, stand
from tests.ib.virtual import on_virtual_time


async def margin_of(here: Stand, *orders: OrderSpec) -> MarginTold:
    """What the port answers risk."""
    name = f"ap-{len(here.heard.told)}"
    assert here.port.deliver(AskMargin(name, orders), 0) is Told.OK
    return await told(here, name)


async def told(here: Stand, name: str) -> MarginTold:
    def answers() -> list[MarginTold]:
        return [each for to, each in here.heard.told if to == "risk" and isinstance(each, MarginTold)]

    await here.until(lambda: any(each.id == name for each in answers()), f"the answer to {name}")
    (found,) = [each for each in answers() if each.id == name]
    return found


@on_virtual_time
async def test_initial_margin_equity_and_what_is_left_are_told_in_the_accounts_currency(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100", "100")
        told = await margin_of(here, spec)
        # 100 shares at about 100 dollars, half of it margin; a commission of a dollar
        assert cash("4900") < told.initial < cash("5300")
        assert told.equity == cash("999999")
        assert told.available == told.equity - told.initial
        assert (told.currency, told.unknown) == ("USD", "")
        assert here.control.dump().orders == []
        assert here.at_broker(spec) == 0


@on_virtual_time
async def test_orders_of_a_basket_are_added_up_and_none_nets_another(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.control.transfer(ACCOUNT, "XYZ", 100.0, 50.0)
        here.price(50.0, 50.02, "XYZ")
        one, other = here.spec("100", "100"), here.spec("200", "100")
        sale = here.spec("100", "50", instrument="XYZ", side=Side.SELL)
        alone = [await margin_of(here, each) for each in (one, other, sale)]
        before = alone[2].initial  # a sale adds nothing, and what it would free is not counted
        assert before > 0
        basket = await margin_of(here, one, other, sale)
        assert basket.initial == before + sum(each.initial - before for each in alone)
        assert alone[2].initial == before


def what_if(change: str, before: str = "1000", worth: str = "50000", gain: str = "-1") -> WhatIf:
    return WhatIf(
        status="PreSubmitted", initial_before=cash(before), initial_change=cash(change), equity_before=cash(worth),
        equity_change=cash(gain), commission=cash("1"), commission_currency="USD", warning="",
    )  # fmt: skip


def asked(count: int) -> AskMargin:
    order = OrderSpec(
        client_id="hr-1", instrument="ABC", side=Side.BUY, quantity=1, type=OrderType.LIMIT, tif=TimeInForce.DAY,
        limit=px("1"),
    )  # fmt: skip
    return AskMargin("ap-1", (order,) * count)


def amounts(told: MarginTold) -> tuple[Cash, ...]:
    return tuple(each // CASH_SCALE for each in (told.initial, told.equity, told.available))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([what_if("5000")], (6_000, 49_999, 43_999)),
        ([what_if("5000"), what_if("2000")], (8_000, 49_998, 41_998)),
        ([what_if("5000"), what_if("-4000")], (6_000, 49_998, 43_998)),
        # the account changed between two answers: the worse of both counts
        ([what_if("5000"), what_if("0", before="3000", worth="48000")], (8_000, 47_998, 39_998)),
        ([what_if("0", gain="7")], (1_000, 50_000, 49_000)),
    ],
)
def test_the_sum_is_the_worst_of_its_parts(answers: list[WhatIf], expected: tuple[int, ...]) -> None:
    assert amounts(combined(asked(len(answers)), answers, 0)) == expected


def test_a_figure_that_is_missing_makes_the_whole_unknown() -> None:
    missing = WhatIf(
        status="PreSubmitted", initial_before=None, initial_change=None, equity_before=None, equity_change=None,
        commission=None, commission_currency="", warning="after hours",
    )  # fmt: skip
    found = combined(asked(2), [what_if("5000"), missing], 0)
    assert found.unknown == "ABC: the broker said no margin (after hours)"
    assert amounts(found) == (0, 0, 0)


@on_virtual_time
async def test_without_a_link_the_answer_is_at_once_that_nothing_is_known(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.until(lambda: here.port.outside, "the port's task")
        spec = here.spec("100", "100")
        assert "does not stand" in (await margin_of(here, spec)).unknown
        await here.up()
        here.control.lose_link()
        await here.down()
        assert "does not stand" in (await margin_of(here, spec)).unknown


@pytest.mark.parametrize("harm", [Harm.CLOSE_BEFORE, Harm.CLOSE_AFTER, Harm.DROP])
@on_virtual_time
async def test_a_question_that_is_lost_is_answered_as_unknown(lake: Lake, tmp_path: Path, harm: Harm) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.control.inject("PlaceOrder", harm)
        assert (await margin_of(here, here.spec("100", "100"))).unknown


@on_virtual_time
async def test_what_would_be_refused_or_has_no_contract_says_why(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        assert "SP500@203009" in (await margin_of(here, here.spec(limit="100", instrument="SP500@203009"))).unknown
        here.control.inject("PlaceOrder", Harm.REFUSE, code=201, text="not today")
        assert "201: not today" in (await margin_of(here, here.spec("10", "100"))).unknown


@on_virtual_time
async def test_a_fenced_engine_asks_nothing(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        here.token = None
        assert "may not speak" in (await margin_of(here, here.spec("10", "100"))).unknown
