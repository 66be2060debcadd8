"""The gate before every order: each denial by a small book worked out by hand."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.denials import DENIAL_CODES
from actors.margin import Rising
from actors.risk_gate import GateLimits, RiskGate
from model.decisions import Approved, Mode, Propose
from model.market import Quality
from model.orders import Fill, Filled, Intent, Purpose, Side
from model.units import NS_PER_SECOND, PX_SCALE, QTY_SCALE
from tests.actors_decide.made import codes, cycle, future, intent, nav

PRODUCTS = {name: future(name, multiplier="10") for name in ("A", "B", "C")} | {"E": future("E", "EUR", "10")}


def gate(
    *,
    positions: dict[str, int] | None = None,
    money: int = 1_000_000,
    mode: Mode = Mode.TRADING,
    degraded: dict[str, Quality] | None = None,
    eur: Quality = Quality.GOOD,
    limits: GateLimits | None = None,
) -> RiskGate:
    """Every product costs 100, times 10: a unit is a thousand dollars of a million."""
    made = RiskGate(PRODUCTS, limits or GateLimits())
    made.mode = mode
    marked = {name: (units, "100") for name, units in (positions or {}).items()}
    prices = dict.fromkeys(PRODUCTS, "100")
    told = cycle(20240102, degraded=degraded, rates={"EUR": ("1.0", eur)})
    made.open_cycle(told, nav(20240102, money, positions=marked, prices=prices))
    return made


def ask(made: RiskGate, *intents: Intent, now_ns: int = 0, sender: str = "basket") -> Approved:
    return made.propose(Propose("20240102.1.test", intents, sender), now_ns)[0]


def fill(made: RiskGate, one: Intent, units: int) -> None:
    executed = Fill("x", one.id, "v", one.instrument, one.side, units * QTY_SCALE, PX_SCALE, 0, "USD", 0)
    made.filled(Filled(executed, one.run_id, ()))


def test_an_order_within_every_limit_is_approved() -> None:
    answer = ask(gate(), intent("A", 10))
    assert len(answer.intents) == 1
    assert answer.denials == ()


@pytest.mark.parametrize("mode", [Mode.BOOT, Mode.RECONCILING, Mode.OBSERVING, Mode.HALTED, Mode.SAFE_STOP])
def test_nothing_is_approved_while_the_system_does_not_trade(mode: Mode) -> None:
    made = gate(positions={"A": 10}, mode=mode)
    assert codes(ask(made, intent("A", 1), intent("A", -1, reduces=True)).denials) == ["MODE", "MODE"]


def test_reduce_only_takes_an_order_at_its_word_only_when_the_position_agrees() -> None:
    made = gate(positions={"A": 10}, mode=Mode.REDUCE_ONLY)
    answer = ask(
        made,
        intent("A", -4, reduces=True),
        intent("A", -7, reduces=True),  # 4 are on their way already
        intent("A", 1, reduces=True),
        intent("B", -1, reduces=True),
        intent("A", -1),
    )
    assert [each.quantity for each in answer.intents] == [4 * QTY_SCALE]
    assert codes(answer.denials) == ["REDUCE_ONLY"] * 4


def test_an_order_over_a_tenth_of_the_book_is_too_large() -> None:
    denials = ask(gate(), intent("A", 101)).denials
    assert codes(denials) == ["ORDER_SIZE"]
    assert denials[0].text.endswith("0 and an order of 101,000 against 100,000")
    assert ask(gate(), intent("A", 100)).denials == ()


def test_half_the_book_a_day_is_the_turnover_limit() -> None:
    made = gate(limits=GateLimits(max_gross_leverage=9, max_net_leverage=9))
    answer = ask(made, *(intent("A", 100, attempt=k) for k in range(6)))
    assert codes(answer.denials) == ["TURNOVER"]
    assert len(answer.intents) == 5


def test_a_new_session_starts_a_new_turnover_account() -> None:
    made = gate(limits=GateLimits(max_daily_turnover_share=0.1, max_gross_leverage=9, max_net_leverage=9))
    ask(made, intent("A", 100))
    made.open_cycle(cycle(20240102, number=2), nav(20240102, 1_000_000, number=2, prices={"A": "100"}))
    assert codes(ask(made, intent("A", 1, attempt=1)).denials) == ["TURNOVER"]
    made.open_cycle(cycle(20240103), nav(20240103, 1_000_000, prices={"A": "100"}))
    assert ask(made, intent("A", 1, attempt=2)).denials == ()


def test_gross_counts_what_is_working_at_its_worst() -> None:
    limits = GateLimits(max_gross_leverage=0.2, max_net_leverage=9)
    made = gate(positions={"A": 100, "B": -50}, limits=limits)
    answer = ask(made, intent("C", 30), intent("C", -30, attempt=1), intent("C", 25, attempt=2))
    assert len(answer.intents) == 2  # 150 held and at most 30 of C one way or the other
    assert codes(answer.denials) == ["GROSS"]


def test_net_is_counted_on_the_side_of_the_order() -> None:
    limits = GateLimits(max_gross_leverage=9, max_net_leverage=0.1)
    made = gate(positions={"A": 100, "B": -50}, limits=limits)
    answer = ask(made, intent("C", 51), intent("C", 50, attempt=1), intent("C", -100, attempt=2))
    assert codes(answer.denials) == ["NET"]
    assert len(answer.intents) == 2


def test_an_instrument_has_its_own_cap_over_all_its_contracts() -> None:
    made = gate(positions={"A@202403": 30}, limits=GateLimits(instrument_shares={"A": 0.05}))
    answer = ask(made, intent("A@202406", 20), intent("A@202406", 1, attempt=1), intent("B", 90))
    assert codes(answer.denials) == ["INSTRUMENT_CAP"]


def test_what_reduces_is_stopped_by_no_limit_of_size() -> None:
    limits = GateLimits(
        max_gross_leverage=0.01, max_net_leverage=0.01, max_order_share=0.001, max_daily_turnover_share=0.001
    )
    made = gate(positions={"A": 400, "B": -400}, limits=limits)
    assert ask(made, intent("A", -400, reduces=True), intent("B", 400)).denials == ()


def test_a_locked_instrument_may_only_shrink() -> None:
    made = gate(positions={"A@202403": 10})
    made.locked["A@202403"] = "three-way break"
    answer = ask(made, intent("A@202403", 1), intent("A@202403", -1, attempt=1), intent("B", 1))
    assert codes(answer.denials) == ["LOCKED"]
    assert len(answer.intents) == 2


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.SUSPECT, Quality.MISSING])
def test_a_price_that_cannot_be_trusted_sends_nothing(quality: Quality) -> None:
    made = gate(positions={"A": 10}, degraded={"A": quality})
    assert codes(ask(made, intent("A", 1), intent("A", -1, reduces=True)).denials) == ["STALE_PRICE"] * 2


def test_an_operators_flatten_goes_out_on_a_stale_price() -> None:
    made = gate(positions={"A": 10}, degraded={"A": Quality.STALE})
    assert ask(made, intent("A", -10, reduces=True, purpose=Purpose.FLATTEN)).denials == ()


def test_a_rate_that_cannot_be_trusted_sends_nothing() -> None:
    assert codes(ask(gate(eur=Quality.STALE), intent("E", 1)).denials) == ["STALE_FX"]
    assert ask(gate(), intent("E", 1)).denials == ()


@pytest.mark.parametrize("money", [0, -5])
def test_a_book_without_value_increases_nothing(money: int) -> None:
    made = gate(positions={"A": 10}, money=money)
    answer = ask(made, intent("A", 1), intent("A", -1, reduces=True))
    assert codes(answer.denials) == ["NAV_UNKNOWN"]
    assert len(answer.intents) == 1


def test_before_the_first_cycle_nothing_leaves() -> None:
    made = RiskGate(PRODUCTS, GateLimits())
    made.mode = Mode.TRADING
    assert codes(ask(made, intent("A", 1)).denials) == ["STALE_PRICE"]


def test_the_same_intent_is_never_approved_twice() -> None:
    made = gate()
    one = intent("A", 1)
    ask(made, one, sender="quoter")
    assert codes(ask(made, one, sender="quoter").denials) == ["DUPLICATE"]


def test_the_same_proposal_gets_the_same_answer() -> None:
    made = gate()
    first = ask(made, intent("A", 1), intent("B", 500))
    assert ask(made, intent("A", 1), intent("B", 500), now_ns=99) is first


def test_a_limit_far_from_the_reference_is_refused() -> None:
    answer = ask(gate(), intent("A", 1, limit="106"), intent("B", 1, limit="105"), intent("C", 1, limit="10000"))
    assert codes(answer.denials) == ["PRICE_COLLAR", "PRICE_COLLAR"]


def test_more_orders_than_a_minute_may_hold_wait_for_the_next() -> None:
    made = gate(limits=GateLimits(max_orders_per_minute=2))
    answer = ask(made, *(intent("A", 1, attempt=k) for k in range(3)), now_ns=NS_PER_SECOND)
    assert codes(answer.denials) == ["RATE"]
    assert ask(made, intent("A", 1, attempt=3), now_ns=62 * NS_PER_SECOND).denials == ()


def test_one_contract_waits_its_gap() -> None:
    made = gate(limits=GateLimits(min_gap_ns=5))
    first = ask(made, intent("A", 1), intent("B", 1), now_ns=10)
    assert first.denials == ()
    assert codes(ask(made, intent("A", 1, attempt=1), now_ns=14).denials) == ["TOO_SOON"]
    assert ask(made, intent("A", 1, attempt=2), now_ns=15).denials == ()


def test_a_proposal_of_too_many_orders_is_denied_whole() -> None:
    made = gate(limits=GateLimits(max_intents_per_run=2))
    assert codes(ask(made, *(intent("A", 1, attempt=k) for k in range(3))).denials) == ["RUN_SIZE"] * 3


def test_legs_of_a_pair_are_approved_together_or_not_at_all() -> None:
    made = gate()
    before = made.exposures.gross
    answer = ask(
        made,
        intent("A", 10, pair="p"),
        intent("B", -500, pair="p"),
        intent("C", 5, pair="p"),
        intent("C", 7, attempt=1),
    )
    assert [each.instrument for each in answer.intents] == ["C"]
    assert sorted(codes(answer.denials)) == ["ORDER_SIZE", "PAIR", "PAIR"]
    assert made.exposures.gross == pytest.approx(before + 7_000)
    assert made.turnover == pytest.approx(7_000)


def test_a_roll_needs_no_room_for_both_contracts_at_once() -> None:
    limits = GateLimits(max_gross_leverage=0.1, max_net_leverage=0.1, max_order_share=0.01, max_daily_turnover_share=0)
    made = gate(positions={"A@202403": 100}, limits=limits)
    roll = [
        intent("A@202403", -100, purpose=Purpose.ROLL, pair="roll", reduces=True),
        intent("A@202406", 100, purpose=Purpose.ROLL, pair="roll"),
    ]
    assert ask(made, *roll).denials == ()
    assert made.exposures.gross == pytest.approx(100_000)
    assert made.turnover == 0


def test_a_roll_into_more_than_was_held_is_checked_for_the_rest_whichever_leg_comes_first() -> None:
    limits = GateLimits(max_order_share=0.005)
    out, into = intent("A@202403", -100, purpose=Purpose.ROLL), intent("A@202406", 106, purpose=Purpose.ROLL)
    for legs in ((out, into), (into, out)):
        answer = ask(gate(positions={"A@202403": 100}, limits=limits), *legs)
        assert codes(answer.denials) == ["ORDER_SIZE"]


def test_a_roll_takes_over_what_other_contracts_hold_on_its_side_and_no_more() -> None:
    """Day 8084 of the proof: a stray long of one, and a short of nineteen that was turned while the one was rolled."""
    limits = GateLimits(max_gross_leverage=0.02, max_net_leverage=9)
    made = gate(positions={"A@202403": 1, "A@202406": -19}, limits=limits)
    out, into = intent("A@202403", -1, purpose=Purpose.ROLL), intent("A@202406", 41, purpose=Purpose.ROLL)
    assert codes(ask(made, out, into).denials) == ["GROSS"]  # 22 after it, and 20 are allowed
    assert ask(made, intent("A@202406", 39, purpose=Purpose.ROLL, attempt=1)).denials == ()


def test_a_roll_that_grows_is_counted_after_a_restart_as_before_it() -> None:
    legs = (intent("A@202403", -10, purpose=Purpose.ROLL, reduces=True), intent("A@202406", 25, purpose=Purpose.ROLL))
    live, rebuilt = gate(positions={"A@202403": 10}), gate(positions={"A@202403": 10})
    rebuilt.fold_approved(ask(live, *legs))
    assert rebuilt.exposures.gross == live.exposures.gross == pytest.approx(25_000)


def test_a_short_turned_into_as_much_of_a_long_counts_beside_the_other_longs() -> None:
    limits = GateLimits(max_gross_leverage=9, max_net_leverage=0.1)
    turned = gate(positions={"A": 85, "B": -19}, limits=limits)
    assert codes(ask(turned, intent("B", 38)).denials) == ["NET"]
    assert ask(turned, intent("B", 34, attempt=1)).denials == ()


def test_a_claim_to_reduce_that_the_position_does_not_bear_out_is_not_approved_with_the_order() -> None:
    made = gate(positions={"A": 25, "B": 25})
    answer = ask(made, intent("A", -27, reduces=True), intent("B", -25, reduces=True))
    assert [each.reduces for each in answer.intents] == [False, True]


def test_an_order_that_ends_gives_its_room_back() -> None:
    made = gate(limits=GateLimits(max_gross_leverage=0.1, max_net_leverage=9))
    one = intent("A", 100)
    ask(made, one)
    assert codes(ask(made, intent("B", 1)).denials) == ["GROSS"]
    fill(made, one, 40)
    made.exposures.moved(one.id, 40 * QTY_SCALE, False)
    assert made.exposures.gross == pytest.approx(100_000)
    made.exposures.moved(one.id, 40 * QTY_SCALE, True)
    assert made.exposures.gross == pytest.approx(40_000)
    assert ask(made, intent("B", 60, attempt=1)).denials == ()


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    for code, (meaning, following) in DENIAL_CODES.items():
        assert code == code.upper()
        assert meaning
        assert following


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(-120, 120).filter(bool), st.integers(0, 2), st.booleans()),
        max_size=40,
    )
)
def test_whatever_fills_of_what_was_approved_the_book_stays_within_its_limits(
    asked: list[tuple[str, int, int, bool]],
) -> None:
    """Orders are approved, partly filled and ended in any order; gross never passes the limit, and sums never drift."""
    made = gate(limits=GateLimits(max_order_share=9, max_daily_turnover_share=99, max_gross_leverage=0.3))
    held = dict.fromkeys("ABC", 0)
    for k, (name, units, fate, over) in enumerate(asked):
        one = intent(name, units, attempt=k)
        if not ask(made, one).intents:
            continue
        done = abs(units) * fate // 2
        if done:
            fill(made, one, done)
            held[name] += done if one.side is Side.BUY else -done
        made.exposures.moved(one.id, done * QTY_SCALE, over)
        assert sum(abs(each) for each in held.values()) <= 300
        assert made.exposures.gross <= 300_000 + 1e-6
    worst = 0.0
    for name in "ABC":
        buys = sum(w.left for w in made.exposures.orders.values() if w.instrument == name and w.side is Side.BUY)
        sells = sum(w.left for w in made.exposures.orders.values() if w.instrument == name and w.side is Side.SELL)
        position = held[name] * QTY_SCALE
        worst += max(abs(position + buys), abs(position - sells)) / QTY_SCALE * 1_000
    assert made.exposures.gross == pytest.approx(worst)


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["A", "A@202403", "A@202406", "B", "E", "X"]), st.integers(-150, 150),
                st.sampled_from([Purpose.REBALANCE, Purpose.ROLL]), st.sampled_from(["", "p"]),
            ),
            min_size=1, max_size=4,
        ),
        max_size=6,
    )
)  # fmt: skip
def test_asking_what_would_add_risk_changes_nothing_and_says_what_a_gate_apart_would_say(
    proposals: list[list[tuple[str, int, Purpose, str]]],
) -> None:
    """The gate apart is copied to the last object, which took longer the longer the session lasted."""
    limits = GateLimits(max_orders_per_minute=12)
    asked, unasked = (gate(positions={"A@202403": 40, "B": -30}, limits=limits) for _ in range(2))
    for number, wanted in enumerate(proposals):
        intents = tuple(
            intent(name, units or 1, purpose=purpose, pair=pair, attempt=10 * number + place)
            for place, (name, units, purpose, pair) in enumerate(wanted)
        )
        propose, now_ns = Propose("20240102.1.test", intents, "basket"), number * 20 * NS_PER_SECOND
        apart, noted = copy.deepcopy(unasked), Rising()
        answer, _ = apart.propose(propose, now_ns, noted)
        approved = [each.id for each in answer.intents]
        assert asked.rising(propose, now_ns) == [each for each in noted.intents if each.id in approved]
        assert asked.rising(propose, now_ns) == [each for each in noted.intents if each.id in approved]
        assert asked.propose(propose, now_ns) == unasked.propose(propose, now_ns)
        for one in intents[:1]:
            if one.id in approved:
                for each in (asked, unasked):
                    fill(each, one, one.quantity // QTY_SCALE)
                    each.exposures.moved(one.id, one.quantity, True)
