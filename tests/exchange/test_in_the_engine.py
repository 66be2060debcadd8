"""The port under the real kernel and its virtual driver: intents leave after the commit, facts come back as mail."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Effects, ToPort
from engine.kernel import Kernel
from engine.message import Message
from engine.supervise import Branch, Child
from model.market import BarClosed
from model.orders import (
    CashMoved,
    Fill,
    OrderAcked,
    OrderExpired,
    OrderSent,
    OrderSpec,
    OrderType,
    RequestSnapshot,
    Settlement,
    SubmitOrder,
    VenueDown,
    VenueSnapshot,
    VenueUp,
)
from model.units import px
from ports.simulated import SimulatedVenue
from simulation.exchange import VenueRules

from .kit import START, bar, buy, close_of, date_of, sell, venue

MAR = "SP500@202003"


class Orders(Actor):
    """Sends an order of its plan for each bar it hears; remembers what the venue says."""

    def __init__(self, plan: dict[int, OrderSpec]) -> None:
        self._plan = plan
        self.heard: list[tuple[str, int]] = []

    def on_bar(self, seen: BarClosed) -> Effects:
        order = self._plan.get(seen.session)
        return None if order is None else (ToPort("venue", SubmitOrder(order)),)

    def on_fact(self, fact: OrderSent | OrderAcked | OrderExpired | Fill | VenueUp | VenueDown) -> Effects:
        self.heard.append((type(fact).__name__, self.clock.now_ns))
        return (ToPort("venue", RequestSnapshot("boot", 0)),) if isinstance(fact, VenueUp) else None


class Books(Actor):
    def __init__(self) -> None:
        self.heard: list[Message] = []

    def on_money(self, fact: Settlement | CashMoved) -> Effects:
        self.heard.append(fact)
        return None


class Evidence(Actor):
    def __init__(self) -> None:
        self.snapshots: list[VenueSnapshot] = []

    def on_snapshot(self, snapshot: VenueSnapshot) -> Effects:
        self.snapshots.append(snapshot)
        return None

    def on_link(self, link: VenueUp | VenueDown) -> Effects:
        return None


class Modes(Actor):
    def on_link(self, link: VenueUp | VenueDown) -> Effects:
        return None


class Tape:
    """A source that tells bars to the venue, lets it speak, then tells the engine."""

    def __init__(self, port: SimulatedVenue, kernel: Kernel, bars: Sequence[BarClosed]) -> None:
        self._port, self._kernel, self._left = port, kernel, list(bars)

    def next_ns(self) -> int | None:
        return self._left[0].at_ns if self._left else None

    def fire(self, now_ns: int) -> None:
        seen = self._left.pop(0)
        self._port.on_price(seen)
        self._port.fire(now_ns)
        self._kernel.tell("orders", seen)


def run(plan: dict[int, OrderSpec], bars: Sequence[BarClosed], rules: VenueRules | None = None) -> Kernel:
    exchange = venue(rules=rules)
    kernel = Kernel(clock=VirtualClock(START))
    port = SimulatedVenue(exchange, outside=kernel, clock=kernel.clock)
    kernel.host(
        Branch(
            "root",
            (
                Child("orders", lambda: Orders(plan)),
                Child("portfolio", Books),
                Child("reconciler", Evidence),
                Child("system", Modes),
            ),
        )
    )
    kernel.attach(port)
    kernel.start()
    port.connect()
    VirtualDriver(kernel, [Tape(port, kernel, bars), port]).run(close_of(5))
    return kernel


PLAN = {
    date_of(0): buy("in", MAR, "2", kind=OrderType.MOC),
    date_of(1): sell("never", MAR, "2", limit="500"),
}
BARS = [bar(MAR, day, price) for day, price in enumerate(("100", "101", "103"))]


def test_an_order_lives_from_the_engine_to_the_venue_and_back() -> None:
    kernel = run(PLAN, BARS)
    assert kernel.actor("orders").heard == [
        ("VenueUp", START),
        ("OrderAcked", close_of(0)),
        ("Fill", close_of(1)),
        ("OrderAcked", close_of(1)),
        ("OrderExpired", close_of(2)),
    ]
    variations = [line.settle for fact in kernel.actor("portfolio").heard for line in fact.lines]
    assert variations == [px("101"), px("103")]
    (snapshot,) = kernel.actor("reconciler").snapshots
    assert (snapshot.id, snapshot.complete, snapshot.orders) == ("boot", True, ())


def test_latency_passes_in_virtual_time() -> None:
    kernel = run(PLAN, BARS, VenueRules(latency_ns=1_000))
    heard = kernel.actor("orders").heard
    assert ("OrderAcked", close_of(0) + 2_000) in heard
    assert ("Fill", close_of(1) + 1_000) in heard
    assert ("OrderExpired", close_of(2) + 1_000) in heard


def test_a_day_order_without_a_bar_expires_one_nanosecond_after_the_close() -> None:
    kernel = run(PLAN, BARS[:2])
    assert kernel.actor("orders").heard[-1] == ("OrderExpired", close_of(2) + 1)
