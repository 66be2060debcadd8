"""Books that begin on an account which was there before the program. Figures by hand."""

from __future__ import annotations

from actors.books import Books
from actors.contracts import Contracts
from actors.opening import AccountOpened, Apart, TooLittle
from model.instruments import Instrument, Kind
from model.orders import VenueCash, VenuePosition, VenueSnapshot
from model.units import Px, cash, px, qty

TABLE = {"ES": Instrument(id="ES", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="C")}
RATES: dict[str, Px] = {"USD": px("1"), "EUR": px("1.10")}


def books(capital: str = "1000000") -> Books:
    return Books(Contracts(TABLE), {"USD": cash(capital)})


def account(at_ns: int = 100, positions: tuple[VenuePosition, ...] = (), **money: str) -> VenueSnapshot:
    told = tuple(VenueCash(currency, cash(amount)) for currency, amount in money.items())
    return VenueSnapshot("rc-1", "ib", 0, at_ns, True, True, (), (), (), positions, told)


def opened(apart: Apart, snapshot: VenueSnapshot, capital: str = "1000000") -> AccountOpened:
    row = apart.open(snapshot, books(capital), RATES, 100)
    assert isinstance(row, AccountOpened)
    return row


def test_what_the_account_has_beyond_the_capital_is_apart() -> None:
    row = opened(Apart(TABLE), account(USD="1250000.50", EUR="300"))
    assert row.cash == {"USD": cash("250000.50"), "EUR": cash("300")}


def test_an_account_with_exactly_the_capital_has_nothing_apart() -> None:
    assert opened(Apart(TABLE), account(USD="1000000")).cash == {}


def test_another_currency_may_make_up_for_what_is_missing_in_one() -> None:
    row = opened(Apart(TABLE), account(USD="0", EUR="1000000"))
    assert row.cash == {"USD": cash("-1000000"), "EUR": cash("1000000")}


def test_an_account_with_less_than_the_capital_is_refused_in_money() -> None:
    refused = Apart(TABLE).open(account(USD="0", EUR="900000"), books(), RATES, 100)
    assert isinstance(refused, TooLittle)
    assert "10,000.00 less" in refused  # 900000 x 1.10 - 1000000


def test_without_a_rate_nothing_is_weighed_and_nothing_begins() -> None:
    assert Apart(TABLE).open(account(USD="0", CHF="5000000"), books(), RATES, 100) is None


def test_with_enough_of_every_currency_no_rate_is_needed() -> None:
    assert opened(Apart(TABLE), account(USD="1000000", CHF="5")).cash == {"CHF": cash("5")}


def test_positions_of_others_are_apart_and_those_in_our_products_are_not() -> None:
    held = (VenuePosition("con-77", qty("12")), VenuePosition("ES@202109", qty("3")))
    assert opened(Apart(TABLE), account(positions=held, USD="1000000")).positions == {"con-77": qty("12")}


def test_a_snapshot_from_before_our_last_trade_opens_nothing() -> None:
    traded = books()
    traded.cash_touched_ns["USD"] = 101
    assert Apart(TABLE).open(account(at_ns=100, USD="1000000"), traded, RATES, 102) is None
