"""A venue on paper: instruments, a calendar and short names, so that a test reads like a trading day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from model.instruments import Commission, Instrument, Kind, RollRule, TickStep
from model.market import BarClosed, Quote
from model.orders import OrderSpec, OrderType, Side, TimeInForce, VenueFact
from model.sessions import Session, Sessions
from model.units import Cash, Px, cash, px, qty
from simulation.exchange import Exchange, FaultPlan, VenueRecord, VenueRules

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
FIRST_DATE = 20200106
"""A Monday; day 0 of `CALENDAR`, whose sessions run from 09:00 to 17:00 UTC, weekends included for plain arithmetic."""

START = 18_267 * DAY
"""2020-01-06T00:00:00Z."""

CALENDAR = Sessions(
    "XTST", [Session(FIRST_DATE + i, START + i * DAY + 9 * HOUR, START + i * DAY + 17 * HOUR) for i in range(20)]
)

ETF = Instrument(
    id="CSPX",
    kind=Kind.ETF,
    venue="XTST",
    currency="USD",
    calendar="XTST",
    ticks=(TickStep(Decimal(0), Decimal("0.01")),),
    half_spread=Decimal("0.05"),
)
FUTURE = Instrument(
    id="SP500",
    kind=Kind.FUTURE,
    venue="XTST",
    currency="USD",
    calendar="XTST",
    multiplier=Decimal(50),
    ticks=(TickStep(Decimal(0), Decimal("0.25")),),
    commission=Commission(per_unit=Decimal("2.05")),
    initial_margin_share=Decimal("0.1"),
    roll=RollRule(hold_cycle="HMUZ", offset_days=-5, expiry_offset_days=14),
)
LISTED = {"CSPX": ETF, "SP500": FUTURE}


def at(day: int, hour: float) -> int:
    """A moment of a test day, UTC."""
    return START + day * DAY + int(hour * HOUR)


def close_of(day: int) -> int:
    return at(day, 17)


def date_of(day: int) -> int:
    return FIRST_DATE + day


def bar(
    instrument: str, day: int, prices: str | Sequence[str], *, volume: str = "0", hour: float = 17, session: int = 0
) -> BarClosed:
    """A bar known at `hour`; one price, or open, high, low and close."""
    values = [prices] * 4 if isinstance(prices, str) else list(prices)
    o, h, low, c = (px(value) for value in values)
    return BarClosed(instrument, session or date_of(day), o, h, low, c, qty(volume), at(day, hour))


def quote(instrument: str, at_ns: int, bid: str, ask: str, bid_size: str = "100", ask_size: str = "100") -> Quote:
    return Quote(instrument, px(bid), px(ask), qty(bid_size), qty(ask_size), at_ns)


def buy(client_id: str, instrument: str, quantity: str = "10", **how: object) -> OrderSpec:
    return _order(client_id, instrument, Side.BUY, quantity, **how)


def sell(client_id: str, instrument: str, quantity: str = "10", **how: object) -> OrderSpec:
    return _order(client_id, instrument, Side.SELL, quantity, **how)


def _order(
    client_id: str,
    instrument: str,
    side: Side,
    quantity: str,
    *,
    limit: object = "",
    kind: object = None,
    tif: object = TimeInForce.DAY,
    expires_ns: object = 0,
) -> OrderSpec:
    assert isinstance(tif, TimeInForce)
    assert isinstance(expires_ns, int)
    default = OrderType.LIMIT if limit else OrderType.MARKET
    return OrderSpec(
        client_id=client_id,
        instrument=instrument,
        side=side,
        quantity=qty(quantity),
        type=kind if isinstance(kind, OrderType) else default,
        tif=tif,
        limit=px(str(limit)) if limit else 0,
        expires_ns=expires_ns,
    )


def venue(
    *,
    instruments: Mapping[str, Instrument] | None = None,
    sessions: Mapping[str, Sessions] | None = None,
    money: str = "1000000",
    rules: VenueRules | None = None,
    record: VenueRecord | None = None,
    faults: FaultPlan | None = None,
    rates: Mapping[str, str] | None = None,
) -> Exchange:
    """A venue with dollars in its account. rates: dollars for one unit of other currencies."""
    known: dict[str, Px] = {"USD": px("1"), **{name: px(rate) for name, rate in (rates or {}).items()}}
    return Exchange(
        instruments=LISTED if instruments is None else instruments,
        sessions={"XTST": CALENDAR} if sessions is None else sessions,
        cash={"USD": cash(money)},
        base_currency="USD",
        fx=known.get,
        rules=rules,
        record=record,
        faults=faults,
    )


def happen(exchange: Exchange, *what: BarClosed | Quote) -> list[VenueFact]:
    """Let prices come, each at its own moment; everything the venue says about them."""
    facts: list[VenueFact] = []
    for message in what:
        if isinstance(message, BarClosed):
            exchange.on_bar(message)
        else:
            exchange.on_quote(message)
        facts += exchange.take(message.at_ns)
    return facts


def send(exchange: Exchange, at_ns: int, *orders: OrderSpec) -> list[VenueFact]:
    """Submit orders at a moment; everything the venue says about them by then."""
    for order in orders:
        assert exchange.submit(order, at_ns)
    return exchange.take(at_ns)


def dollars(exchange: Exchange, currency: str = "USD") -> Cash:
    return exchange.account.cash.get(currency, 0)
