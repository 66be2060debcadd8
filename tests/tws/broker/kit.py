"""A small catalogue, a calendar and short names: a test says what a client asks, and reads what it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from model.instruments import Commission, Instrument, Kind, TickStep
from model.market import BarClosed
from model.sessions import Session, Sessions
from model.units import PX_SCALE, Px, cash, px, qty
from simulation.exchange import Exchange, MemoryRecord, VenueRules
from simulation.tws.broker import Broker, BrokerRecord, BrokerRules, MemoryBrokerRecord, Permissions, Stories
from simulation.tws.replies import (
    CommissionReport,
    ErrorMessage,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    ServerMessage,
)
from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import ComboLeg, Contract, ContractDetails, Order

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
FIRST_DATE = 20200106
START = 18_267 * DAY
"""2020-01-06T00:00:00Z, a Monday: day 0. Every day has a session from 14:00 to 20:00 UTC (09:00 in New York)."""

CALENDAR = Sessions(
    "XTST", [Session(FIRST_DATE + i, START + i * DAY + 14 * HOUR, START + i * DAY + 20 * HOUR) for i in range(20)]
)
ACCOUNT = "DU100"

STOCK, FUTURE, PENCE, OPTION, OTHER_OPTION, POUND, INDEX = 1, 2, 3, 4, 5, 6, 7


def instrument(name: str, kind: Kind, **more: object) -> Instrument:
    made = Instrument(id=name, kind=kind, venue="XTST", currency="USD", calendar="XTST")
    return replace(made, **{"ticks": (TickStep(Decimal(0), Decimal("0.01")),), **more})


INSTRUMENTS: dict[int, Instrument] = {
    STOCK: instrument(
        "ABC", Kind.STOCK, commission=Commission(per_unit=Decimal("0.005"), per_order=Decimal(1))
    ),
    FUTURE: instrument(
        "FUT@202003", Kind.FUTURE, multiplier=Decimal(50), ticks=(TickStep(Decimal(0), Decimal("0.25")),),
        commission=Commission(per_unit=Decimal("2.05")), initial_margin_share=Decimal("0.1"), expiry="2020-01-10",
    ),
    PENCE: instrument(
        "PNC", Kind.ETF, currency="GBP", price_magnifier=100, ticks=(TickStep(Decimal(0), Decimal("0.0005")),),
        commission=Commission(per_order=Decimal(3)),
    ),
    OPTION: instrument(
        "ABC C100", Kind.OPTION, multiplier=Decimal(100), commission=Commission(per_unit=Decimal("0.65"))
    ),
    OTHER_OPTION: instrument(
        "ABC C110", Kind.OPTION, multiplier=Decimal(100), commission=Commission(per_unit=Decimal("0.65"))
    ),
    POUND: instrument("GBPUSD", Kind.FX_SPOT, symbol="GBP", ticks=(TickStep(Decimal(0), Decimal("0.00005")),)),
    INDEX: instrument("IDX", Kind.INDEX, tradeable=False),
}  # fmt: skip

CONTRACTS: dict[int, Contract] = {
    STOCK: Contract(
        con_id=STOCK, symbol="ABC", sec_type="STK", exchange="SMART", primary_exchange="NYSE", currency="USD"
    ),
    FUTURE: Contract(
        con_id=FUTURE, symbol="FUT", sec_type="FUT", exchange="CME", currency="USD", multiplier="50", expiry="20200110"
    ),
    PENCE: Contract(
        con_id=PENCE, symbol="PNC", sec_type="STK", exchange="SMART", primary_exchange="LSEETF", currency="GBP"
    ),
    OPTION: Contract(
        con_id=OPTION, symbol="ABC", sec_type="OPT", exchange="SMART", currency="USD", strike=100.0, right="C",
        multiplier="100",
    ),
    OTHER_OPTION: Contract(
        con_id=OTHER_OPTION, symbol="ABC", sec_type="OPT", exchange="SMART", currency="USD", strike=110.0, right="C",
        multiplier="100",
    ),
    POUND: Contract(con_id=POUND, symbol="GBP", sec_type="CASH", exchange="IDEALPRO", currency="USD"),
    INDEX: Contract(con_id=INDEX, symbol="IDX", sec_type="IND", exchange="CBOE", currency="USD"),
}  # fmt: skip

SPREAD = Contract(
    symbol="ABC", sec_type="BAG", exchange="SMART", currency="USD",
    legs=(
        ComboLeg(con_id=OPTION, ratio=1, action="BUY", exchange="SMART"),
        ComboLeg(con_id=OTHER_OPTION, ratio=1, action="SELL", exchange="SMART"),
    ),
)  # fmt: skip


SHORT_DAY: dict[str, object] = {
    "trading_hours": "".join(f"2020010{6 + i}:0900-2020010{6 + i}:1500;" for i in range(4)),
    "liquid_hours": "".join(f"2020010{6 + i}:1000-2020010{6 + i}:1400;" for i in range(3)) + "20200109:CLOSED",
    "time_zone": "US/Eastern",
    "order_types": "LMT,MKT,MTL",
}
"""Of OTHER_OPTION: regular hours are an hour shorter at either end."""

MORE: dict[int, dict[str, object]] = {OTHER_OPTION: SHORT_DAY}


class Shelf:
    """A catalogue of what is above."""

    def details(self, con_id: int) -> ContractDetails | None:
        contract = CONTRACTS.get(con_id)
        if contract is None:
            return None
        made = ContractDetails(contract=contract, price_magnifier=INSTRUMENTS[con_id].price_magnifier)
        return replace(made, **MORE.get(con_id, {}))

    def instrument(self, con_id: int) -> Instrument:
        return INSTRUMENTS[con_id]


def at(day: int, hour: float) -> int:
    """A moment of a test day, UTC."""
    return START + day * DAY + int(hour * HOUR)


OPEN = at(0, 15)
"""An hour into the first session."""

Said = tuple[int, ServerMessage]


class Desk:
    """A broker, the time, and everything it has said."""

    def __init__(
        self,
        *,
        money: Mapping[str, str] | None = None,
        accounts: Sequence[str] = (ACCOUNT,),
        rates: Mapping[str, str] | None = None,
        now_ns: int = OPEN,
        rules: BrokerRules | None = None,
        permissions: Permissions | None = None,
        stories: Stories | None = None,
        venue: VenueRules | None = None,
        record: BrokerRecord | None = None,
    ) -> None:
        known = {name: px(rate) for name, rate in (rates or {"GBP": "1.25"}).items()}
        fx = {"USD": PX_SCALE, **known}
        self.now_ns = now_ns
        self.records = {account: MemoryRecord() for account in accounts}
        self.record: BrokerRecord = MemoryBrokerRecord() if record is None else record
        self._start: Callable[[], tuple[dict[str, Exchange], Broker]] = lambda: self._begin(
            money or {"USD": "100000"}, known, fx, venue or VenueRules(margin=False), rules, permissions, stories
        )
        self.exchanges, self.broker = self._start()
        self.said: list[Said] = []
        self.connect(1)

    def _begin(
        self,
        money: Mapping[str, str],
        known: dict[str, Px],
        fx: dict[str, Px],
        venue: VenueRules,
        rules: BrokerRules | None,
        permissions: Permissions | None,
        stories: Stories | None,
    ) -> tuple[dict[str, Exchange], Broker]:
        exchanges = {
            account: Exchange(
                instruments={each.id: each for each in INSTRUMENTS.values()},
                sessions={"XTST": CALENDAR},
                cash={name: cash(amount) for name, amount in money.items()},
                base_currency="USD",
                fx=fx.get,
                rules=venue,
                record=record,
            )
            for account, record in self.records.items()
        }
        broker = Broker(
            exchanges, Shelf(), now_ns=self.now_ns, rates=known, rules=rules, permissions=permissions,
            stories=stories, record=self.record,
        )  # fmt: skip
        return exchanges, broker

    def kill(self, *clients: int) -> None:
        """The gateway and its exchange die, come back from their records, and so do these clients."""
        self.exchanges, self.broker = self._start()
        self.connect(*clients)

    def connect(self, *client_ids: int) -> None:
        for client_id in client_ids:
            self.broker.connect(client_id)

    def quote(self, con_id: int, bid: str, ask: str, size: str = "1000", at_ns: int | None = None) -> list[Said]:
        """A new quote a second after the last thing that happened, prices in the currency's main unit."""
        self.now_ns = self.now_ns + 10**9 if at_ns is None else at_ns
        self.broker.on_quote(con_id, px(bid), px(ask), qty(size), qty(size), self.now_ns)
        return self.take()

    def trade(self, con_id: int, price: str) -> list[Said]:
        self.now_ns += 10**9
        self.broker.on_trade(con_id, px(price), self.now_ns)
        return self.take()

    def bar(self, con_id: int, day: int, prices: Sequence[str], hour: float = 20) -> list[Said]:
        """A bar known at an hour: open, high, low and close."""
        o, h, low, c = (px(each) for each in prices)
        self.now_ns = at(day, hour)
        bar = BarClosed(INSTRUMENTS[con_id].id, FIRST_DATE + day, o, h, low, c, qty("0"), self.now_ns)
        self.broker.on_bar(con_id, bar)
        return self.take()

    def place(
        self, order_id: int, order: Order, con_id: int = STOCK, *, client: int = 1, contract: Contract | None = None
    ) -> list[Said]:
        request = PlaceOrder(order_id=order_id, contract=contract or CONTRACTS[con_id], order=order)
        self.broker.place(client, request)
        return self.take()

    def cancel(self, order_id: int, client: int = 1) -> list[Said]:
        self.broker.cancel(client, order_id)
        return self.take()

    def ask(self, question: Callable[[], None]) -> list[ServerMessage]:
        question()
        return [message for _, message in self.take()]

    def ask_all(self) -> list[Said]:
        """Every open order, as client 1 sees them."""
        self.broker.answers.all_open_orders(1)
        return self.take()

    def wait(self, until_ns: int) -> list[Said]:
        self.now_ns = until_ns
        return self.take()

    def take(self) -> list[Said]:
        said = self.broker.take(self.now_ns)
        self.said += said
        return said

    def value(self, key: str, currency: str = "USD", account: str = ACCOUNT) -> str:
        """One account value as it is printed."""
        found = [
            each.value
            for each in self.broker.answers.account_values(account)
            if (each.key, each.currency) == (key, currency)
        ]
        assert len(found) == 1, f"{key} in {currency} is said {len(found)} times"
        return found[0]

    def last_status(self, order_id: int, client: int = 1) -> OrderStatus:
        """The newest status of an order that this client was told."""
        found = [m for to, m in self.said if to == client and isinstance(m, OrderStatus) and m.order_id == order_id]
        return found[-1]


def buy(quantity: float, **how: object) -> Order:
    return order("BUY", quantity, **how)


def sell(quantity: float, **how: object) -> Order:
    return order("SELL", quantity, **how)


def order(action: str, quantity: float, **how: object) -> Order:
    """LMT when a limit is given, else MKT."""
    kind = "LMT" if "limit" in how else "MKT"
    return replace(Order(action=action, quantity=quantity, order_type=kind), **how)


def story(said: Sequence[Said], client: int = 1) -> list[str]:
    """What a client was told, in short words."""
    return [word(message) for to, message in said if to == client]


def word(message: ServerMessage) -> str:
    if isinstance(message, OpenOrder):
        costs = " with commission" if message.state.commission is not None else ""
        return f"openOrder {message.state.status}{costs}"
    if isinstance(message, OrderStatus):
        return f"orderStatus {message.status}"
    if isinstance(message, ExecDetails):
        return f"execDetails {message.execution.shares:g} at {message.execution.price:g}"
    if isinstance(message, CommissionReport):
        return "commissionReport"
    if isinstance(message, ErrorMessage):
        return f"error {message.code}"
    return type(message).__name__


def errors(said: Sequence[Said]) -> list[int]:
    return [message.code for _, message in said if isinstance(message, ErrorMessage)]


def executions(said: Sequence[Said]) -> list[ExecDetails]:
    return [message for _, message in said if isinstance(message, ExecDetails)]
