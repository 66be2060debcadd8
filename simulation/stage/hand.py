"""The author's hand on the venue: what the wire loses, doubles or holds back, and when the link is gone."""

from __future__ import annotations

from collections.abc import Callable

from model.units import cash
from simulation.exchange import Exchange, MemoryRecord, VenueRules
from simulation.exchange.faults import FaultPlan, Harm
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
