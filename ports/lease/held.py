"""The holder's side of a lease: its fencing token as long as it may be shown, and nothing ever after."""

from __future__ import annotations

import time
from collections.abc import Callable

from state.lease import Holder, LeaseError, LeaseStore

NS = 10**9


def seconds_since_boot() -> float:
    """A clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class HeldLease:
    """One engine's lease of one account. Once somebody else has a higher token it is lost for ever.

    A lease that was not renewed in time lets nothing through until it is: its token still being the highest proves that
    nobody came in between.  lost: why it is lost for ever.  on_lost: told why nothing may be sent, once for each time
    that this begins.  seconds: see `seconds_since_boot`.  wall_ns: UTC.
    """

    def __init__(
        self, store: LeaseStore, holder: Holder, ttl_s: float, *,
        seconds: Callable[[], float] = seconds_since_boot, wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        """Raises LeaseError while another engine holds it."""
        self.store = store
        self.ttl_s = ttl_s
        self.lost = ""
        self._late = False
        self.on_lost: Callable[[str], None] = lambda why: None
        self._holder = holder
        self._seconds, self._wall_ns = seconds, wall_ns
        self.take()

    def take(self) -> None:
        """Take a new token, at first and again after a start that was long. Raises LeaseError like the constructor."""
        began_s = self._seconds()
        self.standing = self.store.acquire(self._holder, self._wall_ns(), int(self.ttl_s * NS))
        self._until_s = began_s + self.ttl_s

    def token(self) -> int | None:
        """The token that goes with a request to the venue; None when nothing may be sent, now or ever again.

        Asked at the last moment before a request leaves, so that an engine that slept finds out before it speaks.
        """
        if self.lost:
            return None
        ours = self.standing.token
        if self._seconds() >= self._until_s:
            self._overdue()
            return None
        try:
            highest = self.store.token()
        except LeaseError:
            return None  # it cannot be checked now; the next renewal says for how long that may go on
        if highest != ours:
            self._lose(f"the account has token {highest} by now")
            return None
        return ours

    def renew(self) -> None:
        """Hold on for another term. Raises LeaseError when the store cannot be written; the term runs on then."""
        if self.lost:
            return
        began_s = self._seconds()
        if began_s >= self._until_s:
            self._overdue()
        if self.store.renew(self.standing.token, self._wall_ns(), int(self.ttl_s * NS)):
            self._until_s = began_s + self.ttl_s
            self._late = False
        else:
            self._lose("another engine or the guardian has taken the account")

    def heard(self) -> None:
        """It is durable that this engine halts because of the guardian. Raises LeaseError."""
        self.store.heard(self.standing.token)

    def release(self) -> None:
        """Give it back. Raises LeaseError when the store cannot be written: it ends by itself then."""
        self._until_s = 0.0
        self.store.release(self.standing.token)

    def _overdue(self) -> None:
        if not self._late:
            self._late = True
            self.on_lost(self._text("it was not renewed in time"))

    def _lose(self, why: str) -> None:
        self.lost = self._text(why)
        self.on_lost(self.lost)

    def _text(self, why: str) -> str:
        return f"the lease of {self.store.account} at {self.store.venue} under token {self.standing.token}: {why}"
