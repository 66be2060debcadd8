"""What the market said."""

from __future__ import annotations

import enum
from typing import ClassVar

import msgspec

from engine.message import Lane, Message, WhenFull
from model.units import Px, Qty


class Quality(enum.IntEnum):
    """How far a price may be trusted, best first. Only GOOD may lead to an order."""

    GOOD = 0
    STALE = 1
    SUSPECT = 2
    MISSING = 3


class Quote(Message, frozen=True, gc=False):
    """Best bid and ask of one contract; 0 size means nothing on that side."""

    slot_field: ClassVar[str | None] = "instrument"

    instrument: str
    bid: Px
    ask: Px
    bid_size: Qty
    ask_size: Qty
    at_ns: int


class BarClosed(Message, frozen=True, gc=False):
    """One finished bar of one contract, known at `at_ns` and not before.

    session: exchange date as yyyymmdd.  history: the bar is told to warm up state; it may not lead to an order.
    """

    bound: ClassVar[int] = 1_000
    when_full: ClassVar[WhenFull] = WhenFull.WAIT

    instrument: str
    session: int
    open: Px
    high: Px
    low: Px
    close: Px
    volume: Qty
    at_ns: int
    history: bool = False


class SessionClosed(Message, frozen=True, gc=False):
    """Every bar of the session has been told (or will not come). Starts decision cycle `number` of that session."""

    session: int
    at_ns: int
    history: bool = False
    number: int = 1


class ProductBar(Message, frozen=True, gc=False):
    """A product's bar as sleeves see it: the price of the contract held, and the level stitched over rolls.

    adjusted: differences are tradable profit in points; the level itself means nothing (Panama stitching).
    previous: session of the product's GOOD bar before this one, 0 when there was none: who has not seen it missed bars.
    """

    bound: ClassVar[int] = 5_000
    when_full: ClassVar[WhenFull] = WhenFull.WAIT

    product: str
    contract: str
    session: int
    price: Px
    adjusted: Px
    high: Px
    low: Px
    quality: Quality
    at_ns: int
    history: bool = False
    previous: int = 0


class TellAgain(Message, frozen=True, gc=False):
    """sleeve -> market_data: I was rebuilt; tell the last bars of these products again, oldest first."""

    products: tuple[str, ...]


class WatchQuotes(Message, frozen=True, gc=False):
    """orders -> market_data: forward quotes of this instrument to me from now on (the last known at once), or stop."""

    instrument: str
    on: bool


class WatchAgain(Message, frozen=True, gc=False):
    """market_data -> orders: I was built anew and forgot whom you watch; say it again."""


class Mark(Message, frozen=True, gc=False):
    """The last trusted price of a contract, for valuation."""

    slot_field: ClassVar[str | None] = "instrument"

    instrument: str
    price: Px
    quality: Quality
    session: int
    at_ns: int


class FeedState(Message, frozen=True, gc=False):
    """A feed went up or down."""

    lane: ClassVar[Lane] = Lane.TRUTH

    feed: str
    up: bool
    reason: str
    at_ns: int


class FxRate(msgspec.Struct, frozen=True, gc=False):
    """Money of the base currency for 1 unit of `currency`, in 1e-9."""

    currency: str
    rate: Px
    source: str
    at_ns: int
    quality: Quality


class FxRateSeen(Message, frozen=True, gc=False):
    """A feed published a rate to the base currency."""

    slot_field: ClassVar[str | None] = "currency"

    currency: str
    rate: Px
    source: str
    at_ns: int
    history: bool = False


class FxSnapshot(Message, frozen=True, gc=False):
    """Every rate one decision may use: immutable, with source and age of each. The base currency is in it at 1."""

    lane: ClassVar[Lane] = Lane.WORK

    base: str
    rates: dict[str, FxRate]
    at_ns: int

    def rate(self, currency: str) -> FxRate | None:
        return self.rates.get(currency)
