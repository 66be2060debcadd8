"""What a sceptical reader asks of a track record, gathered from its journal in one pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from engine.message import Event
from model.decisions import Approved, DayMarked, InstrumentLocked, Mode, ModeEntered, RiskDecision, RunPlanned
from model.execution import Alarm, SleevesCrossed
from model.instruments import Instrument, product_of
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Filled, OrderSpec, Purpose, Share, VenueSettled
from model.units import cash_float, px_float, qty_float

KINDS = (
    "DayMarked", "RiskDecision", "OrderPlanned", "OrderMoved", "Filled", "SleevesCrossed", "VenueSettled", "RunPlanned",
    "Approved", "Alarm", "ModeEntered", "InstrumentLocked",
)  # fmt: skip
ENDED = ("FILLED", "EXPIRED", "CANCELLED", "REJECTED", "LOST")


class Line(msgspec.Struct):
    """A contract or one sleeve's part of it: lots, what was paid for them, and its profit at the last mark."""

    lots: float = 0.0
    paid: float = 0.0
    marked: float = 0.0


class Silence(msgspec.Struct):
    """A contract that was held on `days` sessions on which its price could not be trusted."""

    contract: str
    first: int
    last: int
    days: int


class Year(msgspec.Struct):
    """Counts of one year. scale: sum over its decisions; regimes: sessions by regime."""

    orders: Counter[str] = msgspec.field(default_factory=Counter)
    left_out: int = 0
    denied: int = 0
    rolls: int = 0
    degraded_days: int = 0
    scale: float = 0.0
    regimes: Counter[str] = msgspec.field(default_factory=Counter)


class Scrutiny:
    """Feed it a journal's rows in order with `take`; everything public is then a plain figure.

    commission, spread: base money paid; the spread is half the listed one on each lot traded, as the simulated
    exchange charges it.  profit: by product, before what cash in other currencies gained or lost, after commissions.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.instruments = instruments
        self.days: list[DayMarked] = []
        self.years: dict[int, Year] = defaultdict(Year)
        self.commission = 0.0
        self.spread = 0.0
        self.profit: dict[str, float] = defaultdict(float)
        self.lots_traded: Counter[str] = Counter()
        self.unfilled: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.bounds: Counter[str] = Counter()
        self.alarms: Counter[str] = Counter()
        self.modes: list[ModeEntered] = []
        self.locks: list[InstrumentLocked] = []
        self.silences: list[Silence] = []
        self.rolls = 0
        self._lines: dict[str, Line] = defaultdict(Line)
        self._fees: dict[tuple[str, str], float] = defaultdict(float)
        self._spreads: dict[str, float] = defaultdict(float)
        self._orders: dict[str, OrderSpec] = {}
        self._silent: dict[str, Silence] = {}
        self._session = 0
        self._handlers: dict[type[Event], Callable[..., None]] = {
            DayMarked: self._day, RiskDecision: self._decision, OrderPlanned: self._planned, OrderMoved: self._moved,
            Filled: self._filled, SleevesCrossed: self._crossed, VenueSettled: self._settled, RunPlanned: self._run,
            Approved: self._approved, Alarm: self._alarm, ModeEntered: self.modes.append,
            InstrumentLocked: self.locks.append,
        }  # fmt: skip

    def take(self, event: Event) -> None:
        """One row of the journal; kinds that are not in KINDS are ignored."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def finish(self) -> Scrutiny:
        """Call it after the last row."""
        self.silences += self._silent.values()
        self._silent.clear()
        return self

    # -- decisions and orders

    @property
    def _year(self) -> Year:
        return self.years[self._session // 10_000]

    def _decision(self, row: RiskDecision) -> None:
        self._session = row.session
        year = self._year
        year.scale += row.scale
        year.regimes[row.regime.value] += 1
        self.bounds[row.why.partition(" decides")[0] if " decides" in row.why else "unknown"] += 1

    def _run(self, row: RunPlanned) -> None:
        for denial in row.left_out:
            self._year.left_out += 1
            self.left_out[denial.code, product_of(denial.instrument)] += 1

    def _approved(self, row: Approved) -> None:
        for denial in row.denials:
            self._year.denied += 1
            self.left_out[denial.code, product_of(denial.instrument)] += 1

    def _planned(self, row: OrderPlanned) -> None:
        self._orders[row.spec.client_id] = row.spec
        year = self._year
        year.orders["sent"] += 1
        if row.intent.purpose is Purpose.ROLL and row.intent.reduces:
            self.rolls += 1
            year.rolls += 1

    def _moved(self, row: OrderMoved) -> None:
        if row.now not in ENDED:
            return
        spec = self._orders.pop(row.client_id, None)
        if row.now != "FILLED" and spec is not None:
            self._year.orders[row.now] += 1
            self.unfilled[row.now, product_of(spec.instrument)] += 1

    def _alarm(self, row: Alarm) -> None:
        self.alarms[row.code] += 1

    # -- money

    def _filled(self, row: Filled) -> None:
        fill = row.fill
        name, lots = fill.instrument, qty_float(fill.quantity)
        self._trade(name, fill.side.value * lots, px_float(fill.price))
        self._fees[product_of(name), fill.fee_currency] += cash_float(fill.fee)
        static = self._static(name)
        self._spreads[static.currency] += lots * float(static.half_spread) * float(static.multiplier)
        self.lots_traded[product_of(name)] += round(lots)

    def _crossed(self, row: SleevesCrossed) -> None:
        self._trade(row.instrument, signed(row.shares), px_float(row.price))

    def _settled(self, row: VenueSettled) -> None:
        for line in row.settlement.lines:
            if line.final:
                self._trade(line.instrument, -self._lines[line.instrument].lots, px_float(line.settle))

    def _trade(self, contract: str, lots: float, price: float) -> None:
        line = self._lines[contract]
        line.lots += lots
        line.paid += lots * price

    def _static(self, contract: str) -> Instrument:
        return self.instruments[product_of(contract)]

    def _day(self, day: DayMarked) -> None:
        if self.days and self.days[-1].session == day.session:  # marked again after a crash
            self.days.pop()
        self.days.append(day)
        self._session = day.session
        for name, line in list(self._lines.items()):
            static, flat = self._static(name), abs(line.lots) < 1e-9
            price = 0.0 if flat else px_float(day.prices[name])
            money = float(static.multiplier) * (line.lots * price - line.paid)
            self.profit[product_of(name)] += (money - line.marked) * px_float(day.rates[static.currency])
            line.marked = money
            if flat:
                del self._lines[name]
        for (product, currency), fee in self._fees.items():
            paid = fee * px_float(day.rates[currency])
            self.profit[product] -= paid
            self.commission += paid
        self.spread += sum(paid * px_float(day.rates[currency]) for currency, paid in self._spreads.items())
        self._fees.clear()
        self._spreads.clear()
        self._listen(day)

    def _listen(self, day: DayMarked) -> None:
        """Follow the contracts whose price is not of the day."""
        silent = [name for name in day.degraded if name in day.positions]
        self._year.degraded_days += bool(day.degraded)
        for name in [name for name in self._silent if name not in silent]:
            self.silences.append(self._silent.pop(name))
        for name in silent:
            seen = self._silent.setdefault(name, Silence(name, day.session, day.session, 0))
            seen.last = day.session
            seen.days += 1

    @property
    def downs(self) -> list[ModeEntered]:
        """Entries into modes in which the engine could not trade as it wanted."""
        return [one for one in self.modes if one.mode in (Mode.REDUCE_ONLY, Mode.HALTED)]


def signed(shares: Iterable[Share]) -> float:
    """The sum of shares, in lots."""
    return qty_float(sum(share.quantity for share in shares))


def scrutinise(events: Iterable[Event], instruments: Mapping[str, Instrument]) -> Scrutiny:
    """Everything that `Scrutiny` knows of a journal's rows."""
    scrutiny = Scrutiny(instruments)
    for event in events:
        scrutiny.take(event)
    return scrutiny.finish()
