"""The port in front of the venue: who hears what, when, and that it is a port and a source of the engine."""

from __future__ import annotations

from engine.clock import VirtualClock
from engine.message import Message, Told
from engine.ports import Port
from model.market import BarClosed, FxRateSeen, Quote
from model.orders import CancelAtVenue, OrderType, RequestSnapshot, SubmitOrder
from model.units import cash, px
from ports.simulated import SimulatedVenue
from simulation.exchange import Exchange, VenueRules

from .kit import at, bar, buy, close_of, quote, venue


class Engine:
    """Stands for the kernel: remembers who was told what."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        self.heard.append((to, type(message).__name__))
        return Told.OK


class Bench:
    """An exchange, its port, a clock and the engine's ear."""

    def __init__(self, *, direct: bool = False, rules: VenueRules | None = None) -> None:
        self.exchange: Exchange = venue(rules=rules)
        self.clock = VirtualClock()
        self.engine = Engine()
        self.port = SimulatedVenue(self.exchange, outside=self.engine, clock=self.clock, direct=direct)

    def price(self, message: BarClosed | Quote) -> None:
        self.clock.advance(message.at_ns)
        self.port.on_price(message)

    def settle(self) -> list[tuple[str, str]]:
        """Fire the port as long as it is due now; what was heard."""
        while self.port.next_ns() == self.clock.now_ns:
            self.port.fire(self.clock.now_ns)
        heard, self.engine.heard = self.engine.heard, []
        return heard


def test_it_is_a_port_of_the_engine() -> None:
    bench = Bench()
    assert isinstance(bench.port, Port)
    assert bench.port.name == "venue"


def test_each_fact_goes_to_the_actors_it_concerns() -> None:
    bench = Bench()
    bench.port.connect()
    assert bench.settle() == [("orders", "VenueUp"), ("reconciler", "VenueUp"), ("system", "VenueUp")]
    bench.price(bar("SP500@202003", 0, "100"))
    bench.settle()
    bench.port.deliver(SubmitOrder(buy("a", "SP500@202003", "1", kind=OrderType.MOC)), 0)
    bench.port.deliver(SubmitOrder(buy("b", "SP500@202003", "1", limit="50")), 0)
    assert bench.settle() == [
        ("orders", "OrderAcked"),
        ("orders", "OrderAcked"),
    ]
    bench.price(bar("SP500@202003", 1, "100"))
    assert bench.settle() == [("orders", "Fill"), ("orders", "OrderExpired"), ("portfolio", "Settlement")]
    bench.exchange.move_cash("m", "deposit", "USD", cash("1"), "", bench.clock.now_ns)
    bench.port.deliver(RequestSnapshot("s", 0), 0)
    bench.port.deliver(CancelAtVenue("a"), 0)
    assert bench.settle() == [("portfolio", "CashMoved"), ("reconciler", "VenueSnapshot"), ("orders", "CancelRejected")]
    bench.exchange.disconnect(bench.clock.now_ns)
    assert bench.settle() == [("orders", "VenueDown"), ("reconciler", "VenueDown"), ("system", "VenueDown")]


def test_a_request_while_the_link_is_down_is_not_taken() -> None:
    bench = Bench()
    bench.exchange.disconnect(0)
    bench.settle()
    assert bench.port.deliver(SubmitOrder(buy("a", "CSPX")), 0) is Told.FULL
    assert bench.settle() == []
    bench.port.connect()
    bench.price(quote("CSPX", at(0, 10), "99.90", "100"))
    bench.settle()
    assert bench.port.deliver(SubmitOrder(buy("b", "CSPX", limit="50")), 0) is Told.OK
    # nothing of the first waited for the link
    bench.settle()
    assert list(bench.exchange.desk.orders) == ["b"]


def test_without_latency_a_direct_port_answers_within_the_delivery() -> None:
    bench = Bench(direct=True)
    bench.price(quote("CSPX", at(0, 10), "99.90", "100"))
    bench.port.deliver(SubmitOrder(buy("a", "CSPX")), 0)
    assert bench.engine.heard == [("orders", "OrderAcked"), ("orders", "Fill")]


def test_with_latency_the_source_is_due_when_the_report_arrives() -> None:
    bench = Bench(rules=VenueRules(latency_ns=1_000))
    bench.price(quote("CSPX", at(0, 10), "99.90", "100"))
    bench.settle()
    bench.port.deliver(SubmitOrder(buy("a", "CSPX")), 0)
    assert bench.settle() == [("orders", "OrderSent")]
    bench.clock.advance(at(0, 10) + 1_000)
    assert bench.settle() == []
    bench.clock.advance(at(0, 10) + 2_000)
    assert bench.settle() == [("orders", "OrderAcked"), ("orders", "Fill")]


def test_every_bar_is_committed_at_its_own_moment() -> None:
    bench = Bench()
    bench.price(bar("CSPX", 0, "100"))
    assert bench.port.next_ns() == close_of(0)
    bench.settle()
    assert bench.exchange.committed_ns == close_of(0)
    assert bench.port.next_ns() is None


def test_other_messages_of_the_feed_are_none_of_its_business() -> None:
    bench = Bench()
    bench.port.on_price(FxRateSeen("EUR", px("1.1"), "ecb", 0))
    assert bench.port.next_ns() == 0  # only the account's opening balance waits to be committed
    bench.settle()
    assert bench.port.next_ns() is None
