"""A guardian's session with a simulated exchange in its own process: no link to lose, answers at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.message import Message
from model.orders import (
    CancelAtVenue,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderRejected,
    OrderSpec,
    SubmitOrder,
    VenueFact,
    VenuePosition,
)
from simulation.exchange.exchange import Exchange

PATIENCE_NS = 10**9


class ExchangeSession:
    """See `ports.guardian.GuardianVenue`. Time at the exchange goes on only as far as an answer needs it.

    It takes the exchange's one session: the engine whose it was must be dead, or shut out by its token.
    """

    def __init__(self, exchange: Exchange, token: int) -> None:
        self._exchange = exchange
        self._token = token
        exchange.connect(exchange.now_ns)
        exchange.door.fence(token)

    def open_orders(self) -> Sequence[OpenOrder]:
        return self._exchange.snapshot("guardian", self._exchange.now_ns).orders

    def positions(self) -> Sequence[VenuePosition]:
        return self._exchange.snapshot("guardian", self._exchange.now_ns).positions

    def cancel_by_prefix(self, prefix: str, keep: Collection[str] = ()) -> Sequence[str]:
        """The ids of our orders that were open. Raises OSError when the exchange does not listen to this token."""
        open_ids = (order.client_id for order in self.open_orders())
        ours = [each for each in open_ids if each.startswith(prefix) and each not in keep]
        for client_id in ours:
            self._ask(CancelAtVenue(client_id), client_id, OrderCancelled)
        return ours

    def submit(self, order: OrderSpec) -> str:
        """What the exchange objects to. Raises OSError when it does not listen to this token."""
        answer = self._ask(SubmitOrder(order), order.client_id, OrderAcked, OrderRejected)
        return f"{answer.code}: {answer.text}" if isinstance(answer, OrderRejected) else ""

    def close(self) -> None:
        """Leave the exchange to whoever comes next."""
        self._exchange.disconnect(self._exchange.now_ns, "the guardian is done")
        self._exchange.take(self._exchange.now_ns)

    def _ask(self, request: Message, client_id: str, *answers: type[VenueFact]) -> VenueFact | None:
        """Send a request and let time pass until its answer; None when there is none."""
        exchange = self._exchange
        if not exchange.receive(request, exchange.now_ns, self._token):
            raise OSError("the exchange has seen a higher fencing token")
        until_ns = exchange.now_ns + PATIENCE_NS
        while True:
            for fact in exchange.take(exchange.now_ns):
                if isinstance(fact, answers) and getattr(fact, "client_id", "") == client_id:
                    return fact
            next_ns = exchange.next_ns()
            if next_ns is None or next_ns > until_ns:
                return None
            exchange.advance(max(next_ns, exchange.now_ns))
