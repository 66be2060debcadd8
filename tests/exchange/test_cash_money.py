"""Cash instruments: currencies, dividends, borrow fees, conversions."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from model.instruments import Instrument, Kind, TickStep
from model.orders import CashMoved, OrderType, VenueCash
from model.units import cash, px, qty
from simulation.exchange import Exchange

from .kit import ETF, at, bar, buy, close_of, date_of, dollars, happen, sell, send, venue

PLAIN = msgspec.structs.replace(ETF, half_spread=Decimal(0), borrow_bps_year=Decimal("365"))
EURO = msgspec.structs.replace(PLAIN, id="CS51", currency="EUR")
PAIR = Instrument(
    id="EURUSD",
    kind=Kind.FX_SPOT,
    venue="XTST",
    currency="USD",
    calendar="XTST",
    lot=Decimal("0.01"),
    ticks=(TickStep(Decimal(0), Decimal("0.00005")),),
)
LISTED = {"CSPX": PLAIN, "CS51": EURO, "EURUSD": PAIR}


def bought(quantity: int, name: str = "CSPX") -> Exchange:
    """A venue that holds `quantity` at 100 since the close of day 1."""
    exchange = venue(instruments=LISTED, rates={"EUR": "1.10"})
    happen(exchange, bar(name, 0, "100"))
    side = buy if quantity > 0 else sell
    send(exchange, close_of(0), side("a", name, str(abs(quantity)), kind=OrderType.MOC))
    happen(exchange, bar(name, 1, "100"))
    return exchange


def test_a_purchase_moves_cash_of_its_currency_and_equity_by_nothing() -> None:
    exchange = bought(100, "CS51")
    assert (dollars(exchange), dollars(exchange, "EUR")) == (cash("1000000"), cash("-10000"))
    assert exchange.account.equity() == cash("1000000")


def test_a_dividend_goes_to_the_long_and_is_paid_by_the_short_once() -> None:
    for quantity, amount in ((100, "125"), (-100, "-125")):
        exchange = bought(quantity)
        for _ in range(2):
            exchange.dividend("CSPX", px("1.25"), date_of(2), at(2, 9))
        moved = CashMoved(f"dividend-CSPX-{date_of(2)}", "dividend", "USD", cash(amount), "CSPX", at(2, 9))
        assert exchange.take(at(2, 9)) == [moved]


def test_a_dividend_on_nothing_moves_nothing() -> None:
    exchange = venue(instruments=LISTED)
    exchange.dividend("CSPX", px("1.25"), date_of(2), at(2, 9))
    assert exchange.take(at(2, 9)) == []


def test_a_short_pays_its_borrow_fee_by_the_day_weekends_included() -> None:
    """365 bp a year are 1 bp a day: 100 shares at 100, 200 and 50."""
    exchange = bought(-100)
    facts = happen(exchange, bar("CSPX", 2, "100"), bar("CSPX", 3, "200"), bar("CSPX", 6, "50"))
    fees = [(f.kind, f.amount) for f in facts if isinstance(f, CashMoved)]
    assert fees == [("borrow", cash("-1")), ("borrow", cash("-2")), ("borrow", cash("-1.50"))]


def test_a_long_pays_no_borrow_fee() -> None:
    exchange = bought(100)
    assert happen(exchange, bar("CSPX", 2, "100")) == []


def test_a_conversion_swaps_currencies_and_leaves_no_position() -> None:
    exchange = venue(instruments=LISTED, rates={"EUR": "1.10"})
    happen(exchange, bar("EURUSD", 0, "1.10"))
    send(exchange, close_of(0), buy("a", "EURUSD", "20000.50", kind=OrderType.MOC))
    happen(exchange, bar("EURUSD", 1, "1.0950"))
    snapshot = exchange.snapshot("s", 0)
    assert snapshot.cash == (VenueCash("EUR", cash("20000.50")), VenueCash("USD", cash("978099.4525")))
    assert snapshot.positions == ()


def test_other_movements_are_booked_once_under_their_id() -> None:
    exchange = venue()
    for _ in range(2):
        exchange.move_cash("funding-1", "funding", "USD", cash("-12.34"), "BTC-PERP", at(1, 8))
    (moved,) = exchange.take(at(1, 8))
    assert isinstance(moved, CashMoved)
    assert (moved.amount, dollars(exchange)) == (cash("-12.34"), cash("999987.66"))


def test_a_flip_from_long_to_short_starts_the_borrow_clock() -> None:
    exchange = bought(100)
    send(exchange, close_of(1), sell("b", "CSPX", "200", kind=OrderType.MOC))
    happen(exchange, bar("CSPX", 2, "100"))
    facts = happen(exchange, bar("CSPX", 3, "100"))
    assert [f.amount for f in facts if isinstance(f, CashMoved)] == [cash("-1")]
    assert exchange.account.markets["CSPX"].quantity == -qty(100)
