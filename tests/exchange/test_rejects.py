"""Every reason for which the venue refuses, one case each; the table and the cases must name the same codes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from model.instruments import Instrument, Kind
from model.orders import (
    CancelRejected,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderRejected,
    OrderType,
    TimeInForce,
    VenueFact,
)
from model.units import px, qty
from simulation.exchange import Exchange, Reject, VenueRules

from .kit import ETF, LISTED, at, bar, buy, close_of, happen, sell, send, venue

INDEX = Instrument(id="VIX", kind=Kind.INDEX, venue="XTST", currency="USD", calendar="XTST", tradeable=False)
EURO_ETF = msgspec.structs.replace(ETF, id="CS51", currency="EUR")
UNSEEN = msgspec.structs.replace(ETF, id="NEW")
ALL = {**LISTED, "VIX": INDEX, "CS51": EURO_ETF, "NEW": UNSEEN}
NOW = at(1, 10)


def desk(rules: VenueRules | None = None) -> Exchange:
    """A venue at 10:00 on day 1 that saw everything but NEW at 100 the day before; 10,000 dollars."""
    exchange = venue(instruments=ALL, money="10000", rules=rules or VenueRules(locates={"CSPX": qty(50)}))
    for name in ("CSPX", "SP500@202003", "CS51"):
        exchange.on_bar(bar(name, 0, "100"))
    exchange.take(close_of(0))
    return exchange


def twice(exchange: Exchange) -> list[VenueFact]:
    send(exchange, NOW, buy("a", "CSPX", limit="90"))
    return send(exchange, NOW, buy("a", "CSPX", limit="91"))


def at_night(exchange: Exchange) -> list[VenueFact]:
    return send(exchange, at(1, 20), buy("a", "CSPX", limit="90", tif=TimeInForce.IOC))


def expired_contract(exchange: Exchange) -> list[VenueFact]:
    """SP500@202001 has its last session on 15 January, day 9."""
    return send(exchange, close_of(9), buy("a", "SP500@202001", "1"))


def beyond_the_calendar(exchange: Exchange) -> list[VenueFact]:
    return send(exchange, close_of(19), buy("a", "CSPX", limit="90"))


def change(**how: object) -> Callable[[Exchange], list[VenueFact]]:
    def ask(exchange: Exchange) -> list[VenueFact]:
        kind = OrderType.MOC if how.get("market") else OrderType.LIMIT
        side = sell if how.get("short") else buy
        order = side("a", "CSPX", "20", limit="" if how.get("market") else "90", kind=kind, tif=TimeInForce.GTC)
        send(exchange, NOW, order)
        exchange.modify(
            ModifyOrder(
                str(how.get("name", "a")), "m1", px(str(how.get("limit", "91"))), qty(str(how.get("total", "0")))
            ),
            exchange.now_ns,
        )
        return exchange.take(exchange.now_ns)

    return ask


def cancel(name: str) -> Callable[[Exchange], list[VenueFact]]:
    def ask(exchange: Exchange) -> list[VenueFact]:
        send(exchange, NOW, buy("a", "CSPX", limit="90"))
        exchange.cancel("a", NOW)
        exchange.take(NOW)
        exchange.cancel(name, NOW)
        return exchange.take(NOW)

    return ask


def order(**how: object) -> Callable[[Exchange], list[VenueFact]]:
    side = sell if how.pop("short", False) else buy

    def ask(exchange: Exchange) -> list[VenueFact]:
        words = {key: value for key, value in how.items() if key not in ("instrument", "quantity")}
        return send(exchange, NOW, side("a", str(how["instrument"]), str(how.get("quantity", "10")), **words))

    return ask


CASES: list[tuple[str, Callable[[Exchange], list[VenueFact]]]] = [
    ("DUPLICATE_ID", twice),
    ("UNKNOWN_INSTRUMENT", order(instrument="NOWHERE")),
    ("UNKNOWN_INSTRUMENT", order(instrument="SP500@202013")),
    ("NOT_TRADEABLE", order(instrument="VIX")),
    ("BAD_QUANTITY", order(instrument="CSPX", quantity="0")),
    ("BAD_QUANTITY", order(instrument="CSPX", quantity="-5")),
    ("BAD_LOT", order(instrument="CSPX", quantity="1.5")),
    ("BAD_PRICE", order(instrument="CSPX", kind=OrderType.LIMIT)),
    ("BAD_PRICE", order(instrument="CSPX", limit="100", kind=OrderType.MARKET)),
    ("BAD_PRICE", order(instrument="CSPX", limit="-1")),
    ("BAD_TICK", order(instrument="CSPX", limit="90.005")),
    ("BAD_TICK", order(instrument="SP500@202003", quantity="1", limit="90.10")),
    ("BAD_EXPIRY", order(instrument="CSPX", limit="90", tif=TimeInForce.GTD, expires_ns=NOW)),
    ("SESSION_CLOSED", at_night),
    ("NO_SESSION", beyond_the_calendar),
    ("CONTRACT_EXPIRED", expired_contract),
    ("NO_PRICE", order(instrument="NEW")),
    ("NO_FX_RATE", order(instrument="CS51", quantity="1", limit="90")),
    ("MARGIN", order(instrument="CSPX", quantity="101")),
    ("MARGIN", order(instrument="SP500@202003", quantity="21")),  # 21 x 50 x 100 x 10 % = 10,500
    ("NO_LOCATE", order(instrument="CSPX", quantity="51", short=True)),
    ("UNKNOWN_ORDER", cancel("nobody")),
    ("ORDER_DONE", cancel("a")),
    ("UNKNOWN_ORDER", change(name="nobody")),
    ("NOT_MODIFIABLE", change(market=True)),
    ("BAD_TICK", change(limit="91.001")),
    ("BAD_LOT", change(total="20.5")),
    ("BAD_PRICE", change(limit="0")),
    ("MARGIN", change(total="200")),
    ("NO_LOCATE", change(total="60", short=True, limit="95")),
    ("BELOW_FILLED", change(total="-1")),
]


@pytest.mark.parametrize(("code", "ask"), CASES, ids=[f"{code}-{i}" for i, (code, _) in enumerate(CASES)])
def test_the_venue_refuses_and_says_why(code: str, ask: Callable[[Exchange], list[VenueFact]]) -> None:
    exchange = desk()
    before = dict(exchange.account.cash)
    *_, fact = ask(exchange)
    assert isinstance(fact, OrderRejected | CancelRejected | ModifyRejected)
    assert (fact.code, fact.text) == (code, Reject[code].value)
    assert exchange.account.cash == before


def test_there_is_a_case_for_every_code() -> None:
    assert {code for code, _ in CASES} == set(Reject.__members__)


@pytest.mark.parametrize(
    "ask",
    [
        order(instrument="CSPX", quantity="100"),
        order(instrument="SP500@202003", quantity="20"),
        order(instrument="CSPX", quantity="50", short=True),
        order(instrument="SP500@202003", quantity="20", short=True),
        order(instrument="SP500", quantity="1", limit="100"),
    ],
)
def test_the_last_order_within_the_law_is_taken(ask: Callable[[Exchange], list[VenueFact]]) -> None:
    assert isinstance(ask(desk())[0], OrderAcked)


def test_a_rejected_id_is_used_up() -> None:
    exchange = desk()
    send(exchange, NOW, buy("a", "NOWHERE"))
    (fact,) = send(exchange, NOW, buy("a", "CSPX", limit="90"))
    assert isinstance(fact, OrderRejected)
    assert fact.code == "DUPLICATE_ID"
    assert exchange.duplicates == 1


def test_a_duplicate_leaves_the_first_order_as_it_was() -> None:
    exchange = desk()
    twice(exchange)
    (open_order,) = exchange.snapshot("s", 0).orders
    assert (open_order.client_id, open_order.limit, open_order.quantity) == ("a", px("90"), qty(10))


def test_open_orders_count_in_margin_and_give_it_back_when_they_end() -> None:
    exchange = desk()
    assert isinstance(send(exchange, NOW, buy("a", "CSPX", "60", limit="90"))[0], OrderAcked)
    assert isinstance(send(exchange, NOW, buy("b", "CSPX", "60", limit="90"))[0], OrderRejected)
    exchange.cancel("a", NOW)
    exchange.take(NOW)
    assert isinstance(send(exchange, NOW, buy("c", "CSPX", "60", limit="90"))[0], OrderAcked)


def test_an_order_that_reduces_is_never_refused_for_margin() -> None:
    exchange = desk()
    send(exchange, NOW, buy("a", "SP500@202003", "20"))
    happen(exchange, bar("SP500@202003", 1, "100"), bar("SP500@202003", 2, "95"))  # 5,000 lost of 10,000
    assert isinstance(send(exchange, close_of(2), buy("more", "SP500@202003", "1"))[0], OrderRejected)
    assert isinstance(send(exchange, close_of(2), sell("less", "SP500@202003", "20"))[0], OrderAcked)


def test_a_venue_without_margin_takes_what_it_cannot_price() -> None:
    exchange = desk(VenueRules(margin=False))
    assert isinstance(send(exchange, NOW, buy("a", "NEW", "1000000"))[0], OrderAcked)
