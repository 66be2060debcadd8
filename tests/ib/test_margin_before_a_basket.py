"""Risk, executor, order manager and books before the gateway: a basket that the account cannot carry is not sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.pair import Pair
from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from engine.actor import Actor
from engine.effects import Ref
from model.decisions import Approved, Propose
from model.margin import MarginHeard
from model.orders import Intent, Purpose
from model.units import cash
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.actors_decide.made import codes, cycle, intent, nav, regime
from tests.ib.engine_kit import Engine
from tests.ib.kit import CONTRACTS, stand

SESSION = 20190612


class Careful(Engine):
    """An engine with its own risk gate, whose own limits are far away, and its own executor."""

    def deciding(self) -> dict[str, Callable[[], Actor]]:
        basket: Ref[Any] = Ref("basket")
        limits = GateLimits(
            max_order_share=9.0, max_net_leverage=9.0, max_gross_leverage=9.0, max_daily_turnover_share=9.0,
            min_margin_cushion=0.10,
        )  # fmt: skip
        return {
            "risk": lambda: Risk(
                instruments=CONTRACTS, rules=RiskRules(), limits=limits, sleeves=(), basket=basket, pair=Ref("pair"),
                system=Ref("system"),
            ),
            "pair": lambda: Pair(orders=Ref("orders"), risk=Ref("risk")),
        }  # fmt: skip

    def marked(self, held: int = 0) -> None:
        """The parts of a run, with so many shares of ABC in the book."""
        positions = {"ABC": (held, "100")} if held else {}
        for part in (
            cycle(SESSION),
            regime(SESSION),
            nav(SESSION, 1_000_000, prices={"ABC": "100"}, positions=positions),
        ):
            self.host.tell("risk", part)

    async def holds(self, shares: int) -> None:
        """Buy so many of ABC, and mark the book with them."""
        name = self.place("100.02", str(shares))
        await self.until(lambda: self.state(name) == "FILLED", "the position")
        self.marked(held=shares)

    def propose(self, *intents: Intent) -> None:
        self.host.tell("risk", Propose(intents[0].run_id, intents, "basket"))

    async def answer(self, times: int = 1) -> Approved:
        await self.until(lambda: len(self.rows(Approved)) >= times, "the answer of risk")
        found: Approved = self.rows(Approved)[-1]
        return found


def trade(units: int, number: int = 1, **more: Any) -> Intent:
    return intent("ABC", units, run=f"{SESSION}.{number}.test", **more)


async def test_a_basket_beyond_the_accounts_margin_is_denied_and_a_reduction_goes_through(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Careful(here)
        await engine.trading()
        await engine.holds(5_000)
        # 30,000 shares at 100 need 1.5 million of margin; the account is worth one
        too_large, reduction = trade(30_000), trade(-2_000, purpose=Purpose.REDUCE, reduces=True, limit="100")
        engine.propose(too_large, reduction)
        answer = await engine.answer()
        assert codes(answer.denials) == ["MARGIN"]
        assert answer.denials[0].intent_id == too_large.id
        assert [each.id for each in answer.intents] == [reduction.id]
        (heard,) = engine.rows(MarginHeard)
        assert heard.asked == (too_large.id,)
        assert heard.told.available < 0
        await engine.until(lambda: engine.state(reduction.id), "the reduction")
        assert not engine.state(too_large.id)
        await engine.crash()


async def test_a_basket_that_fits_one_by_one_and_not_together_is_denied(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Careful(here)
        await engine.trading()
        engine.marked()
        engine.propose(trade(9_000), trade(9_100))  # 450,000 and 455,000 of a million: together a tenth is not left
        answer = await engine.answer()
        assert codes(answer.denials) == ["MARGIN", "MARGIN"]
        engine.propose(trade(9_100, 2))
        answer = await engine.answer(2)
        assert codes(answer.denials) == []
        await engine.crash()


async def test_a_gateway_that_does_not_say_adds_nothing_and_lets_reductions_go(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Careful(here)
        await engine.trading()
        await engine.holds(5_000)
        here.control.inject("PlaceOrder", Harm.REFUSE, code=321, text="margin is not told today")
        more, less = trade(10), trade(-2_000, purpose=Purpose.REDUCE, reduces=True, limit="100")
        engine.propose(more, less)
        answer = await engine.answer()
        assert codes(answer.denials) == ["MARGIN_UNKNOWN"]
        assert "margin is not told today" in answer.denials[0].text
        await engine.until(lambda: engine.state(less.id), "the reduction")
        assert not engine.state(more.id)
        await engine.crash()


async def test_an_engine_killed_between_question_and_answer_asks_again_in_its_next_life(
    lake: Lake, tmp_path: Path
) -> None:
    async with stand(lake, tmp_path) as here:
        engine = Careful(here)
        await engine.trading()
        engine.marked()
        here.control.inject("PlaceOrder", Harm.DROP)
        engine.propose(trade(10))
        await engine.until(lambda: here.gateway.plan.happened, "the question")
        rows = await engine.crash()
        assert not any(isinstance(row.event, Approved | MarginHeard) for row in rows)
        engine = Careful(here, rows)
        await engine.compared()
        await engine.trading()
        engine.marked()
        engine.propose(trade(10))
        answer = await engine.answer()
        assert codes(answer.denials) == []
        (heard,) = engine.rows(MarginHeard)
        assert heard.told.available > cash("990000")
        await engine.crash()
