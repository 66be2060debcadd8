"""Everything behind a gateway, made from a lake: catalogue, market, accounts at simulated exchanges, broker."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from model.instruments import Instrument
from model.sessions import Sessions
from model.units import PX_SCALE, Px, cash
from simulation.exchange import Exchange, SqliteRecord, VenueRules
from simulation.tws.broker import Broker, BrokerRules, Permissions, Stories
from simulation.tws.broker.keeper import BOOKED, META, TICKET
from simulation.tws.broker.record import BookedRow, Meta, SqliteBrokerRecord
from simulation.tws.broker.ticket import Ticket
from simulation.tws.catalogue import Catalogue, History, Refused, Tape
from simulation.tws.clock import Clock
from simulation.tws.dump import OBSERVER
from simulation.tws.link import Link
from simulation.tws.market import Market
from simulation.tws.replies import OpenOrder
from simulation.tws.service.house import GatewayRules, House
from simulation.tws.terms import ContractDetails
from state.lake import Lake

SessionsOf = Callable[[str], Sessions]
DOLLAR = "USD"
BROKER_FILE = "broker.sqlite"


class Rates(Mapping[str, Px]):
    """Money of `base` for one unit of a currency, in 1e-9, as recorded by now. Lacks what is not recorded."""

    def __init__(self, lake: Lake | None, base: str, now_ns: Callable[[], int]) -> None:
        self._lake, self._base, self._now_ns = lake, base, now_ns
        self._series: dict[str, tuple[list[int], list[int]]] = {}

    def __getitem__(self, currency: str) -> Px:
        if currency == self._base:
            return PX_SCALE
        return self._dollars(currency) * PX_SCALE // self._dollars(self._base)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lake.currencies() if self._lake is not None else ())

    def __len__(self) -> int:
        return len(self._lake.currencies()) if self._lake is not None else 0

    def _dollars(self, currency: str) -> Px:
        if currency == DOLLAR:
            return PX_SCALE
        at, rates = self._read(currency)
        i = bisect_right(at, self._now_ns())
        if not i:
            raise KeyError(currency)
        return rates[i - 1]

    def _read(self, currency: str) -> tuple[list[int], list[int]]:
        found = self._series.get(currency)
        if found is None:
            if self._lake is None or not self._lake.has("fx", currency):
                raise KeyError(currency)
            series = self._lake.fx(currency)
            found = self._series[currency] = (series.at_ns.tolist(), series.rate.tolist())
        return found


class Contracts:
    """A catalogue as the broker and its exchanges ask it: by con id, and by the name of an instrument."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._named: dict[str, Instrument] = {}

    def details(self, con_id: int) -> ContractDetails | None:
        try:
            return self._catalogue.details(con_id)
        except Refused:
            return None

    def instrument(self, con_id: int) -> Instrument:
        """Raises LookupError for an id that nobody has."""
        try:
            found = self._catalogue.instrument(con_id)
        except Refused as refused:
            raise LookupError(refused.text) from None
        self._named[found.id] = found
        return found

    def named(self, instrument: str) -> Instrument | None:
        """What was asked for before."""
        return self._named.get(instrument)


class Calendars(Mapping[str, Sessions]):
    """Calendars as a mapping; each is built when it is first asked for."""

    def __init__(self, sessions: SessionsOf, names: frozenset[str]) -> None:
        self._sessions, self._names = sessions, names

    def __getitem__(self, calendar: str) -> Sessions:
        if calendar not in self._names:
            raise KeyError(calendar)
        return self._sessions(calendar)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Founding(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway begins with. accounts: opening balances by currency, of each.  seed: of all simulated prices.

    steps: simulated prices to a recorded bar.
    """

    accounts: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=lambda: {"DU1000001": {"USD": "1000000"}})
    base_currency: str = "USD"
    seed: int = 0
    steps: int = 120
    gateway: GatewayRules = GatewayRules()
    broker: BrokerRules = msgspec.field(default_factory=BrokerRules)
    permissions: Permissions = Permissions()


def found(
    founding: Founding,
    clock: Clock,
    instruments: Mapping[str, Instrument],
    sessions: SessionsOf,
    lake: Lake | None,
    options: Path | None = None,
    stories: Stories | None = None,
    state: Path | None = None,
) -> House:
    """A house at the market's present time. Raises ValueError when there is nothing to trade or an amount is none.

    state: a folder in which accounts and orders are kept, and taken up where it has some.
    """
    catalogue = Catalogue(instruments, lake, sessions, clock.market_ns, options)
    history = History(catalogue)
    broker = _broker(founding, clock, catalogue, sessions, lake, stories, state)
    now_ns, delay_ns = clock.market_ns(), founding.gateway.delay_ns
    tape = Tape(history.record, now_ns, seed=founding.seed, steps=founding.steps)
    late = Tape(history.record, now_ns - delay_ns, seed=founding.seed, steps=founding.steps)
    market = Market(history, tape, late, delay_ns, broker, clock)
    for con_id in _open_contracts(broker):
        market.hold(con_id)
    return House(
        broker=broker, catalogue=catalogue, history=history, tape=tape, market=market, clock=clock, link=Link(),
        rules=founding.gateway,
    )  # fmt: skip


def _broker(
    founding: Founding,
    clock: Clock,
    catalogue: Catalogue,
    sessions: SessionsOf,
    lake: Lake | None,
    stories: Stories | None,
    state: Path | None,
) -> Broker:
    contracts = Contracts(catalogue)
    rates = Rates(lake, founding.base_currency, clock.market_ns)
    calendars = Calendars(sessions, frozenset(one.calendar for one in catalogue.shelf.products.values()))
    record = SqliteBrokerRecord(state / BROKER_FILE) if state is not None else None
    for con_id in con_ids_of(record) if record is not None else ():
        contracts.instrument(con_id)
    exchanges = {
        name: Exchange(
            instruments=contracts.named,
            sessions=calendars,
            cash={currency: cash(amount) for currency, amount in money.items()},
            base_currency=founding.base_currency,
            fx=rates.get,
            rules=VenueRules(margin=False, account=name),
            record=SqliteRecord(state / f"{name}.sqlite") if state is not None else None,
        )
        for name, money in founding.accounts.items()
    }
    return Broker(
        exchanges,
        contracts,
        now_ns=clock.market_ns(),
        base_currency=founding.base_currency,
        rates=rates,
        permissions=founding.permissions,
        rules=founding.broker,
        stories=stories,
        record=record,
    )


def resumed_ns(state: Path) -> int:
    """Where the market stood when a folder of state was last written, by the broker or an account's exchange.

    0 when nothing is in it. Raises RecordError for a file that is damaged.
    """
    if not (state / BROKER_FILE).is_file():
        return 0
    record = SqliteBrokerRecord(state / BROKER_FILE)
    moments = [msgspec.json.decode(row.body, type=Meta).now_ns for row in record.read() if row.kind == META]
    record.close()
    for path in sorted(state.glob("*.sqlite")):
        if path.name != BROKER_FILE:
            moments.append(_stood_ns(path))
    return max(moments, default=0)


def _stood_ns(path: Path) -> int:
    record = SqliteRecord(path)
    try:
        resumed = record.resume()
        return resumed.at_ns if resumed is not None else 0
    finally:
        record.close()


def con_ids_of(record: SqliteBrokerRecord) -> set[int]:
    """Every contract that a record tells of."""
    found: set[int] = set()
    for row in record.read():
        if row.kind == BOOKED:
            found.add(msgspec.json.decode(row.body, type=BookedRow).con_id)
        elif row.kind == TICKET:
            contract = msgspec.json.decode(row.body, type=Ticket).contract
            found |= {leg.con_id for leg in contract.legs} or {contract.con_id}
    return found - {0}


def _open_contracts(broker: Broker) -> set[int]:
    """What is held, and what orders are open in."""
    found = {each.contract.con_id for each in broker.answers.positions()}
    broker.connect(OBSERVER)
    broker.answers.all_open_orders(OBSERVER)
    for _, message in broker.take(broker.now_ns):
        if isinstance(message, OpenOrder):
            found |= {leg.con_id for leg in message.contract.legs} or {message.contract.con_id}
    broker.disconnect(OBSERVER)
    return found
