"""Quotes: what is traded streams, the rest takes turns, and a lost subscription is asked for again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from model.market import Quote
from model.units import px, qty
from simulation.tws.faults import Harm
from simulation.tws.service.house import GatewayRules
from state.lake import Lake
from tests.ib.kit import Stand, stand
from tests.ib.virtual import on_virtual_time


def quotes(here: Stand, instrument: str) -> list[Quote]:
    return [each for each in here.heard.all(Quote) if each.instrument == instrument]


@on_virtual_time
async def test_a_streamed_instrument_is_quoted_in_the_main_unit(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.price(750.0, 751.0, "IUKD", bid_size=300.0, ask_size=400.0)
        here.start(streamed=["ABC", "IUKD"])
        await here.until(lambda: quotes(here, "IUKD") and quotes(here, "IUKD")[-1].ask, "a quote")
        last = quotes(here, "IUKD")[-1]
        assert (last.bid, last.ask) == (px("7.50"), px("7.51"))
        assert (last.bid_size, last.ask_size) == (qty("300"), qty("400"))
        here.price(101.0, 101.5)
        await here.until(lambda: quotes(here, "ABC") and quotes(here, "ABC")[-1].bid == px("101"), "the new quote")


@on_virtual_time
async def test_those_that_take_turns_are_quoted_without_a_line_of_their_own(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.price(50.0, 50.1, "XYZ")
        here.start(streamed=["ABC"], rotated=["XYZ"])
        await here.until(lambda: quotes(here, "XYZ") and quotes(here, "ABC"), "both quotes")
        assert here.port.subscriptions.streaming == ["ABC"]


@on_virtual_time
async def test_subscriptions_that_a_restored_link_lost_are_asked_for_again(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(streamed=["ABC"])
        await here.up()
        await here.until(lambda: quotes(here, "ABC"), "a quote")
        here.control.lose_link()
        await here.down()
        here.control.restore_link(data_lost=True)
        await here.up(2)
        before = len(quotes(here, "ABC"))
        here.price(102.0, 102.5)
        await here.until(lambda: len(quotes(here, "ABC")) > before and quotes(here, "ABC")[-1].bid == px("102"), "it")


@on_virtual_time
async def test_a_subscription_that_shows_no_first_tick_is_asked_for_again(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.inject("ReqMarketData", Harm.DROP)
        here.start(streamed=["ABC"])
        await here.up()
        assert not quotes(here, "ABC")
        await here.until(lambda: quotes(here, "ABC"), "a quote after the second asking")
        assert here.port.subscriptions.silent == []


@on_virtual_time
async def test_the_budget_of_lines_is_spent_in_the_order_of_the_wish(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(streamed=["XYZ", "ABC", "IUKD"], data_lines=6)
        await here.up()
        await here.until(lambda: here.port.subscriptions.streaming, "a line")
        assert here.port.subscriptions.streaming == ["XYZ"]


@on_virtual_time
async def test_what_is_beyond_the_budget_takes_turns(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.price(50.0, 50.1, "XYZ")
        here.start(streamed=["XYZ", "ABC"], data_lines=6)
        await here.until(lambda: quotes(here, "XYZ") and quotes(here, "ABC"), "both quotes")
        assert here.port.subscriptions.streaming == ["XYZ"]


@on_virtual_time
async def test_an_instrument_without_data_permission_is_named_and_not_asked_for_again(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.inject("ReqMarketData", Harm.REFUSE, code=354, text="Requested market data is not subscribed.")
        here.start(streamed=["ABC"])
        await here.until(lambda: "ABC" in here.port.subscriptions.refused, "the refusal")
        passed: Counter[str] = Counter()
        here.gateway.on_passed = lambda message, client: passed.update([message])
        await here.snapshot() if here.port.link.ready else await here.up()
        assert here.port.subscriptions.streaming == []
        assert passed["ReqMarketData"] == 0


@on_virtual_time
async def test_delayed_quotes_are_not_told_unless_they_may_lead_to_orders(lake: Lake, tmp_path: Path) -> None:
    rules = GatewayRules(messages_per_second=1_000, delayed=frozenset({"*"}))
    async with stand(lake, tmp_path, rules=rules) as here:
        here.start(streamed=["ABC"])
        await here.up()
        await here.until(lambda: "ABC" in here.port.subscriptions.refused, "the refusal")
        await here.kill()
        here.start(streamed=["ABC"], delayed=True)
        await here.until(lambda: quotes(here, "ABC"), "a delayed quote")
