"""What a guardian may do at a venue, over a session of its own. It holds no strategy: it ends what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from model.orders import OpenOrder, OrderSpec, VenuePosition


class GuardianVenue(Protocol):
    """A session opened under a fencing token, which goes with every request.

    Each method returns when the venue has answered. Raises OSError when it cannot be reached: ask again.
    """

    def open_orders(self) -> Sequence[OpenOrder]: ...

    def positions(self) -> Sequence[VenuePosition]: ...

    def cancel_by_prefix(self, prefix: str) -> Sequence[str]:
        """Ask for the end of every open order whose client id begins so; the ids. Others are never touched."""
        ...

    def submit(self, order: OrderSpec) -> str:
        """Send one order. What the venue objects to; empty when it took it."""
        ...

    def close(self) -> None: ...
