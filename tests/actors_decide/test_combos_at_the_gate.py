"""Risk counts a combo's legs: one spread takes the room, meets the limits and leaves the traces of its two orders."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.exposures import Working
from actors.risk_gate import GateLimits, RiskGate
from model.combos import as_legs
from model.decisions import Approved, Mode
from model.orders import Fill, Filled, Intent, Purpose, Side, intent_id
from model.units import PX_SCALE, QTY_SCALE, px
from tests.actors_decide.made import codes
from tests.actors_decide.test_risk_gate import ask, gate

MAR, JUN = "A@202403", "A@202406"
ROLL = "A@202403-202406"
WIDE = GateLimits(max_gross_leverage=9, max_net_leverage=9, max_order_share=9, max_daily_turnover_share=9)


def roll(units: int, *, near: str = "100", far: str = "100", limit: str = "0", attempt: int = 0) -> Intent:
    """units: signed; positive sells March and buys June."""
    side, quantity = Side.BUY if units > 0 else Side.SELL, abs(units) * QTY_SCALE
    return Intent(
        id=intent_id("20240102.1.test", ROLL, side, quantity, "net", 0, attempt), run_id="20240102.1.test",
        instrument=ROLL, side=side, quantity=quantity, purpose=Purpose.ROLL, shares=(), reference=px(far) - px(near),
        leg_references=(px(near), px(far)), limit=px(limit), attempt=attempt,
    )  # fmt: skip


def executed(made: RiskGate, one: Intent, name: str, units: int) -> Filled:
    leg = next(each for each in as_legs(one) if each.instrument == name)
    fill = Fill(name, one.id, "v", name, leg.side, units * QTY_SCALE, PX_SCALE, 0, "USD", 0)
    made.filled(Filled(fill, one.run_id, ()))
    return Filled(fill, one.run_id, ())


def standing(made: RiskGate) -> tuple[float, float, float, float, dict[str, tuple[int, int, int]]]:
    book = made.exposures
    lines = {name: (line.position, line.buys, line.sells) for name, line in book.lines.items()}
    return round(book.gross, 3), round(book.up, 3), round(book.down, 3), round(made.turnover, 3), lines


@given(st.integers(-60, 60), st.integers(-60, 60), st.integers(-60, 60).filter(bool))
def test_a_spread_takes_the_room_of_its_two_orders(march: int, june: int, units: int) -> None:
    positions = {MAR: march, JUN: june}
    one, two = gate(positions=positions, limits=WIDE), gate(positions=positions, limits=WIDE)
    spread = roll(units)
    assert ask(one, spread).denials == ()
    for place, leg in enumerate(as_legs(spread)):
        assert ask(two, msgspec.structs.replace(leg, id=f"leg-{place}")).denials == ()
    assert standing(one) == standing(two)


def test_a_roll_of_all_that_is_held_needs_no_room_and_costs_no_turnover() -> None:
    limits = GateLimits(max_gross_leverage=0.1, max_net_leverage=0.1, max_order_share=0.01, max_daily_turnover_share=0)
    made = gate(positions={MAR: 100}, limits=limits)
    assert ask(made, roll(100)).denials == ()
    assert made.exposures.gross == pytest.approx(100_000)
    assert made.turnover == 0


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (GateLimits(max_order_share=0.005), "ORDER_SIZE"),
        (GateLimits(max_daily_turnover_share=0.005), "TURNOVER"),
        (GateLimits(max_gross_leverage=0.015), "GROSS"),
        (GateLimits(max_net_leverage=0.015), "NET"),
    ],
)
def test_a_leg_over_a_limit_denies_the_spread_and_leaves_no_trace(limits: GateLimits, code: str) -> None:
    """Ten are held and twenty rolled: the second ten of June are new."""
    made = gate(positions={MAR: 10}, limits=limits)
    before = standing(made)
    assert codes(ask(made, roll(20)).denials) == [code]
    assert standing(made)[:4] == before[:4]
    assert ask(made, roll(10, attempt=1)).denials == ()


@pytest.mark.parametrize("locked", [MAR, JUN, "A"])
def test_a_lock_of_what_a_leg_would_open_denies_the_spread(locked: str) -> None:
    made = gate(positions={MAR: 10})
    made.locked[locked] = "looked at"
    denied = codes(ask(made, roll(10)).denials)
    assert denied == ([] if locked == MAR else ["LOCKED"])  # March is only left


def test_a_spread_without_a_price_of_a_leg_is_no_order() -> None:
    assert codes(ask(gate(), roll(1, near="0")).denials) == ["INVALID"]
    assert ask(gate(), roll(1)).denials == ()  # a net price of nothing is one


def test_a_limit_is_measured_by_the_legs_together() -> None:
    """A share of 5 % of 200: a net limit may be 10 away from its reference of nothing."""
    assert codes(ask(gate(), roll(1, limit="10.5")).denials) == ["PRICE_COLLAR"]
    assert ask(gate(), roll(1, limit="10")).denials == ()


def test_nothing_is_rolled_while_positions_may_only_shrink() -> None:
    assert codes(ask(gate(positions={MAR: 5}, mode=Mode.REDUCE_ONLY), roll(5)).denials) == ["REDUCE_ONLY"]


def test_one_spread_is_one_order_a_minute_and_the_same_one_is_known_again() -> None:
    made = gate(positions={MAR: 50}, limits=GateLimits(max_orders_per_minute=2))
    answer = ask(made, roll(1), roll(2, attempt=1), roll(3, attempt=2), sender="pair")
    assert codes(answer.denials) == ["RATE"]
    assert codes(ask(made, roll(1), sender="pair").denials) == ["DUPLICATE"]
    assert made.exposures.lines[JUN].buys == 3 * QTY_SCALE


def test_legs_fill_one_after_the_other_and_what_is_left_is_counted() -> None:
    made = gate(positions={MAR: 10}, limits=WIDE)
    one = roll(10)
    ask(made, one)
    executed(made, one, MAR, 10)
    made.exposures.moved(one.id, 0, False)
    executed(made, one, JUN, 4)
    made.exposures.moved(one.id, 4 * QTY_SCALE, False)
    assert made.exposures.lines[JUN].buys == 6 * QTY_SCALE
    executed(made, one, JUN, 6)
    made.exposures.moved(one.id, 10 * QTY_SCALE, True)
    assert standing(made)[4] == {MAR: (0, 0, 0), JUN: (10 * QTY_SCALE, 0, 0)}
    assert made.exposures.gross == pytest.approx(10_000)
    assert not made.exposures.works(one.id)


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_restart_knows_what_of_a_spread_is_still_to_come(snapshot: bool) -> None:
    live, rebuilt = gate(positions={MAR: 10}, limits=WIDE), gate(positions={MAR: 10}, limits=WIDE)
    one = roll(10)
    answer: Approved = ask(live, one)
    fill = executed(live, one, MAR, 10).fill
    if snapshot:
        rebuilt.exposures.filled(MAR, -10 * QTY_SCALE)
        kept = msgspec.msgpack.encode(live.exposures.keep()[1])
        rebuilt.exposures.load({}, msgspec.msgpack.decode(kept, type=dict[str, Working]))
    else:
        rebuilt.fold_approved(answer)
        rebuilt.filled(Filled(fill, one.run_id, ()))
    for made in (live, rebuilt):
        made.exposures.executed(one.id, MAR, 10 * QTY_SCALE)
        made.exposures.hear(one.id)
        made.exposures.forget_unheard()
    assert standing(rebuilt)[4] == standing(live)[4] == {MAR: (0, 0, 0), JUN: (0, 10 * QTY_SCALE, 0)}
    for made in (live, rebuilt):
        made.exposures.moved(one.id, 0, True)
        assert not made.exposures.works(one.id)
        assert made.exposures.lines[JUN].buys == 0


def test_an_older_word_on_a_spread_does_not_take_back_what_the_journal_told() -> None:
    """Four of a leg were executed by the rows; the order manager says that no whole spread is."""
    made = gate(positions={MAR: 10}, limits=WIDE)
    one = roll(10)
    ask(made, one)
    made.exposures.executed(one.id, JUN, 4 * QTY_SCALE)
    made.exposures.moved(one.id, 0, False)
    assert (made.exposures.lines[JUN].buys, made.exposures.lines[MAR].sells) == (6 * QTY_SCALE, 10 * QTY_SCALE)


def test_an_approval_that_nobody_acted_on_is_forgotten_with_its_legs() -> None:
    made = gate(positions={MAR: 10}, limits=WIDE)
    ask(made, roll(10))
    made.exposures.forget_unheard()
    assert (made.exposures.orders, made.exposures.combos) == ({}, {})
