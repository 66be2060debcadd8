"""A guardian's session with an exchange process: a plain blocking socket, one question and its answer at a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Sequence

from engine.message import Message
from model.orders import (
    CancelAtVenue,
    CancelRejected,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderRejected,
    OrderSpec,
    RequestSnapshot,
    SubmitOrder,
    VenuePosition,
    VenueSnapshot,
    VenueUp,
)
from ports.remote_venue.frames import LENGTH, Address, Hello, announced, packed, unpacked

WITHIN_S = 5.0
Wanted = Callable[[Message], bool]


class SocketSession:
    """See `ports.guardian.GuardianVenue`. Its first word carries the token: whoever came under a lower one is out."""

    def __init__(self, address: Address, token: int, within_s: float = WITHIN_S) -> None:
        """Raises OSError when the exchange cannot be reached or does not answer."""
        self._token, self._within_s = token, within_s
        self._count = 0
        kind = socket.AF_UNIX if address.path else socket.AF_INET
        self._socket = socket.socket(kind, socket.SOCK_STREAM)
        self._socket.settimeout(within_s)
        try:
            self._socket.connect(address.path or ("127.0.0.1", address.port))
            self._send(Hello())
            self._answer(lambda message: isinstance(message, VenueUp))
        except OSError:
            self._socket.close()
            raise

    def open_orders(self) -> Sequence[OpenOrder]:
        return self._snapshot().orders

    def positions(self) -> Sequence[VenuePosition]:
        return self._snapshot().positions

    def cancel_by_prefix(self, prefix: str, keep: Collection[str] = ()) -> Sequence[str]:
        """The ids of our orders that were open. Raises OSError when an answer does not come."""
        open_ids = (order.client_id for order in self.open_orders())
        ours = [each for each in open_ids if each.startswith(prefix) and each not in keep]
        for client_id in ours:
            self._send(CancelAtVenue(client_id))
            self._of(client_id, OrderCancelled, CancelRejected)
        return ours

    def submit(self, order: OrderSpec) -> str:
        """What the exchange objects to. Raises OSError when an answer does not come: it may have taken the order."""
        self._send(SubmitOrder(order))
        answer = self._of(order.client_id, OrderAcked, OrderRejected)
        return f"{answer.code}: {answer.text}" if isinstance(answer, OrderRejected) else ""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _snapshot(self) -> VenueSnapshot:
        self._count += 1
        name = f"guardian-{self._token}-{self._count}"
        self._send(RequestSnapshot(name, time.time_ns()))
        found = self._answer(lambda message: isinstance(message, VenueSnapshot) and message.id == name)
        assert isinstance(found, VenueSnapshot)
        return found

    def _of(self, client_id: str, *kinds: type[Message]) -> Message:
        return self._answer(
            lambda message: isinstance(message, kinds) and getattr(message, "client_id", "") == client_id
        )

    def _send(self, message: Message) -> None:
        self._socket.sendall(packed(message, self._token))

    def _answer(self, wanted: Wanted) -> Message:
        """The next message that is wanted; what else comes meanwhile is for others. Raises OSError after too long."""
        end_s = time.monotonic() + self._within_s
        while time.monotonic() < end_s:
            length = announced(self._exactly(LENGTH.size))
            _, message = unpacked(self._exactly(length))
            if wanted(message):
                return message
        raise TimeoutError(f"the exchange did not answer within {self._within_s:g} s")

    def _exactly(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            piece = self._socket.recv(count - len(received))
            if not piece:
                raise ConnectionResetError("the exchange hung up")
            received += piece
        return bytes(received)
