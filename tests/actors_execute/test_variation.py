"""Settlements of futures that nobody tells: found from closes and from the venue's cash. Figures by hand."""

from __future__ import annotations

from decimal import Decimal

from actors.books import Books
from actors.contracts import Contracts
from actors.variation import PATIENCE_NS, Variation, VariationFound
from model.instruments import Instrument, Kind
from model.market import Mark, Quality
from model.orders import Fill, Filled, Share, Side
from model.units import cash, px, qty

HOUR = 3_600 * 10**9
EVENING = 20 * HOUR  # the close of session 20210607
TABLE = {
    name: Instrument(id=name, kind=Kind.FUTURE, venue="X", currency=currency, calendar="C", multiplier=Decimal(times))
    for name, currency, times in (("ES", "USD", 50), ("NQ", "USD", 20), ("DAX", "EUR", 25))
}


class Desk:
    """Books with their claims, and fills and closes to feed them."""

    def __init__(self) -> None:
        self.books = Books(Contracts(TABLE), {"USD": cash("1000000")})
        self.variation = Variation(self.books)
        self._fills = 0

    def trade(self, name: str, quantity: int, price: str, at_ns: int) -> None:
        self._fills += 1
        fill = Fill(
            exec_id=f"e{self._fills}", client_id="hr-1", venue_id="1", instrument=name,
            side=Side.BUY if quantity > 0 else Side.SELL, quantity=qty(str(abs(quantity))), price=px(price), fee=0,
            fee_currency=TABLE[name].currency, at_ns=at_ns,
        )  # fmt: skip
        shares = (Share("s", fill.quantity * fill.side),)
        assert self.books.take_fill(Filled(fill, "run", shares)) is None
        self.variation.traded(fill)

    def close(self, name: str, session: int, price: str, at_ns: int, quality: Quality = Quality.GOOD) -> None:
        self.variation.closed(Mark(name, px(price), quality, session, at_ns))

    def explain(self, difference: str, currency: str = "USD", at_ns: int = EVENING + HOUR) -> VariationFound | None:
        return self.variation.explain(currency, cash(difference), at_ns)

    def book(self, difference: str, currency: str = "USD") -> VariationFound:
        found = self.explain(difference, currency)
        assert found is not None
        self.variation.book(found)
        return found

    def worth(self, name: str, price: str) -> int:
        """What a position adds to net asset value at a price, with the cash of its currency."""
        position = self.books.positions[name]
        return self.books.cash.get(TABLE[name].currency, 0) + position.open_value(px(price))


def desk_of_three() -> Desk:
    """3 ES bought at 4200.00; the session closes at 4210.50: 3 x 50 x 10.50 = 1575."""
    desk = Desk()
    desk.trade("ES", 3, "4200.00", HOUR)
    desk.close("ES", 20210607, "4210.50", EVENING)
    return desk


def test_a_difference_of_the_days_variation_is_a_settlement() -> None:
    desk = desk_of_three()
    found = desk.book("1575")
    assert [(line.instrument, line.session, line.amount) for line in found.lines] == [("ES", 20210607, cash("1575"))]
    assert found.residual == 0
    assert desk.books.cash["USD"] == cash("1001575")


def test_booking_it_changes_no_value() -> None:
    desk = desk_of_three()
    before = desk.worth("ES", "4215.00")
    desk.book("1575")
    assert desk.worth("ES", "4215.00") == before == cash("1002250")  # 3 x 50 x 15


def test_the_next_day_counts_from_the_settlement() -> None:
    desk = desk_of_three()
    desk.book("1575")
    desk.close("ES", 20210608, "4200.00", EVENING + 24 * HOUR)
    assert desk.book("-1575").lines[0].amount == cash("-1575")
    assert desk.books.cash["USD"] == cash("1000000")


def test_two_closes_that_nobody_looked_at_are_one_settlement() -> None:
    desk = desk_of_three()
    desk.close("ES", 20210608, "4220.00", EVENING + 24 * HOUR)
    found = desk.book("3000")  # 3 x 50 x 20
    assert found.lines[0].session == 20210608
    assert desk.explain("0") is None


def test_of_several_contracts_only_those_that_have_settled_are_booked() -> None:
    desk = desk_of_three()
    desk.trade("NQ", -2, "13800.00", HOUR)
    desk.close("NQ", 20210607, "13750.00", EVENING + HOUR)  # -2 x 20 x -50 = 2000
    assert [line.instrument for line in desk.book("1575").lines] == ["ES"]
    assert [line.instrument for line in desk.book("2000").lines] == ["NQ"]


def test_other_currencies_are_not_asked() -> None:
    desk = desk_of_three()
    assert desk.explain("1575", "EUR") is None


def test_a_trade_after_the_close_belongs_to_the_next_session() -> None:
    desk = Desk()
    desk.trade("ES", 3, "4200.00", HOUR)
    desk.trade("ES", 2, "4211.00", EVENING + HOUR // 2)  # before the close is heard of
    desk.close("ES", 20210607, "4210.50", EVENING)
    desk.book("1575")
    desk.close("ES", 20210608, "4212.50", EVENING + 24 * HOUR)
    assert desk.book("450").lines[0].amount == cash("450")  # 3 x 50 x 2.00 + 2 x 50 x 1.50


def test_a_trade_from_before_the_close_that_is_heard_after_it_belongs_to_the_close() -> None:
    desk = desk_of_three()
    desk.trade("ES", 1, "4208.50", EVENING - HOUR)
    assert desk.book("1675").lines[0].quantity == qty("4")  # 1575 + 50 x 2.00


def test_one_that_is_heard_after_the_booking_is_a_settlement_of_its_own() -> None:
    desk = desk_of_three()
    desk.book("1575")
    desk.trade("ES", 1, "4208.50", EVENING - HOUR)
    assert desk.book("100").lines[0].amount == cash("100")


def test_a_position_that_was_closed_after_the_close_is_settled_all_the_same() -> None:
    desk = Desk()
    desk.trade("ES", 3, "4200.00", HOUR)
    desk.trade("ES", -3, "4220.00", EVENING + HOUR // 2)
    desk.close("ES", 20210607, "4210.50", EVENING)
    desk.book("1575")
    desk.close("ES", 20210608, "4300.00", EVENING + 24 * HOUR)
    assert desk.book("1425").lines[0].amount == cash("1425")  # 3 x 50 x (4220.00 - 4210.50)
    assert desk.worth("ES", "4300.00") == cash("1003000")


def test_a_settlement_a_tick_away_from_the_close_is_booked_as_the_venue_has_it() -> None:
    desk = desk_of_three()
    found = desk.book("1612.50")  # settled at 4210.75
    assert (found.lines[0].amount, found.residual) == (cash("1575"), cash("37.50"))
    assert desk.books.cash["USD"] == cash("1001612.50")


def test_what_no_close_explains_is_no_settlement() -> None:
    desk = desk_of_three()
    assert desk.explain("-1575") is None
    assert desk.explain("250") is None  # nothing is nearer to it than doing nothing
    assert desk.explain("9999") is None


def test_a_price_that_is_not_trusted_makes_no_claim() -> None:
    desk = Desk()
    desk.trade("ES", 3, "4200.00", HOUR)
    desk.close("ES", 20210607, "4210.50", EVENING, Quality.SUSPECT)
    assert desk.explain("1575") is None


def test_a_difference_may_wait_for_its_closes_but_not_for_ever_and_not_of_any_size() -> None:
    desk = Desk()
    assert not desk.variation.may_come("USD", cash("1575"), EVENING)  # nothing is held
    desk.trade("ES", 3, "4200.00", HOUR)  # 630000 of notional
    assert desk.variation.may_come("USD", cash("1575"), EVENING)
    assert not desk.variation.may_come("USD", cash("70000"), EVENING)
    assert not desk.variation.may_come("EUR", cash("1575"), EVENING)
    assert desk.variation.may_come("USD", cash("1575"), EVENING + PATIENCE_NS)
    assert not desk.variation.may_come("USD", cash("1575"), EVENING + PATIENCE_NS + 1)
    desk.variation.agreed("USD")
    assert desk.variation.may_come("USD", cash("1575"), EVENING + PATIENCE_NS + 1)


def test_a_snapshot_keeps_what_waits() -> None:
    desk = desk_of_three()
    desk.trade("ES", 1, "4209.00", EVENING + HOUR)
    again = Variation(desk.books)
    again.load(desk.variation.keep())
    found = again.explain("USD", cash("1575"), EVENING + HOUR)
    assert found is not None
    assert again.keep() != Variation(desk.books).keep()
    again.book(found)
    assert desk.books.cash["USD"] == cash("1001575")
