"""The executing actors on a kernel, with a venue that can be cut off at any moment, and a risk desk that says yes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from actors.basket import Basket
from actors.leg_groups import LeggingPolicy
from actors.netting import BasketPolicy
from actors.order_desk import Clients
from actors.orders import Orders
from actors.pair import Pair
from actors.portfolio import Portfolio
from actors.pricing import ExecutionPolicy, Style
from actors.reconciler import Reconciler
from actors.system import System
from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Effect, Effects, Journal, Ref, Tell
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Event, Message, Told
from engine.ports import Row
from engine.recovery import Snapshots
from engine.schedule import Scheduler
from engine.supervise import Branch, Child
from model.decisions import (
    Approved,
    CycleFx,
    CycleOpened,
    Decide,
    Denial,
    InstrumentLocked,
    InstrumentReleased,
    ModeChanged,
    NavMarked,
    Propose,
    Regime,
    RiskDecision,
    Targets,
    Want,
)
from model.instruments import Instrument, Kind
from model.market import FxRate, FxSnapshot, Mark, Quality, WatchQuotes
from model.orders import (
    CancelAtVenue,
    ClosedOrder,
    Fill,
    Filled,
    ModifyOrder,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderSent,
    OrderUpdate,
    RequestSnapshot,
    SubmitOrder,
    VenueCash,
    VenuePosition,
    VenueSnapshot,
    VenueUp,
)
from model.units import Px, Qty, cash, px, qty
from ports.simulated.venue import SimulatedVenue
from simulation.exchange import Exchange

T0 = 1_704_207_600 * 10**9
SECOND = 10**9
SESSION = 20240102
START_CASH = cash("1000000")


def fund(name: str) -> Instrument:
    return Instrument(id=name, kind=Kind.ETF, venue="XETRA", currency="EUR", calendar="XETR")


def future(name: str, multiplier: str = "50") -> Instrument:
    return Instrument(
        id=name, kind=Kind.FUTURE, venue="CME", currency="EUR", calendar="CME", multiplier=Decimal(multiplier)
    )


UNIVERSE = {each.id: each for each in (fund("A"), fund("B"), fund("C"), future("F"))}


class Crash(BaseException):
    """The process dies here."""


class Fuse:
    """Counts the moments at which a process may die, and dies at one of them."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.moments = 0

    def moment(self) -> None:
        self.moments += 1
        if self.moments == self.at:
            raise Crash


class FusedJournal(MemoryJournal):
    """Rows count when they are committed; the process may die before and after."""

    def __init__(self, fuse: Fuse, rows: Sequence[Row] = ()) -> None:
        super().__init__()
        self.rows = list(rows)
        self.last_seq = self.rows[-1].seq if self.rows else 0
        self.committed = len(self.rows)
        self.fuse = fuse

    def commit(self) -> None:
        if len(self.rows) > self.committed:
            self.fuse.moment()
            super().commit()
            self.fuse.moment()


class VenueWorld:
    """What the venue knows; it outlives the process. `fate` decides by instrument what becomes of a submit.

    fill: acknowledged and filled.  rest: acknowledged.  reject: rejected.  silent: filled, and nobody is told.
    drop: it never arrives, the first time.
    """

    def __init__(self) -> None:
        self.orders: dict[str, OpenOrder] = {}
        self.closed: dict[str, ClosedOrder] = {}
        self.fills: list[Fill] = []
        self.positions: dict[str, Qty] = {}
        self.cash = START_CASH
        self.prices: dict[str, Px] = {}
        self.fate: dict[str, str] = {}
        self.submits: list[str] = []
        self.duplicates: list[str] = []
        self.foreign: list[OpenOrder] = []


class FakeVenue:
    """The port to a VenueWorld. Answers are told at once."""

    name = "venue"

    def __init__(self, world: VenueWorld, kernel: Kernel, fuse: Fuse) -> None:
        self.world = world
        self.kernel = kernel
        self.fuse = fuse

    def deliver(self, message: Message, cause: int) -> Told:
        self.fuse.moment()
        if isinstance(message, SubmitOrder):
            self._submit(message)
        elif isinstance(message, CancelAtVenue):
            self._cancel(message.client_id)
        elif isinstance(message, ModifyOrder):
            self._orders(OrderModified(message.client_id, message.change_id, message.limit, self._now()))
        elif isinstance(message, RequestSnapshot):
            self.kernel.tell("reconciler", self.snapshot(message))
        self.fuse.moment()
        return Told.OK

    def _now(self) -> int:
        return self.kernel.clock.now_ns

    def _orders(self, fact: Message) -> None:
        self.kernel.tell("orders", fact)

    def _submit(self, message: SubmitOrder) -> None:
        world, order = self.world, message.order
        fate = world.fate.get(order.instrument, "fill")
        if fate == "drop":
            del world.fate[order.instrument]
            return
        world.submits.append(order.client_id)
        if order.client_id in world.orders or order.client_id in world.closed:
            world.duplicates.append(order.client_id)
            self._orders(OrderRejected(order.client_id, "DUPLICATE_ID", "seen", self._now()))
            return
        venue_id = f"v{len(world.submits)}"
        if fate == "reject":
            world.closed[order.client_id] = ClosedOrder(order.client_id, venue_id, "REJECTED", 0)
            self._orders(OrderRejected(order.client_id, "NO", "no", self._now()))
            return
        world.orders[order.client_id] = OpenOrder(
            order.client_id, venue_id, order.instrument, order.side, order.quantity, 0, order.limit
        )
        if fate != "silent":
            self._orders(OrderSent(order.client_id, self._now()))
            self._orders(OrderAcked(order.client_id, venue_id, self._now()))
        if fate != "rest":
            self.fill(order.client_id, told=fate != "silent")

    def fill(self, client_id: str, quantity: Qty | None = None, *, told: bool = True) -> None:
        """Fill an open order, in whole or in part."""
        world, order = self.world, self.world.orders[client_id]
        size = order.quantity - order.filled if quantity is None else quantity
        price = world.prices[order.instrument]
        done = Fill(
            f"x{len(world.fills)}", client_id, order.venue_id, order.instrument, order.side, size, price, 0, "EUR",
            self._now(),
        )  # fmt: skip
        world.fills.append(done)
        world.positions[order.instrument] = world.positions.get(order.instrument, 0) + order.side * size
        if UNIVERSE[order.instrument.partition("@")[0]].kind is Kind.ETF:
            world.cash -= order.side * size * price // 10**11
        filled = order.filled + size
        if filled == order.quantity:
            del world.orders[client_id]
            world.closed[client_id] = ClosedOrder(client_id, order.venue_id, "FILLED", filled)
        else:
            world.orders[client_id] = OpenOrder(
                client_id, order.venue_id, order.instrument, order.side, order.quantity, filled, order.limit
            )
        if told:
            self._orders(done)

    def _cancel(self, client_id: str) -> None:
        order = self.world.orders.pop(client_id, None)
        if order is not None:
            self.world.closed[client_id] = ClosedOrder(client_id, order.venue_id, "CANCELLED", order.filled)
            self._orders(OrderCancelled(client_id, order.filled, "asked", self._now()))

    def snapshot(self, request: RequestSnapshot) -> VenueSnapshot:
        world = self.world
        return VenueSnapshot(
            request.id, "fake", 0, self._now(), True, True, (*world.orders.values(), *world.foreign),
            tuple(world.closed.values()), tuple(world.fills),
            tuple(VenuePosition(name, size) for name, size in world.positions.items()),
            (VenueCash("EUR", world.cash),),
        )  # fmt: skip


class YesDesk(Actor):
    """Stands for risk and the sleeves: decides on every mark of the books, approves all but what it is told to deny."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.answers: dict[str, Approved] = {}
        self.heard: list[Message] = []

    def on_nav_marked(self, nav: NavMarked) -> Iterator[Effect]:
        house, basket = self.house, Ref[Any]("basket")
        decision = RiskDecision(
            nav.run_id, nav.session, house.kernel.actor("system").mode, Regime.NORMAL, 1.0, 0.1, 0.0, nav.nav, "", (),
            nav.at_ns,
        )  # fmt: skip
        yield Tell(basket, Decide(house.cycle, house.fx, decision, nav))
        for sleeve, wants in house.wants.items():
            yield Tell(basket, Targets(nav.run_id, nav.session, sleeve, wants, (), nav.at_ns))

    def on_propose(self, propose: Propose) -> Iterator[Effect]:
        if not self.house.risk_answers:
            return
        name = f"ap-{propose.intents[0].id}"
        approved = self.answers.get(name)
        if approved is None:
            denied = tuple(each for each in propose.intents if each.instrument in self.house.denied)
            denials = tuple(Denial("NO", each.instrument, "denied", each.id) for each in denied)
            allowed = tuple(each for each in propose.intents if each not in denied)
            approved = Approved(name, propose.run_id, allowed, denials, self.clock.now_ns)
            self.answers[name] = approved
            yield Journal(approved)
        yield Tell(Ref("pair"), approved)
        yield Tell(Ref("basket"), approved)

    def on_other(self, message: OrderUpdate | Filled | ModeChanged | InstrumentLocked | InstrumentReleased) -> Effects:
        self.heard.append(message)
        return None

    def fold_approved(self, row: Approved) -> None:
        self.answers[row.id] = row


class Deaf(Actor):
    """Stands for market data: takes the request and never has a quote."""

    def on_watch(self, watch: WatchQuotes) -> Effects:
        return None


class House:
    """The executing actors of one process. Another one may be built on the same world and the same rows."""

    def __init__(
        self, world: VenueWorld | None = None, *, fuse: Fuse | None = None, rows: Sequence[Row] = (), at_ns: int = T0,
        sleeves: Sequence[str] = ("a", "b"), phased: bool = True, policy: BasketPolicy | None = None,
        scheduler: Scheduler | None = None, exchange: Exchange | None = None, compare_every_s: int = 60,
    ) -> None:  # fmt: skip
        self.world = world or VenueWorld()
        self.fuse = fuse or Fuse()
        self.sleeves = tuple(sleeves)
        self.wants: Mapping[str, tuple[Want, ...]] = {}
        self.denied: set[str] = set()
        self.risk_answers = True
        self.journal = FusedJournal(self.fuse, rows)
        self.clock = VirtualClock(at_ns)
        self.kernel = Kernel(clock=self.clock, journal=self.journal, scheduler=scheduler)
        self.venue = FakeVenue(self.world, self.kernel, self.fuse)
        self.phased = phased
        self.compare_every_s = compare_every_s
        self.policy = policy or BasketPolicy(min_notional=0)
        if exchange is None:
            self.kernel.attach(self.venue)
            self.driver = VirtualDriver(self.kernel)
        else:
            simulated = SimulatedVenue(exchange, outside=self.kernel, clock=self.clock)
            self.kernel.attach(simulated)
            self.driver = VirtualDriver(self.kernel, [simulated])
        self.kernel.host(self._tree())
        self.cycle = CycleOpened("", "test", SESSION, 1, T0, "in", {}, {}, {})
        self.fx = FxSnapshot("EUR", {"EUR": FxRate("EUR", 10**9, "identity", T0, Quality.GOOD)}, T0)

    def _tree(self) -> Branch:
        def ref(name: str) -> Ref[Any]:
            return Ref(name)

        names = ("pair", "basket", "risk", "portfolio", "reconciler", "system", "market_data")
        builds: dict[str, Any] = {
            "system": lambda: System(listeners=[ref(n) for n in ("orders", "pair", "basket", "risk", "reconciler")],
                                     auto_trade=True),
            "risk": lambda: YesDesk(self),
            "market_data": Deaf,
            "orders": lambda: Orders(instruments=UNIVERSE, clients=Clients(**{n: ref(n) for n in names}),
                                     policy=ExecutionPolicy(style=Style.CLOSE_AUCTION, market_orders=True)),
            "portfolio": lambda: Portfolio(instruments=UNIVERSE, base="EUR", cash={"EUR": START_CASH},
                                           risk=ref("risk"), regime=None, reconciler=ref("reconciler")),
            "reconciler": lambda: Reconciler(orders=ref("orders"), portfolio=ref("portfolio"), system=ref("system"),
                                             every_ns=self.compare_every_s * SECOND),
            "pair": lambda: Pair(orders=ref("orders"), risk=ref("risk"), policy=LeggingPolicy(phased=self.phased)),
            "basket": lambda: Basket(instruments=UNIVERSE, sleeves=self.sleeves, risk=ref("risk"),
                                     portfolio=ref("portfolio"), policy=self.policy),
        }  # fmt: skip
        return Branch("root", tuple(Child(name, build) for name, build in builds.items()))

    def open(self, snapshots: Snapshots | None = None) -> House:
        """Recover, start, and connect to the venue."""
        self.kernel.recover_from(self.journal.rows[: self.journal.committed], snapshots)
        self.kernel.start()
        for who in ("orders", "reconciler", "system"):
            self.kernel.tell(who, VenueUp("fake", "acc", True, self.clock.now_ns))
        self.driver.run(self.clock.now_ns + SECOND)
        return self

    def decide(
        self, wants: Mapping[str, tuple[Want, ...]], prices: dict[str, str], *, session: int = SESSION,
        contracts: dict[str, str] | None = None, rolling: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """One cycle: marks, then the books are valued and everybody decides."""
        self.wants = wants
        names = contracts or {name: name for name in prices}
        run_id = f"{session}.1.test.abc"
        self.cycle = CycleOpened(run_id, "test", session, 1, self.clock.now_ns, "in", {}, names, rolling or {})
        for name, price in prices.items():
            self.world.prices[name] = px(price)
            self.kernel.tell("portfolio", Mark(name, px(price), Quality.GOOD, session, self.clock.now_ns))
        self.kernel.tell("portfolio", CycleFx(self.cycle, self.fx))
        self.driver.settle()

    def run(self, seconds: float) -> None:
        self.driver.run(self.clock.now_ns + int(seconds * SECOND))

    def rows(self, kind: type[Any]) -> list[Any]:
        return [row.event for row in self.journal.rows if isinstance(row.event, kind)]

    def events(self) -> list[Event]:
        return [row.event for row in self.journal.rows]

    @property
    def position(self) -> dict[str, Qty]:
        books = self.kernel.actor("portfolio").books
        return {name: each.quantity for name, each in books.positions.items() if each.quantity}

    @property
    def sleeve_positions(self) -> dict[tuple[str, str], Qty]:
        books = self.kernel.actor("portfolio").books
        return {
            (sleeve, name): line.quantity
            for name, each in books.positions.items()
            for sleeve, line in each.sleeves.items()
            if line.quantity
        }


def want(product: str, quantity: str, **more: Any) -> Want:
    return Want(product, qty(quantity), "because", {}, **more)
