"""The sceptical half of the report, on a few rows whose figures are worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from engine.message import Event
from model.decisions import Denial, Mode, ModeEntered, Regime, RiskDecision, RunPlanned
from model.execution import Alarm
from model.instruments import Instrument, Kind
from model.order_events import OrderMoved, OrderPlanned
from model.orders import (
    Fill,
    Filled,
    Intent,
    OrderSpec,
    OrderType,
    Purpose,
    SettledLine,
    Settlement,
    Share,
    Side,
    TimeInForce,
    VenueSettled,
)  # fmt: skip
from model.units import cash, px, qty
from research.oddities import oddities
from research.scrutiny import Scrutiny, scrutinise
from research.scrutiny_page import costs, products, scrutiny_page, years
from tests.research.days import book

FUTURE = Instrument(
    id="F",
    kind=Kind.FUTURE,
    venue="V",
    currency="USD",
    calendar="C",
    multiplier=Decimal(50),
    half_spread=Decimal("0.1"),
)
SHARES = (Share("trend", qty(2)),)


def decided(session: int, scale: float = 1.0, why: str = "state decides: x") -> RiskDecision:
    return RiskDecision("r", session, Mode.TRADING, Regime.NORMAL, scale, 0.1, 0.0, 0, why, (), 0)


def planned(name: str, purpose: Purpose = Purpose.REBALANCE, *, reduces: bool = False) -> OrderPlanned:
    spec = OrderSpec(
        client_id=name, instrument="F@202403", side=Side.BUY, quantity=qty(2), type=OrderType.MOC, tif=TimeInForce.DAY
    )
    intent = Intent(
        id=name, run_id="r", instrument="F@202403", side=Side.BUY, quantity=qty(2), purpose=purpose, shares=SHARES,
        reference=px(100), reduces=reduces,
    )  # fmt: skip
    return OrderPlanned(spec=spec, intent=intent, approval="a", arrival=0, at_ns=0)


def ended(name: str, state: str) -> OrderMoved:
    return OrderMoved(client_id=name, event=state, was="WORKING", now=state, venue_id="", evidence="", at_ns=0)


def filled(side: Side, price: str, fee: str) -> Filled:
    fill = Fill(f"{side}{price}", "o", "v", "F@202403", side, qty(2), px(price), cash(fee), "USD", 0)
    return Filled(fill, "r", SHARES)


def day(session: int, nav: str, price: str = "", degraded: tuple[str, ...] = ()) -> Event:
    """A day on which two lots of F are held when it has a price; a dollar is worth 0.8."""
    held = {"F@202403": qty(2)} if price else {}
    prices = {"F@202403": px(price)} if price else {}
    return msgspec.structs.replace(
        book(session, nav), positions=held, prices=prices, rates={"EUR": 10**9, "USD": px("0.8")}, degraded=degraded
    )


def seen(*rows: Event) -> Scrutiny:
    return scrutinise(rows, {"F": FUTURE})


def test_a_product_earns_its_price_moves_less_commissions_in_base_money() -> None:
    """2 lots x 50 x (103 - 100) = 300 dollars and 4 of fees: 240 - 3.2 euros. Half spread: 2 x 2 x 50 x 0.1 = 20."""
    s = seen(
        day(20240102, "1000"), filled(Side.BUY, "100", "2"), day(20240103, "1078.4", "101"),
        filled(Side.SELL, "103", "2"), day(20240104, "1236.8"),
    )  # fmt: skip
    assert s.profit["F"] == pytest.approx(236.8)
    assert s.commission == pytest.approx(3.2)
    assert s.spread == pytest.approx(16.0)
    assert s.lots_traded["F"] == 4
    assert "| half spread | 16 |" in "\n".join(costs(s))
    assert "make 237; the books gained 237" in products(s)[-1]


def test_a_last_settlement_closes_a_position_at_its_price() -> None:
    line = SettledLine("F@202403", "USD", px(98), 0, cash(-200), True)
    s = seen(
        day(20240102, "1000"), filled(Side.BUY, "100", "0"), day(20240103, "1000", "100"),
        VenueSettled(Settlement("s", 20240104, (line,), 0)), day(20240104, "840"),
    )  # fmt: skip
    assert s.profit["F"] == pytest.approx(-160.0)


def test_a_year_counts_its_orders_rolls_and_what_was_left_out() -> None:
    run = RunPlanned("r", "p", 20240103, "", "", (), (Denial("DEGRADED", "F", "stale"),), 0)
    s = seen(
        day(20240102, "1000"), decided(20240103, 0.5), run, planned("a"), planned("b", Purpose.ROLL, reduces=True),
        ended("a", "EXPIRED"), ended("b", "FILLED"), day(20240103, "1010"),
    )  # fmt: skip
    assert years(s)[-1] == "| 2024 | +1.0% | 0.0% | 0.0% | 0.50 | 2 | 1 | 1 | 0 | 1 | 0 |"


def test_what_is_odd_is_said_with_its_figures() -> None:
    s = seen(
        day(20240102, "1000"), filled(Side.BUY, "100", "0"),
        *(row for at in range(4) for row in (decided(20240103 + at), planned(f"{at}"), ended(f"{at}", "EXPIRED"),
                                             day(20240103 + at, "1000", "100", ("F@202403",)))),
        Alarm("PRICE_SUSPECT", "F", "x", 0), ModeEntered(Mode.HALTED, Mode.TRADING, "a test", "me", 10**18),
    )  # fmt: skip
    said = oddities(s, ("F", "G"))
    assert said[0].startswith("4 of 4 orders (100.00%) ended EXPIRED")
    assert any("F@202403 (4 sessions to 2024-01-06)" in line for line in said)
    assert any(line.startswith("The engine entered HALTED on 2001-09-09: a test (me)") for line in said)
    assert any(line.startswith("On 100% of sessions it was not volatility") for line in said)
    assert "Alarm PRICE_SUSPECT, 1 times: closes waited for a second one before they were believed." in said
    assert said[-1] == "Never traded though it was to be: G."


def test_a_page_without_anything_odd_says_so() -> None:
    bought = (filled(Side.BUY, "100", "0"), day(20240103, "1080", "101"))
    page = scrutiny_page(seen(day(20240102, "1000"), decided(20240103, why="volatility decides: x"), *bought))
    assert [line for line in page if line.startswith("## ")] == [
        "## Years", "## Sleeves", "## Costs", "## Products", "## What looks odd, and why",
    ]  # fmt: skip
    assert page[-1].startswith("- F alone made 80, 100%")
