"""Market data: what a price is worth, how a product is stitched over rolls, and what opens a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from actors.market_data import MarketData
from actors.price_book import FreshnessRules
from engine.effects import Effects, Ref
from model.decisions import CycleOpened
from model.execution import Alarm
from model.market import BarClosed, FeedState, Mark, ProductBar, Quality, Quote, SessionClosed, WatchQuotes
from model.rolls import Roll, RollSchedule
from model.sessions import Session, Sessions
from model.units import PX_SCALE, px
from tests.actors_decide.made import clocked, closed, fund, future, journalled, put_away, told

FUTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "futures"
ROLLS = RollSchedule({"SP500": [Roll(20240104, 202403, 202406, 20240103)]})
DAYS = [20240102, 20240103, 20240104, 20240105, 20240108]


def market(rolls: RollSchedule = ROLLS, **more: Any) -> MarketData:
    sleeve: Ref[ProductBar] = Ref("sleeve.trend")
    given = {
        "instruments": {"SP500": future("SP500"), "IUKD": fund("IUKD")},
        "bar_watchers": {"SP500": (sleeve,), "IUKD": (sleeve,)},
        "orders": Ref("orders"),
        **more,
    }
    return clocked(MarketData(program="test", rolls=rolls, fx=Ref("fx"), portfolio=Ref("portfolio"), **given))


def bars(effects: Effects) -> list[ProductBar]:
    return told(effects, ProductBar)


def quiet(data: MarketData, product: str = "IUKD", start: int = 20230101, days: int = 30) -> int:
    """Thirty closes that go to and fro by a tenth around ten; answers the next free session."""
    for day in range(days):
        data.on_bar_closed(closed(product, start + day, "10.0" if day % 2 else "10.1"))
    return start + days


def cycle_of(data: MarketData, session: int, number: int = 1) -> CycleOpened:
    return told(data.on_session_closed(SessionClosed(session, session, number=number)), CycleOpened)[0]


def test_a_roll_is_stitched_with_the_change_of_the_new_contract_alone() -> None:
    """March 100, 101, 102; June 110, 111, 113, 116: the level goes 100, 101, 102 and then June's own +3."""
    data = market()
    levels = []
    for day, march, june in [(0, "100", "110"), (1, "101", "111"), (2, "102", "113"), (3, "103", "116")]:
        for contract, close in (("SP500@202403", march), ("SP500@202406", june)):
            levels += bars(data.on_bar_closed(closed(contract, DAYS[day], close)))
    assert [bar.adjusted for bar in levels] == [px(x) for x in ("100", "101", "102", "105")]
    assert [bar.price for bar in levels] == [px(x) for x in ("100", "101", "102", "116")]
    assert [bar.contract for bar in levels] == ["SP500@202403"] * 3 + ["SP500@202406"]


def test_a_roll_without_the_new_contracts_last_close_is_suspect_for_one_session() -> None:
    data = market()
    seen = []
    for day, contract, close in [
        (1, "SP500@202406", "111"),
        (2, "SP500@202403", "102"),
        (3, "SP500@202406", "116"),
        (4, "SP500@202406", "118"),
    ]:
        seen += bars(data.on_bar_closed(closed(contract, DAYS[day], close)))
    assert [(bar.adjusted, bar.quality) for bar in seen] == [
        (px("102"), Quality.GOOD),
        (px("102"), Quality.SUSPECT),
        (px("104"), Quality.GOOD),
    ]


def test_every_contract_is_marked_for_the_portfolio() -> None:
    effects = market().on_bar_closed(closed("SP500@202406", DAYS[0], "110"))
    assert bars(effects) == []
    assert [(mark.instrument, mark.price) for mark in told(effects, Mark, "portfolio")] == [("SP500@202406", px("110"))]


def test_a_spike_waits_and_is_accepted_when_the_next_bar_confirms_it() -> None:
    data = market()
    day = quiet(data)
    spike = data.on_bar_closed(closed("IUKD", day, "13"))
    after = data.on_bar_closed(closed("IUKD", day + 1, "13.1"))
    assert [bar.quality for bar in bars(spike) + bars(after)] == [Quality.SUSPECT, Quality.GOOD]
    assert bars(spike)[0].adjusted == px("10.0")
    assert bars(after)[0].adjusted == px("13.1")
    assert journalled(spike, Alarm)[0].code == "PRICE_SUSPECT"
    assert told(spike, Mark)[0].price == px("10.0")
    assert told(spike, Mark)[0].quality is Quality.SUSPECT


def test_a_fall_that_goes_on_is_believed_at_its_second_bar() -> None:
    data = market()
    day = quiet(data)
    seen = [bars(data.on_bar_closed(closed("IUKD", day + k, close)))[0] for k, close in enumerate(("8", "6", "5.9"))]
    assert [(bar.quality, bar.price) for bar in seen[1:]] == [(Quality.GOOD, px("6")), (Quality.GOOD, px("5.9"))]


def test_a_spike_that_reverses_leaves_no_trace() -> None:
    data, clean = market(), market()
    day = quiet(data)
    quiet(clean)
    data.on_bar_closed(closed("IUKD", day, "13"))
    assert bars(data.on_bar_closed(closed("IUKD", day + 1, "10.1"))) == bars(
        clean.on_bar_closed(closed("IUKD", day + 1, "10.1"))
    )


def test_a_suspect_price_degrades_the_cycle_of_its_session() -> None:
    data = market(rolls=RollSchedule({}))
    day = quiet(data)
    data.on_bar_closed(closed("IUKD", day, "13"))
    assert cycle_of(data, day).degraded["IUKD"] is Quality.SUSPECT


@pytest.mark.parametrize("pence", ["1005", "0.1005"])
def test_pence_for_pounds_are_never_confirmed(pence: str) -> None:
    data = market()
    day = quiet(data, days=5)
    seen = [bar for k in range(4) for bar in bars(data.on_bar_closed(closed("IUKD", day + k, pence)))]
    assert {bar.quality for bar in seen} == {Quality.SUSPECT}
    assert bars(data.on_bar_closed(closed("IUKD", day + 9, "10.05")))[0].quality is Quality.GOOD


def test_what_is_no_price_is_rejected_and_counted() -> None:
    data = market()
    assert data.on_bar_closed(closed("IUKD", DAYS[0], "0")) is None
    assert data.on_bar_closed(closed("IUKD", DAYS[0], "-1")) is None
    assert data.on_bar_closed(closed("UNHEARD", DAYS[0], "1")) is None
    assert data.book.rejected == {"a price of nought or less": 2, "unknown product": 1}


@pytest.mark.parametrize(
    ("low", "high", "taken"),
    [("9", "11", True), ("9", "9.6", True), ("9.95", "9.96", True), ("5", "6", False), ("11", "9", False)],
)
def test_a_settlement_may_lie_a_little_outside_the_days_range(low: str, high: str, taken: bool) -> None:
    bar = BarClosed("IUKD", DAYS[0], px("10"), px(high), px(low), px("10"), 0, 1)
    assert bool(bars(market().on_bar_closed(bar))) is taken


def test_a_future_may_close_under_nought() -> None:
    data = market()
    data.on_bar_closed(closed("SP500@202403", DAYS[0], "10"))
    assert bars(data.on_bar_closed(closed("SP500@202403", DAYS[1], "-37.63")))[0].price == px("-37.63")


def test_a_price_far_on_the_other_side_of_nought_waits_for_the_next_bar() -> None:
    data = market()
    near = "SP500@202403"
    prices = ("100", "-10000", "100.5", "-10000", "-10001")
    seen = [bars(data.on_bar_closed(closed(near, 20231201 + place, price)))[0] for place, price in enumerate(prices)]
    good, suspect = Quality.GOOD, Quality.SUSPECT
    assert [bar.quality for bar in seen] == [good, suspect, good, suspect, good]


def test_a_price_on_the_other_side_of_nought_in_another_unit_waits_for_the_next_bar() -> None:
    """Seed 30633: a price of 200 became -2, a hundredth with its sign turned, and a day was marked with it."""
    data = market()
    prices = ("200", "-2", "200.5", "-6", "-6.1", "-0.1", "-0.1", "0.5")
    seen = [
        bars(data.on_bar_closed(closed("SP500@202403", 20231201 + place, price)))[0].quality
        for place, price in enumerate(prices)
    ]
    good, suspect = Quality.GOOD, Quality.SUSPECT
    assert seen == [good, suspect, good, good, good, suspect, good, good]


def test_a_session_told_twice_is_taken_once() -> None:
    data = market()
    data.on_bar_closed(closed("SP500@202403", DAYS[0], "10"))
    assert data.on_bar_closed(closed("SP500@202403", DAYS[0], "11")) is None


def test_a_product_without_a_bar_of_the_session_is_stale_and_one_never_seen_is_missing() -> None:
    data = market()
    data.on_bar_closed(closed("SP500@202403", DAYS[0], "10"))
    assert cycle_of(data, DAYS[0]).degraded == {"IUKD": Quality.MISSING}
    assert cycle_of(data, DAYS[1]).degraded == {"IUKD": Quality.MISSING, "SP500": Quality.STALE}


def test_a_holiday_of_its_own_does_not_age_a_product() -> None:
    chicago = Sessions("CME", [Session(day, k, k + 1) for k, day in enumerate(DAYS) if day != DAYS[1]])
    data = market(calendars={"SP500": chicago})
    data.on_bar_closed(closed("SP500@202403", DAYS[0], "10"))
    assert "SP500" not in cycle_of(data, DAYS[1]).degraded
    assert cycle_of(data, DAYS[2]).degraded["SP500"] is Quality.STALE


def test_more_patience_is_a_rule() -> None:
    data = market(rules=FreshnessRules(max_age_sessions=1))
    data.on_bar_closed(closed("SP500@202403", DAYS[0], "10"))
    cycle_of(data, DAYS[0])
    assert "SP500" not in cycle_of(data, DAYS[1]).degraded
    assert cycle_of(data, DAYS[2]).degraded["SP500"] is Quality.STALE


def test_the_same_inputs_name_the_same_run() -> None:
    one, two, three = market(), market(), market()
    for data, close in ((one, "10"), (two, "10"), (three, "11")):
        data.on_bar_closed(closed("SP500@202403", DAYS[0], close))
    first = cycle_of(one, DAYS[0])
    assert cycle_of(one, DAYS[0]) == first == cycle_of(two, DAYS[0])
    assert cycle_of(three, DAYS[0]).run_id != first.run_id
    assert cycle_of(one, DAYS[0], number=2).run_id != first.run_id


def test_the_session_at_whose_close_the_roll_is_decided_lists_it() -> None:
    data = market()
    told_ = {day: cycle_of(data, day) for day in DAYS[:4]}
    assert {day: each.rolling for day, each in told_.items()} == {
        DAYS[0]: {},
        DAYS[1]: {"SP500": "SP500@202403"},
        DAYS[2]: {"SP500": "SP500@202403"},
        DAYS[3]: {},
    }
    assert told_[DAYS[0]].contracts["SP500"] == "SP500@202403"
    assert told_[DAYS[1]].contracts["SP500"] == "SP500@202406"


def test_history_opens_no_cycle_and_says_so_in_its_bars() -> None:
    data = market()
    seen = data.on_bar_closed(closed("SP500@202403", DAYS[0], "10", history=True))
    assert bars(seen)[0].history
    assert data.on_session_closed(SessionClosed(DAYS[0], 1, history=True)) is None


@pytest.mark.parametrize(
    ("bid", "ask", "bid_size", "ask_size", "passes"),
    [
        (100, 101, 1, 1, True),
        (101, 101, 1, 1, True),
        (102, 101, 1, 1, False),
        (0, 101, 1, 1, False),
        (0, 101, 0, 1, True),
        (0, 0, 0, 0, False),
        (-2, -1, 1, 1, True),
    ],
)
def test_quotes_that_cannot_be_are_dropped(bid: int, ask: int, bid_size: int, ask_size: int, passes: bool) -> None:
    data = market(quote_watchers={"SP500": (Ref("sleeve.q"),)})
    quote = Quote("SP500@202403", bid, ask, bid_size, ask_size, 1)
    assert bool(told(data.on_quote(quote), Quote, "sleeve.q")) is passes


def test_orders_hear_quotes_while_they_watch_and_the_last_one_at_once() -> None:
    data = market()
    quote = Quote("SP500@202403", 100, 101, 1, 1, 1)
    assert told(data.on_quote(quote), Quote) == []
    assert told(data.on_watch_quotes(WatchQuotes("SP500@202403", True)), Quote, "orders") == [quote]
    assert told(data.on_quote(quote), Quote, "orders") == [quote]
    data.on_watch_quotes(WatchQuotes("SP500@202403", False))
    assert told(data.on_quote(quote), Quote) == []


def test_a_quote_from_before_an_outage_is_no_quote() -> None:
    data = market()
    data.on_quote(Quote("SP500@202403", 100, 101, 1, 1, 1))
    data.on_feed_state(FeedState("ib", False, "lost", 2))
    assert data.on_watch_quotes(WatchQuotes("SP500@202403", True)) is None


def test_a_snapshot_goes_on_as_if_nothing_had_happened() -> None:
    one, two = market(), market()
    day = quiet(one)
    one.on_bar_closed(closed("SP500@202403", day, "10"))
    one.on_bar_closed(closed("SP500@202406", day, "12"))
    cycle_of(one, day)
    two.restore(put_away(one.snapshot()))
    for data in (one, two):
        data.on_bar_closed(closed("IUKD", day + 1, "13"))
        data.on_bar_closed(closed("SP500@202403", day + 1, "11"))
    assert cycle_of(one, day + 1) == cycle_of(two, day + 1)
    assert put_away(one.snapshot()) == put_away(two.snapshot())


def test_forty_years_of_sp500_rolls_pay_what_the_contracts_paid() -> None:
    """Each day's change of the stitched level is one contract's own change, by pandas from the raw contract table."""
    table = pd.read_parquet(FUTURES / "contracts.parquet")
    table = table[(table["instrument"] == "SP500") & table["price"].notna()].reset_index(drop=True)
    table["session"] = table["date"].dt.strftime("%Y%m%d").astype(int)
    held = table["price_contract"]
    rolls = [
        Roll(int(table["session"][k - 1]), int(held[k - 1]), int(held[k]), int(table["session"][k - 2]))
        for k in range(2, len(table))
        if held[k] != held[k - 1]
    ]
    data = market(RollSchedule({"SP500": rolls}), rules=FreshnessRules(spike_sigmas=1e9, unit_jump=10**6))
    levels = []
    for row in table.itertuples():
        for price, month in ((row.price, row.price_contract), (row.forward, row.forward_contract)):
            if pd.notna(price) and pd.notna(month):
                text = f"{price:.6f}"
                levels += bars(data.on_bar_closed(closed(f"SP500@{int(month):06d}", row.session, text)))
    same = held == held.shift()
    forward = table["forward"].shift().where(table["forward_contract"].shift() == held)
    change = (table["price"] - table["price"].shift().where(same, forward)).fillna(0.0)
    got = pd.Series([bar.adjusted for bar in levels], dtype="float64").diff().fillna(0.0) / PX_SCALE
    assert len(levels) == len(table)
    assert len(rolls) > 150
    pd.testing.assert_series_equal(got, change, check_names=False, check_dtype=False, atol=1e-5, rtol=0)
