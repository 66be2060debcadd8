"""Margin asked of a venue before orders leave: the question, its answer, and what of both is journalled."""

from __future__ import annotations

from engine.message import Event, Message
from model.orders import OrderSpec, VenueFact
from model.units import Cash


class AskMargin(Message, frozen=True, gc=False):
    """risk -> venue port: what would these orders do to the account's margin? None is made. Answered by MarginTold."""

    id: str
    orders: tuple[OrderSpec, ...]


class MarginTold(VenueFact, frozen=True, gc=False):
    """The venue's answer about all orders of one question, in the account's base currency.

    initial: initial margin after all of them.  equity: equity with loan value after them.  available: what is left of
    it over the initial margin.  unknown: why nothing is known, and then no figure is one; empty otherwise.
    currency: empty where the venue does not say it.
    """

    id: str
    at_ns: int
    initial: Cash = 0
    equity: Cash = 0
    available: Cash = 0
    currency: str = ""
    unknown: str = ""


class MarginHeard(Event, frozen=True, gc=False):
    """The journalled form of an answer, or of its absence. asked: the intents that it is about."""

    run_id: str
    asked: tuple[str, ...]
    told: MarginTold


class MarginAnswered(Event, frozen=True, gc=False):
    """risk: from here on the venue is asked for margin before risk is added, or is not any more."""

    venue: str
    answers: bool
    at_ns: int
