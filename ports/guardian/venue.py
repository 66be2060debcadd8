"""What a guardian may do at a venue, over a session of its own. It holds no strategy: it ends what is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from model.orders import OpenOrder, OrderSpec, VenuePosition


class GuardianVenue(Protocol):
    """A session opened under a fencing token, which goes with every request.

    Each method returns when the venue has answered. Raises OSError when it cannot be reached: ask again.
    """

    def open_orders(self) -> Sequence[OpenOrder]: ...

    def positions(self) -> Sequence[VenuePosition]: ...

    def cancel_by_prefix(self, prefix: str, keep: Collection[str] = ()) -> Sequence[str]:
        """Ask for the end of every open order whose client id begins so, and is not one to keep; the ids. Others are
        never touched."""
        ...

    def submit(self, order: OrderSpec) -> str:
        """Send one order, unless the venue has it or had it. What stands against it; empty when the venue took it."""
        ...

    def close(self) -> None: ...
