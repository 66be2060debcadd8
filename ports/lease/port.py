"""Renews the lease of the account, and tells the watchdog which token it has and when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.message import Message, Told
from engine.ports import Outside
from model.leases import LeaseLost, LeaseTaken
from ports.lease.held import HeldLease
from state.lease import LeaseError

RENEWALS_PER_TERM = 3
SAY_AGAIN_S = 1.0


class LeasePort:
    """Renews three times in each term. What is lost is said every second: an operator's resume cannot bring it back."""

    name = "lease"
    idle = True

    def __init__(self, lease: HeldLease, now_ns: Callable[[], int]) -> None:
        self._lease = lease
        self._now_ns = now_ns

    def deliver(self, message: Message, cause: int) -> Told:
        """Nobody has to tell this port anything."""
        return Told.OK

    async def run(self, outside: Outside) -> None:
        lease = self._lease
        lease.on_lost = lambda why: self._lost(outside, why)
        held, store = lease.standing, lease.store
        taken = LeaseTaken(
            store.venue, store.account, held.token, held.holder.text if held.holder else "", held.fenced, self._now_ns()
        )
        outside.tell("watchdog", taken)
        while not lease.lost:
            await asyncio.sleep(lease.ttl_s / RENEWALS_PER_TERM)
            try:
                lease.renew()
            except LeaseError:
                lease.token()  # says when the term is over
        while True:
            self._lost(outside, lease.lost)
            await asyncio.sleep(SAY_AGAIN_S)

    def _lost(self, outside: Outside, why: str) -> None:
        outside.tell("watchdog", LeaseLost(why, self._now_ns()))
