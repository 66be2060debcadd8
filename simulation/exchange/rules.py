"""The venue's rules: latency, liquidity, margin and borrow, and the table of everything it refuses."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from model.units import Qty


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the simulated venue behaves. Two runs with the same rules and inputs leave the same record.

    latency_ns: one way; an order reaches the venue that much later, a report leaves it that much later.
    bar_share_bps: part of a bar's volume that each side of our orders may take; 0 for no limit.
    quote_share_bps: part of a quote's displayed size that our orders may take.
    unknown_size_fills: a bar without volume or a quote without size limits no fill; otherwise it fills nothing.
    daily_bars: every bar is a whole session's and holds its open and close prints, at whatever time it is known;
        otherwise a bar is its session's last when it is known at or after the session's close.
    touch_fills: a resting limit fills when the other side touches it; otherwise the other side must go through it.
    margin: orders that increase risk are refused when initial margin would exceed equity.
    locates: shares that may be sold short, per stock or ETF; None when everything can be borrowed.
    close_grace_ns: how long after a session's close the venue waits for its last bar before it expires what is left.
    commit_every_ns: longest time between two commits while nothing but quotes arrives.
    cancel_timer: on request the venue ends all our orders but GTC ones, when it has not heard from us in time.
    ids_enforced: a second order under an id is refused; otherwise it is taken, as another order under that id.
    venue, account: the names it goes by.
    """

    latency_ns: int = 0
    bar_share_bps: int = 0
    quote_share_bps: int = 10_000
    unknown_size_fills: bool = False
    daily_bars: bool = False
    touch_fills: bool = True
    margin: bool = True
    locates: Mapping[str, Qty] | None = None
    close_grace_ns: int = 1
    commit_every_ns: int = 1_000_000_000
    cancel_timer: bool = False
    ids_enforced: bool = True
    venue: str = "simulated"
    account: str = "simulated"

    def __post_init__(self) -> None:
        if self.latency_ns < 0 or self.close_grace_ns < 1 or self.commit_every_ns < 0:
            raise ValueError(
                "venue rules: latency and commit interval must not be negative, the close grace at least 1 ns"
            )
        if not 0 <= self.bar_share_bps <= 10_000 or not 0 < self.quote_share_bps <= 10_000:
            raise ValueError("venue rules: shares of liquidity are given in basis points, up to 10000")


class Reject(enum.Enum):
    """Why the venue refuses; the value is the text that goes with the code."""

    DUPLICATE_ID = "the venue has had an order with this client id; nothing was done"
    UNKNOWN_INSTRUMENT = "the venue does not list this instrument"
    NOT_TRADEABLE = "the instrument is listed for information only"
    BAD_QUANTITY = "the quantity must be positive"
    BAD_LOT = "the quantity is not a multiple of the lot"
    BAD_PRICE = "a limit order needs a limit, a market order must not have one"
    BAD_TICK = "the limit is not a multiple of the tick"
    BAD_EXPIRY = "a GTD order needs an expiry in the future"
    SESSION_CLOSED = "an IOC order needs an open session"
    NO_SESSION = "the calendar has no later session"
    CONTRACT_EXPIRED = "the contract has expired"
    NO_PRICE = "margin cannot be computed: no price has been seen for the instrument"
    NO_FX_RATE = "margin cannot be computed: a currency has no rate"
    MARGIN = "initial margin after this order would exceed equity"
    NO_LOCATE = "not enough shares can be borrowed to sell short"
    UNKNOWN_ORDER = "the venue has no order with this client id"
    ORDER_DONE = "the order is no longer open"
    NOT_MODIFIABLE = "only orders with a limit can be modified"
    BELOW_FILLED = "the new quantity must be more than what has filled"
