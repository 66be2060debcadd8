"""The order manager alone: hand it messages, read what it wants. Nothing here knows how it works inside."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

from actors.order_desk import Clients
from actors.orders import Orders
from actors.pricing import ExecutionPolicy, Style
from engine.clock import VirtualClock
from engine.effects import Effect, Journal, Ref, SetTimer, Tell, ToPort
from engine.message import Event, Message
from model.decisions import Mode, ModeChanged
from model.instruments import Instrument, Kind, TickStep
from model.market import Quote
from model.orders import (
    Fill,
    Intent,
    OrderAcked,
    OrderSent,
    OrderUpdate,
    Place,
    Purpose,
    Share,
    Side,
    SubmitOrder,
    Urgency,
    intent_id,
)
from model.units import px, qty

T0 = 1_704_207_600 * 10**9
SECOND = 10**9
RUN = "20240102.1.test.abc"
M = TypeVar("M", bound=Message)

FUND = Instrument(
    id="FUND", kind=Kind.ETF, venue="XETRA", currency="EUR", calendar="XETR",
    ticks=(TickStep(Decimal(0), Decimal("0.01")),),
)  # fmt: skip
FUTURE = Instrument(
    id="SP500", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="CME", multiplier=Decimal(50),
    ticks=(TickStep(Decimal(0), Decimal("0.25")),),
)  # fmt: skip
INDEX = Instrument(id="VIX", kind=Kind.INDEX, venue="CBOE", currency="USD", calendar="CBOE", tradeable=False)
UNIVERSE = {each.id: each for each in (FUND, FUTURE, INDEX)}
CLOSING = ExecutionPolicy(style=Style.CLOSE_AUCTION)


def intent(
    side: Side = Side.BUY,
    quantity: str = "10",
    *,
    instrument: str = "FUND",
    limit: str = "0",
    run: str = RUN,
    leg: int = 0,
    reference: str = "100",
    shares: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Intent:
    """An approved intent; the whole quantity is one sleeve's unless shares are given as signed numbers."""
    size = qty(quantity)
    parts = tuple(Share(name, qty(part)) for name, part in shares) or (Share("a", side * size),)
    return Intent(
        id=intent_id(run, instrument, side, size, "net", leg, 0), run_id=run, instrument=instrument, side=side,
        quantity=size, purpose=Purpose.REBALANCE, shares=parts, reference=px(reference), limit=px(limit), leg=leg,
        **more,
    )  # fmt: skip


def place(one: Intent) -> Place:
    return Place(one, "approval")


def quote(bid: str, ask: str, at_ns: int, instrument: str = "FUND", size: str = "1000") -> Quote:
    return Quote(instrument, px(bid), px(ask), qty(size), qty(size), at_ns)


def fill(
    one: Intent, quantity: str, price: str = "100", *, exec_id: str = "e1", corrects: str = "", venue_id: str = "v1"
) -> Fill:
    return Fill(
        exec_id, one.id, venue_id, one.instrument, one.side, qty(quantity), px(price), 1_000_000, "EUR", T0, corrects
    )


class Bench:
    """One order manager on a virtual clock, trading allowed; `told` is all it wanted so far."""

    def __init__(self, policy: ExecutionPolicy = CLOSING, *, rows: Iterable[Event] = (), kept: Event | None = None):
        names = ("pair", "basket", "risk", "portfolio", "reconciler", "system", "market_data")
        clients = Clients(**{name: Ref(name) for name in names})
        self.actor = Orders(instruments=UNIVERSE, clients=clients, policy=policy)
        self.actor.name = "orders"
        self.actor.clock = self.clock = VirtualClock(T0)
        self.told: list[Effect] = []
        if kept is not None:
            self.actor.restore(kept)
        for row in rows:
            fold = self.actor.folds.get(type(row))
            if fold is not None:
                getattr(self.actor, fold)(row)
        self.told += list(self.actor.on_start() or ())
        self.say(ModeChanged(Mode.TRADING, "test"))

    def say(self, message: Message) -> list[Effect]:
        """Hand over one message; returns what it led to."""
        effects = list(getattr(self.actor, self.actor.handlers[type(message)])(message) or ())
        self.told += effects
        return effects

    def wait(self, seconds: float) -> None:
        """Let time pass; timers that come due are handed over in order."""
        until_ns = self.clock.now_ns + int(seconds * SECOND)
        while True:
            due = [each for each in self.timers() if each.at_ns <= until_ns]
            if not due:
                break
            timer = min(due, key=lambda each: each.at_ns)
            self.told.remove(timer)
            self.clock.advance(max(self.clock.now_ns, timer.at_ns))
            self.say(timer.message)
        self.clock.advance(until_ns)

    def timers(self) -> list[SetTimer]:
        """The timer that is set: the last one of its id."""
        found = [each for each in self.told if isinstance(each, SetTimer)]
        return found[-1:]

    def work(self, one: Intent) -> Intent:
        """Bring an intent to WORKING."""
        self.say(place(one))
        self.say(OrderSent(one.id, self.clock.now_ns))
        self.say(OrderAcked(one.id, "v1", self.clock.now_ns))
        return one

    def rows(self, kind: type[M]) -> list[M]:
        return [each.event for each in self.told if isinstance(each, Journal) and isinstance(each.event, kind)]

    def journal(self) -> list[Event]:
        return [each.event for each in self.told if isinstance(each, Journal)]

    def sent(self, kind: type[M]) -> list[M]:
        """Messages handed to the venue port."""
        return [each.message for each in self.told if isinstance(each, ToPort) and isinstance(each.message, kind)]

    def tells(self, to: str, kind: type[M]) -> list[M]:
        return [
            each.message
            for each in self.told
            if isinstance(each, Tell) and each.to.name == to and isinstance(each.message, kind)
        ]

    def last(self, one: Intent) -> OrderUpdate:
        """The latest word to the executor about an order."""
        return [each for each in self.tells("pair", OrderUpdate) if each.client_id == one.id][-1]

    def state(self, one: Intent) -> str:
        """The order's state as it answers when asked again."""
        self.say(place(one))
        return self.last(one).state

    def alarms(self) -> list[str]:
        return [each.code for each in self.journal() if type(each).__name__ == "Alarm"]  # type: ignore[attr-defined]

    def submits(self, one: Intent) -> int:
        return sum(each.order.client_id == one.id for each in self.sent(SubmitOrder))


__all__ = ["CLOSING", "FUND", "FUTURE", "RUN", "SECOND", "T0", "UNIVERSE", "Bench", "Urgency", "fill", "intent",
           "place", "quote"]  # fmt: skip
