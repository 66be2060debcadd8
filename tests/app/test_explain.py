"""The chain behind an order, and the reason behind one that was not sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from app import facts
from app.explain import Explanation, UnknownSubjectError, explain
from model.decisions import Denial, RunPlanned, Targets, Want
from model.instruments import product_of
from model.margin import MarginTold
from model.order_events import OrderPlanned
from model.orders import Filled
from model.units import px_float, qty_float
from state.journal import SqliteJournal, journal_rows
from tests.app.made_status import APPROVED, AT_NS, HEARD, RUN, row

CHAIN = ["regime", "risk", "target", "netting", "gates", "price", "fill"]


def rows(state: Path, kind: str) -> list[object]:
    return [row.event for row in journal_rows(state / "journal", kinds=(kind,), events=facts.events())]


def told(state: Path, subject: str, session: int | None = None) -> Explanation:
    return explain(state / "journal", subject, facts.events(), session)


def parts(found: Explanation) -> list[str]:
    """Each part once, in the order in which it is first told; a target without its sleeve's name."""
    return list(dict.fromkeys(line.part.split(" of ")[0] for line in found.lines))


@pytest.fixture(scope="module")
def orders(finished: Path) -> list[OrderPlanned]:
    found = [one for one in rows(finished, "OrderPlanned") if isinstance(one, OrderPlanned)]
    assert len(found) > 5
    return found


def test_every_order_is_explained_from_regime_to_fill_in_that_order(finished: Path, orders: list[OrderPlanned]) -> None:
    filled = {one.fill.client_id for one in rows(finished, "Filled") if isinstance(one, Filled)}
    for order in orders:
        found = told(finished, order.spec.client_id)
        wanted = CHAIN if order.spec.client_id in filled else CHAIN[:-1]
        assert [part for part in parts(found) if part in CHAIN] == wanted
        assert found.run_id == order.intent.run_id


def test_every_step_says_in_which_row_it_is_written(finished: Path, orders: list[OrderPlanned]) -> None:
    kinds = {row.seq: type(row.event).__name__ for row in journal_rows(finished / "journal", events=facts.events())}
    expected = {
        "regime": "RegimeDecided", "risk": "RiskDecision", "target": "Targets", "netting": "RunPlanned",
        "gates": "Approved", "price": "OrderPlanned", "fill": "Filled",
    }  # fmt: skip
    for line in told(finished, orders[0].spec.client_id).lines:
        part = line.part.split(" of ")[0]
        if part in expected:
            assert kinds[line.seq] == expected[part]


def test_the_chain_has_the_amounts_of_the_order_and_of_its_fill(finished: Path, orders: list[OrderPlanned]) -> None:
    fill = [one.fill for one in rows(finished, "Filled") if isinstance(one, Filled)][-1]
    order = next(one.spec for one in orders if one.spec.client_id == fill.client_id)
    lines = {line.part: line.text for line in told(finished, order.client_id).lines}
    assert f"{order.side.name} {qty_float(order.quantity):g} {order.instrument} {order.type.value}" in lines["price"]
    assert f"{fill.side.name} {qty_float(fill.quantity):g} at {px_float(fill.price):g}" in lines["fill"]
    assert fill.exec_id in lines["fill"]


def test_only_the_sleeves_that_speak_of_the_product_are_told(finished: Path, orders: list[OrderPlanned]) -> None:
    order = orders[0]
    product = product_of(order.spec.instrument)
    speak = {
        f"target of {one.sleeve}"
        for one in rows(finished, "Targets")
        if isinstance(one, Targets)
        and one.run_id == order.intent.run_id
        and any(want.product == product for want in one.wants)
    }
    found = {line.part for line in told(finished, order.spec.client_id).lines if line.part.startswith("target")}
    assert found == speak


def test_the_end_of_an_id_is_enough_and_five_letters_are_not(finished: Path, orders: list[OrderPlanned]) -> None:
    whole = orders[3].spec.client_id
    assert told(finished, whole[-8:]) == told(finished, whole)
    with pytest.raises(UnknownSubjectError):
        told(finished, whole[-5:])


def left_out(state: Path) -> tuple[int, Denial]:
    for one in rows(state, "RunPlanned"):
        if isinstance(one, RunPlanned) and one.left_out:
            return one.session, one.left_out[0]
    raise AssertionError("nothing was left out in three months")


def test_an_instrument_that_was_not_traded_says_why(finished: Path) -> None:
    session, denial = left_out(finished)
    found = told(finished, denial.instrument, session)
    said = [line.text for line in found.lines if line.part == "not wanted"]
    assert said == [f"{denial.instrument} not sent, {denial.code}: {denial.text}"]
    assert "price" not in parts(found)
    assert found.run_id.startswith(f"{session}.")


def test_an_instrument_without_a_session_is_explained_by_its_latest_decision(finished: Path) -> None:
    last = [one for one in rows(finished, "Targets") if isinstance(one, Targets)][-1]
    assert told(finished, last.wants[0].product).run_id == last.run_id


@pytest.mark.parametrize("subject", ["GOLD", "hr-ffffffffffffffffffffffff", "", "SP500", "'; DROP TABLE journal"])
def test_what_the_journal_does_not_know_is_an_error_that_names_it(finished: Path, subject: str) -> None:
    with pytest.raises(UnknownSubjectError, match="the journal has no order and no decision about") as refused:
        told(finished, subject)
    assert repr(subject) in str(refused.value)


def test_a_session_without_a_decision_is_named(finished: Path) -> None:
    with pytest.raises(UnknownSubjectError, match="in session 20080101"):
        told(finished, "SP500_INDEX", 20080101)


def test_the_brokers_margin_stands_before_what_was_approved_and_denied_by_it(tmp_path: Path) -> None:
    told_none = MarginTold("a1", AT_NS, unknown="the link to the broker does not stand")
    denied = Denial("MARGIN", "SP500@200812", "the broker's margin leaves too little", "i9")
    targets = Targets(RUN, 20080924, "trend", (Want("SP500", 1, "", {}),), (), AT_NS)
    events = (targets, HEARD, replace(HEARD, told=told_none), replace(APPROVED, denials=(denied,)))
    with SqliteJournal(tmp_path / "journal") as journal:
        journal.stage([row(seq, event) for seq, event in enumerate(events, 1)])
        journal.commit()
    said = [(line.part, line.text) for line in told(tmp_path, "SP500").lines if line.part in ("margin", "gates")]
    assert said == [
        ("margin", "after 1 orders initial margin 80,000, equity with loan 100,000, available 20,000 USD"),
        ("margin", "asked for 1 orders, and unknown: the link to the broker does not stand"),
        ("gates", "i-hr-000000000001 approved as a1"),
        ("gates", "SP500@200812 not sent, MARGIN: the broker's margin leaves too little"),
    ]
