"""The author's hand on the venue: what the wire loses, doubles or holds back, and when the link is gone."""

from __future__ import annotations

from collections.abc import Callable

from engine.drive import ASK
from model.orders import OrderSpec, OrderType, Side, SubmitOrder, TimeInForce
from model.units import QTY_SCALE, Px, Qty, cash
from simulation.exchange import Exchange, MemoryRecord, VenueRules
from simulation.exchange.faults import FaultPlan, Harm
from simulation.exchange.rules import Reject
from simulation.stage.world import World


class VenueHand:
    """The simulated exchange with its faults within reach. It outlives every crash of the engine."""

    def __init__(self, world: World, rules: VenueRules, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.faults = FaultPlan()
        self.record = MemoryRecord()
        self.exchange = Exchange(
            instruments=world.instruments, sessions=world.sessions,
            cash={"USD": cash(world.configuration.program.capital)}, base_currency="USD", fx=lambda currency: 10**9,
            rules=rules, record=self.record, faults=self.faults,
        )  # fmt: skip

    # -- the next message of a kind

    def drop_next(self, kind: str) -> None:
        """The next message of a kind (`"SubmitOrder"`, `"OrderAcked"`, `"Fill"`, ...) never arrives."""
        self.faults.next(kind, Harm.DROP)

    def double_next(self, kind: str, after_ns: int = 0) -> None:
        """The next message of a kind arrives twice, the second time so much later."""
        self.faults.next(kind, Harm.DUPLICATE, after_ns)

    def delay_next(self, kind: str, by_ns: int) -> None:
        """The next message of a kind arrives so much later."""
        self.faults.next(kind, Harm.DELAY, by_ns)

    def swap_next(self, kind: str) -> None:
        """The next message of a kind arrives after the one behind it."""
        self.faults.next(kind, Harm.SWAP)

    def truncate_next_snapshot(self) -> None:
        """The next answer to the reconciler lacks its end: it proves nothing by what it does not show."""
        self.faults.next("VenueSnapshot", Harm.TRUNCATE)

    def drop_next_ack(self) -> None:
        """The venue takes the next order, and its acknowledgement is lost."""
        self.drop_next("OrderAcked")

    def drop_next_order(self) -> None:
        """The next order never reaches the venue."""
        self.drop_next("SubmitOrder")

    # -- the link

    def disconnect(self, reason: str = "link lost") -> None:
        """The link breaks: reports on their way are lost, orders work on and may fill."""
        self.exchange.disconnect(self._now_ns(), reason)

    def reconnect(self) -> None:
        """The link is there again; nothing is repeated."""
        self.exchange.connect(self._now_ns())

    def relent(self) -> int:
        """Nothing more is harmed, nothing is held back, the link is there; when the last message under way arrives."""
        self.faults.relent()
        self.exchange.desk.refusing.clear()
        arrives_ns = self.exchange.let_go(self._now_ns())
        if not self.exchange.up:
            self.reconnect()
        return arrives_ns

    # -- what a venue does unasked

    def refuse_next(self, reason: Reject = Reject.NO_LOCATE) -> None:
        """The next order that reaches the venue is refused."""
        self.exchange.desk.refusing.append(reason)

    def refuse_late(self, client_id: str) -> bool:
        """An order that was acknowledged is refused after all; False when it is not open any more."""
        self.exchange.advance(self._now_ns())
        return self.exchange.back_office.refuse_late(client_id, Reject.MARGIN)

    def correct(self, exec_id: str, quantity: Qty, price: Px) -> None:
        """Another execution takes the place of this one; see `Desk.correct`."""
        self.exchange.advance(self._now_ns())
        self.exchange.back_office.correct(exec_id, quantity, price)

    def bust(self, exec_id: str) -> None:
        """An execution is taken back."""
        self.correct(exec_id, 0, 0)

    def name_again(self, venue_id: str) -> None:
        """The venue's numbers roll back: the next order it takes gets the name of an earlier one."""
        desk = self.exchange.desk
        usual = desk.named

        def named(client_id: str) -> str:
            desk.named = usual
            return venue_id

        desk.named = named

    # -- other hands on the account

    def trade_by_hand(self, instrument: str, units: int, client_id: str, limit: Px = 0) -> None:
        """Somebody sends an order that is not the engine's, past its wire; units below 0 are sold."""
        kind = OrderType.LIMIT if limit else OrderType.MARKET
        spec = OrderSpec(
            client_id=client_id, instrument=instrument, side=Side.BUY if units > 0 else Side.SELL,
            quantity=abs(units) * QTY_SCALE, type=kind, tif=TimeInForce.DAY, limit=limit,
        )  # fmt: skip
        self.exchange.advance(self._now_ns())
        self.exchange.desk.submit(SubmitOrder(spec))
        self.exchange.due.at_ns = ASK

    def transfer(self, instrument: str, units: int, price: Px) -> None:
        """A position comes or goes without a trade. Raises LookupError for what the venue does not list."""
        exchange = self.exchange
        exchange.advance(self._now_ns())
        listing = exchange.listings.get(instrument)
        if listing is None:
            raise LookupError(f"the venue does not list {instrument!r}")
        exchange.back_office.transfer(listing, units * QTY_SCALE, price)
        exchange.due.at_ns = ASK
