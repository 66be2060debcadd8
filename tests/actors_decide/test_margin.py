"""Margin before risk is added: who is asked, what waits, what an answer allows, and what silence and crashes do."""

from __future__ import annotations

from typing import Any

import pytest

from actors.margin import WAIT_NS
from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Effects, Ref
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Message, Told
from engine.ports import Row
from engine.supervise import Branch, Child
from model.decisions import Approved, Decide, Halt, Mode, ModeChanged, Propose
from model.margin import AskMargin, MarginAnswered, MarginHeard, MarginTold
from model.orders import Intent, Purpose, Side, VenueUp
from model.units import cash, px, qty
from tests.actors_decide.made import codes, cycle, future, intent, nav, regime

RUN = "20240102.1.test"
PRODUCTS = {name: future(name, multiplier="10") for name in ("A", "B", "C")}
HELD = {"C": (100, "100")}
"""A long position of 100 contracts in C."""


class Ear(Actor):
    """Stands for basket, executor, sleeves and system."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def on_any(self, message: Approved | Decide | Halt) -> Effects:
        self.heard.append(message)
        return None


class Venue:
    """Writes down what it is asked."""

    name = "venue"

    def __init__(self) -> None:
        self.asked: list[AskMargin] = []

    def deliver(self, message: Message, cause: int) -> Told:
        assert isinstance(message, AskMargin)
        self.asked.append(message)
        return Told.OK


class Scene:
    """One life of risk among ears, before a venue that can tell margin or cannot."""

    def __init__(
        self, rows: tuple[Row, ...] = (), *, margin: bool = True, up: bool = True, clock: VirtualClock | None = None
    ) -> None:
        self.journal = MemoryJournal()
        if rows:
            self.journal.stage(rows)
            self.journal.commit()
        self.venue = Venue()
        self.kernel = Kernel(clock=clock or VirtualClock(1), journal=self.journal)
        ears = tuple(Child(name, Ear) for name in ("basket", "pair", "system"))
        self.kernel.host(Branch("root", (Child("risk", self._risk), *ears)))
        self.kernel.attach(self.venue)
        self.kernel.recover_from(list(rows))
        self.driver = VirtualDriver(self.kernel)
        if up:
            self.tell(VenueUp("ib", "DU1", True, 1, margin=margin))
        self.tell(ModeChanged(Mode.TRADING, "test"))
        prices = dict.fromkeys(PRODUCTS, "100")
        for part in (cycle(20240102), regime(20240102), nav(20240102, 1_000_000, prices=prices, positions=HELD)):
            self.tell(part)

    @staticmethod
    def _risk() -> Risk:
        basket: Ref[Any] = Ref("basket")
        return Risk(
            instruments=PRODUCTS, rules=RiskRules(), limits=GateLimits(min_margin_cushion=0.10), sleeves=(),
            basket=basket, pair=Ref("pair"), system=Ref("system"),
        )  # fmt: skip

    def tell(self, message: Message) -> None:
        self.kernel.tell("risk", message)
        self.driver.settle()

    def propose(self, *intents: Intent) -> None:
        self.tell(Propose(RUN, intents, "basket"))

    def answers(self, available: str = "", *, equity: str = "1000000", unknown: str = "") -> None:
        """The venue answers the last question."""
        money = cash(available or "0")
        told = MarginTold(
            self.venue.asked[-1].id, 2, initial=cash(equity) - money, equity=cash(equity), available=money,
            currency="USD", unknown=unknown,
        )  # fmt: skip
        self.tell(told)

    def approved(self, who: str = "pair") -> list[Approved]:
        return [each for each in self.kernel.actor(who).heard if isinstance(each, Approved)]

    def rows(self, kind: type[Any]) -> list[Any]:
        return [row.event for row in self.journal.rows if isinstance(row.event, kind)]

    def crash(self, **more: Any) -> Scene:
        """The next life, from what was durable."""
        return Scene(tuple(self.journal.rows[: self.journal.committed]), **more)


def buy(product: str, lots: int = 1) -> Intent:
    return intent(product, lots)


def sell_held(lots: int = 10) -> Intent:
    """A sale that only brings C nearer to zero."""
    return intent("C", -lots, purpose=Purpose.REDUCE, reduces=True)


def test_a_venue_that_does_not_tell_margin_is_not_asked_and_leaves_no_row() -> None:
    for scene in (Scene(margin=False), Scene(up=False)):
        scene.propose(buy("A"))
        assert scene.venue.asked == []
        assert [len(each.intents) for each in scene.approved()] == [1]
        assert scene.rows(MarginAnswered) == []


def test_risk_is_added_only_after_the_venues_word_and_that_is_journalled_before_the_approval() -> None:
    scene = Scene()
    scene.propose(buy("A", 2), buy("B"))
    (asked,) = scene.venue.asked
    assert [(each.instrument, each.side, each.quantity) for each in asked.orders] == [
        ("A", Side.BUY, qty("2")), ("B", Side.BUY, qty("1")),
    ]  # fmt: skip
    assert [each.limit for each in asked.orders] == [px("100")] * 2
    assert scene.approved() == []
    scene.answers("100000")
    assert [len(each.intents) for each in scene.approved()] == [2]
    assert scene.approved("basket") == scene.approved()
    kinds = [type(row.event) for row in scene.journal.rows]
    assert kinds.index(MarginHeard) < kinds.index(Approved)
    (heard,) = scene.rows(MarginHeard)
    assert (heard.run_id, heard.asked) == (RUN, tuple(each.client_id for each in asked.orders))


@pytest.mark.parametrize(("available", "codes_"), [("100000", []), ("99999", ["MARGIN"]), ("-1", ["MARGIN"])])
def test_a_tenth_of_equity_must_be_left(available: str, codes_: list[str]) -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.answers(available)
    (answer,) = scene.approved()
    assert codes(answer.denials) == codes_
    assert len(answer.intents) == (not codes_)


def test_an_account_without_equity_adds_nothing() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.answers("0", equity="0")
    assert codes(scene.approved()[0].denials) == ["MARGIN"]


def test_a_denial_says_the_figures() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.answers("50000")
    assert "50,000 of 1,000,000 would be left, and 10% must be" in scene.approved()[0].denials[0].text


def test_what_reduces_is_not_asked_for_and_goes_whatever_margin_says() -> None:
    scene = Scene()
    scene.propose(sell_held())
    assert scene.venue.asked == []
    assert [len(each.intents) for each in scene.approved()] == [1]
    other = Scene()
    other.propose(buy("A"), sell_held())
    assert [each.instrument for each in other.venue.asked[0].orders] == ["A"]
    other.answers("-500000")
    (answer,) = other.approved()
    assert [each.instrument for each in answer.intents] == ["C"]
    assert codes(answer.denials) == ["MARGIN"]


def test_an_answer_that_is_unknown_denies_what_adds_and_never_what_reduces() -> None:
    scene = Scene()
    scene.propose(buy("A"), sell_held())
    scene.answers(unknown="the link to the broker does not stand")
    (answer,) = scene.approved()
    assert [each.instrument for each in answer.intents] == ["C"]
    assert codes(answer.denials) == ["MARGIN_UNKNOWN"]
    assert "the link to the broker does not stand" in answer.denials[0].text


def test_silence_is_unknown_and_a_word_that_comes_late_changes_nothing() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.driver.run(scene.kernel.clock.now_ns + WAIT_NS)
    (answer,) = scene.approved()
    assert codes(answer.denials) == ["MARGIN_UNKNOWN"]
    assert "no answer within 15 s" in answer.denials[0].text
    scene.answers("900000")
    assert scene.approved() == [answer]
    assert len(scene.rows(MarginHeard)) == 1


class FastClock(VirtualClock):
    """Of a rehearsal: a market day in three minutes."""

    pace = 480.0


def test_in_a_rehearsal_an_answer_has_as_many_of_our_seconds_as_ever() -> None:
    """Fifteen seconds of a market that runs 480 times as fast are 31 ms: no broker answers in that."""
    scene = Scene(clock=FastClock(1))
    scene.propose(buy("A"))
    scene.driver.run(scene.kernel.clock.now_ns + 480 * WAIT_NS - 1)
    assert scene.approved() == []
    scene.driver.run(scene.kernel.clock.now_ns + 1)
    (answer,) = scene.approved()
    assert codes(answer.denials) == ["MARGIN_UNKNOWN"]


def test_an_answer_in_time_ends_the_waiting() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.answers("900000")
    scene.driver.run(scene.kernel.clock.now_ns + 2 * WAIT_NS)
    assert len(scene.approved()) == 1
    assert len(scene.rows(MarginHeard)) == 1


def test_the_same_proposal_asked_again_while_it_waits_is_one_question() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.propose(buy("A"))
    assert len(scene.venue.asked) == 1
    scene.answers("900000")
    assert len(scene.approved()) == 1
    scene.propose(buy("A"))  # and once it is answered, the same answer
    assert len(scene.venue.asked) == 1
    assert scene.approved()[1] == scene.approved()[0]


def test_what_every_other_limit_denies_is_not_asked_for() -> None:
    scene = Scene()
    scene.propose(buy("A"), buy("B", 900))
    assert [each.instrument for each in scene.venue.asked[0].orders] == ["A"]
    scene.answers("900000")
    assert codes(scene.approved()[0].denials) == ["ORDER_SIZE"]


def test_the_mode_at_the_time_of_the_answer_decides() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.tell(ModeChanged(Mode.HALTED, "meanwhile"))
    scene.answers("900000")
    assert codes(scene.approved()[0].denials) == ["MODE"]


def test_what_turned_from_a_reduction_into_more_risk_while_the_answer_was_awaited_is_not_sent() -> None:
    scene = Scene()
    scene.propose(buy("A"), sell_held(60))
    scene.tell(Propose("20240102.2.test", (intent("C", -60, attempt=1),), "quoter"))
    assert len(scene.venue.asked) == 1  # it only reduces, and is approved at once: 40 are left for the sale of 60
    scene.answers("900000")
    last = scene.approved()[-1]
    assert [each.instrument for each in last.intents] == ["A"]
    assert codes(last.denials) == ["MARGIN_UNKNOWN"]


def test_a_run_that_is_superseded_while_it_waits_is_never_sent_beside_the_next() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.tell(Propose(RUN, (intent("B", 1, attempt=7),), "pair"))
    prices = dict.fromkeys(PRODUCTS, "100")
    for part in (
        cycle(20240102, number=2),
        regime(20240102, number=2),
        nav(20240102, 1_000_000, number=2, prices=prices),
    ):
        scene.tell(part)
    for asked in scene.venue.asked:
        scene.tell(MarginTold(asked.id, 3, equity=cash("1000000"), available=cash("900000")))
    scene.driver.run(scene.kernel.clock.now_ns + 2 * WAIT_NS)
    assert [[each.instrument for each in answer.intents] for answer in scene.approved()] == [["B"]]


def test_a_restart_before_the_answer_sends_nothing_and_asks_again() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    again = scene.crash(up=False)  # nothing was heard of the venue yet: what it told before still counts
    assert again.rows(Approved) == []
    again.propose(buy("A"))
    assert again.venue.asked == scene.venue.asked
    assert again.approved() == []
    again.answers("900000")
    assert [len(each.intents) for each in again.approved()] == [1]


def test_a_restart_after_the_answer_gives_the_same_answer_unasked() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    scene.answers("900000")
    again = scene.crash(up=False)
    again.propose(buy("A"))
    assert again.venue.asked == []
    assert again.approved() == scene.approved()


def test_a_snapshot_that_was_taken_while_a_proposal_waited_holds_nothing_of_it() -> None:
    scene = Scene()
    scene.propose(buy("A"))
    kept = scene.kernel.actor("risk").snapshot()
    again = Scene(up=False)
    again.kernel.actor("risk").restore(kept)
    again.propose(buy("A"))
    assert len(again.venue.asked) == 1
    again.answers("900000")
    assert codes(again.approved()[0].denials) == []


def test_a_venue_that_cannot_tell_any_more_is_not_asked_any_more() -> None:
    scene = Scene()
    scene.tell(VenueUp("ib", "DU1", True, 3))
    scene.propose(buy("A"))
    assert scene.venue.asked == []
    assert [each.answers for each in scene.rows(MarginAnswered)] == [True, False]


def test_a_pair_whose_one_leg_lacks_margin_stays_whole() -> None:
    scene = Scene()
    legs = (intent("A", 1, pair="p"), intent("B", -1, pair="p"))
    scene.propose(*legs)
    scene.answers("0")
    assert codes(scene.approved()[0].denials) == ["MARGIN", "PAIR"]
