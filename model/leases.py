"""Leases: which engine may trade an account, how long orders last without it, and what says that it lives."""

from __future__ import annotations

from typing import ClassVar

from engine.message import Event, Lane, Message
from model.decisions import Control


class CancelAfter(Message, frozen=True, gc=False):
    """Ask a venue that has a cancel timer to end our orders after so long, unless asked again; 0 stops the timer.

    Orders that are good till cancelled are meant to outlive us and stay.
    """

    within_ns: int


class OrdersLeased(Event, frozen=True, gc=False):
    """orders: the venue ends our orders when it has not heard from us for so long; 0 when it has no timer any more."""

    venue: str
    within_ns: int
    at_ns: int


class LeaseTaken(Event, frozen=True, gc=False):
    """This engine holds the lease of its account at its venue under a fencing token higher than any before.

    fenced: why a guardian took the lease away from the engine before; empty when none did.
    """

    venue: str
    account: str
    token: int
    holder: str
    fenced: str
    at_ns: int


class LeaseLost(Control, frozen=True, gc=False):
    """Another engine or the guardian may have the account: nothing that this engine sends leaves."""

    why: str
    at_ns: int


class WatchdogWord(Message, frozen=True, gc=False):
    """watchdog -> heartbeat: all is as it should be (empty text), or what is not."""

    lane: ClassVar[Lane] = Lane.TRUTH

    text: str
    at_ns: int
