"""Orders end without us: by a cancel timer where the venue has one, elsewhere by a good-till time, unless renewed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from actors.deadlines import Deadlines
from actors.order import Order
from actors.order_desk import OrderDesk
from actors.pricing import ExecutionPolicy
from engine.effects import Effect, Journal, ToPort
from model.leases import CancelAfter, OrdersLeased
from model.orders import Intent, OrderSpec, OrderType, Purpose, TimeInForce
from model.units import NS_PER_SECOND

LEASE = "lease"
RENEWALS_PER_TERM = 3
GTC, GTD = TimeInForce.GTC, TimeInForce.GTD


class OrderLease:
    """How long orders outlive the order manager.

    Renewals ride in its own deadlines: when it, the kernel or the process stands still, nothing is renewed, and the
    venue ends what is leased. Orders that protect a position are good till cancelled: they must outlive us.

    offered: the venue takes `CancelAfter`.
    """

    def __init__(self, desk: OrderDesk, deadlines: Deadlines, policy: ExecutionPolicy, venue: str) -> None:
        self.desk, self.deadlines, self.policy, self.venue = desk, deadlines, policy, venue
        self.offered = False
        self._renew_ns = 0  # when the timer is to be renewed; 0 while it does not run for us
        self._set_here = False  # this actor, and none before it, has set it

    @property
    def timed(self) -> bool:
        return self.offered and self.policy.timer_ns > 0

    def term(self, spec: OrderSpec, intent: Intent) -> OrderSpec:
        """The order as it is to leave, with the time after which it ends without us."""
        if spec.type is not OrderType.LIMIT:
            return spec
        if intent.purpose is Purpose.PROTECT:
            return structs.replace(spec, tif=GTC)
        if self.timed or not self.policy.good_for_ns:
            return spec
        return structs.replace(spec, tif=GTD, expires_ns=self.desk.clock.now_ns + self.policy.good_for_ns)

    def until_ns(self, spec: OrderSpec) -> int:
        """The new good-till time of an order that is changed now; 0 for one that has none."""
        return self.desk.clock.now_ns + self.policy.good_for_ns if spec.tif is GTD else 0

    def leaving(self, spec: OrderSpec) -> list[Effect]:
        """What goes before an order: the timer is set first, so that no order is ever there without it.

        Also when it runs: a slow disk can hold an order back for longer than what is left of it.
        """
        if spec.tif is GTD:
            self.watch(spec)
        elif spec.tif is not GTC and self.timed:
            return self._set()
        return []

    def found(self) -> list[Effect]:
        """What the venue has told of may be open while no timer runs: an order that came late, or was taken over."""
        return [] if self._runs() else self.again()

    def _runs(self) -> bool:
        return self._set_here and self.desk.clock.now_ns < self._renew_ns

    def watch(self, spec: OrderSpec) -> None:
        """Renew a good-till time in time."""
        every_ns = self.policy.good_for_ns // RENEWALS_PER_TERM
        self.deadlines.add(self.desk.clock.now_ns + every_ns, LEASE, spec.client_id)

    def linked(self, offered: bool) -> list[Effect]:
        """A session with the venue has begun: what the timer was before is forgotten.

        An actor that is built anew hears no greeting: the row tells it.
        """
        news, self.offered = offered != self.offered, offered
        self._renew_ns = 0
        if not news or not self.policy.timer_ns:
            return self.again()
        within_ns = self.policy.timer_ns if offered else 0
        return [Journal(OrdersLeased(self.venue, within_ns, self.desk.clock.now_ns)), *self.again()]

    def again(self) -> list[Effect]:
        """Set the timer for what is open, after a start or a new session."""
        return self._set() if self.timed and leased(self.desk.book.open.values()) else []

    def started(self) -> None:
        """An actor was built again, or a process: the venue's greeting tells whether it has a timer, if it comes."""
        if self.timed:
            self._renew_ns = self.desk.clock.now_ns + NS_PER_SECOND
            self.deadlines.add(self._renew_ns, LEASE, "")

    def due(self) -> list[Effect]:
        """Renew the timer while something is open; otherwise let it run out."""
        if not self._renew_ns or self.desk.clock.now_ns < self._renew_ns:
            return []
        self._renew_ns = 0
        return self.again()

    def _set(self) -> list[Effect]:
        self._renew_ns = self.desk.clock.now_ns + self.policy.timer_ns // RENEWALS_PER_TERM
        self._set_here = True
        self.deadlines.add(self._renew_ns, LEASE, "")
        return [ToPort(self.venue, CancelAfter(self.policy.timer_ns)), *self.deadlines.arm()]


def leased(orders: Iterable[Order]) -> bool:
    """Whether there is an order among these that should end without us."""
    return any(order.spec.tif is not GTC for order in orders)
