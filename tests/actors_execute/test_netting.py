"""What sleeves want becomes the fewest orders that give it, with a reason for everything left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.contracts import Contracts
from actors.netting import BasketPolicy, Netting, Plan
from actors.run_ledger import RunLedger
from model.combos import as_legs
from model.decisions import Approved, CycleOpened, ExposureLine, NavMarked, Targets, Want
from model.instruments import Instrument, Kind
from model.market import FxRate, FxSnapshot, Quality
from model.orders import OrderUpdate, Purpose, Side, Urgency
from model.units import cash, px, qty

RUN = "20240102.1.test.abc"
UNIVERSE = {
    name: Instrument(id=name, kind=kind, venue="V", currency=currency, calendar="C", multiplier=Decimal(size))
    for name, kind, currency, size in (
        ("A", Kind.ETF, "EUR", 1), ("B", Kind.ETF, "EUR", 1), ("C", Kind.ETF, "USD", 1), ("F", Kind.FUTURE, "USD", 50),
    )
}  # fmt: skip
UNIVERSE["I"] = Instrument(id="I", kind=Kind.INDEX, venue="V", currency="EUR", calendar="C", tradeable=False)
FREE = BasketPolicy(min_notional=0)


def want(product: str, quantity: str | int, **more: Any) -> Want:
    return Want(product, qty(quantity), "because", {}, **more)


def net(
    wants: dict[str, list[Want]],
    held: dict[str, dict[str, int]] | None = None,
    *,
    policy: BasketPolicy = FREE,
    sleeves: tuple[str, ...] = ("a", "b"),
    degraded: dict[str, Quality] | None = None,
    blind: dict[str, tuple[str, ...]] | None = None,
    busy: dict[str, int] | None = None,
    contracts: dict[str, str] | None = None,
    prices: dict[str, str] | None = None,
    quality: Quality = Quality.GOOD,
    dollar: Quality = Quality.GOOD,
) -> Plan:
    """One plan. `held` is contract -> sleeve -> whole units."""
    known = {"A": "100", "B": "50", "C": "10", "F@202403": "20", "F@202406": "21"} if prices is None else prices
    lines = tuple(
        ExposureLine(name, sum(parts.values()) * qty(1), px(known.get(name, "0")), quality, "EUR", 0,
                     {who: size * qty(1) for who, size in parts.items()})
        for name, parts in (held or {}).items()
    )  # fmt: skip
    nav = NavMarked(RUN, 20240102, cash(10**6), {}, 0, 0, lines, {}, {}, (), 0,
                    {name: px(price) for name, price in known.items()})  # fmt: skip
    rates = {"EUR": FxRate("EUR", 10**9, "", 0, Quality.GOOD), "USD": FxRate("USD", px("0.8"), "", 0, dollar)}
    names = {"A": "A", "B": "B", "C": "C", "F": "F@202406", "I": "I"} if contracts is None else contracts
    cycle = CycleOpened(RUN, "test", 20240102, 1, 0, "in", degraded or {}, names, {})
    targets = {
        who: Targets(RUN, 20240102, who, tuple(each), (blind or {}).get(who, ()), 0) for who, each in wants.items()
    }
    return Netting(Contracts(UNIVERSE), policy, sleeves, busy or {}).plan(
        cycle, nav, FxSnapshot("EUR", rates, 0), targets
    )


def legs(plan: Plan) -> list[tuple[str, int]]:
    """(contract, signed whole units) in the order of sending."""
    return [(each.instrument, each.side * each.quantity // qty(1)) for each in plan.intents]


def codes(plan: Plan) -> list[str]:
    return [each.code for each in plan.left_out]


def test_targets_are_summed_and_never_overwrite_each_other() -> None:
    plan = net({"a": [want("A", 10)], "b": [want("A", -4)]})
    assert legs(plan) == [("A", 6)]
    assert {share.sleeve: share.quantity for share in plan.intents[0].shares} == {"a": qty(10), "b": qty(-4)}


def test_a_product_no_longer_wanted_is_closed() -> None:
    plan = net({"a": [], "b": []}, {"A": {"a": 7}})
    assert legs(plan) == [("A", -7)]
    assert (plan.intents[0].purpose, plan.intents[0].reduces) == (Purpose.REDUCE, True)


@pytest.mark.parametrize(
    ("wants", "blind"),
    [
        ({"a": [Want("A", 0, "stale", {}, True)], "b": []}, {}),
        ({"a": [], "b": []}, {"a": ("prices",)}),
        ({"a": [want("B", 0)], "b": []}, {"a": ("A",)}),
        ({"b": []}, {}),
    ],
    ids=["hold", "wholly degraded", "degraded in this product", "silent"],
)
def test_absence_of_data_keeps_what_there_is(wants: dict[str, list[Want]], blind: dict[str, tuple[str, ...]]) -> None:
    plan = net(wants, {"A": {"a": 7, "b": 2}}, blind=blind)
    assert legs(plan) == [("A", -2)]


def test_holding_sleeves_and_trading_sleeves_share_a_product() -> None:
    plan = net({"a": [Want("A", 0, "stale", {}, True)], "b": [want("A", 5)]}, {"A": {"a": 7}})
    assert legs(plan) == [("A", 5)]
    assert [share.sleeve for share in plan.intents[0].shares] == ["b"]


@pytest.mark.parametrize("bad", [Quality.STALE, Quality.SUSPECT, Quality.MISSING])
def test_nothing_changes_in_a_product_whose_price_is_not_good(bad: Quality) -> None:
    plan = net({"a": [want("A", 100), want("B", 1)], "b": []}, {"A": {"a": 7}}, degraded={"A": bad})
    assert legs(plan) == [("B", 1)]
    assert codes(plan) == ["DEGRADED"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"contracts": {}}, "NO_CONTRACT"),
        ({"prices": {}}, "NO_PRICE"),
        ({"busy": {"A": 1}}, "ORDER_OPEN"),
        ({"quality": Quality.STALE}, "DEGRADED"),
    ],
)
def test_what_cannot_be_traded_is_left_out_with_a_reason(more: dict[str, Any], code: str) -> None:
    plan = net({"a": [want("A", 10)], "b": []}, {"A": {"a": 7}}, **more)
    assert (legs(plan), codes(plan)) == ([], [code])


def test_an_index_is_never_traded() -> None:
    plan = net({"a": [want("I", 1)], "b": []}, prices={"I": "20"})
    assert (legs(plan), codes(plan)) == ([], ["NOT_TRADEABLE"])


def test_a_stale_rate_stops_trades_in_its_currency_only() -> None:
    plan = net({"a": [want("A", 10), want("C", 10)], "b": []}, dollar=Quality.STALE)
    assert (legs(plan), codes(plan)) == ([("A", 10)], ["STALE_FX"])


def test_small_increases_wait_and_small_reductions_do_not() -> None:
    policy = BasketPolicy(min_notional=cash(2_500))
    assert codes(net({"a": [want("A", 24)], "b": []}, policy=policy)) == ["MIN_NOTIONAL"]
    assert legs(net({"a": [want("A", 25)], "b": []}, policy=policy)) == [("A", 25)]
    assert legs(net({"a": [want("A", 99)], "b": []}, {"A": {"a": 100}}, policy=policy)) == [("A", -1)]
    assert legs(net({"a": [], "b": []}, {"A": {"a": 1}}, policy=policy)) == [("A", -1)]


def test_the_least_notional_is_counted_in_base_currency() -> None:
    policy = BasketPolicy(min_notional=cash(800))
    # 100 units at 10 dollars are 800 euros at .8
    assert legs(net({"a": [want("C", 100)], "b": []}, policy=policy)) == [("C", 100)]
    assert codes(net({"a": [want("C", 99)], "b": []}, policy=policy)) == ["MIN_NOTIONAL"]


def test_a_drift_inside_the_band_waits_but_a_close_never_does() -> None:
    policy = BasketPolicy(min_notional=0, drift_bps=1_000)
    assert codes(net({"a": [want("A", 109)], "b": []}, {"A": {"a": 100}}, policy=policy)) == ["BAND"]
    assert codes(net({"a": [want("A", 91)], "b": []}, {"A": {"a": 100}}, policy=policy)) == ["BAND"]
    assert legs(net({"a": [want("A", 112)], "b": []}, {"A": {"a": 100}}, policy=policy)) == [("A", 12)]
    assert legs(net({"a": [], "b": []}, {"A": {"a": 100}}, policy=policy)) == [("A", -100)]
    assert legs(net({"a": [want("A", 1)], "b": []}, policy=policy)) == [("A", 1)]


def test_sells_go_before_buys_and_the_most_urgent_first() -> None:
    plan = net(
        {"a": [want("A", 10), want("B", -5), want("C", 3, urgency=Urgency.CRISIS)], "b": [want("C", 1)]},
    )
    assert legs(plan) == [("C", 4), ("B", -5), ("A", 10)]
    assert plan.intents[0].urgency is Urgency.CRISIS


def test_crisis_outranks_every_other_urgency_as_a_number_not_as_a_word() -> None:
    for other in (Urgency.LOW, Urgency.NORMAL, Urgency.HIGH):
        plan = net({"a": [want("A", 1, urgency=Urgency.CRISIS)], "b": [want("A", 1, urgency=other)]})
        assert plan.intents[0].urgency is Urgency.CRISIS


def test_fractions_of_contracts_net_to_whole_ones_and_shares_still_sum() -> None:
    plan = net({"a": [want("A", "1.4")], "b": [want("A", "1.4")]})
    [one] = plan.intents
    assert one.quantity == qty(3)
    assert sum(share.quantity for share in one.shares) == qty(3)


# --- pairs and rolls --------------------------------------------------------------------------------------------------


def test_legs_of_a_pair_carry_one_name_and_their_number() -> None:
    plan = net({"a": [want("A", 10, pair="x"), want("B", -20, pair="x")], "b": [want("C", 1)]})
    names = {each.instrument: (each.pair, each.legs) for each in plan.intents}
    assert names == {"A": ("a:x", 2), "B": ("a:x", 2), "C": ("", 1)}


@pytest.mark.parametrize("why", ["band", "price", "hold"])
def test_when_one_leg_stays_the_other_stays(why: str) -> None:
    second = Want("B", 0, "stale", {}, True, "x") if why == "hold" else want("B", -1, pair="x")
    plan = net(
        {"a": [want("A", 100, pair="x"), second], "b": []},
        policy=BasketPolicy(min_notional=cash(2_500)),
        degraded={"B": Quality.STALE} if why == "price" else {},
    )
    assert legs(plan) == []
    assert "PAIR" in codes(plan)


def test_pairs_of_two_sleeves_that_meet_in_a_contract_become_one() -> None:
    plan = net({"a": [want("A", 10, pair="x"), want("B", -20, pair="x")],
                "b": [want("B", -4, pair="y"), want("C", 9, pair="y")]})  # fmt: skip
    assert {each.legs for each in plan.intents} == {3}
    assert len({each.pair for each in plan.intents}) == 1


def test_a_pair_with_one_leg_in_place_trades_the_other_alone() -> None:
    plan = net({"a": [want("A", 10, pair="x"), want("B", -20, pair="x")], "b": []}, {"A": {"a": 10}})
    assert [(each.instrument, each.legs) for each in plan.intents] == [("B", 1)]


def test_a_roll_closes_the_old_and_opens_the_new_for_every_sleeve() -> None:
    plan = net({"a": [want("F", 5)], "b": [want("F", -2)]}, {"F@202403": {"a": 5, "b": -2}},
               policy=BasketPolicy(drift_bps=5_000))  # fmt: skip
    assert legs(plan) == [("F@202403", -3), ("F@202406", 3)]
    assert {(each.pair, each.legs, each.purpose) for each in plan.intents} == {("roll:F", 2, Purpose.ROLL)}
    assert [{s.sleeve: s.quantity for s in each.shares} for each in plan.intents] == [
        {"a": qty(-5), "b": qty(2)}, {"a": qty(5), "b": qty(-2)},
    ]  # fmt: skip


def test_a_roll_inside_the_band_keeps_its_size() -> None:
    plan = net({"a": [want("F", 105)], "b": []}, {"F@202403": {"a": 100}}, policy=BasketPolicy(drift_bps=1_000))
    assert legs(plan) == [("F@202403", -100), ("F@202406", 100)]
    assert codes(plan) == ["BAND"]


def test_a_sleeve_that_holds_is_rolled_all_the_same() -> None:
    plan = net({"a": [Want("F", 0, "stale", {}, True)], "b": []}, {"F@202403": {"a": 3}})
    assert legs(plan) == [("F@202403", -3), ("F@202406", 3)]


def test_an_old_contract_that_is_not_wanted_is_simply_closed() -> None:
    plan = net({"a": [], "b": []}, {"F@202403": {"a": 3}})
    assert legs(plan) == [("F@202403", -3)]
    assert (plan.intents[0].pair, plan.intents[0].purpose) == ("", Purpose.REDUCE)


def test_offsetting_sleeves_cross_into_the_new_contract() -> None:
    plan = net({"a": [want("F", 5)], "b": [want("F", -5)]}, {"F@202403": {"a": 5, "b": -5}})
    assert legs(plan) == []
    assert [each.instrument for each in plan.crossings] == ["F@202403", "F@202406"]


def test_what_is_not_ours_is_never_touched() -> None:
    plan = net({"a": [], "b": []}, {"A": {"foreign": 9, "caretaker": 3}})
    assert legs(plan) == []


# --- laws -------------------------------------------------------------------------------------------------------------

SIZES = st.dictionaries(st.sampled_from("abc"), st.integers(-30, 30), min_size=1)


@given(st.dictionaries(st.sampled_from("AB"), SIZES), st.dictionaries(st.sampled_from("AB"), SIZES))
def test_netting_never_trades_more_than_the_sleeves_would(
    wants: dict[str, dict[str, int]], held: dict[str, dict[str, int]]
) -> None:
    given_wants = {
        who: [want(product, parts[who]) for product, parts in wants.items() if who in parts] for who in "abc"
    }
    plan = net(given_wants, held, sleeves=("a", "b", "c"))
    gross = sum(
        abs(wants.get(product, {}).get(who, 0) - held.get(product, {}).get(who, 0)) for product in "AB" for who in "abc"
    )
    assert sum(each.quantity for each in plan.intents) <= gross * qty(1)
    after = {(name, who): size * qty(1) for name, parts in held.items() for who, size in parts.items()}
    for each in plan.intents:
        assert sum(share.quantity for share in each.shares) == each.side * each.quantity
        assert each.side in (Side.BUY, Side.SELL)
    changes = [(each.instrument, each.shares) for each in plan.intents]
    changes += [(each.instrument, each.shares) for each in plan.crossings]
    for name, shares in changes:
        for share in shares:
            after[name, share.sleeve] = after.get((name, share.sleeve), 0) + share.quantity
    for crossing in plan.crossings:
        assert sum(share.quantity for share in crossing.shares) == 0
    wanted = {(name, who): size * qty(1) for name, parts in wants.items() for who, size in parts.items()}
    assert {key: size for key, size in after.items() if size} == {key: size for key, size in wanted.items() if size}


@given(SIZES, SIZES)
def test_the_same_inputs_give_the_same_ids(wants: dict[str, int], held: dict[str, int]) -> None:
    given_wants = {who: [want("A", wants[who])] if who in wants else [] for who in "abc"}
    first, second = (net(given_wants, {"A": held}, sleeves=("a", "b", "c")) for _ in range(2))
    assert first == second


def test_a_pair_that_holds_does_not_stop_another_sleeve_in_the_same_product() -> None:
    """Found in the replay of 2006: the trend sleeve could not trade SP500 while the index pair waited for history."""
    holding = [Want("A", 0, "no history", {}, True, "p"), Want("B", 0, "no history", {}, True, "p")]
    plan = net({"a": holding, "b": [want("A", 5)]}, {"A": {"a": 2}, "B": {"a": -4}})
    assert legs(plan) == [("A", 5)]
    assert [(share.sleeve, share.quantity) for share in plan.intents[0].shares] == [("b", qty(5))]
    assert plan.intents[0].pair == ""
    assert codes(plan) == []


def test_a_broken_pair_keeps_its_legs_and_the_other_sleeves_part_is_sent() -> None:
    wants = {"a": [want("A", 6, pair="p"), want("B", -9, pair="p")], "b": [want("A", 5)]}
    plan = net(wants, {"A": {"a": 2}, "B": {"a": -4}}, degraded={"B": Quality.STALE})
    assert legs(plan) == [("A", 5)]
    assert {share.sleeve: share.quantity for share in plan.intents[0].shares} == {"b": qty(5)}
    assert sorted(codes(plan)) == ["DEGRADED", "PAIR"]


# --- rolls as spreads -------------------------------------------------------------------------------------------------

SPREADS = BasketPolicy(min_notional=0, roll_as_spread=True)
ROLL = "F@202403-202406"


def test_a_roll_as_a_spread_is_one_order_for_both_contracts() -> None:
    plan = net({"a": [want("F", 5)], "b": [want("F", -2)]}, {"F@202403": {"a": 5, "b": -2}}, policy=SPREADS)
    assert legs(plan) == [(ROLL, 3)]
    (one,) = plan.intents
    assert (one.purpose, one.pair, one.reference, one.leg_references) == (
        Purpose.ROLL, "", px("1"), (px("20"), px("21")),
    )  # fmt: skip
    assert {s.sleeve: s.quantity for s in one.shares} == {"a": qty(5), "b": qty(-2)}


def test_a_short_is_rolled_by_selling_the_spread() -> None:
    plan = net({"a": [want("F", -4)], "b": []}, {"F@202403": {"a": -4}}, policy=SPREADS)
    assert legs(plan) == [(ROLL, -4)]


def test_what_a_roll_changes_besides_is_an_order_of_its_own() -> None:
    more = net({"a": [want("F", 7)], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS)
    assert sorted(legs(more)) == [(ROLL, 5), ("F@202406", 2)]
    less = net({"a": [want("F", 3)], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS)
    assert sorted(legs(less)) == [("F@202403", -2), (ROLL, 3)]
    assert {each.purpose for each in less.intents} == {Purpose.ROLL, Purpose.REDUCE}
    assert len({each.id for each in (*more.intents, *less.intents)}) == 4


def test_a_position_that_turns_or_ends_with_its_contract_is_no_spread() -> None:
    turned = net({"a": [want("F", -3)], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS)
    assert legs(turned) == [("F@202403", -5), ("F@202406", -3)]
    ended = net({"a": [], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS)
    assert legs(ended) == [("F@202403", -5)]


def test_a_spread_waits_for_an_open_order_in_either_contract() -> None:
    for contract in ("F@202403", "F@202406"):
        plan = net({"a": [want("F", 5)], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS, busy={contract: 1})
        assert (legs(plan), codes(plan)) == ([], ["ORDER_OPEN"])


def test_an_open_spread_keeps_both_its_contracts_busy() -> None:
    plan = net({"a": [want("F", 5)], "b": []}, {"F@202403": {"a": 5}}, policy=SPREADS)
    ledger = RunLedger()
    ledger.approve(Approved("ap", RUN, plan.intents, (), 0))
    assert ledger.busy == {"F@202403": 1, "F@202406": 1}
    again = RunLedger.restored(ledger.keep())
    update = OrderUpdate(plan.intents[0].id, RUN, ROLL, Side.BUY, "FILLED", qty(5), qty(5), True, 0)
    for each in (ledger, again):
        each.hear(update)
        assert each.busy == {}


FEW = st.integers(-9, 9)


@given(st.tuples(FEW, FEW), st.tuples(FEW, FEW), st.tuples(FEW, FEW))
def test_rolled_as_spreads_or_as_pairs_every_sleeve_ends_with_the_same(
    old: tuple[int, int], new: tuple[int, int], wanted: tuple[int, int]
) -> None:
    """By contract and sleeve; and nothing leaves on both sides of one contract."""
    held = {"F@202403": dict(zip("ab", old, strict=True)), "F@202406": dict(zip("ab", new, strict=True))}
    wants = {who: [want("F", size)] for who, size in zip("ab", wanted, strict=True)}

    def changes(policy: BasketPolicy) -> tuple[dict[tuple[str, str], int], dict[str, set[Side]]]:
        plan = net(wants, held, policy=policy)
        found: dict[tuple[str, str], int] = {}
        sides: dict[str, set[Side]] = {}
        for leg in (leg for one in plan.intents for leg in as_legs(one)):
            sides.setdefault(leg.instrument, set()).add(leg.side)
            assert sum(share.quantity for share in leg.shares) == leg.side * leg.quantity
        moved = [(leg.instrument, leg.shares) for one in plan.intents for leg in as_legs(one)]
        for name, shares in (*moved, *((each.instrument, each.shares) for each in plan.crossings)):
            for share in shares:
                found[name, share.sleeve] = found.get((name, share.sleeve), 0) + share.quantity
        return {key: quantity for key, quantity in found.items() if quantity}, sides

    spread, sides = changes(SPREADS)
    assert spread == changes(FREE)[0]
    assert all(len(each) == 1 for each in sides.values())
