"""The host of a sleeve: it folds, asks once a run, journals before it tells, and takes its memory along."""

from __future__ import annotations

import pytest

from actors.sleeve import QuotingHost, SleeveHost
from engine.effects import Journal, Ref
from model.decisions import Decide, Propose, Targets, Want
from model.market import ProductBar, Quote
from model.orders import Intent
from sleeves.base import QuotingSleeve, Wanted
from tests.actors_decide.made import clocked, intent, journalled, product_bar, put_away, told
from tests.sleeves.made import decide


class Counting:
    """Wants as many units as it saw bars, and answers every quote with one order."""

    products = ("A",)
    hedges = False

    def __init__(self, name: str = "counting") -> None:
        self.id = name
        self.seen = 0

    def on_bar(self, bar: ProductBar) -> None:
        self.seen += 1

    def decide(self, decide: Decide) -> Wanted:
        if self.seen > 9:
            raise RuntimeError("more than nine bars")
        return Wanted((Want("A", self.seen, "counted", {}),), ())

    def state(self) -> bytes:
        return bytes([self.seen])

    def load(self, state: bytes) -> None:
        self.seen = state[0]

    def on_quote(self, quote: Quote) -> tuple[Intent, ...]:
        return (intent(quote.instrument, 1),) if quote.bid_size else ()


def host(name: str = "counting") -> SleeveHost:
    basket: Ref[Targets] = Ref("basket")
    return clocked(SleeveHost(sleeve=Counting(name), basket=basket))


def test_targets_are_journalled_and_told_to_the_basket() -> None:
    made = host()
    made.on_product_bar(product_bar("A", 20240102, "1"))
    effects = list(made.on_decide(decide(20240102)) or ())
    assert isinstance(effects[0], Journal)
    targets = told(effects, Targets, "basket")[0]
    assert journalled(effects, Targets) == [targets]
    assert (targets.sleeve, targets.wants[0].quantity, targets.session) == ("counting", 1, 20240102)


@pytest.mark.parametrize("way", ["asked again", "snapshot", "journal"])
def test_the_same_run_gets_the_same_answer(way: str) -> None:
    made = host()
    made.on_product_bar(product_bar("A", 20240102, "1"))
    first = told(made.on_decide(decide(20240102)), Targets)
    other = made if way == "asked again" else host()
    if way == "snapshot":
        other.restore(put_away(made.snapshot()))
    if way == "journal":
        other.fold_targets(put_away(first[0]))
    other.on_product_bar(product_bar("A", 20240103, "1"))
    again = other.on_decide(decide(20240102))
    assert told(again, Targets) == first
    assert journalled(again, Targets) == []


def test_a_snapshot_takes_the_sleeves_own_state_along() -> None:
    one, two = host(), host()
    for session in range(5):
        one.on_product_bar(product_bar("A", 20240102 + session, "1"))
    two.restore(put_away(one.snapshot()))
    assert told(two.on_decide(decide(20240109)), Targets)[0].wants[0].quantity == 5


def test_a_snapshot_of_another_sleeve_is_refused() -> None:
    with pytest.raises(ValueError, match="not of sleeve"):
        host().restore(host("other").snapshot())


def test_a_sleeve_that_raises_is_not_silenced() -> None:
    made = host()
    for session in range(10):
        made.on_product_bar(product_bar("A", session, "1"))
    with pytest.raises(RuntimeError, match="nine"):
        list(made.on_decide(decide(20240102)) or ())


def test_a_quoting_sleeves_intents_go_to_risk_under_its_name() -> None:
    basket: Ref[Targets] = Ref("basket")
    risk: Ref[Propose] = Ref("risk")
    sleeve = Counting()
    assert isinstance(sleeve, QuotingSleeve)
    made = clocked(QuotingHost(sleeve=sleeve, basket=basket, risk=risk))
    proposal = told(made.on_quote(Quote("A", 1, 2, 1, 1, 0)), Propose, "risk")[0]
    assert proposal.sender == "counting"
    assert proposal.run_id == proposal.intents[0].run_id
    assert made.on_quote(Quote("A", 1, 2, 0, 1, 0)) is None
